"""Ranges of `f(v) - slope * v` on many intervals at once, for functions that are not exact.

The method of `smooth`, on arrays: values at the ends and at the places where `f' = slope`, widened
by `_ULPS` units in the last place of everything that went in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from distill.checker.smooth import NoBound
from distill.normal_form import ELEMENTWISE, Array

_ULPS = 80
_TINY = 1e-300
_MOST_WAVES = 16
_TURN = 2.0 * np.pi


def curve_gap(name: str, low: Array, high: Array, slope: Array) -> tuple[Array, Array]:
    """Least and largest `f(v) - slope * v` for v in [low, high], infinite where f isn't defined.

    Raises: NoBound, where there are too many waves to list.
    """
    function = _FUNCTIONS.get(name, ELEMENTWISE[name])
    below, above = np.full_like(low, np.inf), np.full_like(low, -np.inf)
    with np.errstate(all="ignore"):
        for place in (low, high, *_places(name, low, high, slope)):
            held = np.clip(place, low, high)
            value, product = function(held), slope * held
            error = (np.abs(value) + np.abs(product)) * (_ULPS * 2.0**-52) + _TINY
            below = np.minimum(below, value - product - error)
            above = np.maximum(above, value - product + error)
        known = _defined(name, low, high) & np.isfinite(below) & np.isfinite(above)
    return np.where(known, below, -np.inf), np.where(known, above, np.inf)


def _defined(name: str, low: Array, high: Array) -> NDArray[np.bool_]:
    if name == "log":
        return low > 0
    if name == "sqrt":
        return low >= 0
    return (low > 0) | (high < 0) if name == "reciprocal" else low <= high


def _sigmoid(v: Array) -> Array:
    small = np.exp(-np.abs(v))
    return np.where(v >= 0, 1.0, small) / (1.0 + small)


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {"sigmoid": _sigmoid}
"""Written so that values near 0 keep their relative accuracy."""


def _places(name: str, low: Array, high: Array, slope: Array) -> list[Array]:
    """Where the derivative equals the slope; too many places do no harm, too few would."""
    if name in _CENTRED:
        place = np.where(slope > 0, _CENTRED[name](np.where(slope > 0, slope, 1.0)), np.inf)
        return [place, -place]
    if name == "sin":
        return _waves(np.arccos(np.clip(slope, -1.0, 1.0)), low, high, -1.0, 0.0)
    if name == "cos":
        return _waves(np.arcsin(np.clip(-slope, -1.0, 1.0)), low, high, -1.0, np.pi)
    size = np.abs(slope)
    if name == "reciprocal":
        return [np.where(slope < 0, np.copysign(1.0 / np.sqrt(size), low), low)]
    return [np.where(slope > 0, _TURNING[name](size), low)]


def _centred(slope: Array) -> Array:
    """v >= 0 at which tanh has this slope."""
    return np.log((1.0 + np.sqrt(np.maximum(1.0 - slope, 0.0))) / np.sqrt(np.minimum(slope, 1.0)))


_CENTRED: dict[str, Callable[[Array], Array]] = {
    "tanh": _centred,
    "sigmoid": lambda slope: 2.0 * _centred(4.0 * slope),
    "erf": lambda slope: np.sqrt(np.maximum(-np.log(0.5 * np.sqrt(np.pi) * slope), 0.0)),
}
_TURNING: dict[str, Callable[[Array], Array]] = {
    "exp": np.log,
    "log": lambda slope: 1.0 / slope,
    "sqrt": lambda slope: 0.25 / slope**2,
}


def _waves(place: Array, low: Array, high: Array, mirrored: float, about: float) -> list[Array]:
    first, last = np.floor(low.min() / _TURN) - 1, np.ceil(high.max() / _TURN) + 1
    if not last - first <= _MOST_WAVES:
        raise NoBound("There are too many waves to list for all boxes at once.")
    turns = _TURN * np.arange(first, last + 1)
    return [p + turn for turn in turns for p in (place, about + mirrored * place)]
