"""Keys of and, or, xor on packed truth values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.synthesize.bank.keys import Keys, word_keys
from distill.synthesize.bank.packing import Words
from distill.synthesize.bank.tiles import Offer, Tile
from distill.synthesize.bank.work import WORD_UFUNCS, Work


def worded(work: Work, tile: Tile, named: dict[str, list[int]]) -> Iterator[Offer]:
    """a & b, a | b and a ^ b."""
    a = work.bool.values[slice(*tile.a)]
    b = work.bool.values[slice(*tile.b)]
    for kind, numbers in named.items():
        for number in numbers:
            yield Offer(number, False, _keys(WORD_UFUNCS[kind], a, b))


def _keys(ufunc: np.ufunc, a: Words, b: Words) -> Keys:
    """Keys (rows, columns); one word needs no third axis, which would slow numpy down."""
    if a.shape[1] == 1:
        return ufunc.outer(a[:, 0], b[:, 0])
    return word_keys(ufunc(a[:, None], b[None]))
