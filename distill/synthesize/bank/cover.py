"""Set questions on packed words: which two sets cover all, which if-then-else agrees."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.keys import word_keys
from distill.synthesize.bank.packing import Words

_MOST = 8192  # different sets of one side that are looked at, cheapest first
_BLOCK = 1 << 18

Indices = NDArray[np.intp]


def first_of_each(words: Words) -> Indices:
    """Ascending positions (m,) of the first of equal rows (n, W); at most `_MOST`."""
    _, first = np.unique(word_keys(words), return_index=True)
    return np.sort(first)[:_MOST]


def covering_pairs(sets: Words, full: Words) -> tuple[Indices, Indices]:
    """Pairs i <= j of rows (n, W) with sets[i] | sets[j] == full (W,), one for equal sets."""
    kept = first_of_each(sets)
    missing = full & ~sets[kept]
    left, right = [], []
    for start, hits in _hits(missing, missing):
        some = np.flatnonzero(hits)
        i, j = divmod(some, len(kept))
        i = i + start
        left.append(kept[i[i <= j]])
        right.append(kept[j[i <= j]])
    return _together(left), _together(right)


def choices(
    conditions: Words, agree_then: Words, agree_else: Words, mask: Words
) -> tuple[Indices, Indices, Indices]:
    """Rows (c, a, b): a agrees wherever c is true, b wherever it is false, as far as `mask` goes.

    For every different condition the first (cheapest) a and b; rows (n, W) of packed bools.
    """
    kept = first_of_each(conditions & mask)
    then, other = first_of_each(agree_then & mask), first_of_each(agree_else & mask)
    true, false = conditions[kept] & mask, ~conditions[kept] & mask
    a = _first_hit(true, ~agree_then[then])
    b = _first_hit(false, ~agree_else[other])
    both = np.flatnonzero((a >= 0) & (b >= 0))
    return kept[both], then[a[both]], other[b[both]]


def _first_hit(needed: Words, missing: Words) -> Indices:
    """For each row of needed (m, W) the first row of missing (n, W) disjoint from it, or -1."""
    found = np.full(len(needed), -1, dtype=np.intp)
    for start, hits in _hits(needed, missing):
        if hits.shape[1]:
            first = hits.argmax(axis=1)
            some = hits[np.arange(len(hits)), first]
            found[start : start + len(hits)] = np.where(some, first, -1)
    return found


def _hits(left: Words, right: Words) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """(first row, disjoint (rows, n)) for blocks of rows of left (m, W) against right (n, W)."""
    rows = max(1, _BLOCK // max(1, len(right)))
    for start in range(0, len(left), rows):
        block = left[start : start + rows]
        hits = np.ones((len(block), len(right)), dtype=np.bool_)
        for word in range(left.shape[1]):
            hits &= (block[:, None, word] & right[None, :, word]) == 0
        yield start, hits


def _together(parts: list[Indices]) -> Indices:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.intp)
