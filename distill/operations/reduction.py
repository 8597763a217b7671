"""Reductions over axes: sums, means, extremes, norms, and the place of an extreme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distill.normal_form import Builder
from distill.operations.elementwise import keep_type
from distill.operations.kind import Attributes, Operand, Shape, Tensor, declare
from distill.operations.lowering import extreme, same_wire, scale, select
from distill.operations.shape import from_end, integers

Operands = tuple[Operand | None, ...]


def axes_of(attributes: Attributes, rank: int) -> tuple[int, ...]:
    """The axes that a reduction joins, counted from the end. Raises BadInput."""
    axes = integers(attributes, "axes")
    if axes is None or (not axes and not attributes.get("noop_with_empty_axes")):
        return tuple(range(-rank, 0))
    return tuple(from_end(axis, rank) for axis in axes)


def _run(function: Callable[..., Tensor]) -> Callable[[Attributes, Tensor], Tensor]:
    def run(attributes: Attributes, x: Tensor) -> Tensor:
        axes = axes_of(attributes, x.ndim - 1)
        if not axes:
            return x
        kept = bool(attributes.get("keepdims", 1))
        return keep_type(np.asarray(function(x, axis=axes, keepdims=kept)), x)

    return run


def _groups(shape: Shape, axes: tuple[int, ...]) -> np.ndarray:
    """Flat indices (results, members) of the numbers that each result is made of."""
    places = np.arange(int(np.prod(shape))).reshape(shape)
    moved = np.moveaxis(places, axes, range(-len(axes), 0))
    size = int(np.prod([shape[a] for a in axes]))
    return moved.reshape(-1, size)


def _affine(builder: Builder, attributes: Attributes, operands: Operands, mean: bool) -> int:
    first = operands[0]
    assert first is not None
    axes = axes_of(attributes, len(first.shape))
    wire = same_wire(builder, attributes, operands, ())
    if not axes:
        return wire
    groups = _groups(first.shape, axes)
    matrix = np.zeros((len(groups), first.width))
    matrix[np.arange(len(groups))[:, None], groups] = 1.0 / groups.shape[1] if mean else 1.0
    return builder.affine([(wire, matrix)], np.zeros(len(groups)))


def _lower_sum(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    return _affine(builder, attributes, operands, mean=False)


def _lower_mean(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    return _affine(builder, attributes, operands, mean=True)


def _before(function: str) -> Any:
    """Lowering of a sum of an elementwise function's values."""

    def lower(
        builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
    ) -> int:
        first = operands[0]
        assert first is not None
        wire = builder.elementwise(function, same_wire(builder, attributes, operands, shapes))
        return _affine(builder, attributes, (Operand(first.shape, wire),), mean=False)

    return lower


def _lower_norm(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    return builder.elementwise("sqrt", _before("square")(builder, attributes, operands, shapes))


def _lower_extreme(function: str) -> Any:
    def lower(
        builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
    ) -> int:
        first = operands[0]
        assert first is not None
        axes = axes_of(attributes, len(first.shape))
        wire = same_wire(builder, attributes, operands, shapes)
        if not axes:
            return wire
        return extreme(builder, wire, _groups(first.shape, axes), function)

    return lower


def _place(function: Callable[..., Tensor]) -> Callable[[Attributes, Tensor], Tensor]:
    def run(attributes: Attributes, x: Tensor) -> Tensor:
        axis = from_end(int(attributes.get("axis", 0)), x.ndim - 1)
        kept = bool(attributes.get("keepdims", 1))
        if attributes.get("select_last_index"):
            places = x.shape[axis] - 1 - function(np.flip(x, axis), axis=axis, keepdims=kept)
        else:
            places = function(x, axis=axis, keepdims=kept)
        return np.asarray(places, dtype=np.int64)

    return run


def _lower_place(function: str) -> Any:
    """First (or last) member that equals the extreme: no earlier member does.

    With e_i = [x_i equals the extreme] and s_i = max(e_0..e_i), the place is the number of
    s_i that are 0.
    """

    def lower(
        builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
    ) -> int:
        first = operands[0]
        assert first is not None
        axis = from_end(int(attributes.get("axis", 0)), len(first.shape))
        groups = _groups(first.shape, (axis,))
        last = bool(attributes.get("select_last_index"))
        order = groups[:, ::-1] if last else groups
        wire = same_wire(builder, attributes, operands, shapes)
        best = extreme(builder, wire, order, function)
        seen = _seen_so_far(builder, wire, order, best)
        places = builder.affine(
            [(s, -np.eye(len(groups))) for s in seen], np.full(len(groups), float(len(seen)))
        )
        return scale(builder, places, -1.0, float(len(seen) - 1)) if last else places

    return lower


def _seen_so_far(builder: Builder, wire: int, order: np.ndarray, best: int) -> list[int]:
    seen: list[int] = []
    for i in range(order.shape[1]):
        equal = builder.elementwise("equal", select(builder, wire, order[:, i]), best)
        seen.append(builder.elementwise("max", seen[-1], equal) if seen else equal)
    return seen


_STATIC = {"static": {1: "axes"}}
declare("ReduceSum", _run(np.sum), _lower_sum, **_STATIC)
declare("ReduceMean", _run(np.mean), _lower_mean, **_STATIC)
declare("ReduceMax", _run(np.max), _lower_extreme("max"), **_STATIC)
declare("ReduceMin", _run(np.min), _lower_extreme("min"), **_STATIC)
declare("ReduceL1", _run(lambda x, **a: np.sum(np.abs(x), **a)), _before("abs"), **_STATIC)
declare("ReduceL2", _run(lambda x, **a: np.sqrt(np.sum(x * x, **a))), _lower_norm, **_STATIC)
declare("ReduceSumSquare", _run(lambda x, **a: np.sum(x * x, **a)), _before("square"), **_STATIC)
declare("ArgMax", _place(np.argmax), _lower_place("max"), jumps=True)
declare("ArgMin", _place(np.argmin), _lower_place("min"), jumps=True)
