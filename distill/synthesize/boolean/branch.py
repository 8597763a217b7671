"""Choosing by leaves: multiplexers, tables of cofactors, and the best leaf to branch on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from distill.synthesize.boolean.formula import numbered, vector_of
from distill.synthesize.boolean.measure import LOOKUP
from distill.synthesize.boolean.support import reduced, trivial
from distill.synthesize.boolean.table import Table, cofactor
from distill.synthesize.boolean.words import stretches
from dsl.program import Const, Expression, const, prim

_LARGEST_SELECT = 3
_LOOKUP_LEAVES = 8


def multiplexers(source: Table) -> list[Expression]:
    """`[x[2], x[3], x[4], x[5]][number(x[0:2], 2)]`: every cofactor is a leaf or a constant."""
    found: list[Expression] = []
    for count in range(2, min(_LARGEST_SELECT, source.size - 1) + 1):
        for select in combinations(range(source.size), count):
            found.extend(_selected(source, select))
    return found


def _selected(source: Table, select: tuple[int, ...]) -> Iterator[Expression]:
    entries: list[Expression] = []
    for number in range(1 << len(select)):
        part = _fixed(source, select, number)
        entry = trivial(part)
        if not entry:
            return
        entries.append(entry[0])
    chosen = [source.leaves[i] for i in select]
    yield prim("item", vector_of(entries), numbered(chosen))
    yield prim("item", vector_of(_by_reversed(entries)), numbered(chosen[::-1]))


def _by_reversed(entries: list[Expression]) -> list[Expression]:
    """Entries reordered for the index with its bits backwards."""
    width = len(entries).bit_length() - 1
    return [entries[int(f"{i:0{width}b}"[::-1], 2)] for i in range(len(entries))]


def _fixed(source: Table, select: tuple[int, ...], number: int) -> Table:
    """The cofactor where the selected leaves have the bits of a number, first most significant."""
    part = source
    for place in range(len(select) - 1, -1, -1):
        bit = number >> (len(select) - 1 - place) & 1
        part = cofactor(part, select[place], bool(bit))
    return part


def lookup(source: Table) -> list[Expression]:
    """The table itself, `[false, true, ...][number(x, 2)]`."""
    if source.size < 2 or source.size > _LOOKUP_LEAVES:
        return []
    entries = const(tuple(bool(v) for v in source.on))
    assert isinstance(entries, Const)
    assert len(entries.value) <= LOOKUP or source.size > 4
    return [prim("item", entries, numbered(source.leaves))]


def branches(source: Table, most: int) -> list[tuple[int, Table, Table]]:
    """Leaves worth branching on, with their cofactors (false, true).

    Those whose cofactors depend on the fewest leaves; and those that stand in no vector.
    """
    options = []
    for place in range(source.size):
        no, yes = (cofactor(source, place, value) for value in (False, True))
        options.append((_effort(no) + _effort(yes), place, no, yes))
    options.sort(key=lambda o: o[:2])
    inside = {place for run in stretches(source) for place in run}
    loose = [o for o in options[most:] if o[1] not in inside]
    chosen = [*options[:most], *(loose[:most] if inside else [])]
    return [(place, no, yes) for _, place, no, yes in chosen]


def _effort(source: Table) -> float:
    small = reduced(source)[0]
    if small.size < 2:
        return small.size
    true_share = float(np.mean(small.values))
    return small.size + min(true_share, 1 - true_share)
