"""Disjoint decomposition: f(B, rest) = g(h(B), rest) with one Boolean h.

A bound set B works when the table, with a row for every value of B and a column
for every value of the rest, has at most two kinds of row (Ashenhurst, The
decomposition of switching functions, 1957); don't-cares may be merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from distill.synthesize.boolean.table import Bits, Table

_LARGEST_BOUND = 4
_SMALLEST_REST = 3


def bound_sets(size: int) -> Iterator[tuple[int, ...]]:
    """Sets of 2 to 4 leaves, then sets that leave out 3 to 1, out of `size`."""
    counts = [*range(2, _LARGEST_BOUND + 1), *range(size - _SMALLEST_REST, size)]
    for count in dict.fromkeys(c for c in counts if 2 <= c < size):
        yield from combinations(range(size), count)


def split(source: Table, bound: tuple[int, ...]) -> tuple[Table, Bits, Bits] | None:
    """The table of h over the bound set, and values and care of g, (2, 2^rest), if there is an h.

    The first axis of the last two is h's value, the second a row over the other leaves.
    """
    values, care = (_rows_by(source, a, bound) for a in (source.values, source.care))
    classes = _two_kinds(values, care)
    if classes is None:
        return None
    member, merged, known = classes
    leaves = tuple(source.leaves[i] for i in bound)
    return Table(leaves, member, np.any(care, axis=1)), merged, known


def _rows_by(source: Table, array: Bits, bound: tuple[int, ...]) -> Bits:
    rest = tuple(i for i in range(source.size) if i not in bound)
    return source.cube(array).transpose(bound + rest).reshape(1 << len(bound), -1)


def _two_kinds(values: Bits, care: Bits) -> tuple[Bits, Bits, Bits] | None:
    """Rows put into two kinds: membership (m,), merged values and care (2, columns); or None."""
    merged = np.zeros((2, values.shape[1]), dtype=bool)
    known = np.zeros_like(merged)
    member = np.zeros(len(values), dtype=bool)
    for row, (value, cared) in enumerate(zip(values, care, strict=True)):
        clash = (known & cared & (merged ^ value)).any(1)
        if clash.all():
            return None
        kind = int(clash[0])
        member[row] = bool(kind)
        merged[kind] = np.where(cared, value, merged[kind])
        known[kind] |= cared
    return (member, merged, known) if member.any() else None


def decomposition(source: Table) -> tuple[tuple[int, ...], Table, Bits, Bits] | None:
    """The first bound set that works, with h's table and g's values and care.

    One is enough: the simple disjoint decompositions of a function form a tree, and what isn't
    found here is found inside g and h.
    """
    for bound in bound_sets(source.size):
        parts = split(source, bound)
        if parts is not None:
            return (bound, *parts)
    return None
