"""Points near given data: where a network's behaviour on such data has to be kept.

Steps go along differences of data points, so they follow the data's own correlations
(mixing two points is the mixup of Zhang et al., 2018, without its labels).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def near(x: Array, count: int, rng: np.random.Generator, spread: float = 0.3) -> Array:
    """`count` points near the rows of `x` (n, d), inside the data's range, (count, d).

    A third lie between two rows, a half are a row moved along the difference of two others,
    the rest have independent noise; `spread` is the size of a move, in standard deviations.
    Columns of whole numbers stay whole.
    """
    anchors = np.resize(rng.permutation(len(x)), count)
    return near_each(x[anchors], x, rng, spread)


def near_each(anchors: Array, x: Array, rng: np.random.Generator, spread: float) -> Array:
    """One point near each row of `anchors` (m, d), moved by what `x` (n, d) is like."""
    count = len(anchors)
    first, second = x[rng.integers(len(x), size=count)], x[rng.integers(len(x), size=count)]
    share = rng.random((count, 1))
    mixed = anchors * share + first * (1 - share)
    moved = anchors + spread * np.abs(rng.normal(size=(count, 1))) * (first - second)
    noise = rng.normal(size=anchors.shape) * x.std(axis=0)
    noisy = anchors + spread * rng.random((count, 1)) * noise
    way = rng.random((count, 1))
    points = np.where(way < 1 / 3, mixed, np.where(way < 5 / 6, moved, noisy))
    points = np.clip(points, x.min(axis=0), x.max(axis=0))
    whole = (x == np.rint(x)).all(axis=0)
    return np.where(whole, np.rint(points), points)
