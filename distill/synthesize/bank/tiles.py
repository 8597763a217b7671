"""Cutting the combinations of two levels into tiles that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from distill.synthesize.bank.keys import Keys
from distill.synthesize.bank.shelf import append
from distill.synthesize.bank.work import Work

TILE = 1 << 16
"""Candidates per tile and operation: few enough for the cache, many enough for array calls."""

CHUNK = 1 << 15
"""Most rows of a level that are prepared together."""

_COLUMNS = 512

Span = tuple[int, int]
"""Rows [start, stop) of a shelf."""


@dataclass(frozen=True)
class Tile:
    """The pairs (a, b) of two row ranges inside `chunks`; if `same`, unordered pairs of one.

    What is worth preparing for many tiles is prepared for the whole chunks.
    """

    a: Span
    b: Span
    same: bool
    chunks: tuple[Span, Span]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows of either side."""
        return self.a[1] - self.a[0], self.b[1] - self.b[0]

    def candidates(self, commutative: bool) -> int:
        """How many different applications of one binary operation the tile holds."""
        rows, columns = self.shape
        if not self.same:
            return rows * columns * (1 if commutative else 2)
        upper = int((self.b[1] - np.maximum(np.arange(*self.a), self.b[0])).sum())
        equal = max(0, min(self.a[1], self.b[1]) - max(self.a[0], self.b[0]))
        return upper if commutative else 2 * upper - equal


@dataclass(frozen=True, eq=False)
class Offer:
    """Keys (rows, columns) of one operation on a tile; `swapped`: on (b, a) instead of (a, b)."""

    operation: int
    swapped: bool
    keys: Keys


def tiles(a: Span, b: Span, same: bool) -> Iterator[Tile]:
    """Cover all pairs of two spans; of one span with itself only the half above the diagonal."""
    for left in spans(a, CHUNK):
        for right in spans((left[0], b[1]) if same else b, CHUNK):
            yield from _chunk_tiles(left, right, same and left == right)


def _chunk_tiles(a: Span, b: Span, same: bool) -> Iterator[Tile]:
    rows, columns = a[1] - a[0], b[1] - b[0]
    width = min(columns, max(_COLUMNS, TILE // rows))
    height = max(1, TILE // width)
    for top in spans(a, height):
        for across in spans((top[0], b[1]) if same else b, width):
            yield Tile(top, across, same, (a, b))


def spans(whole: Span, size: int) -> Iterator[Span]:
    """Consecutive pieces of at most `size` rows."""
    for start in range(whole[0], whole[1], size):
        yield start, min(start + size, whole[1])


def take(work: Work, tile: Tile, cost: int, offer: Offer) -> None:
    """Keep the candidates of an offer whose behaviour is new.

    On a tile of one level every unordered pair may appear both ways round; whichever comes
    first is kept, the other has a known key by then.
    """
    shelf = work.shelf(work.operations[offer.operation].result)
    keys = offer.keys.reshape(-1)
    fresh = shelf.known.insert(keys)
    if fresh.size:
        rows = fresh // tile.shape[1]
        columns = fresh - rows * tile.shape[1]
        pair = (rows + tile.a[0], columns + tile.b[0])
        children = pair[::-1] if offer.swapped else pair
        append(shelf, keys.take(fresh), cost, offer.operation, *children)
