"""Arithmetic: Add, Sub, Mul, Div, Pow, Neg, Abs, roots, exponentials, rounding, Min and Max."""

from __future__ import annotations

from functools import reduce

import numpy as np

from distill.normal_form import Builder
from distill.operations.elementwise import keep_type, many, named, unary
from distill.operations.kind import Attributes, Operand, Shape, Tensor, aligned, declare
from distill.operations.lowering import combine, fold, scale, wire_of

Operands = tuple[Operand | None, ...]


def _sum(builder: Builder, *wires: int) -> int:
    return combine(builder, [(1.0, w) for w in wires])


def _signed_lower(sign: float):  # noqa: ANN202
    def lower(
        builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
    ) -> int:
        left, right = operands
        assert left is not None
        assert right is not None
        if right.constant is not None:
            shift = sign * np.broadcast_to(right.constant, shapes[0]).ravel()
            return scale(builder, wire_of(builder, left, shapes[0]), 1.0, shift)
        if left.constant is not None:
            shift = np.broadcast_to(left.constant, shapes[0]).ravel()
            return scale(builder, wire_of(builder, right, shapes[0]), sign, shift)
        wires = [wire_of(builder, o, shapes[0]) for o in (left, right)]
        return combine(builder, [(1.0, wires[0]), (sign, wires[1])])

    return lower


def _lower_mul(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    left, right = operands
    assert left is not None
    assert right is not None
    for factor, other in ((left, right), (right, left)):
        if factor.constant is not None:
            values = np.broadcast_to(factor.constant, shapes[0]).ravel()
            return scale(builder, wire_of(builder, other, shapes[0]), values)
    wires = [wire_of(builder, o, shapes[0]) for o in (left, right)]
    return builder.elementwise("square" if wires[0] == wires[1] else "mul", *dict.fromkeys(wires))


def _lower_div(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    left, right = operands
    assert left is not None
    assert right is not None
    if right.constant is not None:
        inverse = 1.0 / np.broadcast_to(right.constant, shapes[0]).ravel()
        return scale(builder, wire_of(builder, left, shapes[0]), inverse)
    below = builder.elementwise("reciprocal", wire_of(builder, right, shapes[0]))
    if left.constant is not None:
        return scale(builder, below, np.broadcast_to(left.constant, shapes[0]).ravel())
    return builder.elementwise("mul", wire_of(builder, left, shapes[0]), below)


def _lower_pow(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    base, exponent = operands
    assert base is not None
    assert exponent is not None
    wire = wire_of(builder, base, shapes[0])
    powers = set() if exponent.constant is None else set(exponent.constant.ravel().tolist())
    if len(powers) == 1:
        return _fixed_power(builder, wire, powers.pop())
    return builder.elementwise("pow", wire, wire_of(builder, exponent, shapes[0]))


def _fixed_power(builder: Builder, wire: int, power: float) -> int:
    if power < 0:
        return builder.elementwise("reciprocal", _fixed_power(builder, wire, -power))
    if power == 0.5:
        return builder.elementwise("sqrt", wire)
    if power == int(power) and 1 <= power <= 64:
        return _whole_power(builder, wire, int(power))
    return builder.elementwise(
        "pow", wire, builder.constant(np.full(builder.width(wire), float(power)))
    )


def _whole_power(builder: Builder, wire: int, power: int) -> int:
    if power == 1:
        return wire
    half = builder.elementwise("square", _whole_power(builder, wire, power // 2))
    return half if power % 2 == 0 else builder.elementwise("mul", half, wire)


def _divide(attributes: Attributes, a: Tensor, b: Tensor) -> Tensor:
    a, b = aligned(a, b)
    return a / b if a.dtype.kind == "f" else np.trunc(a / b).astype(a.dtype)


def _power(attributes: Attributes, a: Tensor, b: Tensor) -> Tensor:
    a, b = aligned(a, b)
    return keep_type(np.power(a, b), a)


def _binary(function: np.ufunc):  # noqa: ANN202
    def run(attributes: Attributes, a: Tensor, b: Tensor) -> Tensor:
        return function(*aligned(a, b))

    return run


def _mean(*arrays: Tensor) -> Tensor:
    return reduce(np.add, arrays) / arrays[0].dtype.type(len(arrays))


def _ceiling(builder: Builder, wire: int, attributes: Attributes) -> int:
    return scale(builder, builder.elementwise("floor", scale(builder, wire, -1.0)), -1.0)


declare("Add", _binary(np.add), _signed_lower(1.0))
declare("Sub", _binary(np.subtract), _signed_lower(-1.0))
declare("Mul", _binary(np.multiply), _lower_mul)
declare("Div", _divide, _lower_div)
declare("Pow", _power, _lower_pow)
many("Sum", lambda *a: reduce(np.add, a), _sum)
many(
    "Mean", _mean, lambda builder, *wires: combine(builder, [(1.0 / len(wires), w) for w in wires])
)
many("Max", lambda *a: reduce(np.maximum, a), lambda builder, *w: fold(builder, "max", w))
many("Min", lambda *a: reduce(np.minimum, a), lambda builder, *w: fold(builder, "min", w))
unary("Neg", lambda x, a: -x, lambda builder, wire, a: scale(builder, wire, -1.0))
unary("Abs", lambda x, a: np.abs(x), named("abs"))
unary("Sqrt", lambda x, a: np.sqrt(x), named("sqrt"))
unary("Exp", lambda x, a: np.exp(x), named("exp"))
unary("Log", lambda x, a: np.log(x), named("log"))
unary("Sin", lambda x, a: np.sin(x), named("sin"))
unary("Cos", lambda x, a: np.cos(x), named("cos"))
unary("Reciprocal", lambda x, a: x.dtype.type(1) / x, named("reciprocal"))
unary("Sign", lambda x, a: np.sign(x), named("sign"), jumps=True)
unary("Floor", lambda x, a: np.floor(x), named("floor"), jumps=True)
unary("Ceil", lambda x, a: np.ceil(x), _ceiling, jumps=True)
unary("Round", lambda x, a: np.round(x), named("round"), jumps=True)
