"""Simple scales that bring features of different sizes to comparable ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.simplify.size import number_bits

Array = NDArray[np.float64]
_ALIKE = 8.0
_FINENESS = 0.12


def feature_scales(x: Array) -> Array:
    """A positive number per feature of `x` (n, d), all ones where their spreads are alike.

    Scales are 1, 2 or 5 times a power of ten, or a power of two below one; the common unit
    is chosen for short numbers.
    """
    spread = x.std(axis=0)
    used = spread > 0
    ones = np.ones(x.shape[1])
    if not used.any() or spread[used].max() <= _ALIKE * np.median(spread[used]):
        return ones
    units = [u for k in range(-8, 9) for u in (spread[used].max() * 2.0**k,)]
    choices = [np.where(used, simple(u / np.where(used, spread, u)), 1.0) for u in units]
    return min(choices, key=lambda scales: float(number_bits(scales).sum()))


def simple(values: Array) -> Array:
    """Each positive value's nearest in 1, 2, 5, 10, 20 ... or in 1/2, 1/4, 1/8 ..."""
    power = 10.0 ** np.floor(np.log10(values))
    lead = values / power
    steps = np.select([lead < 1.5, lead < 3.5, lead < 7.5], [1.0, 2.0, 5.0], 10.0)
    return np.where(values >= 0.75, steps * power, 2.0 ** np.rint(np.log2(values)))


def bias_grid(spread: float) -> float:
    """The power of two, at most 1, that resolves a wire of this standard deviation."""
    if not spread > 0:
        return 1.0
    return float(min(1.0, 2.0 ** np.floor(np.log2(_FINENESS * spread))))
