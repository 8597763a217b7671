"""The tree of cuts: from the claimed domain to leaf boxes that tile it, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Array


class Refused(Exception):
    """The certificate does not show the claim; the message says why."""


@dataclass(frozen=True, eq=False)
class Leaves:
    """Leaf boxes and their numbers in the tree."""

    lower: Array
    upper: Array
    node: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Roots:
    """The claimed boxes (b, n), closed on whole numbers where `integral` (n,)."""

    lower: Array
    upper: Array
    integral: NDArray[np.bool_]


def claimed_roots(
    lower: Array, upper: Array, integral: NDArray[np.bool_] | None, width: int
) -> Roots:
    """The claimed domain; whole-numbered axes close on whole numbers."""
    low, high = (np.atleast_2d(np.asarray(c, dtype=np.float64)) for c in (lower, upper))
    whole = np.zeros(width, bool) if integral is None else np.asarray(integral, bool)
    if low.shape != high.shape or low.shape[1:] != (width,) or whole.shape != (width,):
        raise Refused("The domain's shape is not that of the inputs.")
    low, high = np.where(whole, np.ceil(low), low), np.where(whole, np.floor(high), high)
    if not (low <= high).all() or not np.isfinite(low + high).all():
        raise Refused("The domain is empty or infinite.")
    return Roots(low, high, whole)


def walk(certificate: dict, roots: Roots) -> Leaves:
    """Leaf boxes from the cuts; refuses trees in which a node has no or two parents."""
    tree = certificate["tree"]
    axis, place, child = tree["axis"], tree["place"], tree["child"]
    if not len(axis) == len(place) == len(child) >= len(roots.lower):
        raise Refused("The tree's columns differ in length.")
    seen = bytearray(len(axis))
    waiting = [
        (node, low, high)
        for node, (low, high) in enumerate(
            zip(roots.lower.tolist(), roots.upper.tolist(), strict=True)
        )
    ]
    leaves: list[tuple[int, list[float], list[float]]] = []
    while waiting:
        node, low, high = waiting.pop()
        if not 0 <= node < len(axis) or seen[node]:
            raise Refused("The tree is not a tree.")
        seen[node] = 1
        if axis[node] == -1:
            leaves.append((node, low, high))
            continue
        both = halves(low, high, axis[node], place[node], roots.integral)
        waiting += [(child[node] + side, *half) for side, half in enumerate(both)]
    if not all(seen):
        raise Refused("The tree has nodes that belong to no box.")
    leaves.sort(key=lambda leaf: leaf[0])
    numbers, lows, highs = zip(*leaves, strict=True)
    return Leaves(np.array(lows), np.array(highs), np.array(numbers))


def halves(
    low: list[float], high: list[float], axis: int, place: float, integral: NDArray[np.bool_]
) -> list[tuple[list[float], list[float]]]:
    """The two boxes of a cut; together they hold every (whole, if integral) point of the box."""
    if not 0 <= axis < len(low) or not low[axis] <= place <= high[axis]:
        raise Refused("A cut lies outside its box.")
    start = place
    if integral[axis]:
        start = place + 1.0
        if place != np.floor(place) or start > high[axis] or start - place != 1.0:
            raise Refused("A cut of a whole-numbered axis is not between whole numbers.")
    left, right = list(high), list(low)
    left[axis], right[axis] = place, start
    return [(low, left), (right, high)]


def spread(total: int, most: int | None) -> NDArray[np.int64]:
    """Which leaves to look at: all, or `most` of them at even distances."""
    if most is None or most >= total:
        return np.arange(total)
    return np.unique(np.linspace(0, total - 1, max(most, 1)).astype(np.int64))
