"""Slopes of the checker's own choice for lines around elementwise functions.

They are chosen in plain floats: `lines` makes any slopes sound, these are meant to be tight.
Chords for kinks from above (as in CROWN, Zhang et al. 2018), tangents at the middle for products
and squares, the chord's slope for both lines of a smooth function.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from distill.checker.exact import Exact, exact
from distill.checker.leaf import Slopes
from distill.checker.lines import Interval
from distill.normal_form import ELEMENTWISE, Array

Floats = list[tuple[Array, Array]]
Pair = tuple[list[Array], list[Array]]


def own_slopes(index: int, name: str, inputs: list[Interval]) -> Slopes:
    """Lower and upper slopes of function `name` over the ranges of its sources."""
    pair = float_slopes(name, [(floats(low), floats(high)) for low, high in inputs])
    lower, upper = (tuple(exact(slope) for slope in slopes) for slopes in pair)
    return lower, upper


def float_slopes(name: str, ends: Floats) -> Pair:
    """Lower and upper slopes, per source (b, width), finite."""
    with np.errstate(all="ignore"):
        if name in _CHOSEN:
            pair = _CHOSEN[name](ends)
        elif name in _SMOOTH:
            pair = _chord(name, ends[0])
        else:
            flat = [np.zeros_like(low) for low, _ in ends]
            pair = flat, flat
    lower, upper = ([np.nan_to_num(s, posinf=0, neginf=0) for s in side] for side in pair)
    return lower, upper


def floats(values: Exact) -> Array:
    """The nearest floats. Raises: OverflowError."""
    one = 1 << values.power
    flat = [int(digit) / one for digit in values.digits.ravel()]
    return np.array(flat, dtype=np.float64).reshape(values.shape)


def _rise(low: Array, high: Array) -> Array:
    """Slope of the chord of relu over an interval: 0, 1, or between where it holds the kink."""
    inside = (low < 0) & (high > 0)
    return np.where(inside, high / np.where(inside, high - low, 1.0), (low >= 0) * 1.0)


def _relu(ends: Floats) -> Pair:
    (low, high) = ends[0]
    chord = _rise(low, high)
    return [np.where((chord > 0) & (chord < 1), (high > -low) * 1.0, chord)], [chord]


def _abs(ends: Floats) -> Pair:
    lower, upper = _relu(ends)
    return [2 * lower[0] - 1], [2 * upper[0] - 1]


def _max(ends: Floats) -> Pair:
    """max(x, y) = y + relu(x - y)."""
    (low_x, high_x), (low_y, high_y) = ends
    lower, upper = _relu([(low_x - high_y, high_x - low_y)])
    return [lower[0], 1 - lower[0]], [upper[0], 1 - upper[0]]


def _min(ends: Floats) -> Pair:
    """min(x, y) = x - relu(x - y)."""
    (low_x, high_x), (low_y, high_y) = ends
    lower, upper = _relu([(low_x - high_y, high_x - low_y)])
    return [1 - upper[0], upper[0]], [1 - lower[0], lower[0]]


def _relu_change(ends: Floats) -> Pair:
    """relu(x + d) - relu(x): a line around each relu where one is decided, else by d alone."""
    (low_x, high_x), (low_d, high_d) = ends
    low, high = low_x + low_d, high_x + high_d
    (lower, upper), (own_lower, own_upper) = (_relu([e]) for e in ((low, high), ends[0]))
    rising, falling = np.maximum(high_d, 0.0), np.maximum(-low_d, 0.0)
    chord = rising / np.maximum(rising + falling, 1e-300)
    sure = (low >= 0) | (high <= 0) | (low_x >= 0) | (high_x <= 0)
    return (
        [np.where(sure, lower[0] - own_upper[0], 0.0), np.where(sure, lower[0], 1.0 - chord)],
        [np.where(sure, upper[0] - own_lower[0], 0.0), np.where(sure, upper[0], chord)],
    )


def _mul(ends: Floats) -> Pair:
    x, y = (low + 0.5 * (high - low) for low, high in ends)
    return [y, x], [y, x]


def _square(ends: Floats) -> Pair:
    low, high = ends[0]
    return [low + high], [low + high]


def _chord(name: str, ends: tuple[Array, Array]) -> Pair:
    low, high = ends
    wide = high > low
    slope = (ELEMENTWISE[name](high) - ELEMENTWISE[name](low)) / np.where(wide, high - low, 1.0)
    slope = np.where(wide & np.isfinite(slope), slope, 0.0)
    return [slope], [slope]


_CHOSEN: dict[str, Callable[[Floats], Pair]] = {
    "relu": _relu,
    "abs": _abs,
    "max": _max,
    "min": _min,
    "relu_change": _relu_change,
    "mul": _mul,
    "square": _square,
}
_SMOOTH = frozenset(["tanh", "sigmoid", "erf", "exp", "log", "sqrt", "reciprocal", "sin", "cos"])
