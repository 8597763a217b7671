"""Which points lie in which boxes, when all boxes have one size: a hash join on grid cells."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.keys import Floats

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]

_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_FILTER_BITS = np.uint64(64 - 22)


def pairs_near(points: Floats, corners: Floats, widths: Floats, limit: int) -> Pairs:
    """Pairs (i, j) such that point j (n, k) lies in the box from corner i (m, k) of `widths` (k,).

    All such pairs and possibly others from neighbouring cells or colliding hashes; the caller
    checks. At most `limit` pairs: boxes that come late give way. k is at most 3.
    """
    cells = _cell_hashes(np.floor(points / widths))
    order = np.argsort(cells, kind="stable")
    cells = cells[order]
    occupied = np.zeros(1 << 22, dtype=np.bool_)
    occupied[cells >> _FILTER_BITS] = True
    found = [
        _look_up(cells, order, occupied, _cell_hashes(np.floor(corners / widths) + shift), limit)
        for shift in product((0.0, 1.0), repeat=points.shape[1])
    ]
    boxes = np.concatenate([pair[0] for pair in found])
    first = np.argsort(boxes, kind="stable")[:limit]
    return boxes[first], np.concatenate([pair[1] for pair in found])[first]


def _cell_hashes(cells: Floats) -> NDArray[np.uint64]:
    whole = np.clip(np.nan_to_num(cells, nan=1e18), -4e18, 4e18).astype(np.int64)
    mixed = whole.view(np.uint64) * _ODD[: cells.shape[1]]
    total = (mixed ^ (mixed >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
    return total * _ODD[0]


def _look_up(
    cells: NDArray[np.uint64],
    order: NDArray[np.intp],
    occupied: NDArray[np.bool_],
    wanted: NDArray[np.uint64],
    limit: int,
) -> Pairs:
    """Pairs of equal hashes, at most `limit`."""
    boxes = np.flatnonzero(occupied[wanted >> _FILTER_BITS])
    start = np.searchsorted(cells, wanted[boxes])
    count = np.searchsorted(cells, wanted[boxes], side="right") - start
    fits = np.cumsum(count) <= limit
    boxes, start, count = boxes[fits], start[fits], count[fits]
    inside = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(boxes, count), order[np.repeat(start, count) + inside]
