"""Keys of and, or, xor on packed truth values."""

from __future__ import annotations

from collections.abc import Iterator

from distill.synthesize.bank.keys import word_keys
from distill.synthesize.bank.tiles import Offer, Tile
from distill.synthesize.bank.work import WORD_UFUNCS, Work


def worded(work: Work, tile: Tile, named: dict[str, list[int]]) -> Iterator[Offer]:
    """a & b, a | b and a ^ b."""
    a = work.bool.values[slice(*tile.a)]
    b = work.bool.values[slice(*tile.b)]
    for kind, numbers in named.items():
        for number in numbers:
            yield Offer(number, False, word_keys(WORD_UFUNCS[kind](a[:, None], b[None])))
