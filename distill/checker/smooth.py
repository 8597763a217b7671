"""Ranges of `f(v) - slope * v` on an interval for functions that are not exact: scalar floats.

A range is taken over the ends and the places where `f' = slope`. The values come from Python's
`math` library and are widened by `_ULPS` units in the last place of everything that went in; this
is the one part of the checker that trusts floating point.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

_ULPS = 64
_EXACT = 2.0**-52
_TINY = 1e-300
_MANY_WAVES = 1e4

Range = tuple[Fraction, Fraction]


class NoBound(Exception):
    """A function is not defined, or not bounded, on an interval."""


def range_of(name: str, low: Fraction, high: Fraction, slope: float) -> Range:
    """Least and largest `f(v) - slope * v` for v in [low, high]. Raises: NoBound."""
    ends = outward(low, high)
    if not _defined(name, *ends):
        raise NoBound(f"{name} has no bound on [{ends[0]:g}, {ends[1]:g}].")
    try:
        if name in ("sin", "cos") and (
            ends[1] - ends[0] > 1e3 or max(map(abs, ends)) > _MANY_WAVES
        ):
            return _of_long_wave(ends, slope)
        places = [*ends, *(min(max(p, ends[0]), ends[1]) for p in _critical(name, slope, ends))]
        values = [_at(_FUNCTIONS[name], place, slope) for place in places]
    except (ValueError, OverflowError, ZeroDivisionError):
        raise NoBound(f"{name} overflows on [{ends[0]:g}, {ends[1]:g}].") from None
    return min(v - e for v, e in values), max(v + e for v, e in values)


def power_range(base: Range, exponent: Range) -> Range:
    """Range of base ** exponent: positive bases, or one fixed whole exponent >= 0."""
    fixed = exponent[0] == exponent[1] and exponent[0].denominator == 1 and exponent[0] >= 0
    if fixed:
        values = [end ** int(exponent[0]) for end in base]
        if int(exponent[0]) % 2 == 0 and exponent[0] > 0 and base[0] < 0 < base[1]:
            values.append(Fraction(0))
        return min(values), max(values)
    if base[0] <= 0:
        raise NoBound("A power of a base that may be negative or 0 has no bound.")
    try:
        corners = [math.pow(b, e) for b in outward(*base) for e in outward(*exponent)]
    except (ValueError, OverflowError):
        raise NoBound("A power overflows.") from None
    low, high = Fraction(min(corners)), Fraction(max(corners))
    return max(low - _widening(low), Fraction(0)), high + _widening(high)


def outward(low: Fraction, high: Fraction) -> tuple[float, float]:
    """Floats around an interval of rationals."""
    try:
        below, above = float(low), float(high)
    except OverflowError:
        raise NoBound("A value is too large for a float.") from None
    below = below if Fraction(below) <= low else math.nextafter(below, -math.inf)
    above = above if Fraction(above) >= high else math.nextafter(above, math.inf)
    if math.isinf(below) or math.isinf(above):
        raise NoBound("A value is too large for a float.")
    return below, above


def _widening(value: Fraction) -> Fraction:
    return abs(value) * Fraction(_ULPS * _EXACT) + Fraction(_TINY)


def _at(function: Callable[[float], float], place: float, slope: float) -> Range:
    """`f - slope * place` and its error."""
    value, product = Fraction(function(place)), Fraction(slope) * Fraction(place)
    error = (abs(value) + abs(product)) * Fraction(_ULPS * _EXACT) + Fraction(_TINY)
    return value - product, error


def _of_long_wave(ends: tuple[float, float], slope: float) -> Range:
    products = [Fraction(slope) * Fraction(end) for end in ends]
    return -1 - max(products), 1 - min(products)


def _sigmoid(v: float) -> float:
    return 1.0 / (1.0 + math.exp(-v)) if v >= 0 else math.exp(v) / (1.0 + math.exp(v))


_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "reciprocal": lambda v: 1.0 / v,
    "sin": math.sin,
    "cos": math.cos,
    "erf": math.erf,
}


def _defined(name: str, low: float, high: float) -> bool:
    if name == "log":
        return low > 0
    if name == "sqrt":
        return low >= 0
    return name != "reciprocal" or low > 0 or high < 0


def _critical(name: str, slope: float, ends: tuple[float, float]) -> list[float]:
    """Where the derivative equals the slope; too many places do no harm, too few would."""
    if name in ("tanh", "sigmoid", "erf"):
        place = _centred(name, slope)
        return [place, -place]
    if name == "sin":
        return _waves(math.acos(min(max(slope, -1.0), 1.0)), ends, mirrored=-1.0, about=0.0)
    if name == "cos":
        return _waves(math.asin(min(max(-slope, -1.0), 1.0)), ends, mirrored=-1.0, about=math.pi)
    if name == "reciprocal":
        return [math.copysign(1.0 / math.sqrt(-slope), ends[0])] if slope < 0 else []
    if slope <= 0:
        return []
    return [{"exp": math.log, "log": lambda s: 1 / s, "sqrt": lambda s: 0.25 / s**2}[name](slope)]


def _centred(name: str, slope: float) -> float:
    """The place v >= 0 with f'(v) = slope, for functions whose slope falls away from 0."""
    if name == "sigmoid":
        return 2.0 * _centred("tanh", 4.0 * slope)
    if slope <= 0:
        return math.inf
    if name == "tanh":
        return math.log((1.0 + math.sqrt(max(1.0 - slope, 0.0))) / math.sqrt(min(slope, 1.0)))
    return math.sqrt(max(-math.log(0.5 * math.sqrt(math.pi) * slope), 0.0))


def _waves(place: float, ends: tuple[float, float], mirrored: float, about: float) -> list[float]:
    """place + 2 pi k and about + mirrored * place + 2 pi k, as far as they may meet the ends."""
    turn = 2.0 * math.pi
    turns = range(math.floor(ends[0] / turn) - 1, math.ceil(ends[1] / turn) + 2)
    return [p + turn * k for p in (place, about + mirrored * place) for k in turns]
