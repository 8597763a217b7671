"""Induction for recurrent networks: grid cells of the hidden space, for every program state.

For each value the registers may take, a set of cells is grown from the exact first state, item by
item: the image of a cell under every item, bounded soundly and widened by the float32 rounding of
the step, touches cells of the successor's set; they are added until nothing new is reached. If on
every cell, item by item, the network's decoded output is the program's, then the two agree on
sequences of every length. (A simulation relation given by an inductive invariant; where a
single box a state fails, sets of small cells often hold.) Where growth ends at a wrong output, or
at a limit, all items before that are shown: equality up to that length.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.normal_form import Array
from distill.recurrent_target import Oracle
from distill.verify.frames import Frame, frames_of, plain_frame
from distill.verify.images import LONGEST, Reached, Stepper, Work, of_length
from distill.verify.machine import Ints, steps_of
from distill.verify.packed import packed_rows
from dsl.loop import Loop
from dsl.types import BOOL, INT

_CELLS = 200_000
_BATCH = 1 << 14
"""Cells times items that are bounded at once."""

_SPAN = 48
_GRIDS = (8, 16, 32, 64, 128, 256)
"""Cells along the range that each hidden number was seen in, coarsest grid first."""

_FINER = (512, 1024)
"""The same, where there are two hidden numbers at most."""

_SPREADS = (1, 2, 4, 8, 16, 32)
"""Cells along the spread of a frame's axis."""

_WIDEST = 8
_WORK = 1_200_000
"""Steps of work in all, as `distill.run.budget` counts them."""

_KEYS = 1 << 62
"""Keys of cells must stay below it: two cells with one key would leave one of them unproved."""

Cells = tuple[Ints, Ints]
"""States (n,) and places (n, H): place k is from k to k + 1 times the width on every axis."""


@dataclass(frozen=True, eq=False)
class Grown:
    """Cells by the number of items that reach them first; length: items shown, None for all."""

    layers: tuple[Cells, ...]
    widths: Array
    length: int | None

    @property
    def count(self) -> int:
        """Cells in all."""
        return sum(len(states) for states, _ in self.layers)


def cells_claim(
    loop: Loop, oracle: Oracle, seed: int = 0, steps_at_most: int = _WORK
) -> Claim | None:
    """Equality on sequences of every length, or up to a length; None where no grid shows it.

    Only for programs with few states over few items, and hidden states of few numbers.
    steps_at_most: of work, as `distill.run.budget` counts them.
    """
    begin = time.perf_counter()
    if oracle.output.scalar not in (INT, BOOL) or oracle.network.hidden > _WIDEST:
        return None
    steps = steps_of(loop, oracle) or steps_of(loop, oracle, LONGEST)
    if steps is None:
        return None
    work, best, memory = Work(steps_at_most), None, 0
    for frame, widths in _grids(loop, oracle, memory, seed):
        stepper = Stepper(oracle, steps, frame, memory)
        if not oracle.representable(stepper.items):
            return None
        grown = _grown(stepper, widths, work)
        if grown is not None and (grown.length is None or grown.length >= oracle.length):
            if best is None or grown.length is None or grown.length > (best[0].length or 0):
                best = grown, stepper
            if grown.length is None:
                break
        if work.left <= 0:
            break
    return None if best is None else _claim(*best, begin)


def _grids(loop: Loop, oracle: Oracle, memory: int, seed: int) -> Iterator[tuple[Frame, Array]]:
    """Frames with the widths of cells along their axes, coarse ones first."""
    hidden = oracle.network.hidden
    span = _span(oracle, seed)
    if hidden <= 4:
        for cells in _GRIDS + (_FINER if hidden <= 2 else ()):
            yield plain_frame(hidden), np.maximum(span / cells, span.max() * 1e-4)
    for frame in frames_of(loop, oracle, memory, seed):
        for cells in _SPREADS:
            yield frame, np.full(hidden, 2.0 / cells)


def _span(oracle: Oracle, seed: int) -> Array:
    """The range (H,) of each hidden number on drawn sequences."""
    rng = np.random.default_rng([seed, 41])
    drawn = oracle.domain.sample(rng, 512, oracle.length)
    states = oracle.network.run(oracle.domain.encode(drawn))[0].reshape(-1, oracle.network.hidden)
    return np.maximum(np.ptp(states, axis=0), 1e-3)


def _grown(stepper: Stepper, widths: Array, work: Work) -> Grown | None:
    """Cells reached from the first state, and how far they show equality; None: not at all."""
    seen = _Seen(stepper, widths)
    first = stepper.reached(np.zeros(1, dtype=np.int64), stepper.start())
    fresh = None if first is None else seen.add(first)
    if fresh is None:
        return None
    layers = [fresh]
    while len(fresh[0]):
        fresh = _next_layer(stepper, fresh, seen, work)
        if fresh is None or len(layers) == LONGEST:
            return Grown(tuple(layers[:-1]), widths, len(layers)) if len(layers) > 1 else None
        layers.append(fresh)
    return Grown(tuple(layers), widths, None)


