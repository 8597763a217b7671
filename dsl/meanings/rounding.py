"""Float64 arithmetic rounded outwards: each function gives bounds of the exact result.

Whether an operation rounded is found by error-free transformations (Knuth's two-sum,
Dekker's product), so results that are floats, small whole numbers above all, stay
points. Arrays broadcast. NaN never comes out: a lower end that overflows in the wrong
direction is the largest float, an undefined one is -inf or inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SPLIT = 134217729.0  # 2^27 + 1, Veltkamp's constant for 53 bits
_LARGE, _SMALL = 2.0**480, 2.0**-480
"""Within these sizes Dekker's product neither overflows nor loses its error to underflow."""


def down(x: Any) -> Array:
    """The next smaller float."""
    return np.nextafter(x, -np.inf)


def up(x: Any) -> Array:
    """The next larger float."""
    return np.nextafter(x, np.inf)


def _directed(value: Array, error: Array) -> tuple[Array, Array]:
    """Bounds of `value + error`, where an error of NaN is unknown and at most one step."""
    low = np.where(error >= 0, value, down(value))
    high = np.where(error <= 0, value, up(value))
    return low, high


def add(a: Array, b: Array) -> tuple[Array, Array]:
    """Bounds of a + b."""
    with np.errstate(all="ignore"):
        total = a + b
        rest = total - a
        error = (a - (total - rest)) + (b - rest)
        error = np.where(np.isfinite(total), error, np.nan)
    return _directed(total, error)


def _product_error(a: Array, b: Array, product: Array) -> Array:
    """a * b - product exactly, NaN where that can't be told."""
    left, right = _SPLIT * a, _SPLIT * b
    a_high, b_high = left - (left - a), right - (right - b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    safe = (np.abs(a) < _LARGE) & (np.abs(b) < _LARGE) & (np.abs(product) > _SMALL)
    zero = (a == 0) | (b == 0)
    return np.where(zero, 0.0, np.where(safe, error, np.nan))


def multiply(a: Array, b: Array) -> tuple[Array, Array]:
    """Bounds of a * b; zero times an infinite end is zero, since values are finite."""
    with np.errstate(all="ignore"):
        product = np.where((a == 0) | (b == 0), 0.0, a * b)
        return _directed(product, _product_error(a, b, product))


def divide(a: Array, b: Array) -> tuple[Array, Array]:
    """Bounds of a / b for b != 0; an infinite end over an infinite end is taken as zero."""
    with np.errstate(all="ignore"):
        quotient = a / b
        quotient = np.where(np.isnan(quotient), 0.0, quotient)
        back = quotient * b
        rest = (a - back) - _product_error(quotient, b, back)
        exact = (rest == 0) & (np.abs(a) < _LARGE) | (a == 0) | np.isinf(b)
        return _directed(quotient, np.where(exact, 0.0, np.nan))


def root(a: Array) -> tuple[Array, Array]:
    """Bounds of the square root of a >= 0, which IEEE rounds correctly."""
    with np.errstate(all="ignore"):
        value = np.sqrt(a)
        back = value * value
        rest = (a - back) - _product_error(value, value, back)
        exact = (rest == 0) & (np.abs(a) < _LARGE) | (a == 0) | np.isinf(a)
        return _directed(value, np.where(exact, 0.0, np.nan))


def widen(low: Array, high: Array, steps: int) -> tuple[Array, Array]:
    """`steps` floats outwards on both sides: covers a library function's rounding."""
    for _ in range(steps):
        low, high = down(low), up(high)
    return low, high
