"""A search for sequences on which loop and network part: a beam of those that come closest.

Item by item every sequence of the beam is continued by all items, or by some that are drawn where
there are many. Of each half of the next beam one keeps the decisions of smallest margin, in real
outputs the largest differences, the other half the states farthest from the mean of those that the
program holds for the same, since errors that grow show there first; a few are kept at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from dsl.domain import Columns, taken
from dsl.loop import Loop
from dsl.meanings.loop_array import start_of, step_loop

_WIDTH = 192
_ITEMS = 16
_AT_RANDOM = 32

Registers = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class _Beam:
    """Sequences so far, (n, t) by field, the network's states (n, H), what the loop holds."""

    items: Columns
    states: NDArray[np.float64]
    held: Registers

    def take(self, rows: NDArray[np.int64]) -> _Beam:
        """Some of the sequences."""
        held = {name: values[rows] for name, values in self.held.items()}
        return _Beam(taken(self.items, rows), self.states[rows], held)


def departing(loop: Loop, oracle: Oracle, seed: int, length: int) -> Columns | None:
    """A sequence of so many items (columns of one row) on which the two differ; None where the
    search meets none."""
    rng = np.random.default_rng([seed, 77])
    states = np.broadcast_to(oracle.network.initial, (1, oracle.network.hidden))
    none = oracle.domain.sample(rng, 1, 1)
    beam = _Beam(tuple(c[:, :0] for c in none), states, start_of(loop, 1))
    counts = oracle.counts(length)
    with np.errstate(all="ignore"):
        for t in range(length):
            beam, worth, differ = _continued(loop, oracle, beam, rng)
            if counts[t] and differ.any():
                first = beam.take(np.flatnonzero(differ)[:1]).items
                rest = oracle.domain.sample(rng, 1, length)
                both = zip(first, rest, strict=True)
                return tuple(np.concatenate([a, b[:, t + 1 :]], 1) for a, b in both)
            beam = beam.take(_kept(beam, worth, rng))
    return None


def _continued(
    loop: Loop, oracle: Oracle, beam: _Beam, rng: np.random.Generator
) -> tuple[_Beam, NDArray[np.float64], NDArray[np.bool_]]:
    """Every sequence with one item more, how near to a difference it is (n,), and where one is."""
    count = len(beam.states)
    next_items = _items(oracle, count, rng)
    many = len(next_items[0]) // count
    wide = beam.take(np.repeat(np.arange(count), many))
    encoded = oracle.domain.encode(next_items)[:, 0]
    states, raw = oracle.network.step(wide.states, encoded)
    flat = tuple(c[:, 0] for c in next_items)
    output, held = step_loop(loop, wide.held, flat)
    ours = oracle.read(raw[:, None])
    differ = oracle.differ(ours, np.asarray(output)[:, None])[:, 0]
    near = oracle.distances(ours, np.asarray(output)[:, None])[:, 0]
    worth = near if oracle.real else -oracle.margins(raw[:, None])[:, 0]
    pairs = zip(wide.items, next_items, strict=True)
    items = tuple(np.concatenate(pair, 1) for pair in pairs)
    return _Beam(items, states, held), worth, differ


def _items(oracle: Oracle, count: int, rng: np.random.Generator) -> Columns:
    """For each of so many sequences the items that it is continued by, sequence by sequence."""
    symbols = oracle.domain.symbols
    if symbols is not None and symbols <= _ITEMS:
        every = oracle.domain.words(1, 0, symbols)
        return tuple(np.concatenate([c] * count) for c in every)
    return oracle.domain.sample(rng, count * _ITEMS, 1)


def _kept(beam: _Beam, worth: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The rows of the next beam."""
    rows = [np.argsort(-worth, kind="stable")[:_WIDTH]]
    rows.append(np.argsort(-_strayed(beam), kind="stable")[:_WIDTH])
    rows.append(rng.integers(0, len(worth), size=_AT_RANDOM))
    return np.unique(np.concatenate(rows))


def _strayed(beam: _Beam) -> NDArray[np.float64]:
    """How far states are from the mean of those for which the loop holds the same, (n,)."""
    held = [np.asarray(v, dtype=float).reshape(len(beam.states), -1) for v in beam.held.values()]
    which = np.zeros(len(beam.states), dtype=np.int64)
    if held:
        which = np.unique(np.concatenate(held, 1), axis=0, return_inverse=True)[1].ravel()
    sums = np.zeros((which.max() + 1, beam.states.shape[1]))
    np.add.at(sums, which, beam.states)
    means = sums / np.bincount(which)[:, None]
    return np.abs(beam.states - means[which]).max(axis=1)
