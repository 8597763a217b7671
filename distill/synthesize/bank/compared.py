"""Keys of comparisons: the packed truth values themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.synthesize.bank.keys import word_keys
from distill.synthesize.bank.packing import Words, full_words, word_count
from distill.synthesize.bank.tiles import Offer, Tile, spans
from distill.synthesize.bank.work import Work

_BLOCK = 512


def compared(work: Work, tile: Tile, named: dict[str, list[int]]) -> Iterator[Offer]:
    """a < b, b < a, a <= b and b <= a; each of the last two is the negation of one before."""
    below = _less(work, tile.a, tile.b)
    above = np.swapaxes(_less(work, tile.b, tile.a), 0, 1)
    full = full_words(work.examples)
    for number in named.get("less", ()):
        yield Offer(number, False, word_keys(below))
        yield Offer(number, True, word_keys(above))
    for number in named.get("less_equal", ()):
        yield Offer(number, False, word_keys(above ^ full))
        yield Offer(number, True, word_keys(below ^ full))


def _less(work: Work, left: tuple[int, int], right: tuple[int, int]) -> Words:
    """Packed left < right, (rows, columns, W)."""
    a, b = work.number.values[slice(*left)], work.number.values[slice(*right)]
    width = word_count(work.examples)
    found = np.empty((len(a), len(b), width), dtype=np.uint64)
    truth = np.zeros((min(_BLOCK, len(b)), 64 * width), dtype=np.bool_)
    for start, stop in spans((0, len(b)), _BLOCK):
        piece, room = b[start:stop], truth[: stop - start]
        for row in range(len(a)):
            np.less(a[row], piece, out=room[:, : work.examples])
            packed = np.packbits(room.reshape(-1), bitorder="little").view("<u8")
            found[row, start:stop] = packed.reshape(-1, width)
    return found
