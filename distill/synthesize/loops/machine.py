"""The machine that a network's behaviour is: prefixes merged when their futures agree.

Breadth first over words; a word's signature is what the network answers after it to a fixed
set of continuations (Myhill-Nerode, with a finite set of experiments as in Angluin 1987).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from distill.synthesize.loops.traces import traced
from dsl.domain import Columns, rows

_SUFFIXES = 48
_MOST_STATES = 64
_MOST_SYMBOLS = 100
_OVERLAP = 0.25

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Machine:
    """States 0 (the first) to s - 1: `next` (s, a) for every state and number of an item."""

    next: Ints

    def run(self, items: Ints) -> Ints:
        """The state before every item, (n, T), for numbers of items (n, T)."""
        state = np.zeros(len(items), dtype=np.int64)
        held = []
        for t in range(items.shape[1]):
            held.append(state)
            state = self.next[state, items[:, t]]
        return np.stack(held, 1)


@dataclass(frozen=True, eq=False)
class _Mark:
    """Outputs (tails, rest, k) after a word, and which of them are clear."""

    outputs: NDArray[Any]
    care: NDArray[np.bool_]


def machine_of(oracle: Oracle, seed: int = 0) -> Machine | None:
    """The machine of a network on words of its length; None where its states don't end."""
    count = oracle.domain.symbols
    if count is None or count > _MOST_SYMBOLS:
        return None
    letters = oracle.domain.item.points(0, count)
    rng = np.random.default_rng([seed, 13])
    tails = rng.integers(0, rows(letters), (_SUFFIXES, oracle.length))
    access: list[list[int]] = [[]]
    marks = [_marks(oracle, letters, [[]], tails)[0]]
    lines: list[list[int]] = []
    while len(lines) < len(access):
        word = access[len(lines)]
        if len(word) + 2 >= oracle.length:
            return None
        words = [[*word, symbol] for symbol in range(count)]
        line = []
        for next_word, mark in zip(words, _marks(oracle, letters, words, tails), strict=True):
            state = _known(mark, marks)
            if state is None:
                state = len(access)
                access.append(next_word)
                marks.append(mark)
            line.append(state)
        lines.append(line)
        if len(access) > _MOST_STATES:
            return None
    return Machine(np.array(lines))


def _known(mark: _Mark, known: list[_Mark]) -> int | None:
    """The state whose outputs agree, as far as both go and both are clear."""
    for state, other in enumerate(known):
        length = min(mark.care.shape[1], other.care.shape[1])
        both = mark.care[:, :length] & other.care[:, :length]
        if length < 2 or both.mean() < _OVERLAP:
            continue
        if (mark.outputs[:, :length] == other.outputs[:, :length])[both].all():
            return state
    return None


def _marks(oracle: Oracle, letters: Columns, words: list[list[int]], tails: Ints) -> list[_Mark]:
    """Per word (all of one length) what it answers on every continuation."""
    before = len(words[0])
    rest = oracle.length - before
    heads = np.repeat(np.array(words, dtype=np.int64).reshape(len(words), before), len(tails), 0)
    full = np.concatenate([heads, np.tile(tails[:, :rest], (len(words), 1))], axis=1)
    found = traced(oracle, tuple(c[full] for c in letters))
    outputs = found.outputs[:, before:].reshape(len(words), len(tails), rest, -1)
    care = found.care[:, before:].reshape(len(words), len(tails), rest)
    return [_Mark(o, c) for o, c in zip(outputs, care, strict=True)]
