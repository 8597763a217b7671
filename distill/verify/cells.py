"""Induction for recurrent networks: grid cells of the hidden space, for every program state.

For each value the registers may take, a set of cells is grown from the exact first state: the
image of a cell under every item, bounded soundly and widened by the float32 rounding of the
step, touches cells of the successor's set; they are added until nothing new is reached. If on
every cell, item by item, the network's decoded output is the program's, then the two agree on
sequences of every length. (A simulation relation given by an inductive invariant; where a
single box a state fails, sets of small cells often hold.)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.normal_form import NormalForm
from distill.recurrent_target import Oracle
from distill.verify.bounds import bound_box
from distill.verify.envelope import float_error
from distill.verify.packed import packed_floats, packed_rows
from dsl.domain import rows
from dsl.loop import Loop
from dsl.meanings.loop_array import start_of, step_loop
from dsl.types import BOOL, INT

_STATES = 1_500
_EDGES = 60_000
_CELLS = 60_000
_BATCH = 4_096
_SPAN = 48
_GRIDS = (8, 16, 32, 64, 128, 256)
"""Cells along the range that each hidden number was seen in, coarsest grid first."""

_WIDEST = 4
_LONGEST = 60
"""Items up to which boxes are followed."""

_PLACE = 1 << 14
"""Cells along an axis that a key has room for."""

_KEYS = 1 << 62
"""Keys of cells must stay below it: two cells with one key would leave one of them unproved."""

_ROOM, _CLOSE = 0.25, 1e-6
"""What is added to rounding errors and widths, so that a checker that rounds elsewhere agrees."""

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Steps:
    """The program on all its states and items: successors (s, a) and outputs (s, a)."""

    next: Ints
    outputs: NDArray[Any]


def cells_claim(loop: Loop, oracle: Oracle, seed: int = 0) -> Claim | None:
    """Equality on sequences of every length; None where no grid shows it.

    Only for programs with few states over few items, and hidden states of few numbers.
    """
    begin = time.perf_counter()
    read = oracle.output
    if read.scalar not in (INT, BOOL) or oracle.network.hidden > _WIDEST:
        return None
    steps = steps_of(loop, oracle)
    if steps is None or len(steps.next) * _PLACE**oracle.network.hidden >= _KEYS:
        return None
    if not oracle.representable(_items(oracle, steps)):
        return None
    form, span = oracle.network.cell.normal_form(), _span(oracle, seed)
    for cells in _GRIDS:
        widths = np.maximum(span / cells, span.max() * 1e-4)
        found = _invariant(form, oracle, steps, widths)
        if found is not None:
            return _claim(found, widths, steps, begin)
    return None


def boxes_claim(loop: Loop, oracle: Oracle) -> Claim | None:
    """Equality up to a length, from one box of hidden states for each state of the program.

    The boxes after t items follow from those before by the bounds of one step; the claim ends
    where an output is no longer certain. None where that is before the network's own length.
    """
    begin = time.perf_counter()
    if oracle.output.scalar not in (INT, BOOL):
        return None
    steps = steps_of(loop, oracle, _LONGEST)
    if steps is None:
        return None
    items = _items(oracle, steps)
    if not oracle.representable(items):
        return None
    form, start = oracle.network.cell.normal_form(), oracle.network.initial[None]
    states, box, length = np.zeros(1, dtype=np.int64), (start, start), 0
    reached_at: list[tuple[Ints, Array, Array]] = []
    while length < _LONGEST and (steps.next[states] >= 0).all():
        reached = _image(form, oracle, steps, items, states, box)
        if reached is None:
            break
        states, box = _hulls(reached)
        length += 1
        reached_at.append((states, *box))
    if length < oracle.length:
        return None
    text = (
        f"equal on all sequences up to length {length}: boxes of the hidden space for "
        f"{len(steps.next):,} states of the program lead into each other with equal outputs"
    )
    claim = _of_length("proved_to_length", text, length, begin)
    return replace(claim, certificate=_boxes_certificate(reached_at[:-1]))


def _boxes_certificate(reached_at: list[tuple[Ints, Array, Array]]) -> dict[str, Any]:
    """The boxes after 1, 2, ... items."""
    steps = np.concatenate([np.full(len(s), t) for t, (s, _, _) in enumerate(reached_at, 1)])
    states = np.concatenate([s for s, _, _ in reached_at])
    ends = np.concatenate([np.concatenate([low, high], 1) for _, low, high in reached_at])
    rows = packed_rows(np.column_stack([steps, states]))
    return {"kind": "boxes", "states": rows, "ends": packed_floats(ends)}


def _items(oracle: Oracle, steps: Steps) -> Array:
    """Every item as the cell sees it, (a, width)."""
    return oracle.domain.item.encode(oracle.domain.item.points(0, steps.next.shape[1]))


def _hulls(reached: Reached) -> tuple[Ints, tuple[Array, Array]]:
    """For every state reached the smallest box that holds all boxes that lead to it."""
    states, which = np.unique(reached[0], return_inverse=True)
    low = np.full((len(states), reached[1].shape[1]), np.inf)
    high = -low
    np.minimum.at(low, which, reached[1])
    np.maximum.at(high, which, reached[2])
    return states, (low, high)


def steps_of(loop: Loop, oracle: Oracle, depth: int | None = None) -> Steps | None:
    """Every state that the program can reach with its steps; None where they are too many.

    With a depth, states reached by that many items are enough; where they lead is -1.
    """
    found = _explored(loop, oracle, depth)
    while found is None and depth is not None and depth > oracle.length:
        depth = max(depth * 2 // 3, oracle.length)
        found = _explored(loop, oracle, depth)
    return found


def _explored(loop: Loop, oracle: Oracle, depth: int | None) -> Steps | None:
    count = oracle.domain.symbols
    if count is None or count > _EDGES:
        return None
    letters = oracle.domain.item.points(0, count)
    known: dict[tuple, int] = {}
    first = _key(start_of(loop, 1), 0)
    waiting, lines, outputs = [(first, 0)], [], []
    known[first] = 0
    while waiting:
        state, far = waiting.pop(0)
        named = {
            r.name: np.repeat(np.array([v]), rows(letters), axis=0)
            for r, v in zip(loop.registers, state, strict=True)
        }
        with np.errstate(all="ignore"):
            output, after = step_loop(loop, named, letters)
        outputs.append(np.array(output))
        if far == depth:
            lines.append([-1] * count)
            continue
        line = []
        for item in range(rows(letters)):
            reached = _key(after, item)
            if reached not in known:
                known[reached] = len(known)
                waiting.append((reached, far + 1))
            line.append(known[reached])
        lines.append(line)
        if len(known) > _STATES or len(known) * count > _EDGES:
            return None
    return Steps(np.array(lines), np.stack(outputs))


def _key(state: dict[str, NDArray[Any]], row: int) -> tuple:
    return tuple(tuple(v[row].tolist()) if v.ndim > 1 else v[row].item() for v in state.values())


def _span(oracle: Oracle, seed: int) -> Array:
    """The range (H,) of each hidden number on drawn sequences."""
    rng = np.random.default_rng([seed, 41])
    drawn = oracle.domain.sample(rng, 512, oracle.length)
    states = oracle.network.run(oracle.domain.encode(drawn))[0].reshape(-1, oracle.network.hidden)
    return np.maximum(np.ptp(states, axis=0), 1e-3)


def _invariant(
    form: NormalForm, oracle: Oracle, steps: Steps, widths: Array
) -> tuple[Ints, Ints] | None:
    """The states and places of cells that show equality; None where this grid shows none."""
    items = _items(oracle, steps)
    start = oracle.network.initial[None]
    seen: set[int] = set()
    first = _image(form, oracle, steps, items, np.zeros(1, dtype=np.int64), (start, start))
    if first is None:
        return None
    waiting = _new(first, widths, seen)
    found = [waiting]
    while waiting is not None and len(waiting[0]):
        states, places = waiting[0][:_BATCH], waiting[1][:_BATCH]
        rest = waiting[0][_BATCH:], waiting[1][_BATCH:]
        box = places * widths, (places + 1) * widths
        reached = _image(form, oracle, steps, items, states, box)
        more = None if reached is None else _new(reached, widths, seen)
        if more is None or len(seen) > _CELLS:
            return None
        found.append(more)
        waiting = tuple(np.concatenate(pair) for pair in zip(rest, more, strict=True))
    return None if waiting is None else _joined([part for part in found if part is not None])


def _joined(parts: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    states, places = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    return states, places


Reached = tuple[Ints, Array, Array]
"""States (n,) with lower and upper ends (n, H) of boxes that hold the hidden states reached."""


def _image(
    form: NormalForm,
    oracle: Oracle,
    steps: Steps,
    items: Array,
    states: Ints,
    box: tuple[Array, Array],
) -> Reached | None:
    """Where boxes of some program states lead with every item; None if an output may be wrong."""
    boxes, count, hidden = len(states), len(items), oracle.network.hidden
    lower = np.concatenate([np.repeat(box[0], count, 0), np.tile(items, (boxes, 1))], 1)
    upper = np.concatenate([np.repeat(box[1], count, 0), np.tile(items, (boxes, 1))], 1)
    low, high = (np.concatenate(parts) for parts in zip(*_bounded(form, lower, upper), strict=True))
    wanted = steps.outputs[states].reshape(boxes * count, -1)
    if not _same(oracle, low[:, hidden:], high[:, hidden:], wanted):
        return None
    return steps.next[states].ravel(), low[:, :hidden], high[:, :hidden]


def _bounded(form: NormalForm, lower: Array, upper: Array) -> Iterator[tuple[Array, Array]]:
    """Bounds of the float32 run on boxes, block by block."""
    for place in range(0, len(lower), _BATCH):
        block = lower[place : place + _BATCH], upper[place : place + _BATCH]
        low, high = bound_box(form, *block)
        room = (1 + _ROOM) * float_error(form, *block) + _CLOSE * (high - low)
        yield np.nextafter(low - room, -np.inf), np.nextafter(high + room, np.inf)


def _same(oracle: Oracle, low: Array, high: Array, wanted: NDArray[Any]) -> bool:
    """Whether every output within the bounds is decoded as what is wanted."""
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return False
    if oracle.output.scalar == BOOL:
        level = oracle.output.level
        return bool(np.where(wanted, low > level, high <= level).all())
    return bool(((low > wanted - 0.5) & (high < wanted + 0.5)).all())


def _new(reached: Reached, widths: Array, seen: set[int]) -> tuple[Ints, Ints] | None:
    """Cells that the boxes touch and that weren't seen; None where a box touches too many."""
    states, low, high = reached
    first = np.floor(low / widths).astype(np.int64) - 1  # the quotient may be rounded either way
    last = np.floor(high / widths).astype(np.int64) + 1
    if max(abs(first).max(), abs(last).max()) >= _PLACE // 2:
        return None
    spans = (last - first).max(0) + 1
    if spans.prod() > _SPAN**2 or spans.max() > _SPAN:
        return None
    fresh_states: list[Ints] = []
    fresh_places: list[Ints] = []
    for offset in product(*map(range, spans)):
        places = first + np.array(offset)
        touched = (places <= last).all(1) & _meets(places, low, high, widths)
        keys = _keys(states[touched], places[touched])
        unique, where = np.unique(keys, return_index=True)
        fresh = np.array([k not in seen for k in unique.tolist()], dtype=np.bool_)
        seen.update(unique[fresh].tolist())
        chosen = where[fresh]
        fresh_states.append(states[touched][chosen])
        fresh_places.append(places[touched][chosen])
    return np.concatenate(fresh_states), np.concatenate(fresh_places)


