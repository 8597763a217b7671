"""Words: vectors of neighbouring leaves, and the whole numbers that they spell or count.

Everything is evaluated on the rows that matter; of terms with one behaviour the
lightest is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.boolean.formula import counted, numbered, vector_of
from distill.synthesize.boolean.measure import weigh
from distill.synthesize.boolean.table import Bits, Table, owner_of
from dsl.program import Expression, prim

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Word:
    """A vector of Booleans with its values on the rows that matter, (rows, length)."""

    term: Expression
    values: Bits

    @property
    def length(self) -> int:
        """Number of items."""
        return self.values.shape[1]


@dataclass(frozen=True, eq=False)
class Bank:
    """Int terms with different behaviour, and their values, (terms, rows)."""

    terms: tuple[Expression, ...]
    values: Ints


def stretches(source: Table) -> list[list[int]]:
    """Places of leaves that stand one after the other in one vector, two or more each."""
    owners = [owner_of(leaf) for leaf in source.leaves]
    by_vector: dict[Expression, dict[int, int]] = {}
    for place, owner in enumerate(owners):
        if owner is not None:
            by_vector.setdefault(owner[0], {})[owner[1]] = place
    found: list[list[int]] = []
    for places in by_vector.values():
        found.extend(_neighbours(places))
    return [run for run in found if len(run) > 1]


def _neighbours(places: dict[int, int]) -> Iterator[list[int]]:
    run: list[int] = []
    for index in sorted(places):
        if run and index - 1 not in places:
            yield run
            run = []
        run.append(places[index])
    yield run


def cuts(run: list[int], wide: bool) -> list[list[int]]:
    """Parts of a stretch: all of two items or more, or only both ends of it and its thirds."""
    size = len(run)
    ends = [(0, size), *((0, k) for k in range(2, size)), *((k, size) for k in range(1, size - 1))]
    if wide:
        ends += [(a, b) for a in range(1, size) for b in range(a + 2, size)]
    elif size % 3 == 0 and size > 3:
        ends.append((size // 3, 2 * size // 3))
    return [run[a:b] for a, b in ends]


def words(source: Table, wide: bool) -> list[Word]:
    """Vectors that are parts of parameters."""
    columns = source.columns[source.care]
    parts = [part for run in stretches(source) for part in cuts(run, wide)]
    return [Word(vector_of([source.leaves[i] for i in p]), columns[:, p]) for p in parts]


def backwards(word: Word) -> Word:
    """The word from last to first."""
    return Word(prim("reverse", word.term), word.values[:, ::-1])


def couples(source: Table) -> list[tuple[Word, Word]]:
    """Two words of one length, also with one of them backwards."""
    found = words(source, wide=False)
    together = [(u, v) for i, u in enumerate(found) for v in found[i + 1 :]]
    plain = [(u, v) for u, v in together if u.length == v.length]
    return plain + [(u, backwards(v)) for u, v in [*plain, *((w, w) for w in found)]]


def integers(source: Table, wide: bool) -> Bank:
    """Numbers that words spell, numbers of true items, leaves as 0 or 1."""
    columns = source.columns[source.care]
    parts = [part for run in stretches(source) for part in cuts(run, wide)]
    found: list[tuple[Expression, Ints]] = []
    for part in parts:
        leaves = [source.leaves[i] for i in part]
        found.append((numbered(leaves), spelled(columns[:, part])))
        found.append((counted(leaves), columns[:, part].sum(1)))
    for run in stretches(source):
        items = [source.leaves[i] for i in run[::-1]]
        found.append((numbered(items), spelled(columns[:, run[::-1]])))
    for place, leaf in enumerate(source.leaves):
        found.append((prim("as_int", leaf), columns[:, place].astype(np.int64)))
    return bank(found)


def core(source: Table) -> Bank:
    """The few numbers that most arithmetic is about: stretches, halves, loose leaves."""
    columns = source.columns[source.care].astype(np.int64)
    found: list[tuple[Expression, Ints]] = []
    runs = stretches(source)
    for run in runs:
        half = len(run) // 2
        parts = [run] if len(run) % 2 or half < 2 else [run, run[:half], run[half:]]
        for part in parts:
            leaves = [source.leaves[i] for i in part]
            found.append((numbered(leaves), spelled(columns[:, part] > 0)))
            found.append((counted(leaves), columns[:, part].sum(1)))
    inside = {place for run in runs for place in run}
    loose = [i for i in range(source.size) if i not in inside]
    found += [(prim("as_int", source.leaves[i]), columns[:, i]) for i in loose]
    return bank(found)


def spelled(columns: Bits) -> Ints:
    """(rows, k) bits, most significant first, as numbers."""
    return columns.astype(np.int64) @ (1 << np.arange(columns.shape[1] - 1, -1, -1))


def bank(found: Iterable[tuple[Expression, Ints]]) -> Bank:
    """One term per behaviour, the lightest."""
    best: dict[bytes, tuple[Expression, Ints]] = {}
    for term, values in found:
        key = np.asarray(values, dtype=np.int64).tobytes()
        if key not in best or weigh(term) < weigh(best[key][0]):
            best[key] = (term, np.asarray(values, dtype=np.int64))
    if not best:
        return Bank((), np.zeros((0, 0), dtype=np.int64))
    return Bank(tuple(t for t, _ in best.values()), np.stack([v for _, v in best.values()]))


# --- operations on two numbers --------------------------------------------------------------

OPERATIONS: dict[str, Callable[..., Ints]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "gcd": np.gcd,
}
"""Ways to make a number of two, with their meaning on arrays."""


def pairs(found: Bank) -> Iterator[tuple[str, int, Ints]]:
    """For each operation and each first term: values with every later term, (later, rows)."""
    for name, operation in OPERATIONS.items():
        for first in range(len(found.terms) - 1):
            yield name, first, operation(found.values[first][None], found.values[first + 1 :])
