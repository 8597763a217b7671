"""Whether two loops give the same outputs: over all their states where these are few."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.domain import Columns, Domain
from dsl.loop import Loop
from dsl.meanings.loop_array import follow_loop, run_loop, start_of, step_loop

_ITEMS = 64
_PAIRS = 3_000
_STEPS = 120
_ROWS = 20_000

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Sight:
    """What loops are compared on: the domain of an item, and sequences, (n, T, ...) per field."""

    item: Domain
    sequences: Columns

    @cached_property
    def items(self) -> Columns | None:
        """All items, (k, ...) per field; None where there are many."""
        count = self.item.count
        return None if count is None or count > _ITEMS else self.item.points(0, count)

    def rows(self, loop: Loop) -> dict[str, Values]:
        """What registers and fields hold before the items of the sequences: each row once."""
        with np.errstate(all="ignore"):
            held = follow_loop(loop, self.sequences)[1]
        named = {n: c for (n, _), c in zip(loop.inputs, self.sequences, strict=True)}
        flat = {n: c.reshape(-1, *c.shape[2:]) for n, c in (held | named).items()}
        parts = [c.reshape(len(c), -1).astype(np.int64) for c in flat.values()]
        first = np.unique(np.concatenate(parts, 1), axis=0, return_index=True)[1]
        first = first[np.linspace(0, len(first) - 1, min(len(first), _ROWS)).astype(np.intp)]
        return {n: c[first] for n, c in flat.items()}


def alike(first: Loop, second: Loop, sight: Sight) -> bool:
    """Whether two loops over the same items give the same outputs.

    Exactly so where the pairs of states that they reach together are few; otherwise on the
    sequences, and on the pairs of states that were reached until there were too many.
    """
    with np.errstate(all="ignore"):
        if sight.items is not None:
            found = _on_states(first, second, sight.items)
            if found is not None:
                return found
        ours, theirs = (run_loop(loop, sight.sequences) for loop in (first, second))
    return ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


def _on_states(first: Loop, second: Loop, items: Columns) -> bool | None:
    """Breadth first over pairs of states; None where they don't end."""
    count = len(items[0])
    loops = (first, second)
    states = [start_of(loop, 1) for loop in loops]
    seen = {_keys(states)[0]}
    for _ in range(_STEPS):
        size = len(next(iter((states[0] | states[1]).values()), np.zeros(1)))
        spread = [{n: np.repeat(v, count, 0) for n, v in held.items()} for held in states]
        given = tuple(np.concatenate([c] * size) for c in items)
        (ours, next_ours), (theirs, next_theirs) = (
            step_loop(loop, held, given) for loop, held in zip(loops, spread, strict=True)
        )
        if ours.dtype != theirs.dtype or not np.array_equal(ours, theirs):
            return False
        after = [next_ours, next_theirs]
        fresh = []
        for place, key in enumerate(_keys(after)):
            if key not in seen:
                seen.add(key)
                fresh.append(place)
        if not fresh:
            return True
        if len(seen) > _PAIRS:
            return None
        states = [{n: v[fresh] for n, v in held.items()} for held in after]
    return None


def _keys(states: list[dict[str, Values]]) -> list[bytes]:
    columns = [v.reshape(len(v), -1).astype(np.int64) for held in states for v in held.values()]
    if not columns:
        return [b""]
    table = np.ascontiguousarray(np.concatenate(columns, 1))
    return [row.tobytes() for row in table]
