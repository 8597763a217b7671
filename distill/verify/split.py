"""Boxes and their binary trees: halving along an axis, and the record that proves tiling.

The record is columns over nodes: axis (-1 for a leaf), place of the cut, index of the first
child (the second follows it). Nodes 0..roots-1 are the domain's boxes, so nobody needs to
trust a list of leaf boxes: they follow from the cuts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.normal_form import Array
from distill.verify.rounding import Mask

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Boxes:
    """b boxes in n dimensions: corners (b, n), index in the tree (b,)."""

    lower: Array
    upper: Array
    node: Index

    def __len__(self) -> int:
        return len(self.node)

    def take(self, chosen: Index | Mask) -> Boxes:
        """Some of the boxes."""
        return Boxes(self.lower[chosen], self.upper[chosen], self.node[chosen])


@dataclass(eq=False)
class Tree:
    """Cuts made so far: arrays (parent, axis, place, first child), and the number of nodes."""

    size: int
    cuts: list[tuple[Index, Index, Array, Index]] = field(default_factory=list)

    def columns(self) -> dict[str, list]:
        """JSON-able columns over all nodes."""
        axis = np.full(self.size, -1)
        place = np.zeros(self.size)
        child = np.zeros(self.size, dtype=np.int64)
        for parents, axes, places, children in self.cuts:
            axis[parents], place[parents], child[parents] = axes, places, children
        return {"axis": axis.tolist(), "place": place.tolist(), "child": child.tolist()}


def root_boxes(lower: Array, upper: Array, integral: Mask | None) -> tuple[Boxes, Mask]:
    """The domain as boxes; accepts (n,) or (b, n) corners. Raises: BadInput."""
    low = np.atleast_2d(np.asarray(lower, dtype=np.float64))
    high = np.atleast_2d(np.asarray(upper, dtype=np.float64))
    if low.shape != high.shape or not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise BadInput("A proof over boxes needs finite lower and upper corners of one shape.")
    if (low > high).any():
        raise BadInput("A box has a lower corner above its upper corner; swap them.")
    whole = np.zeros(low.shape[1], bool) if integral is None else np.asarray(integral, bool)
    low, high = np.where(whole, np.ceil(low), low), np.where(whole, np.floor(high), high)
    if (low > high).any():
        raise BadInput("An integer field's range holds no integer; widen it.")
    return Boxes(low, high, np.arange(len(low))), whole


def choose_axes(boxes: Boxes, scores: Array, integral: Mask) -> Index:
    """The axis of largest score that can still be cut, or -1 for a box that cannot be cut."""
    width = boxes.upper - boxes.lower
    middle = boxes.lower + 0.5 * width
    cuttable = np.where(integral, width >= 1, (boxes.lower < middle) & (middle < boxes.upper))
    scores = np.where(np.isfinite(scores), scores, 0.0)
    flat = (np.where(cuttable, scores, 0.0) <= 0).all(axis=1, keepdims=True)
    scores = np.where(flat, width, scores)
    axes = np.argmax(np.where(cuttable, scores, -1.0), axis=1)
    return np.where(cuttable.any(axis=1), axes, -1)


def halve(boxes: Boxes, axes: Index, integral: Mask, tree: Tree) -> Boxes:
    """Both halves of every box (axes >= 0), recorded; integer axes close on integers."""
    rows = np.arange(len(boxes))
    low, high = boxes.lower[rows, axes], boxes.upper[rows, axes]
    whole = integral[axes]
    middle = low + 0.5 * (high - low)
    place = np.where(whole, np.floor(middle), middle)
    left_upper, right_lower = boxes.upper.copy(), boxes.lower.copy()
    left_upper[rows, axes] = place
    right_lower[rows, axes] = np.where(whole, place + 1.0, place)
    first = tree.size + 2 * rows
    tree.cuts.append((boxes.node, axes, place, first))
    tree.size += 2 * len(boxes)
    return Boxes(
        np.concatenate([boxes.lower, right_lower]),
        np.concatenate([left_upper, boxes.upper]),
        np.concatenate([first, first + 1]),
    )


def centres(boxes: Boxes, integral: Mask) -> Array:
    """A point of each box near its middle, whole on integer axes."""
    middle = boxes.lower + 0.5 * (boxes.upper - boxes.lower)
    return np.where(integral, np.floor(middle), middle)


def join(parts: list[Boxes]) -> Boxes:
    """All boxes of several batches."""
    return Boxes(
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
        np.concatenate([part.node for part in parts]),
    )
