"""Affine forms as a person writes them: equal weights once, small fractions as divisions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from distill.synthesize.fit import nearest_simple
from distill.synthesize.loops.real_constants import Floats, number
from dsl.cost import bits
from dsl.program import Expression, Prim, prim
from dsl.types import Vector

_TINY = 1e-9


def affine(leaves: Sequence[Expression], weights: Floats) -> Expression:
    """`w1 * a + w2 * b + c`, the last weight for the constant, in its shortest form."""
    parts = [(float(w), e) for w, e in zip(weights[:-1], leaves, strict=True) if abs(w) > _TINY]
    constant = float(weights[-1]) if abs(weights[-1]) > _TINY else 0.0
    parts = _merged(parts)
    forms = [_plain(parts, constant), _factored(parts, constant)]
    return min((f for f in forms if f is not None), key=bits)


def _merged(parts: list[tuple[float, Expression]]) -> list[tuple[float, Expression]]:
    """All items of one list with one weight are its sum."""
    lists: dict[Expression, list[float]] = {}
    for weight, value in parts:
        if isinstance(value, Prim) and value.primitive.name == "item":
            lists.setdefault(value.children[0], []).append(weight)
    for vector, weights in lists.items():
        assert isinstance(vector.type, Vector)
        if len(weights) == vector.type.shape[0] > 1 and np.ptp(weights) < _TINY:
            rest = [p for p in parts if not (isinstance(p[1], Prim) and p[1].children[0] is vector)]
            parts = [*rest, (weights[0], prim("sum", vector))]
    return parts


def _plain(parts: Sequence[tuple[float, Expression]], constant: float) -> Expression:
    total: Expression | None = None
    ordered = sorted(parts, key=lambda p: p[0] < 0)
    for weight, value in ordered:
        size = abs(weight)
        term = value if size == 1 else scaled(size, value)
        if total is None:
            total = term if weight > 0 else prim("neg", term)
        else:
            total = prim("add" if weight > 0 else "sub", total, term)
    if total is None:
        return number(constant)
    if not constant:
        return total
    return prim("add" if constant > 0 else "sub", total, number(abs(constant)))


def _factored(parts: Sequence[tuple[float, Expression]], constant: float) -> Expression | None:
    """`w * (a + b - c) + constant` where all weights are of one size."""
    sizes = [abs(w) for w, _ in parts]
    if len(parts) < 2 or np.ptp(sizes) > _TINY or sizes[0] == 1:
        return None
    whole = _plain([(np.sign(w), e) for w, e in parts], 0.0)
    value = scaled(sizes[0], whole)
    if not constant:
        return value
    return prim("add" if constant > 0 else "sub", value, number(abs(constant)))


def scaled(size: float, value: Expression) -> Expression:
    """`size * value`, by a division where that is shorter (`value / 3`)."""
    product = prim("mul", number(size), value)
    inverse = 1 / Fraction(nearest_simple(Fraction(size)))
    if inverse.denominator != 1 or inverse == 0:
        return product
    quotient = prim("div", value, number(float(inverse)))
    return min((quotient, product), key=bits)
