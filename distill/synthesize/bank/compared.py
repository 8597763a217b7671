"""Keys of comparisons: the packed truth values themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.keys import Floats, word_keys
from distill.synthesize.bank.packing import Words, full_words, word_count
from distill.synthesize.bank.tiles import Offer, Tile, spans
from distill.synthesize.bank.work import Work

_BLOCK = 512
_RANKS_PAY = 300  # comparisons per row that ranking all rows costs as much as

Comparable = Floats | NDArray[np.uint16]


def compared(work: Work, tile: Tile, named: dict[str, list[int]]) -> Iterator[Offer]:
    """a < b, b < a, a <= b and b <= a; each of the last two is the negation of one before."""
    below, above = _orders(work, tile)
    full = full_words(work.examples)
    for number in named.get("less", ()):
        yield Offer(number, False, word_keys(below))
        yield Offer(number, True, word_keys(above))
    for number in named.get("less_equal", ()):
        yield Offer(number, False, word_keys(above ^ full))
        yield Offer(number, True, word_keys(below ^ full))


def _orders(work: Work, tile: Tile) -> tuple[Words, Words]:
    """Packed a < b and b < a, each (rows, columns, W)."""
    a, b = _comparable(work, tile)
    width, used = word_count(work.examples), work.examples
    found = np.empty((2, len(a), len(b), width), dtype=np.uint64)
    truth = np.zeros((min(_BLOCK, len(b)), 64 * width), dtype=np.bool_)
    repeated = np.empty((len(truth), used), dtype=a.dtype)
    for start, stop in spans((0, len(b)), _BLOCK):
        piece, room, one = b[start:stop], truth[: stop - start], repeated[: stop - start]
        for row in range(len(a)):
            np.copyto(one, a[row])  # comparing whole blocks is faster than block with row
            for side, pair in enumerate(((one, piece), (piece, one))):
                np.less(*pair, out=room[:, :used])
                packed = np.packbits(room.reshape(-1), bitorder="little").view("<u8")
                found[side, row, start:stop] = packed.reshape(-1, width)
    return found[0], found[1]


def _comparable(work: Work, tile: Tile) -> tuple[Comparable, Comparable]:
    """Arrays that compare as the tile's values do: their ranks in 16 bits, where that pays."""
    chunks = tile.chunks
    counts = [stop - start for start, stop in chunks]
    if counts[0] * counts[1] < _RANKS_PAY * sum(counts):
        return work.number.values[slice(*tile.a)], work.number.values[slice(*tile.b)]
    if work.ranks is None or work.ranks[0] != chunks:
        work.ranks = (chunks, *_ranks(*(work.number.values[slice(*span)] for span in chunks)))
    places = zip((tile.a, tile.b), chunks, strict=True)
    rows = [slice(span[0] - chunk[0], span[1] - chunk[0]) for span, chunk in places]
    return work.ranks[1][rows[0]], work.ranks[2][rows[1]]


def _ranks(a: Floats, b: Floats) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Dense ranks of all values of each example, of a and of b (at most 2^15 rows each)."""
    both = np.concatenate([a, b])
    ranks = np.empty(both.shape, dtype=np.uint16)
    for example in range(both.shape[1]):
        order = np.argsort(both[:, example])
        ascending = both[order, example]
        ranks[order[1:], example] = np.cumsum(ascending[1:] != ascending[:-1])
        ranks[order[0], example] = 0
    return ranks[: len(a)], ranks[len(a) :]
