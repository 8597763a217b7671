"""Ranges of elementwise functions, and constants that make recorded slopes sound: exactly.

For given slopes, `f - sum(slope * x)` is bounded over the box of the sources. Kinked functions
and products attain the extremes at the vertices of their linear (bilinear) pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.checker.exact import Exact, Mask, exact, from_fractions, largest, least, where
from distill.checker.smooth import NoBound, power_range, range_of

Interval = tuple[Exact, Exact]
_ZERO = exact(0.0)
_KINKED = ("relu", "abs", "max", "min")
_FLAT = ("floor", "round", "sign", "greater", "equal", "pow")


@dataclass(frozen=True, eq=False)
class Lines:
    """`sum(lower[i] x_i) + below <= f <= sum(upper[i] x_i) + above`, arrays (leaves, width)."""

    lower: tuple[Exact, ...]
    upper: tuple[Exact, ...]
    below: Exact
    above: Exact


def lines(
    name: str, sources: list[Interval], lower: tuple[Exact, ...], upper: tuple[Exact, ...]
) -> Lines:
    """Lines of the given slopes. Raises: NoBound."""
    return Lines(lower, upper, gap(name, sources, lower)[0], gap(name, sources, upper)[1])


def default_slopes(name: str, sources: list[Interval]) -> list[np.ndarray]:
    """Slopes (floats, per source) of units without a record: those of a kink that is decided."""
    shape = sources[0][0].shape
    nothing = np.zeros(shape)
    if name in ("relu", "abs"):
        low, high = sources[0]
        off = np.where(high.above(_ZERO), nothing, -1.0 if name == "abs" else 0.0)
        return [np.where(_ZERO.above(low), off, 1.0)]
    if name in ("max", "min"):
        (low_x, high_x), (low_y, high_y) = sources
        first, second = ~high_y.above(low_x), ~high_x.above(low_y)
        if name == "min":
            first, second = second, first
        return [np.where(first, 1.0, 0.0), np.where(second & ~first, 1.0, 0.0)]
    return [np.zeros(shape) for _ in sources]


def gap(name: str, sources: list[Interval], slopes: tuple[Exact, ...]) -> Interval:
    """Least and largest `f - sum(slope * x)` over the boxes. Raises: NoBound."""
    if name in _KINKED or name in ("mul", "square"):
        rests = [
            _value(name, vertex) - _weighed(vertex, slopes)
            for vertex in _vertices(name, sources, slopes)
        ]
        return least(*rests), largest(*rests)
    if name not in _FLAT:
        return _scalars(name, sources, slopes[0])
    if any(slope.digits.any() for slope in slopes):
        raise NoBound(f"Lines around {name} have to be flat.")
    return image(name, sources)


def _weighed(vertex: tuple[Exact, ...], slopes: tuple[Exact, ...]) -> Exact:
    total = vertex[0] * slopes[0]
    for x, slope in zip(vertex[1:], slopes[1:], strict=True):
        total = total + x * slope
    return total


def _vertices(
    name: str, sources: list[Interval], slopes: tuple[Exact, ...]
) -> list[tuple[Exact, ...]]:
    if len(sources) == 1:
        low, high = sources[0]
        turn = slopes[0] * exact(0.5) if name == "square" else _ZERO
        return [(low,), (high,), (least(largest(turn, low), high),)]
    x, y = sources
    corners = [(a, b) for a in x for b in y]
    if name == "mul":
        return corners
    meets = (largest(x[0], y[0]), least(x[1], y[1]))
    return corners + [(least(largest(m, x[0]), x[1]), least(largest(m, y[0]), y[1])) for m in meets]


def _value(name: str, vertex: tuple[Exact, ...]) -> Exact:
    x, y = vertex[0], vertex[-1]
    if name == "relu":
        return largest(x, _ZERO)
    if name == "abs":
        return largest(x, -x)
    if name in ("mul", "square"):
        return x * y
    return largest(x, y) if name == "max" else least(x, y)


def image(name: str, sources: list[Interval]) -> Interval:
    """Range of the function over the boxes. Raises: NoBound."""
    if name in _KINKED or name in ("mul", "square"):
        zero = exact(np.zeros(sources[0][0].shape))
        return gap(name, sources, tuple(zero for _ in sources))
    if name in ("greater", "equal"):
        return _comparison(name, *sources)
    if name == "pow":
        return _power(*sources)
    if name in _STEPS:
        return _STEPS[name](sources[0][0]), _STEPS[name](sources[0][1])
    return _scalars(name, sources, exact(np.zeros(sources[0][0].shape)))


def _scalars(name: str, sources: list[Interval], slope: Exact) -> Interval:
    low, high = sources[0]
    slope = where(np.ones(low.shape, bool), slope, slope)
    columns = zip(low.fractions(), high.fractions(), slope.fractions(), strict=True)
    ranges = [range_of(name, a, b, float(s)) for a, b, s in columns]
    return tuple(from_fractions([r[side] for r in ranges], low.shape) for side in (0, 1))  # pyright: ignore


def _power(x: Interval, y: Interval) -> Interval:
    columns = zip(*(end.fractions() for end in (*x, *y)), strict=True)
    ranges = [power_range((a, b), (c, d)) for a, b, c, d in columns]
    return tuple(from_fractions([r[side] for r in ranges], x[0].shape) for side in (0, 1))  # pyright: ignore


def _truth(mask: Mask) -> Exact:
    return Exact(mask.astype(np.int64).astype(object), 0)


def _comparison(name: str, x: Interval, y: Interval) -> Interval:
    if name == "greater":
        return _truth(x[0].above(y[1])), _truth(x[1].above(y[0]))
    apart = x[0].above(y[1]) | y[0].above(x[1])
    same = ~(x[1].above(x[0]) | y[1].above(y[0]) | apart)
    return _truth(same), _truth(~apart)


def _floor(x: Exact) -> Exact:
    return Exact(x.digits >> x.power, 0)


def _sign(x: Exact) -> Exact:
    return _truth(x.above(_ZERO)) - _truth(_ZERO.above(x))


def _round(x: Exact) -> Exact:
    """Half to even."""
    return from_fractions([round(value) + 0 * value for value in x.fractions()], x.shape)


_STEPS = {"floor": _floor, "round": _round, "sign": _sign}
