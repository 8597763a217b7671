"""Convolutions and poolings over any number of spatial axes, as sliding windows."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from distill.errors import BadInput
from distill.normal_form import Builder
from distill.operations.kind import Attributes, Operand, Shape, Tensor, declare, refuse_huge
from distill.operations.lowering import (
    basis_matrix,
    extreme,
    fixed_value,
    linear_lower,
    same_wire,
)
from distill.operations.shape import integers

Operands = tuple[Operand | None, ...]


@dataclass(frozen=True)
class Windows:
    """Where a kernel is laid: one entry of each tuple per spatial axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]


def windows_of(attributes: Attributes, sizes: Shape, kernel: tuple[int, ...]) -> Windows:
    """Read a window's attributes for an input of spatial `sizes`. Raises BadInput."""
    rank = len(sizes)
    strides = integers(attributes, "strides") or (1,) * rank
    dilations = integers(attributes, "dilations") or (1,) * rank
    flat = integers(attributes, "pads") or (0,) * (2 * rank)
    counts = {len(kernel), len(strides), len(dilations), len(flat) // 2}
    if counts != {rank} or min((*kernel, *strides, *dilations)) < 1 or min(flat) < 0:
        raise BadInput(f"Shapes disagree: a window {list(kernel)} over sizes {list(sizes)}.")
    plain = tuple((flat[i], flat[i + rank]) for i in range(rank))
    window = Windows(kernel, strides, dilations, plain)
    pads = _automatic(attributes, sizes, window)
    if attributes.get("ceil_mode"):
        pads = _rounded_up(sizes, Windows(kernel, strides, dilations, pads))
    return Windows(kernel, strides, dilations, pads)


def _reach(window: Windows, axis: int) -> int:
    return (window.kernel[axis] - 1) * window.dilations[axis] + 1


def _automatic(attributes: Attributes, sizes: Shape, w: Windows) -> tuple[tuple[int, int], ...]:
    mode = attributes.get("auto_pad", "NOTSET")
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        return w.pads
    found = []
    for axis, size in enumerate(sizes):
        steps = -(-size // w.strides[axis])
        total = max(0, (steps - 1) * w.strides[axis] + _reach(w, axis) - size)
        less, more = total // 2, total - total // 2
        found.append((less, more) if mode == "SAME_UPPER" else (more, less))
    return tuple(found)


def _rounded_up(sizes: Shape, w: Windows) -> tuple[tuple[int, int], ...]:
    """More room at the end, so that a last partial window that starts inside is kept."""
    found = []
    for axis, size in enumerate(sizes):
        before, after = w.pads[axis]
        free = size + before + after - _reach(w, axis)
        steps = -(-free // w.strides[axis])
        if steps * w.strides[axis] >= size + before:
            steps -= 1
        found.append((before, max(after, after + steps * w.strides[axis] - free)))
    return tuple(found)


def spread(x: Tensor, window: Windows, fill: float) -> Tensor:
    """Windows (batch, channel, *places, *kernel) of x (batch, channel, *sizes)."""
    rank = len(window.kernel)
    refuse_huge(tuple(s + a + b for s, (a, b) in zip(x.shape[2:], window.pads, strict=True)))
    padded = np.pad(x, ((0, 0), (0, 0), *window.pads), constant_values=x.dtype.type(fill))
    reach = tuple(_reach(window, axis) for axis in range(rank))
    if any(r > s for r, s in zip(reach, padded.shape[2:], strict=True)):
        raise BadInput(
            f"Shapes disagree: a window of {list(window.kernel)} does not fit {list(x.shape[2:])}."
        )
    views = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=tuple(range(2, 2 + rank)))
    steps = [slice(None, None, s) for s in window.strides]
    inner = [slice(None, None, d) for d in window.dilations]
    return views[(slice(None), slice(None), *steps, *inner)]


def _merged(x: Tensor, minimum: int) -> Tensor:
    """Join the example axis and the file's batch axis."""
    if x.ndim < minimum + 1:
        raise BadInput(f"Shapes disagree: a window needs images, and got {list(x.shape[1:])}.")
    return x.reshape(-1, *x.shape[2:])


def _run_conv(attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None):  # noqa: ANN202
    """Cross-correlation with groups, strides, dilations and pads, ONNX Conv."""
    if weight.shape[0] != 1:
        raise BadInput("Conv with a weight that depends on the input is not supported.")
    kernel, images, group = weight[0], _merged(x, 3), int(attributes.get("group", 1))
    outputs, inputs = kernel.shape[:2]
    if images.shape[1] != inputs * group or outputs % group or kernel.ndim != images.ndim:
        raise BadInput(
            f"Shapes disagree: Conv weights {list(kernel.shape)} (groups: {group}) over an input "
            f"of shape {list(x.shape[1:])}."
        )
    window = windows_of(attributes, images.shape[2:], kernel.shape[2:])
    parts = spread(images, window, 0.0)
    places = parts.shape[2 : 2 + len(window.kernel)]
    refuse_huge((*x.shape[1:2], parts.shape[1], *places, prod(window.kernel)))
    result = _correlated(parts, kernel, group, len(window.kernel))
    if bias is not None:
        result = result + bias.reshape(1, -1, *(1,) * len(places))
    return result.reshape(*x.shape[:2], outputs, *places)


def _correlated(parts: Tensor, kernel: Tensor, group: int, rank: int) -> Tensor:
    """(batch, outputs, *places) from windows, a matrix product per group."""
    count, places = parts.shape[0], parts.shape[2 : 2 + rank]
    grouped = parts.reshape(count, group, kernel.shape[1], *parts.shape[2:])
    columns = np.moveaxis(grouped, 2, 2 + rank).reshape(
        count, group, prod(places), prod(kernel.shape[1:])
    )
    matrix = kernel.reshape(group, kernel.shape[0] // group, -1)
    product = columns @ np.swapaxes(matrix, 1, 2)
    return np.swapaxes(product, 2, 3).reshape(count, kernel.shape[0], *places)


def _lower_conv(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    x, weight = operands[0], operands[1]
    assert x is not None
    assert weight is not None
    fixed = fixed_value(weight)[None]
    matrix = basis_matrix(lambda units: _run_conv(attributes, units, fixed), x.shape)
    shift = np.zeros(shapes[0])
    if len(operands) > 2 and operands[2] is not None:
        bias = fixed_value(operands[2])
        shift = shift + bias.reshape(1, -1, *(1,) * (len(shapes[0]) - 2))
    wire = same_wire(builder, attributes, operands, shapes)
    return builder.affine([(wire, matrix)], shift.ravel())


def _pool_windows(attributes: Attributes, x: Tensor) -> tuple[Tensor, Windows]:
    images = _merged(x, 3)
    kernel = integers(attributes, "kernel_shape") or ()
    return images, windows_of(attributes, images.shape[2:], kernel)


def _kernel_axes(window: Windows) -> tuple[int, ...]:
    return tuple(range(-len(window.kernel), 0))


def _run_max_pool(attributes: Attributes, x: Tensor) -> Tensor:
    images, window = _pool_windows(attributes, x)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    result = spread(images, window, lowest).max(axis=_kernel_axes(window))
    return result.reshape(*x.shape[:2], *result.shape[1:])


def _lower_max_pool(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    """Members of each window by selection; a place in the padding repeats the largest index."""
    x = operands[0]
    assert x is not None
    places = np.arange(x.width).reshape(1, *x.shape)
    images, window = _pool_windows(attributes, places)
    members = spread(images, window, -1)
    groups = members.reshape(-1, prod(window.kernel))
    groups = np.where(groups < 0, groups.max(axis=1, keepdims=True), groups)
    return extreme(builder, same_wire(builder, attributes, operands, shapes), groups, "max")


def _run_average_pool(attributes: Attributes, x: Tensor) -> Tensor:
    """Mean of each window; padding counts only with `count_include_pad`, never ceil_mode's."""
    images, window = _pool_windows(attributes, x)
    axes = _kernel_axes(window)
    total = spread(images, window, 0.0).sum(axis=axes)
    ones = np.ones((1, 1, *images.shape[2:]), dtype=images.dtype)
    if attributes.get("count_include_pad"):
        declared = windows_of({**attributes, "ceil_mode": 0}, images.shape[2:], window.kernel).pads
        extra = tuple((0, b - d) for (_, b), (_, d) in zip(window.pads, declared, strict=True))
        ones = np.pad(ones, ((0, 0), (0, 0), *declared), constant_values=1)
        window = Windows(window.kernel, window.strides, window.dilations, extra)
    result = total / spread(ones, window, 0.0).sum(axis=axes)
    return result.reshape(*x.shape[:2], *result.shape[1:])


def _run_global(function: str):  # noqa: ANN202
    def run(attributes: Attributes, x: Tensor) -> Tensor:
        _merged(x, 3)
        return np.asarray(getattr(x, function)(axis=tuple(range(3, x.ndim)), keepdims=True))

    return run


def _lower_global_max(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    x = operands[0]
    assert x is not None
    groups = np.arange(x.width).reshape(prod(x.shape[:2]), -1)
    return extreme(builder, same_wire(builder, attributes, operands, shapes), groups, "max")


declare("Conv", _run_conv, _lower_conv)
declare("MaxPool", _run_max_pool, _lower_max_pool)
declare("AveragePool", _run_average_pool, linear_lower(_run_average_pool))
declare("GlobalAveragePool", _run_global("mean"), linear_lower(_run_global("mean")))
declare("GlobalMaxPool", _run_global("max"), _lower_global_max)
