"""Operations that move numbers without computing: reshaping, slicing, joining, looking up."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.normal_form import Builder
from distill.operations.kind import (
    Attributes,
    Operand,
    Shape,
    Tensor,
    broadcast_shape,
    declare,
    refuse_huge,
)
from distill.operations.lowering import (
    fixed_value,
    same_wire,
    scale,
    select,
    selection_lower,
    wire_of,
    zeros,
)

Operands = tuple[Operand | None, ...]


def integers(attributes: Attributes, name: str) -> tuple[int, ...] | None:
    """An attribute that holds whole numbers, or None when it is absent."""
    value = attributes.get(name)
    return None if value is None else tuple(int(v) for v in np.asarray(value).ravel())


def from_end(axis: int, rank: int) -> int:
    """An axis counted from the end, which the example axis in front can't move.

    Raises BadInput when there is no such axis.
    """
    if not -rank <= axis < rank:
        raise BadInput(f"Shapes disagree: axis {axis} is asked of a tensor of rank {rank}.")
    return axis - rank if axis >= 0 else axis


def _axes(attributes: Attributes, rank: int) -> list[int] | None:
    axes = integers(attributes, "axes")
    return None if axes is None else [from_end(a, rank) for a in axes]


def _reshaped(x: Tensor, shape: Shape) -> Tensor:
    if prod(shape) != prod(x.shape[1:]):
        raise BadInput(
            f"Shapes disagree: {list(x.shape[1:])} can't be reshaped to {list(shape)[:8]}."
        )
    return x.reshape(x.shape[0], *shape)


def reshape_target(shape: Shape, target: tuple[int, ...], allow_zero: bool = False) -> Shape:
    """ONNX's rule: 0 copies the size, -1 takes what is left. Raises BadInput when it can't."""
    copied = [
        shape[i] if t == 0 and not allow_zero and i < len(shape) else t
        for i, t in enumerate(target)
    ]
    known = prod(t for t in copied if t != -1)
    if copied.count(-1) > 1 or any(t < -1 for t in copied) or (-1 in copied and known == 0):
        raise BadInput(f"Shapes disagree: {list(target)[:8]} is no shape to reshape to.")
    return tuple(prod(shape) // known if t == -1 else t for t in copied)


def _run_reshape(attributes: Attributes, x: Tensor) -> Tensor:
    target = integers(attributes, "shape") or ()
    allow_zero = bool(attributes.get("allowzero"))
    return _reshaped(x, reshape_target(x.shape[1:], target, allow_zero))


def _run_flatten(attributes: Attributes, x: Tensor) -> Tensor:
    shape, axis = x.shape[1:], int(attributes.get("axis", 1))
    axis = axis + len(shape) if axis < 0 else axis
    return _reshaped(x, (prod(shape[:axis]), prod(shape[axis:])))


def _run_squeeze(attributes: Attributes, x: Tensor) -> Tensor:
    axes = _axes(attributes, x.ndim - 1)
    if axes is None:
        return _reshaped(x, tuple(s for s in x.shape[1:] if s != 1))
    if any(x.shape[a] != 1 for a in axes):
        raise BadInput(f"Shapes disagree: Squeeze of {list(x.shape[1:])} over axes {axes}.")
    return np.squeeze(x, axis=tuple(axes))


def _run_unsqueeze(attributes: Attributes, x: Tensor) -> Tensor:
    axes = integers(attributes, "axes") or ()
    rank = x.ndim - 1 + len(axes)
    places = {from_end(a, rank) + rank for a in axes}
    rest = iter(x.shape[1:])
    return _reshaped(x, tuple(1 if i in places else next(rest) for i in range(rank)))


def _run_transpose(attributes: Attributes, x: Tensor) -> Tensor:
    perm = integers(attributes, "perm") or tuple(reversed(range(x.ndim - 1)))
    if sorted(perm) != list(range(x.ndim - 1)):
        raise BadInput(f"Shapes disagree: Transpose of {list(x.shape[1:])} by {list(perm)[:8]}.")
    return np.transpose(x, (0, *(p + 1 for p in perm)))


def _run_concat(attributes: Attributes, *arrays: Tensor) -> Tensor:
    axis = from_end(int(attributes["axis"]), arrays[0].ndim - 1)
    count = max(a.shape[0] for a in arrays)
    try:
        whole = [np.broadcast_to(a, (count, *a.shape[1:])) for a in arrays]
        return np.concatenate(whole, axis=axis)
    except ValueError:
        shapes = [list(a.shape[1:]) for a in arrays[:4]]
        raise BadInput(f"Shapes disagree: Concat of {shapes} along axis {axis}.") from None


def _lower_concat(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    """Each part is placed by a selection matrix; fixed parts go to the bias."""
    parts = [o for o in operands if o is not None]
    starts = np.cumsum([0, *(p.width for p in parts[:-1])])
    labels = [
        np.arange(s, s + p.width).reshape(1, *p.shape) for s, p in zip(starts, parts, strict=True)
    ]
    order = _run_concat(attributes, *labels).ravel()
    terms: list[tuple[int, Any]] = []
    bias = np.zeros(len(order))
    for start, part in zip(starts, parts, strict=True):
        rows = np.flatnonzero((order >= start) & (order < start + part.width))
        if part.constant is not None:
            bias[rows] = part.constant.ravel()[order[rows] - start]
            continue
        matrix = zeros(len(order), part.width)
        matrix[rows, order[rows] - start] = 1.0
        assert part.wire is not None
        terms.append((part.wire, matrix))
    return builder.affine(terms, bias)


def _run_slice(attributes: Attributes, x: Tensor) -> Tensor:
    starts, ends = integers(attributes, "starts") or (), integers(attributes, "ends") or ()
    axes = integers(attributes, "axes") or tuple(range(len(starts)))
    steps = integers(attributes, "steps") or (1,) * len(starts)
    cuts = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = from_end(axis, x.ndim - 1) + x.ndim
        size = x.shape[place]
        stop = None if step < 0 and end < -size else end
        cuts[place] = slice(start, stop, step)
    return x[tuple(cuts)]


def _run_split(attributes: Attributes, x: Tensor) -> tuple[Tensor, ...]:
    axis = from_end(int(attributes.get("axis", 0)), x.ndim - 1)
    size, sizes = x.shape[axis], integers(attributes, "split")
    if sizes is None:
        count = int(attributes.get("num_outputs", attributes.get("outputs", 2)))
        chunk = -(-size // count)
        sizes = tuple(min(chunk, size - i * chunk) for i in range(count))
    if sum(sizes) != size or min(sizes) < 0:
        raise BadInput(f"Shapes disagree: Split of size {size} into {list(sizes)[:8]}.")
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis=axis))


def _run_gather(attributes: Attributes, x: Tensor, indices: Tensor) -> Tensor:
    axis = from_end(int(attributes.get("axis", 0)), x.ndim - 1) + x.ndim
    size = x.shape[axis]
    refuse_huge(x.shape[1:axis] + indices.shape[1:] + x.shape[axis + 1 :])
    if indices.shape[0] != 1:
        return _gather_per_example(x, indices, axis)
    places = indices[0].astype(np.int64)
    if places.size and not (-size <= places.min() and places.max() < size):
        raise BadInput(f"Shapes disagree: Gather reads beyond an axis of size {size}.")
    return np.take(x, places, axis=axis)


def _gather_per_example(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """Rows of a fixed table, as an embedding reads them; indices beyond it read its ends."""
    if x.shape[0] != 1 or axis != 1:
        raise BadInput(
            "Gather by computed indices is supported only in a fixed table's first axis."
        )
    places = np.clip(indices.astype(np.int64), -x.shape[1], x.shape[1] - 1)
    return x[0][places]


def _lower_gather(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    data, indices = operands[0], operands[1]
    assert data is not None
    assert indices is not None
    if indices.constant is not None:
        fixed = indices.constant[None]
        lower = selection_lower(lambda a, places: _run_gather(a, places, fixed))
        return lower(builder, attributes, operands, shapes)  # type: ignore[return-value]
    table = fixed_value(data)
    wire = wire_of(builder, indices, indices.shape)
    return _looked_up(builder, wire, table.reshape(table.shape[0], -1))


def _looked_up(builder: Builder, wire: int, table: np.ndarray) -> int:
    """Rows of `table` (k, d) at a wire of whole numbers: one-hot by equality, then affine."""
    width, (count, depth) = builder.width(wire), table.shape
    repeated = select(builder, wire, np.repeat(np.arange(width), count))
    numbers = builder.constant(np.tile(np.arange(count, dtype=np.float64), width))
    onehot = builder.elementwise("equal", repeated, numbers)
    zeros(width * depth, width * count)
    matrix = np.kron(np.eye(width), table.T).astype(np.float64)
    return builder.affine([(onehot, matrix)], np.zeros(width * depth))


def _run_expand(attributes: Attributes, x: Tensor) -> Tensor:
    shape = broadcast_shape(x.shape[1:], integers(attributes, "shape") or ())
    refuse_huge(shape)
    padded = x.reshape(x.shape[0], *(1,) * (len(shape) - x.ndim + 1), *x.shape[1:])
    return np.broadcast_to(padded, (x.shape[0], *shape))


def _run_tile(attributes: Attributes, x: Tensor) -> Tensor:
    repeats = integers(attributes, "repeats") or ()
    refuse_huge(tuple(s * r for s, r in zip(x.shape[1:], repeats, strict=True)))
    return np.tile(x, (1, *repeats))


def _pads(attributes: Attributes, rank: int) -> list[tuple[int, int]]:
    pads = integers(attributes, "pads") or ()
    axes = integers(attributes, "axes") or tuple(range(rank))
    if len(pads) != 2 * len(axes):
        raise BadInput(f"Shapes disagree: Pad needs {2 * rank} numbers and got {len(pads)}.")
    found = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        found[axis] = (pads[i], pads[i + len(axes)])
    return found


def _run_pad(attributes: Attributes, x: Tensor) -> Tensor:
    pads = _pads(attributes, x.ndim - 1)
    refuse_huge(
        tuple(s + max(a, 0) + max(b, 0) for s, (a, b) in zip(x.shape[1:], pads, strict=True))
    )
    mode = attributes.get("mode", "constant")
    if mode not in ("constant", "edge", "reflect", "wrap"):
        raise BadInput("Pad supports the modes constant, edge, reflect and wrap.")
    fill = attributes.get("constant_value")
    more: Any = {"constant_values": 0 if fill is None else np.asarray(fill).ravel()[0]}
    grown = [(0, 0), *((max(a, 0), max(b, 0)) for a, b in pads)]
    padded = np.pad(x, grown, mode=mode, **(more if mode == "constant" else {}))
    cuts = [
        slice(max(-a, 0), s - max(-b, 0)) for (a, b), s in zip(pads, padded.shape[1:], strict=True)
    ]
    return padded[(slice(None), *cuts)]


def _lower_pad(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    x = operands[0]
    assert x is not None
    places = np.arange(1, x.width + 1).reshape(1, *x.shape)
    order = _run_pad({**attributes, "constant_value": 0}, places).ravel()
    matrix = zeros(len(order), x.width)
    rows = np.flatnonzero(order)
    matrix[rows, order[rows] - 1] = 1.0
    fill = attributes.get("constant_value")
    bias = np.zeros(len(order))
    bias[order == 0] = 0.0 if fill is None else float(np.asarray(fill).ravel()[0])
    return builder.affine([(wire_of(builder, x, x.shape), matrix)], bias)


CAST_TYPES = {
    "float32": np.float32,
    "float64": np.float64,
    "float16": np.float16,
    "int64": np.int64,
    "int32": np.int32,
    "int8": np.int8,
    "uint8": np.uint8,
    "bool": np.bool_,
}


def _run_cast(attributes: Attributes, x: Tensor) -> Tensor:
    return x.astype(CAST_TYPES[attributes["to"]])


def _lower_cast(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    """To float: the same numbers. To a whole number: towards zero. To bool: not equal to zero."""
    wire, x = same_wire(builder, attributes, operands, shapes), operands[0]
    to, source = attributes["to"], attributes.get("from", "float32")
    if to.startswith("float") or source == "bool" or (to != "bool" and "int" in source):
        return wire
    assert x is not None
    if to == "bool":
        none = builder.constant(np.zeros(x.width))
        return scale(builder, builder.elementwise("equal", wire, none), -1.0, 1.0)
    size = builder.elementwise("floor", builder.elementwise("abs", wire))
    return builder.elementwise("mul", size, builder.elementwise("sign", wire))


def _run_shape(attributes: Attributes, x: Tensor) -> Tensor:
    whole = np.array(x.shape[1:], dtype=np.int64)
    return whole[slice(int(attributes.get("start", 0)), attributes.get("end"))][None]


def _run_filled(attributes: Attributes) -> Tensor:
    shape = refuse_huge(integers(attributes, "shape") or ())
    value = np.asarray(attributes.get("value", np.zeros(1, np.float32))).ravel()
    return np.full((1, *shape), value[0], dtype=value.dtype)


def _run_range(attributes: Attributes) -> Tensor:
    start, limit, delta = (np.asarray(attributes[k]).item() for k in ("start", "limit", "delta"))
    refuse_huge((max(0, int((limit - start) / delta)),))
    return np.arange(start, limit, delta)[None]


def _never(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    raise AssertionError("what doesn't depend on the input is folded before lowering")


declare("ConstantOfShape", _run_filled, _never, static={0: "shape"})
declare("Range", _run_range, _never, static={0: "start", 1: "limit", 2: "delta"})
declare("Reshape", _run_reshape, same_wire, static={1: "shape"}, shape_only=True)
declare("Flatten", _run_flatten, same_wire, shape_only=True)
declare("Squeeze", _run_squeeze, same_wire, static={1: "axes"}, shape_only=True)
declare("Unsqueeze", _run_unsqueeze, same_wire, static={1: "axes"}, shape_only=True)
declare("Identity", lambda attributes, x: x, same_wire, shape_only=True)
declare("Dropout", lambda attributes, x, *rest: x, same_wire, shape_only=True)
declare("Transpose", _run_transpose, selection_lower(_run_transpose))
declare("Concat", _run_concat, _lower_concat)
declare(
    "Slice",
    _run_slice,
    selection_lower(_run_slice),
    static={1: "starts", 2: "ends", 3: "axes", 4: "steps"},
)
declare("Split", _run_split, selection_lower(_run_split), static={1: "split"})
declare("Gather", _run_gather, _lower_gather)
declare("Expand", _run_expand, selection_lower(_run_expand), static={1: "shape"})
declare("Tile", _run_tile, selection_lower(_run_tile), static={1: "repeats"})
declare("Pad", _run_pad, _lower_pad, static={1: "pads", 2: "constant_value", 3: "axes"})
declare("Cast", _run_cast, _lower_cast)
declare("Shape", _run_shape, _never)
