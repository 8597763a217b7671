"""Lines around smooth functions of one number: candidate slopes, and rigorous gaps for any slope.

`gap(x, slope)` encloses `f(v) - slope * v` for v in x. Its extremes lie at the ends or where
`f' = slope`; that place is found to float accuracy, and an error d in it changes the value by
O(d^2) only, which `_CRITICAL_ULPS` covers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from distill.normal_form import ELEMENTWISE, Array
from distill.verify.image import LIBRARY_ULPS, image, sigmoid
from distill.verify.rounding import TINY, UNIT, Interval

_CRITICAL_ULPS = 64
_NEAR = 1e-6
_ROOT_PI = float(np.sqrt(np.pi))


@dataclass(frozen=True)
class Smooth:
    """How to draw lines: `slopes(x)` proposes, `gap(x, slope)` bounds `f - slope * v`."""

    slopes: Callable[[Interval], list[Array]]
    gap: Callable[[Interval, Array], Interval]


Function = Callable[[Array], Array]
Critical = Callable[[Array], tuple[Array, Array, Array]]
"""From slopes to places with that derivative, values of the gap there, sizes of what made them."""
Turn = Callable[[Array], tuple[Array, Array]]
"""The same where the place does not matter: a convex function's least gap bounds it anywhere."""


def _ends(function: Function, x: Interval, slope: Array) -> Interval:
    """Least and largest `f - slope * v` at the two ends, rounded outward."""
    lows, highs = [], []
    for end in x:
        value, product = function(end), slope * end
        error = 2 * UNIT * (2 * LIBRARY_ULPS * np.abs(value) + np.abs(product)) + TINY
        rest = value - product
        error = error + 2 * UNIT * np.abs(rest)
        lows.append(rest - error)
        highs.append(rest + error)
    return np.minimum(*lows), np.maximum(*highs)


def _blur(value: Array, size: Array) -> Interval:
    """A critical value with its error; `size` is the sum of the magnitudes that made it."""
    error = _CRITICAL_ULPS * 2 * UNIT * size + TINY
    return value - error, value + error


def _chord(function: Function, x: Interval) -> Array:
    return (function(x[1]) - function(x[0])) / (x[1] - x[0])


def _curved(function: Function, derivative: Function, turn: Turn, convex: bool) -> Smooth:
    """A convex or concave function: tangent on one side, chord on the other."""

    def slopes(x: Interval) -> list[Array]:
        ends = derivative(x[0]), derivative(x[1])
        return [np.clip(_chord(function, x), np.minimum(*ends), np.maximum(*ends))]

    def gap(x: Interval, slope: Array) -> Interval:
        low, high = _ends(function, x, slope)
        critical_low, critical_high = _blur(*turn(slope))
        if convex:
            return _nan_to_none(np.minimum(low, critical_low), high)
        return _nan_to_none(low, np.maximum(high, critical_high))

    return Smooth(slopes, gap)


def _nan_to_none(low: Array, high: Array) -> Interval:
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _s_shaped(function: Function, derivative: Function, critical: Critical, level: float) -> Smooth:
    """Odd about (0, level), rising, convex then concave; `critical` gives the place v >= 0."""

    def slopes(x: Interval) -> list[Array]:
        ends = np.minimum(derivative(x[0]), derivative(x[1]))
        return [_chord(function, x), ends, derivative(0.5 * (x[0] + x[1]))]

    def gap(x: Interval, slope: Array) -> Interval:
        low, high = _ends(function, x, slope)
        place, value, size = critical(slope)
        margin = _NEAR * (1.0 + place)
        top = ~((place + margin < x[0]) | (place - margin > x[1]))
        bottom = ~((-place + margin < x[0]) | (-place - margin > x[1]))
        _, peak = _blur(level + value, size + level)
        dip, _ = _blur(level - value, size + level)
        return _nan_to_none(
            np.where(bottom, np.minimum(low, dip), low), np.where(top, np.maximum(high, peak), high)
        )

    return Smooth(slopes, gap)


