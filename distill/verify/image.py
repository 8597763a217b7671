"""Interval images: a range of `f(x)` for x in a box, rounded outward, for every elementwise f.

Library functions (tanh, exp, ...) are trusted to `LIBRARY_ULPS` units in the last place.
A partial function outside its domain has no bound: (-inf, inf).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from distill.normal_form import ELEMENTWISE, Array
from distill.verify.rounding import UNIT, Interval, Mask, down, exact_total, on_grid, sane, up

LIBRARY_ULPS = 4


def image(function: str, sources: Sequence[Interval]) -> Interval:
    """Range of an elementwise function; arrays keep the shape of the sources."""
    with np.errstate(all="ignore"):
        return sane(*_IMAGES[function](*sources))


def sigmoid(values: Array) -> Array:
    """The logistic function with a small relative error everywhere."""
    return 1.0 / (1.0 + np.exp(-values))


def _step(function: str) -> Callable[[Interval], Interval]:
    return lambda x: (ELEMENTWISE[function](x[0]), ELEMENTWISE[function](x[1]))


def _rising(
    function: Callable[[Array], Array], least: float, most: float, ulps: int = LIBRARY_ULPS
) -> Callable[[Interval], Interval]:
    def run(x: Interval) -> Interval:
        low, high = down(function(x[0]), ulps), up(function(x[1]), ulps)
        return np.clip(low, least, None), np.clip(high, None, most)

    return run


def _abs(x: Interval) -> Interval:
    low, high = x
    return np.maximum(np.maximum(low, -high), 0.0), np.maximum(-low, high)


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """a * b rounded down and up; exact where that is certain (0 * inf stays nan: no bound)."""
    value = a * b
    plain = (np.abs(a) == 1) | (np.abs(b) == 1) | (a == 0) | (b == 0)
    exact = plain | (on_grid(a) & on_grid(b) & exact_total(np.abs(value)))
    return np.where(exact, value, down(value)), np.where(exact, value, up(value))


def _mul(x: Interval, y: Interval) -> Interval:
    corners = [_product(a, b) for a in x for b in y]
    return (
        np.minimum.reduce([low for low, _ in corners]),
        np.maximum.reduce([high for _, high in corners]),
    )


def _square(x: Interval) -> Interval:
    low, high = _abs(x)
    return np.maximum(_product(low, low)[0], 0.0), _product(high, high)[1]


def _reciprocal(x: Interval) -> Interval:
    low, high = x
    apart = (low > 0) | (high < 0)
    return (
        np.where(apart, down(1.0 / high), -np.inf),
        np.where(apart, up(1.0 / low), np.inf),
    )


def _where_at_least(
    threshold: float, run: Callable[[Interval], Interval]
) -> Callable[[Interval], Interval]:
    def guarded(x: Interval) -> Interval:
        low, high = run(x)
        defined = x[0] >= threshold
        return np.where(defined, low, -np.inf), np.where(defined, high, np.inf)

    return guarded


def _may_hold(x: Interval, place: float) -> Mask:
    """Where place + 2 pi k may lie in x for some integer k (in doubt: yes)."""
    turns_low, turns_high = ((end - place) / (2.0 * np.pi) for end in x)
    doubt = 1e-9 * (1.0 + np.abs(turns_low) + np.abs(turns_high))
    apart = np.floor(turns_high + doubt) < np.ceil(turns_low - doubt)
    return ~apart | (np.abs(x[0]) > 1e5) | (np.abs(x[1]) > 1e5)


def _wave(function: Callable[[Array], Array], top: float) -> Callable[[Interval], Interval]:
    def run(x: Interval) -> Interval:
        ends = [function(end) for end in x]
        low = np.maximum(down(np.minimum(*ends), LIBRARY_ULPS), -1.0)
        high = np.minimum(up(np.maximum(*ends), LIBRARY_ULPS), 1.0)
        return (
            np.where(_may_hold(x, top + np.pi), -1.0, low),
            np.where(_may_hold(x, top), 1.0, high),
        )

    return run


def _pow(x: Interval, y: Interval) -> Interval:
    """Powers of positive bases (extremes at corners), and fixed whole exponents >= 0."""
    corners = [np.power(a, b) for a in x for b in y]
    low = np.maximum(down(np.minimum.reduce(corners), LIBRARY_ULPS), 0.0)
    high = up(np.maximum.reduce(corners), LIBRARY_ULPS)
    exponent, straddles = y[0], (x[0] < 0) & (x[1] > 0)
    whole = (y[0] == y[1]) & (exponent == np.rint(exponent)) & (exponent >= 0)
    ends = [np.power(end, exponent) for end in x]
    even_low = np.where(straddles, 0.0, np.maximum(down(np.minimum(*ends), LIBRARY_ULPS), 0.0))
    odd_low = down(np.minimum(*ends), LIBRARY_ULPS)
    whole_low = np.where(np.mod(exponent, 2.0) == 0, even_low, odd_low)
    whole_low = np.where(exponent == 0, 1.0, whole_low)
    whole_high = np.where(exponent == 0, 1.0, up(np.maximum(*ends), LIBRARY_ULPS))
    positive = x[0] > 0
    return (
        np.where(whole, whole_low, np.where(positive, low, -np.inf)),
        np.where(whole, whole_high, np.where(positive, high, np.inf)),
    )


def _greater(x: Interval, y: Interval) -> Interval:
    return (x[0] > y[1]).astype(np.float64), (x[1] > y[0]).astype(np.float64)


def _equal(x: Interval, y: Interval) -> Interval:
    same = (x[0] == x[1]) & (y[0] == y[1]) & (x[0] == y[0])
    meet = (x[0] <= y[1]) & (y[0] <= x[1])
    return same.astype(np.float64), meet.astype(np.float64)


def _relu_change(x: Interval, d: Interval) -> Interval:
    """Rising in d; in x rising where d >= 0 and falling where d <= 0; between 0 and d."""
    change = ELEMENTWISE["relu_change"]
    low = np.where(d[0] >= 0, change(x[0], d[0]), change(x[1], d[0]))
    high = np.where(d[1] >= 0, change(x[1], d[1]), change(x[0], d[1]))
    loss = change_error(np.maximum(np.abs(x[0]), np.abs(x[1])), np.maximum(*map(np.abs, d)))
    low, high = down(low - loss), up(high + loss)
    return np.maximum(low, np.minimum(d[0], 0.0)), np.minimum(high, np.maximum(d[1], 0.0))


def change_error(x: Array, d: Array) -> Array:
    """Bound of the rounding of relu(x + d) - relu(x), from the sizes of x and d."""
    return 4.0 * UNIT * (np.abs(x) + np.abs(d))


_IMAGES: dict[str, Callable[..., Interval]] = {
    "relu": _step("relu"),
    "abs": _abs,
    "tanh": _rising(np.tanh, -1.0, 1.0),
    "sigmoid": _rising(sigmoid, 0.0, 1.0, 2 * LIBRARY_ULPS),
    "exp": _rising(np.exp, 0.0, np.inf),
    "log": _where_at_least(0.0, _rising(np.log, -np.inf, np.inf)),
    "sqrt": _where_at_least(0.0, _rising(np.sqrt, 0.0, np.inf, 1)),
    "square": _square,
    "reciprocal": _reciprocal,
    "sin": _wave(np.sin, 0.5 * np.pi),
    "cos": _wave(np.cos, 0.0),
    "erf": _rising(ELEMENTWISE["erf"], -1.0, 1.0),
    "floor": _step("floor"),
    "round": _step("round"),
    "sign": _step("sign"),
    "mul": _mul,
    "max": lambda x, y: (np.maximum(x[0], y[0]), np.maximum(x[1], y[1])),
    "min": lambda x, y: (np.minimum(x[0], y[0]), np.minimum(x[1], y[1])),
    "pow": _pow,
    "greater": _greater,
    "equal": _equal,
    "relu_change": _relu_change,
}
