"""Induction with one box of hidden states for each state of the program.

The boxes after t items follow from those before by the bounds of one step. Where they stop growing
once they are taken together, the network is the program for every length; else up to the item at
which an output is no longer certain. In the frame of what varies within a state of the program one
box is often enough, and where it isn't, the last items may count as part of the program's state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from distill.evidence import Claim
from distill.normal_form import Array
from distill.recurrent_target import Oracle
from distill.verify.frames import frames_of, plain_frame
from distill.verify.images import LONGEST, Box, Reached, Stepper, Work, of_length
from distill.verify.machine import Ints, remembering, steps_of
from distill.verify.packed import packed_floats, packed_rows
from dsl.loop import Loop
from dsl.types import BOOL, INT

_WIDEN = 0.05
"""Part of its width by which an end of a box that still grows is moved on."""

_CLOSING, _FOLLOWING = 2_000_000, 2_500_000
"""Steps of work for boxes that close, and for those that are followed item by item."""

_MEMORIES = (0, 1, 2)

Hulls = tuple[Ints, Box]
"""States (n,), each once and in order, and their boxes (n, H)."""


def closed_claim(
    loop: Loop, oracle: Oracle, seed: int = 0, steps_at_most: int = _CLOSING
) -> Claim | None:
    """Equality on sequences of every length; None where no boxes close within so much work."""
    begin, work = time.perf_counter(), Work(steps_at_most)
    for memory in _MEMORIES:
        reach = 0
        for stepper in _steppers(loop, oracle, memory, None, seed):
            found, length = _closed(stepper, work)
            if found is not None:
                return _closed_claim(stepper, found, begin)
            reach = max(reach, length)
        if reach >= oracle.length:
            return None  # the network drifts: boxes that are told apart by items drift as well
    return None


def boxes_claim(
    loop: Loop, oracle: Oracle, seed: int = 0, steps_at_most: int = _FOLLOWING
) -> Claim | None:
    """The claim up to the longest length that boxes show; None below the network's own length."""
    begin, work = time.perf_counter(), Work(steps_at_most)
    best: tuple[Stepper, list[Hulls]] | None = None
    for memory in _MEMORIES:
        for stepper in _steppers(loop, oracle, memory, LONGEST, seed):
            found = _followed(stepper, work)
            if len(found) >= max(oracle.length, len(best[1]) + 1 if best else 0):
                best = stepper, found
            if len(found) == LONGEST:
                break
        if best is not None:
            break
    return None if best is None else _boxes_claim(*best, begin)


def _steppers(
    loop: Loop, oracle: Oracle, memory: int, depth: int | None, seed: int
) -> Iterator[Stepper]:
    """The hidden numbers themselves, then frames, for the program with a memory of items."""
    if oracle.output.scalar not in (INT, BOOL):
        return
    base = steps_of(loop, oracle, depth)
    steps = None if base is None else remembering(base, memory)
    if steps is None:
        return
    hidden = oracle.network.hidden
    plain = Stepper(oracle, steps, plain_frame(hidden), memory)
    if oracle.representable(plain.items):
        yield plain
        frames = frames_of(loop, oracle, memory, seed) if hidden > 1 else ()
        yield from (replace(plain, frame=frame) for frame in frames)


def _closed(stepper: Stepper, work: Work) -> tuple[Hulls | None, int]:
    """Boxes that lead into each other, else how many rounds were right."""
    first = stepper.reached(np.zeros(1, dtype=np.int64), stepper.start())
    if first is None:
        return None, 0
    hulls = _hulls(first)
    for rounds in range(1, LONGEST):
        states, box = hulls
        if not work.spend(stepper.cost(len(states))):
            return None, rounds
        reached = stepper.reached(states, box)
        if reached is None:
            return None, rounds
        joined = (np.concatenate(pair) for pair in zip((states, *box), reached, strict=True))
        after, (low, high) = _hulls(tuple(joined))  # pyright: ignore[reportArgumentType]
        if len(after) == len(states):
            if (low >= box[0]).all() and (high <= box[1]).all():
                return hulls, rounds
            more = _WIDEN * (high - low)
            low, high = (
                np.where(low < box[0], low - more, low),
                np.where(high > box[1], high + more, high),
            )
        hulls = after, (low, high)
    return None, LONGEST


def _followed(stepper: Stepper, work: Work) -> list[Hulls]:
    """The boxes after 1, 2, ... items, as many as are shown right."""
    states, box = np.zeros(1, dtype=np.int64), stepper.start()
    found: list[Hulls] = []
    while len(found) < LONGEST and (stepper.steps.next[states] >= 0).all():
        if not work.spend(stepper.cost(len(states))):
            break
        reached = stepper.reached(states, box)
        if reached is None:
            break
        states, box = _hulls(reached)
        found.append((states, box))
    return found


def _hulls(reached: Reached) -> Hulls:
    """For every state reached the smallest box that holds all boxes that lead to it."""
    states, which = np.unique(reached[0], return_inverse=True)
    low: Array = np.full((len(states), reached[1].shape[1]), np.inf)
    high = -low
    np.minimum.at(low, which, reached[1])
    np.maximum.at(high, which, reached[2])
    return states, (low, high)


def _closed_claim(stepper: Stepper, hulls: Hulls, begin: float) -> Claim:
    text = (
        f"equal on sequences of every length: boxes of the hidden space for {len(hulls[0]):,} "
        f"{stepper.wording} lead into each other with equal outputs"
    )
    states, box = hulls
    certificate = {
        **stepper.described("hulls"),
        "states": packed_rows(states[:, None]),
        "ends": packed_floats(np.concatenate(box, 1)),
    }
    claim = of_length("proved", text, None, begin)
    return replace(claim, count=len(states), certificate=certificate)


def _boxes_claim(stepper: Stepper, found: list[Hulls], begin: float) -> Claim:
    length = len(found)
    text = (
        f"equal on all sequences up to length {length}: boxes of the hidden space for "
        f"{len(stepper.steps.next):,} {stepper.wording} lead into each other with equal outputs"
    )
    claim = of_length("proved_to_length", text, length, begin)
    return replace(claim, certificate=_certificate(stepper, found[:-1]))


def _certificate(stepper: Stepper, found: list[Hulls]) -> dict[str, Any]:
    """The boxes after 1, 2, ... items."""
    rows = [np.column_stack([np.full(len(s), t), s]) for t, (s, _) in enumerate(found, 1)]
    ends = np.concatenate([np.concatenate(box, 1) for _, box in found])
    return {
        **stepper.described("boxes"),
        "states": packed_rows(np.concatenate(rows)),
        "ends": packed_floats(ends),
    }
