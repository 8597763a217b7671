"""Where one step leads from boxes of the hidden space, for every item: bounded, rounding added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.checker.float_error import errors_within
from distill.checker.frame import Frame
from distill.checker.machine import Machine
from distill.checker.quick import boxes_at_once, quick_ranges, small
from distill.checker.smooth import NoBound
from distill.normal_form import Array, NormalForm
from distill.target import Output
from dsl.types import BOOL

_LARGEST = 1 << 40
"""Whole outputs must stay below it, so that halves between them are floats."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes (n, H) of u, each for a state of the program and an item, by number (n,)."""

    states: NDArray[np.int64]
    items: NDArray[np.int64]
    lower: Array
    upper: Array

    def __len__(self) -> int:
        return len(self.states)

    def at(self, rows: NDArray[np.int64] | slice) -> Boxes:
        """Some of them."""
        return Boxes(self.states[rows], self.items[rows], self.lower[rows], self.upper[rows])

    def split(self, size: int) -> list[Boxes]:
        """In parts of so many."""
        return [self.at(slice(start, start + size)) for start in range(0, len(self), size)]

    def halved(self, scale: Array) -> Boxes:
        """Each cut in the middle of the axis that is longest by scale (H,)."""
        axis = ((self.upper - self.lower) / scale).argmax(1)
        rows = np.arange(len(self))
        middle = 0.5 * self.lower[rows, axis] + 0.5 * self.upper[rows, axis]
        left, right = self.upper.copy(), self.lower.copy()
        left[rows, axis] = right[rows, axis] = middle
        return Boxes(
            np.tile(self.states, 2),
            np.tile(self.items, 2),
            np.concatenate([self.lower, right]),
            np.concatenate([left, self.upper]),
        )


@dataclass(frozen=True, eq=False)
class Stepper:
    """A cell in a frame with all items as it sees them (a, d), and the loop beside it."""

    cell: NormalForm
    frame: Frame
    items: Array
    machine: Machine
    output: Output

    def images(self, boxes: Boxes) -> Iterator[tuple[slice, NDArray[np.bool_], Array, Array]]:
        """Block by block: rows, whether outputs are surely right, and bounds (n, H) of u'."""
        form, hidden = self.frame.written(self.cell), self.frame.hidden
        largest = np.maximum(np.abs(boxes.lower), np.abs(boxes.upper)).max(0, initial=0.0)
        rest = self.frame.rest(largest)
        size = boxes_at_once(form)
        for start in range(0, len(boxes), size):
            rows = slice(start, start + size)
            part = boxes.at(rows)
            low, high = self._bounds(form, part, rest)
            wanted = self.machine.outputs[part.states, part.items]
            good = right_outputs(self.output, low[:, hidden:], high[:, hidden:], wanted)
            yield rows, good, low[:, :hidden], high[:, :hidden]

    def _bounds(self, form: NormalForm, part: Boxes, rest: Array) -> tuple[Array, Array]:
        """Bounds (n, H + k) of (u', y) as float32 computes them; infinite where there are none."""
        items, wide = self.items[part.items], np.broadcast_to(rest, part.lower.shape)
        lower = np.concatenate([part.lower, -wide, items], 1)
        upper = np.concatenate([part.upper, wide, items], 1)
        try:
            ranges = quick_ranges(form, lower, upper)
        except NoBound:
            nothing = np.full((len(part), form.widths()[form.output]), np.inf)
            return -nothing, nothing
        own = {index - 1: ends for index, ends in ranges.items() if 0 < index < form.output}
        error = errors_within(self.cell, own, len(self.cell.nodes))[self.cell.output]
        hidden = part.lower.shape[1]
        with np.errstate(all="ignore"):
            error = np.concatenate(
                [self.frame.stretched(error[:, :hidden]), error[:, hidden:]], axis=1
            )
            low, high = ranges[form.output]
            low, high = np.nextafter(low - error, -np.inf), np.nextafter(high + error, np.inf)
            sure = small(ranges)[:, None] & np.isfinite(low) & np.isfinite(high)
        return np.where(sure, low, -np.inf), np.where(sure, high, np.inf)


def right_outputs(output: Output, low: Array, high: Array, wanted: Array) -> NDArray[np.bool_]:
    """Whether all numbers within the bounds (n, k) are decoded as what is wanted, (n,)."""
    if output.scalar == BOOL:
        good = np.where(wanted > 0, low > output.level, (high <= output.level) & (wanted == 0))
    else:
        good = (low > wanted - 0.5) & (high < wanted + 0.5) & (np.abs(wanted) < _LARGEST)
    return np.asarray(good.all(1))
