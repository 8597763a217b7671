"""Directed rounding on top of numpy's round-to-nearest float64.

Error model (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 3):
a sum of n products in any order, with or without FMA, is off by at most
`gamma(n) * sum(|a| |b|)`, plus underflow, which `TINY` covers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Array

UNIT = 2.0**-53
"""Unit roundoff of float64."""

TINY = 1e-300
"""More than the underflow of any sum this project computes (fewer than 1e20 terms of 2^-1075)."""

SLACK = 1.0 + 1e-6
"""Covers the rounding made while error bounds (sums of non-negative numbers) are added up."""

_GRID = 1024.0
_GRID_LIMIT = 2.0**32

Interval = tuple[Array, Array]
Mask = NDArray[np.bool_]


def gamma(terms: int) -> float:
    """Relative error of a float64 dot product of `terms` terms, slightly rounded up."""
    return 1.0000001 * terms * UNIT / (1.0 - terms * UNIT)


def down(values: Array, ulps: int = 1) -> Array:
    """At most `values`, even when they carry an error of `ulps` units in the last place."""
    margin = np.where(np.isfinite(values), np.abs(values) * (ulps * 2.0 * UNIT), 0.0)
    return np.nextafter(values - margin, -np.inf)


def up(values: Array, ulps: int = 1) -> Array:
    """At least `values`, even when they carry an error of `ulps` units in the last place."""
    return -down(-values, ulps)


def sane(low: Array, high: Array) -> Interval:
    """Turn what arithmetic could not decide (nan) into no bound at all."""
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def on_grid(values: Array) -> Mask:
    """Where numbers are multiples of 1/1024 below 2^32: sums of their products stay exact."""
    scaled = values * _GRID
    return (scaled == np.rint(scaled)) & (np.abs(values) < _GRID_LIMIT)


def exact_total(magnitude: Array) -> Mask:
    """Where a sum of products of grid numbers, of this total magnitude, is exact in float64."""
    return magnitude < _GRID_LIMIT
