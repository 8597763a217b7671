"""How many states a network's behaviour has: prefixes merged when their futures agree.

Breadth first over words; a word's signature is what the network answers after it to a fixed
set of continuations (Myhill-Nerode, with a finite set of experiments as in Angluin 1987).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from dsl.domain import Columns, rows

_SUFFIXES = 48
_MOST_STATES = 64
_MOST_SYMBOLS = 100


def states_of(oracle: Oracle, seed: int = 0) -> int | None:
    """How many states the network has on words of its length; None where they don't end."""
    count = oracle.domain.symbols
    if count is None or count > _MOST_SYMBOLS:
        return None
    letters = oracle.domain.item.points(0, count)
    horizon = oracle.length
    rng = np.random.default_rng([seed, 13])
    tails = rng.integers(0, rows(letters), (_SUFFIXES, horizon))
    access: list[list[int]] = [[]]
    signatures = [_signature(oracle, letters, [[]], tails, horizon)[0]]
    place = 0
    while place < len(access):
        word = access[place]
        if len(word) + 2 >= horizon:
            return None
        words = [[*word, symbol] for symbol in range(count)]
        for next_word, mark in zip(
            words, _signature(oracle, letters, words, tails, horizon), strict=True
        ):
            if not _known(mark, signatures):
                access.append(next_word)
                signatures.append(mark)
        if len(access) > _MOST_STATES:
            return None
        place += 1
    return len(access)


def _known(mark: NDArray[Any], known: list[NDArray[Any]]) -> bool:
    """Whether a known signature agrees as far as both go."""
    for other in known:
        length = min(mark.shape[1], other.shape[1])
        if length >= 2 and np.array_equal(mark[:, :length], other[:, :length]):
            return True
    return False


def _signature(
    oracle: Oracle,
    letters: Columns,
    words: list[list[int]],
    tails: NDArray[np.int64],
    horizon: int,
) -> list[NDArray[Any]]:
    """Per word (all of one length) the outputs (tails, rest, ...) on every continuation."""
    before = len(words[0])
    rest = horizon - before
    heads = np.repeat(np.array(words, dtype=np.int64).reshape(len(words), before), len(tails), 0)
    full = np.concatenate([heads, np.tile(tails[:, :rest], (len(words), 1))], axis=1)
    found = oracle.values(tuple(c[full] for c in letters))[:, before:]
    return list(found.reshape(len(words), len(tails), rest, *found.shape[2:]))
