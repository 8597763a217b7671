"""Two straight lines around every elementwise function on a box: `lower <= f <= upper`.

Slopes are chosen by heuristics and need not be right: `intercepts` computes, for
whatever slopes, constants that make the two lines sound. Piecewise-linear functions and
products take their extremes over a line at the vertices of their linear (bilinear)
pieces; smooth ones at the ends and where the derivative equals the slope.
Sources: CROWN (Zhang et al. 2018), DeepPoly (Singh et al. 2019), McCormick (1976).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distill.normal_form import ELEMENTWISE, Array
from distill.verify.image import change_error, image
from distill.verify.rounding import SLACK, TINY, UNIT, Interval, on_grid
from distill.verify.smooth import SMOOTH

Slopes = tuple[Array, ...]

_SLOPE_STEPS = 4096.0


@dataclass(frozen=True, eq=False)
class Lines:
    """`sum(lower[i] x_i) + below <= f(x) <= sum(upper[i] x_i) + above`, arrays (boxes, width)."""

    lower: Slopes
    upper: Slopes
    below: Array
    above: Array


def relax(function: str, sources: Sequence[Interval]) -> Lines:
    """Lines around `function` on the box of its sources; no usable line is a constant."""
    with np.errstate(all="ignore"):
        if function in SMOOTH:
            return _best_of(function, sources[0])
        if function == "relu_change":
            return _relu_change(sources[0], sources[1])
        if function not in _SLOPES:
            return _constant(function, sources)
        lower, upper = (
            tuple(np.where(np.isfinite(s), s, 0.0) for s in slopes)
            for slopes in _SLOPES[function](*sources)
        )
        below, _ = _vertex_gap(function, sources, lower)
        _, above = _vertex_gap(function, sources, upper)
        return Lines(lower, upper, below, above)


def with_lower_slope(lines: Lines, x: Interval, slope: Array) -> Lines:
    """Lines around relu with another slope below; any slope is sound."""
    below, _ = _vertex_gap("relu", [x], (slope,))
    return replace(lines, lower=(slope,), below=below)


def _constant(function: str, sources: Sequence[Interval]) -> Lines:
    below, above = image(function, sources)
    zeros = tuple(np.zeros_like(below) for _ in sources)
    return Lines(zeros, zeros, below, above)


def _best_of(function: str, x: Interval) -> Lines:
    """Try every candidate slope and keep, per side, the line that is nearest mid-way."""
    best = _constant(function, [x])
    flat = x[0] == x[1]
    middle = 0.5 * (x[0] + x[1])
    for candidate in SMOOTH[function].slopes(x):
        slope = np.where(np.isfinite(candidate) & ~flat, candidate, 0.0)
        below, above = SMOOTH[function].gap(x, slope)
        better = slope * middle + below > best.lower[0] * middle + best.below
        lower = np.where(better, slope, best.lower[0])
        kept_below = np.where(better, below, best.below)
        better = slope * middle + above < best.upper[0] * middle + best.above
        upper = np.where(better, slope, best.upper[0])
        best = Lines((lower,), (upper,), kept_below, np.where(better, above, best.above))
    return best


def _coarse(slopes: Array) -> Array:
    """Few binary digits: any slope is sound, and certificates stay short and fast to check."""
    return np.rint(slopes * _SLOPE_STEPS) / _SLOPE_STEPS


def _relu(x: Interval) -> tuple[Slopes, Slopes]:
    low, high = x
    lower = np.where(high > -low, 1.0, 0.0)
    upper = _coarse(high / (high - low))
    on, off = low >= 0, high <= 0
    lower, upper = (np.where(on, 1.0, np.where(off, 0.0, s)) for s in (lower, upper))
    return (lower,), (upper,)


def _abs(x: Interval) -> tuple[Slopes, Slopes]:
    low, high = x
    lower = np.sign(high + low)
    upper = _coarse((high + low) / (high - low))
    upper = np.where(low >= 0, 1.0, np.where(high <= 0, -1.0, upper))
    return (np.where(low >= 0, 1.0, np.where(high <= 0, -1.0, lower)),), (upper,)


def _max(x: Interval, y: Interval) -> tuple[Slopes, Slopes]:
    """max(x, y) = y + relu(x - y)."""
    difference = (x[0] - y[1], x[1] - y[0])
    (lower,), (upper,) = _relu(difference)
    return (lower, 1.0 - lower), (upper, 1.0 - upper)


def _min(x: Interval, y: Interval) -> tuple[Slopes, Slopes]:
    """min(x, y) = x + y - max(x, y)."""
    lower, upper = _max(x, y)
    return (upper[1], upper[0]), (lower[1], lower[0])


def _mul(x: Interval, y: Interval) -> tuple[Slopes, Slopes]:
    """The mean of the two McCormick planes on either side: parallel planes, equally far off."""
    slopes = (0.5 * (y[0] + y[1]), 0.5 * (x[0] + x[1]))
    return slopes, slopes


def _relu_change(x: Interval, d: Interval) -> Lines:
    """relu(x + d) - relu(x): by d alone, or by a line around each relu, whichever is nearer."""
    (low,), (high,) = _relu((x[0] + d[0], x[1] + d[1]))
    (own_low,), (own_high,) = _relu(x)
    apart = Lines(*_around(x, d, (low - own_high, low), (high - own_low, high)))
    rising, falling = np.maximum(d[1], 0.0), np.maximum(-d[0], 0.0)
    share = np.where(rising + falling > 0, _coarse(rising / (rising + falling)), 0.0)
    flat = np.zeros_like(share)
    close = Lines(*_around(x, d, (flat, 1.0 - share), (flat, share)))
    return _nearer(close, apart, [x, d])


def _around(
    x: Interval, d: Interval, lower: Slopes, upper: Slopes
) -> tuple[Slopes, Slopes, Array, Array]:
    lower, upper = (tuple(np.where(np.isfinite(s), s, 0.0) for s in p) for p in (lower, upper))
    below, _ = _vertex_gap("relu_change", [x, d], lower)
    _, above = _vertex_gap("relu_change", [x, d], upper)
    return lower, upper, below, above


def _nearer(first: Lines, second: Lines, sources: Sequence[Interval]) -> Lines:
    """Of two pairs of lines, per side, the one that is nearer in the middle of the box."""
    middle = [0.5 * (low + high) for low, high in sources]

    def at(slopes: Slopes, constant: Array) -> Array:
        return constant + sum(s * m for s, m in zip(slopes, middle, strict=True))

    lower = at(first.lower, first.below) >= at(second.lower, second.below)
    upper = at(first.upper, first.above) <= at(second.upper, second.above)
    pairs = zip(first.lower, second.lower, strict=True), zip(first.upper, second.upper, strict=True)
    return Lines(
        tuple(np.where(lower, a, b) for a, b in pairs[0]),
        tuple(np.where(upper, a, b) for a, b in pairs[1]),
        np.where(lower, first.below, second.below),
        np.where(upper, first.above, second.above),
    )


_SLOPES: dict[str, Callable[..., tuple[Slopes, Slopes]]] = {
    "relu": _relu,
    "abs": _abs,
    "max": _max,
    "min": _min,
    "mul": _mul,
}


def _vertices(function: str, sources: Sequence[Interval]) -> list[tuple[Array, ...]]:
    """Points of the box that include every vertex of the function's linear pieces."""
    if len(sources) == 1:
        low, high = sources[0]
        return [(low,), (high,), (np.clip(0.0, low, high),)]
    x, y = sources
    corners = [(a, b) for a in x for b in y]
    if function == "mul":
        return corners
    if function == "relu_change":
        kink = np.clip(0.0, *x)
        across = [(np.clip(-b, *x), b) for b in y] + [(a, np.clip(-a, *y)) for a in x]
        return [*corners, *((kink, b) for b in y), *across, (kink, np.clip(0.0, *y))]
    diagonal = (np.maximum(x[0], y[0]), np.minimum(x[1], y[1]))
    return corners + [(np.clip(d, *x), np.clip(d, *y)) for d in diagonal]


