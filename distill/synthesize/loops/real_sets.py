"""Which registers to look at: how much of the output their values leave open, by the delta test.

Rows that are nearest neighbours in item and registers have outputs that differ by what is left
open: half their mean squared difference estimates the variance of the rest (Pi and Peterson,
Finding the embedding dimension and variable dependencies in time series, Neural Computation 6,
1994; as a measure for choosing inputs Eirola et al., ESANN 2008). It only says in which order sets
are tried; no set is believed because of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend
from distill.synthesize.loops.explain import Stop
from distill.synthesize.loops.registers import Memory
from distill.synthesize.loops.traces import Traces

_ROWS = 1_500
_PAIRED, _EXTENDED = 26, 6
_PRICE = 40
"""Steps that one test takes."""

_COST = 0.03
"""Part of its share by which a set counts as worse for each unit of its cost."""

_SAME = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Memories with the share of the output's variance that they leave open."""

    memories: tuple[Memory, ...]
    left: float


def ranked_sets(
    traces: Traces, memories: Sequence[Memory], most: int, stop: Stop, seed: int = 0
) -> list[Ranked]:
    """The best sets of none to three memories, small ones first, `most` of each size."""
    where = _rows(traces, seed)
    own = [_scaled(c.ravel()[where]) for c in traces.columns]
    held = [_of(m, where) for m in memories]
    wanted = traces.outputs.reshape(-1, traces.outputs.shape[2])[where].astype(np.float64)

    def measured(places: tuple[int, ...]) -> Ranked:
        spend(stop, _PRICE)
        columns = [*own, *(column for p in places for column in held[p])]
        cost = sum(memories[p].cost for p in places)
        left = delta(np.stack(columns, 1), wanted) * (1 + _COST * cost)
        return Ranked(tuple(memories[p] for p in places), left)

    sizes: list[list[tuple[Ranked, tuple[int, ...]]]] = [[(measured(()), ())]]
    every = range(len(memories))
    for places in ([(p,) for p in every], list(combinations(every[:_PAIRED], 2))):
        sizes.append(_best([(measured(p), p) for p in places if not stop()]))
    grown = {
        tuple(sorted({*pair, p}))
        for _, pair in sizes[-1][:_EXTENDED]
        for p in every[:_PAIRED]
        if p not in pair
    }
    sizes.append(_best([(measured(p), p) for p in sorted(grown) if not stop()]))
    return [ranked for size in sizes for ranked, _ in size[:most]]


def _best(
    found: list[tuple[Ranked, tuple[int, ...]]],
) -> list[tuple[Ranked, tuple[int, ...]]]:
    return sorted(found, key=lambda f: f[0].left)


def delta(points: Floats, wanted: Floats) -> float:
    """The share of the variance of `wanted` (n, k) that points (n, d) leave open."""
    from scipy.spatial import KDTree

    near = np.asarray(KDTree(points).query(points, k=2)[1])
    # of equal points either may come first
    other = np.where(near[:, 0] == np.arange(len(points)), near[:, 1], near[:, 0])
    spread = float(wanted.var(0).sum())
    return float(((wanted - wanted[other]) ** 2).sum(1).mean()) / (2 * spread + _SAME)


def _rows(traces: Traces, seed: int) -> NDArray[np.intp]:
    """Some rows that matter."""
    where = np.flatnonzero(traces.care.ravel())
    rng = np.random.default_rng([seed, 23])
    return np.sort(rng.permutation(where)[:_ROWS])


def _of(memory: Memory, where: NDArray[np.intp]) -> list[Floats]:
    return [_scaled(c.reshape(-1)[where]) for c in memory.scope.values()]


def _scaled(column: NDArray) -> Floats:
    values = column.astype(np.float64)
    return values / (float(values.std()) or 1.0)
