"""Parts of a domain, each with the narrowest band that exempts the differences found in it.

One width for the whole domain has to cover the single worst place. So the domain is cut, greedily
and along one scalar at a time, where that lets most inputs go from the band; in every part the
weight of the program's guard is the one that leaves out the fewest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.band import Part
from distill.guard import guard_of
from distill.verify.square import Square
from dsl.domain import Columns
from dsl.meanings.array import run
from dsl.program import Program

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_DRAWS = 200_000
_NEAR = 0.3
"""Share of the draws, those nearest to a decision, among which bands are looked for."""
_PLACES = (0.118, 0.236, 0.382, 0.493, 0.618, 0.764, 0.882)
_SHIFT = 0.0071
"""Where cuts are tried: at no round shares, and at others on every axis, since an edge of a part
on a decision has to bear differences that belong to the next part."""
_WEIGHTS = np.geomspace(0.2, 5.0, 7)
_ROUNDS = 4
_NUDGED = 20_000
_FEWEST = 40
_PARTS = 96
_ENOUGH = 0.003
"""Share of the domain from which on no more cuts are made."""
_AFFORDED = 0.005
"""Share of the domain up to which bands are widened, which makes proofs much shorter."""
_MOST_ROOM = 3.0
_LEAST_ROOM = 1.05
_WORTH = 8
"""Draws that a cut has to let go from the band."""
_LEAST = 0.15
"""A part without differences gets this share of the widest band."""
_THIN = 0.0005


@dataclass(frozen=True, eq=False)
class Points:
    """Inputs near a decision: scalars (n, s), both distances, whether the two sides differ there
    (n,), and whether the input is a uniform draw, which counts; n of `total` draws are near."""

    scalars: Array
    margin: Array
    guard: Array
    differs: Mask
    counts: Mask

    def take(self, chosen: Mask) -> Points:
        """Some of the points."""
        near = self.scalars[chosen], self.margin[chosen], self.guard[chosen]
        return Points(*near, self.differs[chosen], self.counts[chosen])


@dataclass(frozen=True, eq=False)
class _Leaf:
    """A box, its points, its weight and margin, how many draws that leaves out, its best cut."""

    lower: Array
    upper: Array
    points: Points
    weight: float
    margin: float
    left_out: float
    gain: float = 0.0
    axis: int = -1
    place: float = 0.0


@dataclass(frozen=True)
class Cut:
    """A node of the tree of cuts: `axis` -1 for a part. Children follow as two trees."""

    axis: int
    place: float
    halves: tuple[Cut, ...] = ()
    part: Part | None = None


def parts_of(square: Square, found: Columns, seed: int) -> Cut | None:
    """The domain in parts with their bands, or None where the program has no guard."""
    guard = guard_of(square.program)
    if guard is None:
        return None
    points = _points(square, guard, found, seed)
    middle = float(np.median(points.margin)) / max(float(np.median(points.guard)), 1e-12)
    weights = np.asarray(middle * _WEIGHTS)
    low, high = square.target.domain.value_box()
    whole = square.target.domain.integral() | (high - low <= 0)
    if not np.isfinite(weights).all():
        return None
    return _grown(_leaf(low, high, points, weights, whole), weights, whole)


def _grown(root: _Leaf, weights: Array, fixed: Mask) -> Cut:
    leaves: dict[int, _Leaf] = {1: root}
    cuts: dict[int, _Leaf] = {}
    while len(leaves) < _PARTS and _share(leaves) > _ENOUGH:
        name = max(leaves, key=lambda k: leaves[k].gain)
        leaf = leaves[name]
        if leaf.gain < _WORTH:
            break
        cuts[name] = leaves.pop(name)
        left, right = _halves(leaf)
        for side, (low, high, points) in enumerate((left, right)):
            leaves[2 * name + side] = _leaf(low, high, points, weights, fixed)
    widest = max((leaf.margin for leaf in leaves.values()), default=0.0)
    thin = float(np.quantile(root.points.margin, _THIN)) if widest <= 0 else widest * _LEAST
    room = float(np.clip(_AFFORDED / max(_share(leaves), 1e-9), _LEAST_ROOM, _MOST_ROOM))
    return _tree(1, leaves, cuts, thin, room)


def _share(leaves: dict[int, _Leaf]) -> float:
    return sum(leaf.left_out for leaf in leaves.values()) / _DRAWS


def _tree(
    name: int, leaves: dict[int, _Leaf], cuts: dict[int, _Leaf], thin: float, room: float
) -> Cut:
    if name in leaves:
        leaf = leaves[name]
        ends = tuple(map(float, leaf.lower)), tuple(map(float, leaf.upper))
        return Cut(-1, 0.0, part=Part(*ends, leaf.weight, room * max(leaf.margin, thin)))
    halves = tuple(_tree(2 * name + side, leaves, cuts, thin, room) for side in (0, 1))
    return Cut(cuts[name].axis, cuts[name].place, halves)


def _halves(leaf: _Leaf) -> tuple[tuple[Array, Array, Points], tuple[Array, Array, Points]]:
    left = leaf.points.scalars[:, leaf.axis] <= leaf.place
    upper, lower = leaf.upper.copy(), leaf.lower.copy()
    upper[leaf.axis] = lower[leaf.axis] = leaf.place
    first = leaf.lower, upper, leaf.points.take(left)
    return first, (lower, leaf.upper, leaf.points.take(~left))


def _leaf(low: Array, high: Array, points: Points, weights: Array, fixed: Mask) -> _Leaf:
    weight, margin, left_out = _narrowest(points, weights)
    leaf = _Leaf(low, high, points, weight, margin, left_out)
    best = leaf
    for axis in np.flatnonzero(~fixed):
        for place in low[axis] + (np.array(_PLACES) + axis % 10 * _SHIFT) * (
            high[axis] - low[axis]
        ):
            left = points.scalars[:, axis] <= place
            if min(left.sum(), (~left).sum()) < _FEWEST:
                continue
            parts = (_narrowest(points.take(side), weights)[2] for side in (left, ~left))
            gain = left_out - sum(parts)
            if gain > best.gain:
                best = _Leaf(*_plain(leaf), gain, int(axis), float(place))
    return best


def _plain(leaf: _Leaf) -> tuple[Array, Array, Points, float, float, float]:
    return leaf.lower, leaf.upper, leaf.points, leaf.weight, leaf.margin, leaf.left_out


def _narrowest(points: Points, weights: Array) -> tuple[float, float, float]:
    """Weight and margin that exempt all differences with the fewest draws, and that number."""
    if not points.differs.any():
        return float(weights[len(weights) // 2]), 0.0, 0.0
    sums = points.margin + weights[:, None] * points.guard
    margins = sums[:, points.differs].max(axis=1)
    counts = ((sums <= margins[:, None]) & points.counts).sum(axis=1)
    best = int(counts.argmin())
    return float(weights[best]), float(margins[best]), float(counts[best])


def _points(square: Square, guard: Program, found: Columns, seed: int) -> Points:
    """Draws near a decision, and beside them what was found and what is close to differences."""
    domain, rng = square.target.domain, np.random.default_rng([seed, 5])
    drawn = _seen(square, guard, domain.sample(rng, _DRAWS), True)
    near = np.zeros(_DRAWS, dtype=bool)
    for distance in (drawn.margin, drawn.guard):
        near |= distance <= np.quantile(distance, _NEAR)
    parts = [drawn.take(near), _seen(square, guard, found, False)]
    low, high = domain.value_box()
    for step in range(_ROUNDS):
        known = np.concatenate([p.scalars[p.differs] for p in parts])
        if not len(known):
            break
        start = known[rng.integers(len(known), size=_NUDGED)]
        moved = start + rng.normal(size=start.shape) * (high - low) * 0.1 * 0.4**step
        moved = np.clip(np.where(domain.integral(), np.rint(moved), moved), low, high)
        columns = domain.unflatten(moved)
        inside = domain.contains(columns)
        seen = _seen(square, guard, tuple(c[inside] for c in columns), False)
        parts.append(seen.take(seen.differs))
    return _joined(parts)


def _seen(square: Square, guard: Program, columns: Columns, counts: bool) -> Points:
    compared = square.compare(columns)
    distance = np.asarray(run(guard, columns), dtype=np.float64)
    flags = np.full(len(distance), counts)
    scalars = square.target.domain.flatten(columns)
    return Points(scalars, compared.margin, distance, compared.distance > 0, flags)


def _joined(parts: list[Points]) -> Points:
    names = ("scalars", "margin", "guard", "differs", "counts")
    return Points(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))
