"""How many states a network's behaviour has: prefixes merged when their futures agree.

Breadth first over words; a word's signature is what the network answers after it to a fixed
set of continuations (Myhill-Nerode, with a finite set of experiments as in Angluin 1987).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from dsl.domain import Columns, rows

_SUFFIXES = 48
_MOST_STATES = 64
_MOST_SYMBOLS = 100


@dataclass(frozen=True, eq=False)
class Machine:
    """A closed Mealy machine: next states (states, symbols) and outputs (states, symbols, ...)."""

    symbols: Columns
    next: NDArray[np.int64]
    outputs: NDArray[Any]

    @property
    def states(self) -> int:
        """How many states there are; number 0 is the start."""
        return len(self.next)


def machine(oracle: Oracle, seed: int = 0) -> Machine | None:
    """The machine that the network is on words of its length; None where states don't end."""
    count = oracle.domain.symbols
    if count is None or count > _MOST_SYMBOLS:
        return None
    letters = oracle.domain.item.points(0, count)
    horizon = oracle.length
    rng = np.random.default_rng([seed, 13])
    tails = rng.integers(0, rows(letters), (_SUFFIXES, horizon))
    access: list[list[int]] = [[]]
    signatures = [_signature(oracle, letters, [[]], tails, horizon)[0]]
    edges: list[list[int]] = []
    place = 0
    while place < len(access):
        word = access[place]
        if len(word) + 2 >= horizon:
            return None
        words = [[*word, symbol] for symbol in range(count)]
        line = []
        for next_word, mark in zip(
            words, _signature(oracle, letters, words, tails, horizon), strict=True
        ):
            found = _same(mark, signatures)
            if found is None:
                access.append(next_word)
                signatures.append(mark)
                found = len(access) - 1
            line.append(found)
        edges.append(line)
        if len(access) > _MOST_STATES:
            return None
        place += 1
    outputs = _signature_outputs(oracle, letters, access)
    return Machine(letters, np.array(edges), outputs)


def _same(mark: NDArray[Any], known: list[NDArray[Any]]) -> int | None:
    """The first known signature that agrees as far as both go."""
    for place, other in enumerate(known):
        length = min(mark.shape[1], other.shape[1])
        if length >= 2 and np.array_equal(mark[:, :length], other[:, :length]):
            return place
    return None


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


def _signature_outputs(oracle: Oracle, letters: Columns, access: list[list[int]]) -> NDArray[Any]:
    lines = []
    for word in access:
        full = np.array([[*word, symbol] for symbol in range(rows(letters))])
        lines.append(oracle.values(tuple(c[full] for c in letters))[:, -1])
    return np.stack(lines)
