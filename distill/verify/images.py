"""Where a step leads from boxes of the hidden space under every item, with outputs checked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.normal_form import Array, NormalForm
from distill.recurrent_target import Oracle
from distill.verify.bounds import box_price
from distill.verify.crown import enclose
from distill.verify.envelope import error_within
from distill.verify.frames import Frame
from distill.verify.machine import Ints, Steps
from dsl.types import BOOL

_BLOCK_NUMBERS = 1 << 19
_ROOM, _CLOSE, _NEAR = 0.25, 1e-6, 1e-10
"""What is added, as parts of rounding errors, widths and sizes, so that a checker that rounds
elsewhere agrees."""

_NODE = 300
"""Steps that bounding a node takes on however few boxes."""

_LARGEST = 1 << 40
"""Whole outputs must stay below it, so that halves between them are floats."""

LONGEST = 60
"""Items up to which growth that doesn't end is followed."""

Box = tuple[Array, Array]
Reached = tuple[Ints, Array, Array]
"""States (n,) with lower and upper ends (n, H) of boxes that hold the hidden states reached."""


@dataclass
class Work:
    """What is left of a limit in steps, as `distill.run.budget` counts them."""

    left: int

    def spend(self, steps: int) -> bool:
        """Whether there was enough."""
        self.left -= steps
        return self.left >= 0


@dataclass(frozen=True, eq=False)
class Stepper:
    """A recurrent network in a frame, and the program beside it.

    memory: how many of the last items are part of the program's states in `steps`.
    """

    oracle: Oracle
    steps: Steps
    frame: Frame
    memory: int = 0

    @cached_property
    def items(self) -> Array:
        """Every item as the cell sees it, (a, width)."""
        item = self.oracle.domain.item
        return item.encode(item.points(0, self.steps.next.shape[1]))

    @cached_property
    def _cell(self) -> NormalForm:
        return self.oracle.network.cell.normal_form()

    @cached_property
    def _form(self) -> NormalForm:
        return self.frame.written(self._cell)

    def cost(self, boxes: int) -> int:
        """Steps of work that boxes take under all items."""
        nodes = len(self._form.nodes)
        return max(boxes * box_price(self._form) * len(self.items), _NODE * nodes)

    @property
    def wording(self) -> str:
        """What the program's states are, and how many items there are."""
        last = {0: "", 1: " with its last item"}.get(self.memory, f" with {self.memory} last items")
        return f"states of the program{last} and {len(self.items):,} items"

    def described(self, kind: str) -> dict[str, Any]:
        """The beginning of a certificate."""
        found: dict[str, Any] = {"kind": kind}
        if self.memory:
            found["memory"] = self.memory
        if not self.frame.plain:
            found["matrix"] = self.frame.matrix.tolist()
        return found

    def start(self) -> Box:
        """The first state, as a box (1, H)."""
        return self.frame.seen(self.oracle.network.initial)

    def reached(self, states: Ints, box: Box) -> Reached | None:
        """Where boxes of program states lead with every item; None if an output may be wrong."""
        count, hidden = len(self.items), self.oracle.network.hidden
        largest = max(float(np.abs(end).max(initial=0.0)) for end in box)
        wide = np.broadcast_to(self.frame.rest(largest), (len(states) * count, hidden))
        items = np.tile(self.items, (len(states), 1))
        lower = np.concatenate([np.repeat(box[0], count, 0), -wide, items], 1)
        upper = np.concatenate([np.repeat(box[1], count, 0), wide, items], 1)
        wanted = self.steps.outputs[states].reshape(len(lower), -1)
        lows, highs = [], []
        for rows in self._blocks(len(lower)):
            low, high = self._bounded(lower[rows], upper[rows])
            if not same_outputs(self.oracle, low[:, hidden:], high[:, hidden:], wanted[rows]).all():
                return None
            lows.append(low[:, :hidden])
            highs.append(high[:, :hidden])
        return self.steps.next[states].ravel(), np.concatenate(lows), np.concatenate(highs)

    def _blocks(self, count: int) -> Iterator[slice]:
        size = max(_BLOCK_NUMBERS // (max(self._form.widths()) * self._form.input_width), 16)
        return (slice(start, start + size) for start in range(0, count, size))

    def _bounded(self, lower: Array, upper: Array) -> Box:
        """Bounds of (u', y) as float32 computes them."""
        hidden, found = self.oracle.network.hidden, enclose(self._form, lower, upper)
        own = {index - 1: ends for index, ends in found.ranges.items() if index > 0}
        error = error_within(self._cell, {i: own[i] for i in own if i < len(self._cell.nodes)})
        error = np.concatenate([self.frame.stretched(error[:, :hidden]), error[:, hidden:]], 1)
        return with_room(found.low, found.high, error)


def with_room(low: Array, high: Array, error: Array) -> Box:
    """Bounds (n, k) with rounding errors added, and a little more for a checker's sake."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(low), np.abs(high)).max(1, keepdims=True)
        room = (1 + _ROOM) * error + _CLOSE * (high - low) + _NEAR * size + 1e-30
        return np.nextafter(low - room, -np.inf), np.nextafter(high + room, np.inf)


def same_outputs(
    oracle: Oracle, low: Array, high: Array, wanted: NDArray[Any]
) -> NDArray[np.bool_]:
    """Whether every output within the bounds (n, k) is decoded as what is wanted, (n,)."""
    finite = np.isfinite(low) & np.isfinite(high)
    if oracle.output.scalar == BOOL:
        level = oracle.output.level
        return np.all(finite & np.where(wanted, low > level, high <= level), axis=1)
    small = finite & (np.abs(wanted) < _LARGEST)
    return np.all(small & (low > wanted - 0.5) & (high < wanted + 0.5), axis=1)


def of_length(verdict: str, text: str, length: int | None, begin: float) -> Claim:
    """A claim by induction."""
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