def _wave(function: Function, name: str) -> Smooth:
    """sin and cos, whose second derivative is -f: chord error is at most w^2/8 * max |f''|."""

    def slopes(x: Interval) -> list[Array]:
        return [_chord(function, x)]

    def gap(x: Interval, slope: Array) -> Interval:
        low, high = _ends(function, x, slope)
        least, most = image(name, [x])
        bulge = 0.125 * (x[1] - x[0]) ** 2 * (1.0 + 8 * UNIT) + TINY
        above = high + bulge * np.maximum(most, 0.0)
        below = low - bulge * np.maximum(-least, 0.0)
        return _nan_to_none(below - _pad(below), above + _pad(above))

    return Smooth(slopes, gap)


def _pad(values: Array) -> Array:
    return 4 * UNIT * np.abs(values)


def _tanh_critical(slope: Array) -> tuple[Array, Array, Array]:
    value = np.sqrt(np.clip(1.0 - slope, 0.0, None))
    place = np.log((1.0 + value) / np.sqrt(slope))
    product = np.where(slope > 0, slope * place, 0.0)
    return place, value - product, value + product


def _sigmoid_critical(slope: Array) -> tuple[Array, Array, Array]:
    place, value, size = _tanh_critical(4.0 * slope)
    return 2.0 * place, 0.5 * value, 0.5 * size


def _erf_critical(slope: Array) -> tuple[Array, Array, Array]:
    place = np.sqrt(np.clip(-np.log(np.clip(0.5 * slope * _ROOT_PI, 0.0, None)), 0.0, None))
    value, product = ELEMENTWISE["erf"](place), np.where(slope > 0, slope * place, 0.0)
    return place, value - product, value + product


def _exp_turn(slope: Array) -> tuple[Array, Array]:
    product = slope * np.log(slope)
    return slope - product, np.abs(slope) + np.abs(product)


def _log_turn(slope: Array) -> tuple[Array, Array]:
    value = np.log(slope)
    return -value - 1.0, np.abs(value) + 1.0


def _sqrt_turn(slope: Array) -> tuple[Array, Array]:
    value = np.where(slope > 0, 0.25 / slope, np.inf)
    return value, value


def _square_turn(slope: Array) -> tuple[Array, Array]:
    value = 0.25 * slope * slope
    return -value, value


def _reciprocal_slopes(x: Interval) -> list[Array]:
    return [-1.0 / (x[0] * x[1])]


def _reciprocal_gap(x: Interval, slope: Array) -> Interval:
    """Convex right of 0 and concave left of it; no bound across 0."""
    low, high = _ends(lambda v: 1.0 / v, x, slope)
    turn = 2.0 * np.sqrt(-slope)
    least, _ = _blur(turn, turn)
    right, left = x[0] > 0, x[1] < 0
    below = np.where(right, np.minimum(low, least), np.where(left, low, -np.inf))
    above = np.where(left, np.maximum(high, -least), np.where(right, high, np.inf))
    return _nan_to_none(below, above)


SMOOTH: dict[str, Smooth] = {
    "tanh": _s_shaped(np.tanh, lambda v: 1.0 - np.tanh(v) ** 2, _tanh_critical, 0.0),
    "sigmoid": _s_shaped(sigmoid, lambda v: sigmoid(v) * sigmoid(-v), _sigmoid_critical, 0.5),
    "erf": _s_shaped(
        ELEMENTWISE["erf"], lambda v: 2.0 / _ROOT_PI * np.exp(-v * v), _erf_critical, 0.0
    ),
    "exp": _curved(np.exp, np.exp, _exp_turn, True),
    "log": _curved(np.log, lambda v: 1.0 / v, _log_turn, False),
    "sqrt": _curved(np.sqrt, lambda v: 0.5 / np.sqrt(v), _sqrt_turn, False),
    "square": _curved(np.square, lambda v: 2.0 * v, _square_turn, True),
    "reciprocal": Smooth(_reciprocal_slopes, _reciprocal_gap),
    "sin": _wave(np.sin, "sin"),
    "cos": _wave(np.cos, "cos"),
}