def _meets(places: Ints, low: Array, high: Array, widths: Array) -> NDArray[np.bool_]:
    """Whether a cell's ends, as they are computed, meet the box: no point of it is left out."""
    begin, end = places * widths, (places + 1) * widths
    inside = (begin <= high) & (end >= low)
    return np.asarray(inside.all(1))


def _keys(states: Ints, places: Ints) -> Ints:
    keys = states.astype(np.int64)
    for axis in range(places.shape[1]):
        keys = keys * _PLACE + (places[:, axis] + _PLACE // 2)
    return keys


def _claim(found: tuple[Ints, Ints], widths: Array, steps: Steps, begin: float) -> Claim:
    cells, (states, items) = len(found[0]), steps.next.shape
    text = (
        f"equal on sequences of every length: {cells:,} cells of the hidden space, for {states:,} "
        f"states of the program and {items:,} items, lead into each other with equal outputs"
    )
    rows = np.column_stack(found)
    rows = rows[np.lexsort(rows.T[::-1])]
    certificate = {"kind": "cells", "widths": widths.tolist(), "cells": packed_rows(rows)}
    return replace(_of_length("proved", text, None, begin), count=cells, certificate=certificate)


def _of_length(verdict: str, text: str, length: int | None, begin: float) -> Claim:
    return Claim(
        verdict,
        "induction",
        text,
        achieved=0.0,
        arithmetic="network in float32 in any order of summation, program in whole numbers",
        count=length or 0,
        seconds=time.perf_counter() - begin,
        length_bound=length,
    )
