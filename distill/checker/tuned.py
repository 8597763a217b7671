"""Better slopes under undecided relus, box by box, so that an output's bound gets tighter.

The bound is concave in the slopes that the lower lines of relus have; its gradient is what goes
into each relu at the corner where the bound is attained, where that relu counts positively. A few
steps along it choose slopes; `quick.least` bounds soundly with whatever was chosen. The idea is
that of alpha-CROWN (Xu et al., ICLR 2021).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from distill.checker.leaf import needed, sources_of
from distill.checker.quick import Walk, least, with_lower_slopes
from distill.normal_form import Affine, Array, Elementwise

_STEPS, _RATE, _SLOWER, _KEPT = 12, 0.5, 0.93, 0.8


def tuned_tops(walk: Walk, goal: float) -> Array:
    """Upper bounds (boxes, outputs), better than the walk's where those exceed the goal."""
    output = walk.form.output
    tops = walk.ranges[output][1].copy()
    for place in range(tops.shape[1]):
        rows = np.flatnonzero(~(tops[:, place] <= goal))
        if len(rows):
            some = _taken(walk, rows)
            row = -np.eye(tops.shape[1])[place]
            better = with_lower_slopes(some, _climbed(some, row))
            tops[rows, place] = np.fmin(tops[rows, place], -least(better, output, row[None])[:, 0])
    return tops


def _taken(walk: Walk, rows: NDArray[np.int64]) -> Walk:
    """The walk over some of its boxes."""

    def part(values: Array) -> Array:
        return values[rows] if len(values) > 1 else np.repeat(values, len(rows), axis=0)

    lines = {
        index: replace(
            line,
            lower=[part(s) for s in line.lower],
            upper=[part(s) for s in line.upper],
            below=part(line.below),
            above=part(line.above),
        )
        for index, line in walk.lines.items()
    }
    ranges = {index: (part(low), part(high)) for index, (low, high) in walk.ranges.items()}
    sizes = {index: part(size) for index, size in walk.sizes.items()}
    return replace(walk, ranges=ranges, lines=lines, sizes=sizes)


@dataclass(frozen=True, eq=False)
class _Look:
    """The bound (b,) with some slopes, and how it grows with each of them, by node."""

    bound: Array
    growth: dict[int, Array]


def _climbed(walk: Walk, row: Array) -> dict[int, Array]:
    """Slopes by relu node for which the least value of `row @ outputs` is the largest seen."""
    slopes = {
        index: walk.lines[index].lower[0]
        for index in needed(walk.form)
        if isinstance(node := walk.form.nodes[index], Elementwise) and node.function == "relu"
    }
    best, highest = dict(slopes), np.full(len(walk.ranges[0][0]), -np.inf)
    pace = {index: np.zeros_like(slope) for index, slope in slopes.items()}
    for step in range(_STEPS + 1):
        look = _look(walk, slopes, row)
        better = look.bound > highest
        highest = np.where(better, look.bound, highest)
        for index, slope in slopes.items():
            best[index] = np.where(better[:, None], slope, best[index])
            pace[index] = _KEPT * pace[index] + look.growth[index]
            largest = np.abs(pace[index]).max(axis=1, keepdims=True) + 1e-300
            moved = slope + _RATE * _SLOWER**step * pace[index] / largest
            slopes[index] = np.where(_undecided(walk, index), np.clip(moved, 0.0, 1.0), slope)
    return best


def _undecided(walk: Walk, index: int) -> NDArray[np.bool_]:
    low, high = walk.ranges[sources_of(walk.form, index)[0]]
    return (low < 0) & (high > 0)


def _look(walk: Walk, slopes: dict[int, Array], row: Array) -> _Look:
    form, boxes = walk.form, len(walk.ranges[0][0])
    weights: dict[int, Array] = {form.output: np.broadcast_to(row, (boxes, len(row)))}
    bound: Array = np.zeros(boxes)
    for index in reversed(needed(form)[1:]):
        weight, node = weights[index], form.nodes[index]
        if isinstance(node, Affine):
            bound = bound + weight @ node.bias
            handed = [(source, weight @ matrix) for source, matrix in node.terms]
        else:
            line, rising = walk.lines[index], weight > 0
            bound = bound + (weight * np.where(rising, 0.0, line.above)).sum(axis=1)
            handed = [(sources_of(form, index)[0],
                       weight * np.where(rising, slopes[index], line.upper[0]))]  # fmt: skip
        for source, value in handed:
            weights[source] = weights[source] + value if source in weights else value
    low, high = walk.ranges[0]
    weight = weights.get(0, np.zeros_like(low))
    corner = np.where(weight > 0, low, high)
    bound = bound + (weight * corner).sum(axis=1)
    return _Look(bound, _growth(walk, slopes, weights, corner))


def _growth(
    walk: Walk, slopes: dict[int, Array], weights: dict[int, Array], corner: Array
) -> dict[int, Array]:
    """What goes into the relus where the bound is attained, if they count positively there."""
    values, found = {0: corner}, {}
    for index in needed(walk.form)[1:]:
        node = walk.form.nodes[index]
        if isinstance(node, Affine):
            parts = (values[source] @ matrix.T for source, matrix in node.terms)
            values[index] = np.broadcast_to(node.bias, (len(corner), len(node.bias))) + sum(parts)
            continue
        before, line = values[sources_of(walk.form, index)[0]], walk.lines[index]
        rising = weights.get(index, np.zeros_like(before)) > 0
        top = line.upper[0] * before + line.above
        values[index] = np.where(rising, slopes[index] * before, top)
        found[index] = np.where(rising, weights[index] * before, 0.0) if index in weights else 0.0
    return {index: np.broadcast_to(g, slopes[index].shape) for index, g in found.items()}
