"""Differing inputs told apart by the region that they lie in.

Two inputs are in one region if everything looked at on the way from one to the other differs. The
way is straight, whole values rounded; between inputs that leave nothing in between, such as truths,
one step of one scalar is a way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Array
from dsl.domain import Columns, Domain

Differs = Callable[[Columns], NDArray[np.bool_]]
"""Which of n rows are differences, (n,)."""

MOST = 4
"""Counterexamples that a claim shows."""

_POINTS = 24
_ON_THE_WAY = 10
"""An even number, so that no truth is halfway."""


def regions_of(domain: Domain, differs: Differs, points: Array) -> NDArray[np.int64]:
    """The number of its region for each of k differing inputs (k, scalars), 0 for the first's.

    Regions are numbered in the order of their first points.
    """
    count = len(points)
    first, second = np.triu_indices(count, 1)
    group = np.arange(count)
    for a, b in np.column_stack([first, second])[_joined(domain, differs, points, first, second)]:
        group[group == max(group[a], group[b])] = min(group[a], group[b])
    return np.unique(group, return_inverse=True)[1]


def joined_to(domain: Domain, differs: Differs, point: Array, other: Array) -> bool:
    """Whether two differing inputs (scalars,) are in one region."""
    pair = np.array([point, other])
    return bool(_joined(domain, differs, pair, np.array([0]), np.array([1]))[0])


def _joined(
    domain: Domain,
    differs: Differs,
    points: Array,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether everything between the points of each pair differs, (pairs,)."""
    if not len(first):
        return np.zeros(0, dtype=np.bool_)
    whole = domain.integral()
    shares = np.linspace(0, 1, _ON_THE_WAY + 2)[1:-1, None, None]
    start, end = points[first], points[second]
    way = start + shares * (end - start)
    way = np.where(whole, np.rint(way), way)
    at_ends = (way == start).all(2) | (way == end).all(2)
    columns = domain.unflatten(way.reshape(-1, points.shape[1]))
    wrong = differs(columns) & domain.contains(columns)
    along = (wrong.reshape(at_ends.shape) | at_ends).all(0)
    nothing_between = at_ends.all(0)
    steps = np.abs(end - start)
    one_step = ((steps > 0).sum(1) <= 1) & (steps.max(1) <= np.where(whole.any(), 1.0, np.inf))
    return np.where(nothing_between, one_step, along)


def one_of_each(domain: Domain, differs: Differs, points: Array) -> list[int]:
    """Rows of differing inputs (k, scalars), the first and up to three in other regions."""
    some = points[:_POINTS]
    return np.unique(regions_of(domain, differs, some), return_index=True)[1].tolist()[:MOST]
