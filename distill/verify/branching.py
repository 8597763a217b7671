"""Which axis to halve: a score per box and axis. It steers the search and bounds nothing.

Linear bounds are exact for linear functions, so halving pays along axes where the gradient
varies over the box. An interval of the gradient (centre, radius) of the worst output is
propagated backward; an elementwise function's slope is taken as the mean of its two lines,
give or take twice their gap over the width of its sources (a step that is not decided has
flat lines a jump apart, so it counts too).
"""

from __future__ import annotations

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, Input, NormalForm
from distill.verify.crown import Enclosure
from distill.verify.relaxation import Lines
from distill.verify.rounding import Interval
from distill.verify.split import Index

_LINEAR_SHARE = 0.1


def scores(form: NormalForm, enclosure: Enclosure, output: Index | None = None) -> Array:
    """(radius + a share of |centre|) of the gradient x width of the axis, (b, n).

    The gradient is that of output number `output` (b,), or of the one with the worst bound.
    """
    worst = enclosure.below.argmin(axis=1) if output is None else output
    worst = worst % enclosure.low.shape[1]
    unit = np.eye(enclosure.low.shape[1])
    gradients = {form.output: (unit[worst], np.zeros((len(worst), len(unit))))}
    with np.errstate(all="ignore"):
        for index in sorted(enclosure.ranges, reverse=True):
            if index not in gradients or isinstance(form.nodes[index], Input):
                continue
            for source, gradient in _steps(form, enclosure, index, *gradients.pop(index)):
                known = gradients.get(source, (0.0, 0.0))
                gradients[source] = known[0] + gradient[0], known[1] + gradient[1]
        low, high = enclosure.ranges[0]
        centre, radius = gradients.get(0, (np.zeros_like(low), np.zeros_like(low)))
        return (radius + _LINEAR_SHARE * np.abs(centre)) * (high - low)


def _steps(
    form: NormalForm, enclosure: Enclosure, index: int, centre: Array, radius: Array
) -> list[tuple[int, tuple[Array, Array]]]:
    """Gradient intervals that a node hands to its sources."""
    node = form.nodes[index]
    if isinstance(node, Affine):
        return [(s, (centre @ matrix, radius @ np.abs(matrix))) for s, matrix in node.terms]
    assert isinstance(node, Elementwise)
    ranges = [enclosure.ranges[source] for source in node.sources]
    spread = _spread(enclosure.lines[index], ranges)
    handed = []
    for position, source in enumerate(node.sources):
        lines = enclosure.lines[index]
        mean = 0.5 * (lines.lower[position] + lines.upper[position])
        wide = np.abs(centre) * spread + radius * (np.abs(mean) + spread)
        handed.append((source, (centre * mean, wide)))
    return handed


def _spread(lines: Lines, ranges: list[Interval]) -> Array:
    """Twice the gap of the lines mid-way over the width of the sources, 0 where nothing varies."""
    gap, width = lines.above - lines.below, np.zeros_like(lines.below)
    for low, high, below, above in (
        (*r, *s) for r, s in zip(ranges, zip(lines.lower, lines.upper, strict=True), strict=True)
    ):
        gap = gap + (above - below) * 0.5 * (low + high)
        width = width + (high - low)
    return np.where(width > 0, np.nan_to_num(2.0 * gap / width), 0.0)
