"""Which points lie in which boxes, when all boxes have one size: a hash join on grid cells."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.keys import Floats

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]

_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_NO_POINT, _NO_BOX = np.uint64(1), np.uint64(3)


def pairs_near(points: Floats, corners: Floats, widths: Floats, limit: int) -> Pairs:
    """Pairs (i, j) such that point j (n, k) lies in the box from corner i (m, k) of `widths` (k,).

    All such pairs and possibly others from neighbouring cells or colliding hashes; the caller
    checks. At most `limit` pairs: boxes that come late give way. k is at most 3.
    """
    cells = _cell_hashes(points / widths, _NO_POINT)
    order = np.argsort(cells)
    cells = cells[order]
    shift = np.uint64(64 - min(22, 5 + len(cells).bit_length()))
    occupied = np.zeros(1 << int(64 - shift), dtype=np.bool_)
    occupied[cells >> shift] = True
    corner = _cell_hashes(corners / widths, _NO_BOX)
    found = [
        _look_up(cells, order, occupied, corner + step, limit) for step in _steps(points.shape[1])
    ]
    boxes = np.concatenate([pair[0] for pair in found])
    near = np.concatenate([pair[1] for pair in found])
    if len(boxes) <= limit:
        return boxes, near
    first = np.argsort(boxes, kind="stable")[:limit]
    return boxes[first], near[first]


def _cell_hashes(scaled: Floats, missing: np.uint64) -> NDArray[np.uint64]:
    """A hash (n,) of cells (n, k) that is linear, so that a neighbour's is a constant further."""
    with np.errstate(invalid="ignore"):
        whole = np.floor(scaled).astype(np.int64).view(np.uint64)
        usable = np.isfinite(scaled.sum(axis=1))
    total = (whole * _ODD[: scaled.shape[1]]).sum(axis=1, dtype=np.uint64)
    return np.where(usable, total, missing)


def _steps(dimensions: int) -> list[np.uint64]:
    """What the hash grows by from a cell to itself and its upper neighbours."""
    odd = [int(factor) for factor in _ODD[:dimensions]]
    sums = (
        sum(move * factor for move, factor in zip(moves, odd, strict=True))
        for moves in product((0, 1), repeat=dimensions)
    )
    return [np.uint64(total % (1 << 64)) for total in sums]


def _look_up(
    cells: NDArray[np.uint64],
    order: NDArray[np.intp],
    occupied: NDArray[np.bool_],
    wanted: NDArray[np.uint64],
    limit: int,
) -> Pairs:
    """Pairs of equal hashes, at most `limit`."""
    shift = np.uint64(65 - len(occupied).bit_length())
    (boxes,) = occupied.take((wanted >> shift).view(np.int64)).nonzero()
    wanted = wanted.take(boxes)
    start = np.searchsorted(cells, wanted)
    (hit,) = (cells.take(start, mode="clip") == wanted).nonzero()
    boxes, start = boxes.take(hit), start.take(hit)
    count = np.searchsorted(cells, wanted.take(hit), side="right") - start
    ends = np.cumsum(count)
    fits = int(np.searchsorted(ends, limit, side="right"))
    boxes, start, count, ends = boxes[:fits], start[:fits], count[:fits], ends[:fits]
    inside = np.arange(ends[-1] if fits else 0) - np.repeat(ends - count, count)
    return np.repeat(boxes, count), order[np.repeat(start, count) + inside]
