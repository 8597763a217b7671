"""How long a recurrent network stays with its program: draws, then a search for the worst items.

A network that keeps its state without pulling it back drifts by a rounding error an item, or by
what its weights lack of whole numbers; in the end an output is wrong. Drawn sequences show that
late or never, so for each state of the program the hidden states that are farthest out along the
axes and some other directions are followed, under every item.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from distill.recurrent_target import Oracle
from distill.verify.machine import Steps, steps_of
from distill.verify.words import differences
from dsl.domain import Columns
from dsl.loop import Loop


@dataclass(frozen=True)
class Draws:
    """How many sequences are run: `rows` of `length` items, and `short` ones of `SHORT` items."""

    rows: int
    length: int
    short: int


SHORT = 60
FEW, MANY = Draws(16, 256, 4_096), Draws(64, 1_000, 16_384)
FOLLOWED = 4_000_000
"""Items that the worst states are followed for, at most."""

LONG, WAVES = 1 << 13, 16
_STICKY = 0.95
_WORDS = 144
_REPORTED = 1 << 20


def departs_early(loop: Loop, oracle: Oracle, draws: Draws, seed: int = 0) -> int | None:
    """The first item, from 1, at which one of some sequences shows a difference.

    They are uniform ones, ones that repeat an item many times, ones that repeat two items, and
    many short ones.
    """
    found = [_first(loop, oracle, columns) for columns in _sequences(oracle, draws, seed)]
    return min((item for item in found if item is not None), default=None)


def departs_late(loop: Loop, oracle: Oracle, seconds: float) -> tuple[int | None, int]:
    """The first item at which a worst state gives another output, and how many were followed.

    Where a program has too many states to follow, some long sequences are run instead: uniform
    ones, and square waves of all short periods between the first item and the last.
    seconds: of computing, after which it ends.
    """
    steps = steps_of(loop, oracle)
    if steps is None:
        found = [_first(loop, oracle, columns) for columns in _long(oracle)]
        return min((item for item in found if item is not None), default=None), LONG
    begin, item = time.process_time(), oracle.domain.item
    items = item.encode(item.points(0, steps.next.shape[1]))
    states, hidden = np.zeros(1, dtype=np.int64), oracle.network.initial[None]
    directions = _directions(oracle.network.hidden)
    for done in range(FOLLOWED):
        if done % 1_000 == 0 and time.process_time() - begin > seconds:
            return None, done
        after = _stepped(oracle, steps, items, states, hidden)
        if after is None:
            return done + 1, done + 1
        states, hidden = _extreme(*after, directions)
    return None, FOLLOWED


def _first(loop: Loop, oracle: Oracle, columns: Columns) -> int | None:
    differ = differences(loop, oracle, columns)
    return int(differ.any(0).argmax()) + 1 if differ.any() else None


def _sequences(oracle: Oracle, draws: Draws, seed: int) -> Iterator[Columns]:
    rng = np.random.default_rng([seed, 71])
    rows, length = draws.rows, draws.length
    yield oracle.domain.sample(rng, rows, length)
    yield oracle.domain.sample(rng, draws.short, SHORT)
    count = oracle.domain.symbols
    if count is None or count > _REPORTED:
        return
    letters = oracle.domain.item.points(0, count)
    last = np.where(rng.random((rows, length)) < _STICKY, 0, np.arange(length))
    last = np.maximum.accumulate(last, 1)
    held = np.take_along_axis(rng.integers(0, count, (rows, length)), last, 1)
    yield tuple(c[held] for c in letters)
    some = np.unique(np.linspace(0, count - 1, min(count, int(_WORDS**0.5))).astype(np.int64))
    pairs = np.stack(np.meshgrid(some, some), -1).reshape(-1, 2)
    again = np.tile(pairs, (1, length // 2))
    yield tuple(c[again] for c in letters)


def _long(oracle: Oracle) -> Iterator[Columns]:
    yield oracle.domain.sample(np.random.default_rng([oracle.length, 73]), WAVES, LONG)
    if oracle.domain.symbols is not None:
        ends = oracle.domain.item.points(0, oracle.domain.symbols)
        periods = np.arange(1, WAVES + 1)[:, None]
        high = np.arange(LONG) % periods >= periods // 2
        yield tuple(c[np.where(high, -1, 0)] for c in ends)


def _stepped(
    oracle: Oracle, steps: Steps, items: np.ndarray, states: np.ndarray, hidden: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Next states of program and network under all items; None where an output is wrong."""
    held = np.repeat(hidden, len(items), 0)
    after, raw = oracle.network.step(held, np.tile(items, (len(states), 1)))
    wanted = steps.outputs[states].ravel()
    if (oracle.output.decode(raw).ravel() != wanted).any():
        return None
    return steps.next[states].ravel(), after


def _directions(hidden: int) -> np.ndarray:
    """Axes and a few other directions (H, m)."""
    more = np.random.default_rng(hidden).standard_normal((hidden, 8 if hidden > 1 else 0))
    return np.hstack([np.eye(hidden), more])


def _extreme(
    states: np.ndarray, hidden: np.ndarray, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each state of the program the hidden states that are farthest along a direction."""
    kept = []
    for along in (hidden @ directions).T:
        order = np.lexsort((along, states))
        changes = np.flatnonzero(np.diff(states[order])) + 1
        kept += [order[:1], order[changes], order[changes - 1], order[-1:]]
    rows = np.unique(np.concatenate(kept))
    return states[rows], hidden[rows]
