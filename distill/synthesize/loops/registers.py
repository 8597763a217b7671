"""Registers on the traces: what they hold before every item, and whether that is enough.

One question is asked of every set of registers: is the output a function of the item and of
what they hold? It is put to a few rows first, since most sets fail there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.keys import Codes, mixed
from distill.synthesize.loops.traces import Traces, histories
from dsl.loop import Register
from dsl.program import Expression

REPEATS = 1.6
"""How often a row must occur on average: a table without repetitions proves nothing."""

_QUICK = 1500
_SOME = 8000
_LOW = np.uint64((1 << 20) - 1)
"""Bits of a key that hold the output beside it."""


@dataclass(frozen=True, eq=False)
class Memory:
    """A candidate for a register.

    registers: itself after those that its next value reads; value: how a step reads it; held:
    (n, T) or (n, T, k), what that is before every item; cost: for the order of the search;
    scope: what its registers that are numbers or truths hold before every item, by name;
    unknown: how many first items it says nothing about, since its start is still to be found.
    """

    registers: tuple[Register, ...]
    value: Expression
    held: NDArray[Any]
    cost: float
    scope: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    unknown: int = 0


def delayed(values: NDArray[Any], start: Any) -> NDArray[Any]:
    """What values (n, T, ...) were one item ago; `start` before the first."""
    return np.concatenate([np.full_like(values[:, :1], start), values[:, :-1]], axis=1)


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the traces that matter, as codes: (m,) of items and of outputs."""

    where: NDArray[np.intp]
    items: Codes
    outcome: Codes
    quick: NDArray[np.intp]

    def codes(self, memory: Memory) -> Codes:
        """A code (m,) for what a memory holds."""
        return _codes(memory, self.where)

    def quick_codes(self, memories: Sequence[Memory]) -> Codes:
        """The same on a few rows, (memories, q)."""
        where = self.where[self.quick]
        found = [_codes(m, where) for m in memories]
        return np.stack(found) if found else np.zeros((0, len(where)), dtype=np.uint64)

    def surprise(self, quick: Sequence[Codes]) -> NDArray[np.float64]:
        """For sets of memories, each given by codes (sets, q): the share of the few rows whose
        output isn't that of another row like them; one that is like no other counts half."""
        same, wrong = self._beside(quick)
        return (wrong.sum(1) + 0.5 * (~same).sum(1)) / len(self.quick)

    def disagreement(self, quick: Sequence[Codes]) -> NDArray[np.float64]:
        """For sets of memories: the share of the few rows with another output than a row like
        them."""
        return self._beside(quick)[1].sum(1) / len(self.quick)

    def _beside(self, quick: Sequence[Codes]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of the few rows (sets, q - 1) are like the next one, and have another output."""
        keys = np.atleast_2d(mixed(quick, self.items[self.quick]))
        tagged = np.sort((keys & ~_LOW) | np.arange(keys.shape[1], dtype=np.uint64), axis=1)
        same = (tagged[:, 1:] & ~_LOW) == (tagged[:, :-1] & ~_LOW)
        found = self.outcome[self.quick][(tagged & _LOW).astype(np.intp)]
        return same, same & (found[:, 1:] != found[:, :-1])

    def consistent(self, quick: Sequence[Codes]) -> NDArray[np.bool_]:
        """Sets (as for `surprise`) that contradict themselves on none of the few rows."""
        return self._compared(quick)[1] == 0

    def function(self, codes: Sequence[Codes]) -> tuple[bool, float]:
        """Whether the output is a function of the item and memories with these codes (m,), and
        how often a row occurs on average."""
        step = len(self.items) // _SOME
        if step > 1 and self._contradicted(codes, np.s_[::step]):
            return False, 0.0
        fresh, wrong = _repeated(mixed(codes, self.items), self.outcome)
        return not wrong.any(), len(self.items) / max(int(fresh), 1)

    def outvoted(self, codes: Sequence[Codes]) -> tuple[NDArray[np.bool_], float]:
        """Rows (m,) whose output isn't the most usual one for their item and memories, and how
        often a row occurs on average."""
        keys = mixed(codes, self.items)
        _, which, times = np.unique(
            mixed([self.outcome], keys), return_inverse=True, return_counts=True
        )
        order = np.lexsort((-times[which], keys))
        first = np.ones(len(keys), dtype=np.bool_)
        first[1:] = keys[order][1:] != keys[order][:-1]
        usual = np.empty(len(keys), dtype=np.int64)
        usual[order] = which[order][np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0))]
        return usual != which, len(keys) / max(int(first.sum()), 1)

    def _contradicted(self, codes: Sequence[Codes], some: slice) -> bool:
        keys = mixed([c[some] for c in codes], self.items[some])
        return bool(_repeated(keys, self.outcome[some])[1].any())

    def _compared(self, quick: Sequence[Codes]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        keys = mixed(quick, self.items[self.quick])
        return _repeated(np.atleast_2d(keys), self.outcome[self.quick])


def _codes(memory: Memory, where: NDArray[np.intp]) -> Codes:
    arrays = {id(a): a for a in (*memory.scope.values(), memory.held)}.values()
    flat = [a.reshape(a.shape[0] * a.shape[1], -1)[where].astype(np.int64) for a in arrays]
    parts = [part for a in flat for part in a.view(np.uint64).T]
    return parts[0] if len(parts) == 1 else mixed(parts)


def _repeated(keys: Codes, outcome: Codes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many different keys there are along the last axis, and how many rows contradict."""
    tagged = np.sort((keys & ~_LOW) | outcome, axis=-1)
    same = (tagged[..., 1:] & ~_LOW) == (tagged[..., :-1] & ~_LOW)
    wrong = same & (tagged[..., 1:] != tagged[..., :-1])
    return keys.shape[-1] - same.sum(-1), wrong.sum(-1)


def rows_of(traces: Traces, seed: int = 0) -> Rows:
    """The rows of the traces that matter."""
    where = _first_of_each(traces)
    rng = np.random.default_rng([seed, 17])
    parts = [c.ravel()[where].astype(np.int64).view(np.uint64) for c in traces.columns]
    items = mixed(parts)
    flat = traces.outputs.reshape(-1, traces.outputs.shape[2])[where]
    outcome = np.unique(flat, axis=0, return_inverse=True)[1].ravel().astype(np.uint64)
    return Rows(where, items, outcome, _often(items, rng))


def _first_of_each(traces: Traces) -> NDArray[np.intp]:
    """A row for every different sequence up to it: what is seen twice says nothing new."""
    where = np.flatnonzero(traces.care.ravel())
    first = np.unique(np.stack(histories(traces), 1).ravel()[where], return_index=True)[1]
    return where[np.sort(first)]


def _often(items: Codes, rng: np.random.Generator) -> NDArray[np.intp]:
    """Some rows of the items that occur most: among them rows are alike, and can contradict."""
    which, times = np.unique(items, return_inverse=True, return_counts=True)[1:]
    common = np.argsort(-times[which], kind="stable")[: 4 * _QUICK]
    return np.sort(rng.permutation(common)[:_QUICK])
