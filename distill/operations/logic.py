"""Comparisons, truth values and choices. Truth values are 0 and 1 in the normal form."""

from __future__ import annotations

import numpy as np

from distill.normal_form import Builder
from distill.operations.elementwise import many, unary
from distill.operations.kind import Attributes, Operand, Shape, Tensor, aligned, declare
from distill.operations.lowering import combine, scale, wire_of

Operands = tuple[Operand | None, ...]


def _negated(builder: Builder, wire: int) -> int:
    return scale(builder, wire, -1.0, 1.0)


def _greater(builder: Builder, a: int, b: int) -> int:
    return builder.elementwise("greater", a, b)


def _different(builder: Builder, a: int, b: int) -> int:
    return builder.elementwise("abs", combine(builder, [(1.0, a), (-1.0, b)]))


def _choose(attributes: Attributes, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return np.where(*aligned(condition, a, b))


def _lower_where(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    """`b + condition * (a - b)`; a fixed condition is a selection from both."""
    condition, a, b = operands
    assert condition is not None
    assert a is not None
    assert b is not None
    yes, no = wire_of(builder, a, shapes[0]), wire_of(builder, b, shapes[0])
    if condition.constant is not None:
        chosen = np.diag(np.broadcast_to(condition.constant, shapes[0]).ravel())
        terms = [(yes, chosen), (no, np.eye(len(chosen)) - chosen)]
        return builder.affine(terms, np.zeros(len(chosen)))
    gap = combine(builder, [(1.0, yes), (-1.0, no)])
    taken = builder.elementwise("mul", wire_of(builder, condition, shapes[0]), gap)
    return combine(builder, [(1.0, no), (1.0, taken)])


many("Greater", np.greater, _greater, jumps=True)
many("Less", np.less, lambda builder, a, b: _greater(builder, b, a), jumps=True)
many(
    "GreaterOrEqual",
    np.greater_equal,
    lambda builder, a, b: _negated(builder, _greater(builder, b, a)),
    jumps=True,
)
many(
    "LessOrEqual",
    np.less_equal,
    lambda builder, a, b: _negated(builder, _greater(builder, a, b)),
    jumps=True,
)
many("Equal", np.equal, lambda builder, a, b: builder.elementwise("equal", a, b), jumps=True)
many("And", np.logical_and, lambda builder, a, b: builder.elementwise("mul", a, b))
many("Or", np.logical_or, lambda builder, a, b: builder.elementwise("max", a, b))
many("Xor", np.logical_xor, _different)
unary("Not", lambda x, attributes: ~x, lambda builder, wire, attributes: _negated(builder, wire))
declare("Where", _choose, _lower_where)
