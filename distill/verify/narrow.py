"""Branch and bound for the narrowest band: which margin can be shown on all of a box?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.normal_form import Array
from distill.verify.bounds import Limit
from distill.verify.boxes import Piece
from distill.verify.pairs import Pairs, needs
from distill.verify.split import Boxes, Index, Mask, Tree, choose_axes, halve, join, root_boxes

_BATCH = 2048
_ROOM = 1.05
_SMALLEST = 2.0**-11
"""Share of the box below which boxes aren't cut: at a corner of both decisions no cut helps."""


@dataclass(frozen=True, eq=False)
class Narrowest:
    """A margin that is shown, the tree of cuts that shows it, and boxes looked at."""

    margin: float
    tree: dict
    boxes: int


@dataclass(frozen=True, eq=False)
class _Open:
    """Boxes, the margin that each needs, the axis to cut it along, and whether that is no use."""

    boxes: Boxes
    need: Array
    axes: Index
    tiny: Mask

    def take(self, chosen: Mask) -> _Open:
        return _Open(
            self.boxes.take(chosen), self.need[chosen], self.axes[chosen], self.tiny[chosen]
        )


def narrowest(
    piece: Piece, pairs: Pairs, box: tuple[Array, Array], goal: float, limit: Limit
) -> Narrowest:
    """The smallest margin that can be shown on a box of a piece; infinite where none is.

    Worst box first, until what is needed is at most `goal`, or little more than what the sides
    were seen to be apart, or than what a tiny box needs, or the limit is reached.
    """
    fresh, whole = root_boxes(*box, piece.domain.integral())
    least = _SMALLEST * (fresh.upper - fresh.lower).max(axis=0)
    tree, asked, closed, waiting = Tree(len(fresh)), 0, -np.inf, None
    while len(fresh):
        need, worth, seen = needs(piece, pairs, fresh)
        limit.count(piece.form, 2 * len(fresh))
        asked, goal = asked + len(fresh), max(goal, seen * _ROOM)
        axes = choose_axes(fresh, worth, whole)
        tiny = (axes < 0) | (fresh.upper - fresh.lower <= least).all(axis=1)
        waiting = _with(waiting, _Open(fresh, need, axes, tiny))
        goal = max(goal, float(waiting.need[waiting.tiny].max(initial=-np.inf)))
        done = waiting.need <= goal
        closed = max(closed, float(waiting.need[done].max(initial=-np.inf)))
        waiting = waiting.take(~done)
        if limit.reached(asked):
            break
        chosen = _worst(waiting.need, min(_BATCH, limit.max_boxes - asked))
        cut, waiting = waiting.take(chosen), waiting.take(~chosen)
        fresh = halve(cut.boxes, cut.axes, whole, tree)
    left = -np.inf if waiting is None else float(waiting.need.max(initial=-np.inf))
    return Narrowest(max(closed, left), tree.columns(), asked)


def _with(waiting: _Open | None, more: _Open) -> _Open:
    if waiting is None:
        return more
    return _Open(
        join([waiting.boxes, more.boxes]),
        np.concatenate([waiting.need, more.need]),
        np.concatenate([waiting.axes, more.axes]),
        np.concatenate([waiting.tiny, more.tiny]),
    )


def _worst(need: Array, most: int) -> Mask:
    """The worse half of the boxes, at least a few and at most `most`."""
    chosen = np.zeros(len(need), dtype=bool)
    chosen[np.argsort(-need, kind="stable")[: min(most, max(len(need) // 2, 16))]] = True
    return chosen
