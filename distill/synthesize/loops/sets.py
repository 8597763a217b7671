"""Sets of registers of which the output is a function, smallest first.

Single memories, then pairs, then what is grown on the memories that tell most, then triples on
the pairs that do. How much a set tells is measured by how often rows alike in item and memories
have different outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend
from distill.synthesize.loops.registers import REPEATS, Memory, Rows

_TELLING = 90
_CHEAP = 60
_GROWN = 24
_ANCHORS = 6
_PAIRS = 24
_BLOCK = 256
_FEW = 0.02
_STEPS = 30
"""Steps that it takes to look at one set on the few rows."""


FIRST, FURTHER = (0, 1), (2, 3, 4)
"""Stages that are quickly done, and those that take seconds."""

Set = tuple[Memory, ...]
Deeper = Callable[[Sequence[Memory], int], list[Memory]]
"""Memories made from a few others, numbered from a first number."""


class Sets:
    """Sets without a smaller one inside, in stages that are made when they are asked for."""

    def __init__(
        self, rows: Rows, memories: Sequence[Memory], deeper: Deeper, stop: Callable[[], bool]
    ) -> None:
        self._pool, self._rows = list(memories), rows
        self._stages = _stages(rows, self._pool, deeper)
        self._made: list[list[Set]] = []
        self._empty = _is_function(rows, ())
        self._stop = stop

    def stage(self, number: int) -> list[Set]:
        """The sets of a stage, cheapest first."""
        while len(self._made) <= number and not self._stop():
            seen = [{id(m) for m in one} for made in self._made for one in made]
            kept: list[Set] = []
            for one in [()] if self._empty else next(self._stages):
                names = {id(m) for m in one}
                if not any(other <= names for other in seen):
                    seen.append(names)
                    kept.append(one)
            self._made.append(kept)
            spend(self._stop, _STEPS * len(self._pool) ** (2 if len(self._made) > 1 else 1))
        return self._made[number] if number < len(self._made) else []

    def nearly(self) -> list[Set]:
        """Single memories and then pairs that contradict themselves on few of the few rows, each
        cheapest first."""
        pool = self._pool
        single = self._rows.disagreement([self._rows.quick_codes(pool)])
        found: list[Set] = [(m,) for m, share in zip(pool, single, strict=True) if share <= _FEW]
        chosen = _telling(self._rows, pool)
        codes, places = self._rows.quick_codes(pool), _pairs_of(pool, chosen)
        for start in range(0, len(places), _BLOCK):
            block = places[start : start + _BLOCK]
            shares = self._rows.disagreement([codes[column] for column in block.T])
            found += [(pool[i], pool[j]) for i, j in block[shares <= _FEW].tolist()]
        return sorted(found, key=lambda s: (len(s), sum(m.cost for m in s)))


def _stages(rows: Rows, pool: list[Memory], deeper: Deeper) -> Iterator[Iterator[Set]]:
    yield _singles(rows, pool)
    chosen = _telling(rows, pool)
    yield _pairs(rows, pool, chosen)
    more = deeper(chosen[:_GROWN], len(pool))
    yield _singles(rows, more)
    both = [*pool, *more]
    chosen = _telling(rows, both)
    yield _pairs(rows, both, chosen)
    yield _triples(rows, chosen)


def _is_function(rows: Rows, chosen: Set) -> bool:
    good, repeats = rows.function([rows.codes(m) for m in chosen])
    return good and repeats >= REPEATS


def _singles(rows: Rows, pool: Sequence[Memory]) -> Iterator[Set]:
    good = np.flatnonzero(rows.consistent([rows.quick_codes(pool)]))
    yield from _confirmed(rows, [(pool[i],) for i in good.tolist()])


def _confirmed(rows: Rows, sets: Sequence[Set]) -> Iterator[Set]:
    for one in sorted(sets, key=lambda s: sum(m.cost for m in s)):
        if _is_function(rows, one):
            yield one


def _telling(rows: Rows, pool: Sequence[Memory]) -> list[Memory]:
    """The memories that say most about the output, the cheapest ones in any case."""
    scores = rows.surprise([rows.quick_codes(pool)])
    cost = np.array([m.cost for m in pool])
    best = np.lexsort((cost, scores))[:_TELLING]
    cheap = np.argsort(cost, kind="stable")[:_CHEAP]
    return [pool[i] for i in dict.fromkeys([*best.tolist(), *cheap.tolist()])]


def _pairs(rows: Rows, pool: Sequence[Memory], chosen: Sequence[Memory]) -> Iterator[Set]:
    places = _pairs_of(pool, chosen)
    good = _where(rows, rows.quick_codes(pool), places)
    yield from _confirmed(rows, [(pool[i], pool[j]) for i, j in places[good].tolist()])


def _pairs_of(pool: Sequence[Memory], chosen: Sequence[Memory]) -> NDArray[np.intp]:
    """Pairs of chosen ones as places in the pool, and of anything with what tells most.

    Beside the last output, which a step may only change a little, a memory can be all that is
    missing that says nothing alone.
    """
    where = {id(m): i for i, m in enumerate(pool)}
    places = np.array([where[id(m)] for m in chosen], dtype=np.intp)
    among = places[_all_pairs(chosen)]
    first = [i for i, m in enumerate(pool) if m.unknown == 1]
    anchors = dict.fromkeys([*first, *places[:_ANCHORS].tolist()])
    beside = [(i, j) for i in anchors for j in range(len(pool)) if i != j]
    both = np.concatenate([among, np.array(beside, dtype=np.intp).reshape(-1, 2)])
    first_seen = np.unique(np.sort(both, axis=1), axis=0, return_index=True)[1]
    return both[np.sort(first_seen)]


def _all_pairs(pool: Sequence[Memory]) -> NDArray[np.intp]:
    return np.array(list(combinations(range(len(pool)), 2)), dtype=np.intp).reshape(-1, 2)


def _where(rows: Rows, codes: NDArray[np.uint64], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Which sets (n, size) of places contradict themselves nowhere."""
    found = [
        start + np.flatnonzero(rows.consistent([codes[column] for column in block.T]))
        for start in range(0, len(places), _BLOCK)
        for block in (places[start : start + _BLOCK],)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.intp)


def _triples(rows: Rows, pool: Sequence[Memory]) -> Iterator[Set]:
    codes, places = rows.quick_codes(pool), _all_pairs(pool)
    scores = np.concatenate(
        [
            rows.surprise([codes[column] for column in places[start : start + _BLOCK].T])
            for start in range(0, len(places), _BLOCK)
        ]
    )
    best = places[np.argsort(scores, kind="stable")[:_PAIRS]]
    triples = {
        tuple(sorted((int(i), int(j), k)))
        for i, j in best
        for k in range(len(pool))
        if k not in (i, j)
    }
    listed = np.array(sorted(triples), dtype=np.intp).reshape(-1, 3)
    good = _where(rows, codes, listed)
    yield from _confirmed(rows, [(pool[i], pool[j], pool[k]) for i, j, k in listed[good]])
