"""A normal form at one point without rounding: rationals where they suffice, else intervals."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor

import numpy as np

from distill.normal_form import Affine, Array, Input, NormalForm
from distill.verify.crown import enclose, needed, sources

RATIONAL: dict[str, Callable[..., Fraction]] = {
    "relu": lambda x: max(x, Fraction(0)),
    "abs": lambda x: abs(x),
    "max": lambda x, y: max(x, y),
    "min": lambda x, y: min(x, y),
    "mul": lambda x, y: x * y,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "floor": lambda x: Fraction(floor(x)),
    "round": lambda x: Fraction(round(x)),
    "sign": lambda x: Fraction((x > 0) - (x < 0)),
    "greater": lambda x, y: Fraction(x > y),
    "equal": lambda x, y: Fraction(x == y),
    "relu_change": lambda x, d: max(x + d, Fraction(0)) - max(x, Fraction(0)),
}


def is_rational(form: NormalForm) -> bool:
    """Whether every function that the output needs maps rationals to rationals."""
    return all(
        isinstance(node, Input | Affine) or node.function in RATIONAL
        for node in (form.nodes[index] for index in needed(form))
    )


def run_exact(form: NormalForm, point: Array | list[Fraction]) -> list[Fraction]:
    """Outputs at a point of floats or rationals, as rationals.

    Raises ZeroDivisionError where a reciprocal has no value.
    """
    values: dict[int, list[Fraction]] = {}
    for index in needed(form):
        node = form.nodes[index]
        if isinstance(node, Input):
            values[index] = [x if isinstance(x, Fraction) else Fraction(float(x)) for x in point]
        elif isinstance(node, Affine):
            values[index] = _affine(node, values)
        else:
            columns = zip(*(values[source] for source in sources(form, index)), strict=True)
            values[index] = [RATIONAL[node.function](*column) for column in columns]
    return values[form.output]


def _affine(node: Affine, values: dict[int, list[Fraction]]) -> list[Fraction]:
    total = [Fraction(float(b)) for b in node.bias]
    for source, matrix in node.terms:
        wire = values[source]
        for row, column in zip(*np.nonzero(matrix), strict=True):
            total[row] += Fraction(float(matrix[row, column])) * wire[column]
    return total


def surely_exceeds(form: NormalForm, point: Array, eps: float) -> bool:
    """Whether |output| > eps at the point, in exact rationals or outward-rounded intervals."""
    box = np.asarray(point, dtype=np.float64)[None]
    found = enclose(form, box, box)
    if ((found.low > eps) | (found.high < -eps)).any():
        return True
    if not is_rational(form):
        return False
    try:
        return any(abs(value) > Fraction(eps) for value in run_exact(form, point))
    except ZeroDivisionError:
        return False