def _next_layer(stepper: Stepper, layer: Cells, seen: _Seen, work: Work) -> Cells | None:
    """New cells that a layer leads to; None where an output may be wrong, or at a limit."""
    states, places = layer
    if (stepper.steps.next[states] < 0).any():
        return None
    found: list[Cells] = []
    size = max(_BATCH // len(stepper.items), 1)
    for start in range(0, len(states), size):
        rows = slice(start, start + size)
        box = places[rows] * seen.widths, (places[rows] + 1) * seen.widths
        if not work.spend(stepper.cost(len(states[rows]))):
            return None
        reached = stepper.reached(states[rows], box)
        more = None if reached is None else seen.add(reached)
        if more is None or len(seen.keys) > _CELLS:
            return None
        found.append(more)
    return np.concatenate([s for s, _ in found]), np.concatenate([p for _, p in found])


@dataclass
class _Seen:
    """Keys of all cells so far, in order."""

    stepper: Stepper
    widths: Array
    keys: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def room(self) -> int:
        """Places along an axis that a key has room for."""
        states = len(self.stepper.steps.next)
        return min(int((_KEYS / 2 / states) ** (1 / len(self.widths))), 1 << 20)

    def add(self, reached: Reached) -> Cells | None:
        """Cells that the boxes touch and that weren't seen; None where a box touches too many."""
        states, low, high = reached
        with np.errstate(all="ignore"):
            far = max(float((np.abs(end) / self.widths).max()) for end in (low, high))
        if not far < self.room // 2 - 2:
            return None
        first = np.floor(low / self.widths).astype(np.int64) - 1  # the quotient may be rounded
        last = np.floor(high / self.widths).astype(np.int64) + 1  # either way
        spans = (last - first).max(0) + 1
        if spans.astype(float).prod() > _SPAN**2 or spans.max() > _SPAN:
            return None
        parts = []
        for offset in product(*map(range, spans.tolist())):
            places = first + np.array(offset)
            touched = (places <= last).all(1) & _meets(places, low, high, self.widths)
            parts.append(self._fresh(states[touched], places[touched]))
        return np.concatenate([s for s, _ in parts]), np.concatenate([p for _, p in parts])

    def _fresh(self, states: Ints, places: Ints) -> Cells:
        keys, where = np.unique(self._keys_of(states, places), return_index=True)
        place = np.minimum(np.searchsorted(self.keys, keys), max(len(self.keys) - 1, 0))
        known = self.keys[place] == keys if len(self.keys) else np.zeros(len(keys), dtype=np.bool_)
        if not known.all():
            self.keys = np.sort(np.concatenate([self.keys, keys[~known]]))
        chosen = where[~known]
        return states[chosen], places[chosen]

    def _keys_of(self, states: Ints, places: Ints) -> Ints:
        keys = states.astype(np.int64)
        for axis in range(places.shape[1]):
            keys = keys * self.room + (places[:, axis] + self.room // 2)
        return keys


def _meets(places: Ints, low: Array, high: Array, widths: Array) -> NDArray[np.bool_]:
    """Whether a cell's ends, as they are computed, meet the box: no point of it is left out."""
    begin, end = places * widths, (places + 1) * widths
    inside = (begin <= high) & (end >= low)
    return np.asarray(inside.all(1))


def _claim(grown: Grown, stepper: Stepper, begin: float) -> Claim:
    how_far = f"up to length {grown.length}" if grown.length else "of every length"
    text = (
        f"equal on sequences {how_far}: {grown.count:,} cells of the hidden space, for "
        f"{len(stepper.steps.next):,} {stepper.wording}, lead into each other with equal outputs"
    )
    claim = of_length("proved_to_length" if grown.length else "proved", text, grown.length, begin)
    return replace(claim, count=grown.count, certificate=_certificate(grown, stepper))


def _certificate(grown: Grown, stepper: Stepper) -> dict[str, Any]:
    parts = [
        np.column_stack([np.full(len(states), depth), states, places])
        for depth, (states, places) in enumerate(grown.layers, 1)
    ]
    rows = np.concatenate(parts).astype(np.int64)
    if grown.length is None:
        rows = rows[:, 1:]
    rows = rows[np.lexsort(rows.T[::-1])]
    return {
        **stepper.described("layers" if grown.length else "cells"),
        "widths": grown.widths.tolist(),
        "cells": packed_rows(rows),
    }
