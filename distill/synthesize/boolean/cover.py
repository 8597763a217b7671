"""Choosing sets that cover everything at the least cost: exactly if small, else greedily."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from distill.synthesize.boolean.table import Bits

Costs = NDArray[np.float64]

_EXACT_SETS, _EXACT_POINTS = 400, 300
_NODES = 100


def cover(sets: Bits, costs: Costs) -> list[int]:
    """Indices of sets (k, points) that together hold all points, of small total cost (k,)."""
    points = _hardest(np.unique(sets, axis=1))
    if points.shape[0] <= _EXACT_SETS and points.shape[1] <= _EXACT_POINTS:
        exact = _exact(points, costs)
        if exact is not None:
            return exact
    return greedy(points, costs)


def _hardest(points: Bits) -> Bits:
    """Points that no other point implies: whatever covers the other covers it too."""
    if points.shape[1] > 1500:
        return points
    counts = points.astype(np.float32)
    shared = counts.T @ counts
    inside = shared >= shared.diagonal()[:, None]
    np.fill_diagonal(inside, False)
    return points[:, ~inside.any(0)]


def _exact(points: Bits, costs: Costs) -> list[int] | None:
    found = milp(
        costs,
        constraints=LinearConstraint(points.T.astype(float), lb=1),
        integrality=np.ones(len(costs)),
        bounds=Bounds(0, 1),
        options={"node_limit": _NODES, "mip_rel_gap": 1e-6},
    )
    return None if found.x is None else np.flatnonzero(found.x > 0.5).tolist()


def greedy(points: Bits, costs: Costs) -> list[int]:
    """Always the set with the most new points per cost; then sets that aren't needed go."""
    open_points = np.ones(points.shape[1], dtype=bool)
    chosen: list[int] = []
    weights = points.astype(np.float32)
    while open_points.any():
        gains = (weights @ open_points) / costs
        chosen.append(int(gains.argmax()))
        open_points &= ~points[chosen[-1]]
    return _irredundant(points, costs, chosen)


def _irredundant(points: Bits, costs: Costs, chosen: list[int]) -> list[int]:
    times = points[chosen].sum(0)
    kept = list(chosen)
    for index in sorted(chosen, key=lambda i: -costs[i]):
        if (times[points[index]] > 1).all():
            times = times - points[index]
            kept.remove(index)
    return kept