def _vertex_gap(function: str, sources: Sequence[Interval], slopes: Slopes) -> Interval:
    """Least and largest `f - sum(slope * x)` over the box, rounded outward."""
    values, errors = zip(
        *(_rest(function, vertex, slopes) for vertex in _vertices(function, sources)), strict=True
    )
    error = np.maximum.reduce(errors)
    low, high = np.minimum.reduce(values) - error, np.maximum.reduce(values) + error
    below = np.where(error > 0, np.nextafter(low, -np.inf), low)
    above = np.where(error > 0, np.nextafter(high, np.inf), high)
    return (
        np.where(np.isnan(below), -np.inf, below),
        np.where(np.isnan(above), np.inf, above),
    )


def _rest(function: str, vertex: tuple[Array, ...], slopes: Slopes) -> tuple[Array, Array]:
    """`f - sum(slope * x)` at one point, and a bound of its rounding error."""
    rest = ELEMENTWISE[function](*vertex)
    error = np.zeros_like(rest)
    if function == "mul":
        error = _product_error(vertex[0], vertex[1], rest)
    elif function == "relu_change":
        error = change_error(*vertex)
    for slope, x in zip(slopes, vertex, strict=True):
        product = slope * x
        rest = rest - product
        exact = (slope == 0) | (product == 0) & (x == 0)
        error = error + np.where(exact, 0.0, UNIT * np.abs(rest))
        error = error + _product_error(slope, x, product)
    return rest, error * SLACK


def _product_error(a: Array, b: Array, product: Array) -> Array:
    plain = (a == 0) | (b == 0) | (np.abs(a) == 1) | (np.abs(b) == 1)
    exact = plain | (on_grid(a) & on_grid(b) & (np.abs(product) < 2.0**32))
    return np.where(exact, 0.0, UNIT * np.abs(product) + TINY)
