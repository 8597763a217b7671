"""Leaving out leaves that a table doesn't depend on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from distill.synthesize.boolean.formula import FALSE, TRUE, negated
from distill.synthesize.boolean.table import Table
from dsl.program import Expression


def without(source: Table, leaf: int) -> Table | None:
    """The table without a leaf, or None where two rows that differ only there disagree."""
    shape = (1 << leaf, 2, -1)
    values, care = source.values.reshape(shape), source.care.reshape(shape)
    if (care[:, 0] & care[:, 1] & (values[:, 0] ^ values[:, 1])).any():
        return None
    merged = np.where(care[:, 0], values[:, 0], values[:, 1])
    kept = source.leaves[:leaf] + source.leaves[leaf + 1 :]
    return Table(kept, merged.ravel(), (care[:, 0] | care[:, 1]).ravel())


def _dropped(source: Table, order: Iterable[Expression]) -> Table:
    for leaf in order:
        smaller = without(source, source.leaves.index(leaf))
        source = smaller or source
    return source


def reduced(source: Table) -> list[Table]:
    """The table over leaves it depends on; two ways where don't-cares leave a choice."""
    first = _dropped(source, source.leaves[::-1])
    if source.care.all():
        return [first]
    second = _dropped(source, source.leaves)
    return [first] if second.leaves == first.leaves else [first, second]


def trivial(source: Table) -> list[Expression]:
    """A constant or a leaf or its negation, where that does."""
    care, values = source.care, source.values
    if not source.off.any():
        return [TRUE]
    if not source.on.any():
        return [FALSE]
    for place, leaf in enumerate(source.leaves):
        differs = (source.columns[:, place] ^ values)[care]
        if not differs.any():
            return [leaf]
        if differs.all():
            return [negated(leaf)]
    return []
