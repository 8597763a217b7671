"""Constants that were left open: refitted, then rounded to the simplest that keep the tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.simplest import simplest_between
from dsl.cost import rational_bits
from dsl.program import Const, Expression, const, transform

Array = NDArray[np.float64]
_GRIDS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001, 1e-4, 1e-5)


def simplest_coefficients(
    design: Array, values: Array, start: Array, tolerance: float
) -> Iterator[Array]:
    """Coefficient vectors (k,), simplest first, with |design @ c - values| <= tolerance.

    design: (n, k), the last column for the constant; values: (n,); start: a fit that holds.
    """
    fitted = np.linalg.lstsq(design, values, rcond=None)[0].astype(np.float64)
    seen: set[tuple[float, ...]] = set()
    for base in (fitted, start):
        for grid in _GRIDS:
            rounded = _settled(design, values, base, grid)
            key = tuple(rounded)
            if key not in seen and _error(design, values, rounded) <= tolerance:
                seen.add(key)
                yield rounded
                break
    for base in (fitted, start):
        if _error(design, values, base) <= tolerance:
            yield _trimmed(design, values, base, tolerance)
            return


def _settled(design: Array, values: Array, base: Array, grid: float) -> Array:
    """Round one coefficient after the other, refitting those that are left."""
    found = base.copy()
    open_columns = list(range(len(base)))
    while open_columns:
        distance = [abs(found[c] / grid - np.rint(found[c] / grid)) for c in open_columns]
        column = open_columns.pop(int(np.argmin(distance)))
        found[column] = float(f"{np.rint(found[column] / grid) * grid:.10g}")
        if open_columns:
            rest = values - np.delete(design, open_columns, 1) @ np.delete(found, open_columns)
            found[open_columns] = np.linalg.lstsq(design[:, open_columns], rest, rcond=None)[0]
    return found


def _trimmed(design: Array, values: Array, base: Array, tolerance: float) -> Array:
    """Shorten every coefficient in turn as far as the tolerance allows."""
    found = base.copy()
    for column in range(len(found)):
        room = tolerance - _error(design, values, found)
        reach = float(np.abs(design[:, column]).max()) or 1.0
        step = room / reach * 0.5 / (len(found) - column)
        if step > 0:
            found[column] = simplest_between(found[column] - step, found[column] + step)
    return found


def _error(design: Array, values: Array, coefficients: Array) -> float:
    return float(np.abs(design @ coefficients - values).max())


def affine_expression(children: list[Expression], coefficients: Array) -> Expression:
    """`c1 * a + c2 * b + c0`, without ones and zeros; a last coefficient is the constant."""
    from distill.literal import linear_sum

    pairs = [
        (float(c), e) for c, e in zip(coefficients[:-1], children, strict=True) if float(c) != 0
    ]
    return _decimals(linear_sum(pairs, float(coefficients[-1])))


def _decimals(expression: Expression) -> Expression:
    """Literals as the short decimals that they were rounded to, not their binary neighbours."""

    def short(node: Expression) -> Expression | None:
        if not isinstance(node, Const) or not isinstance(node.value, Fraction):
            return None
        return const(nearest_simple(node.value), node.type)

    return transform(expression, short)


def nearest_simple(value: Fraction) -> Fraction:
    """The shortest decimal or rational that is the same float."""
    number = float(value)
    options = [Fraction(repr(number)), Fraction(number).limit_denominator(1000)]
    same = [o for o in options if float(o) == number]
    return min(same, key=rational_bits) if same else value
