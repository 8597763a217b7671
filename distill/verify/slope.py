"""How steep a normal form is at most on a box, in the max norm: a rigorous Lipschitz constant.

For any two points of a box every wire's change is a matrix times the points' difference, and the
matrix lies in an interval that is known: affine wires multiply it, elementwise ones take it times
an interval of their slopes there (the mean value theorem; at kinks the hull of both sides). The
bound is the largest sum of a row's sizes. All of it is rounded outward.
"""

from __future__ import annotations

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, Input, NormalForm
from distill.verify.crown import enclose, needed
from distill.verify.envelope import steepest
from distill.verify.rounding import SLACK, TINY, Interval, gamma

PIECES = 64
"""Boxes that a box is cut into; the steepest of them counts."""

_FREE = frozenset({"sin", "cos"})
_RISING = frozenset({"tanh", "sigmoid", "erf", "exp", "log", "sqrt"})


def lipschitz(form: NormalForm, lower: Array, upper: Array, pieces: int = PIECES) -> float:
    """A number L with |f(x) - f(y)| <= L |x - y|, largest components, for all x, y of the box.

    `lower`, `upper`: (n,), finite. inf where a function jumps or isn't bounded there.
    """
    low, high = _cut(lower, upper, pieces)
    with np.errstate(all="ignore"):
        ranges = enclose(form, low, high).ranges
        slopes: dict[int, Interval] = {}
        for index in needed(form):
            slopes[index] = _slopes(form, index, ranges, slopes)
        rows = _size(slopes[form.output]).sum(axis=2) * SLACK
    worst = float(rows.max(initial=0.0))
    return worst if np.isfinite(worst) else np.inf


def _cut(lower: Array, upper: Array, pieces: int) -> Interval:
    """The box in pieces (b, n), each halved along its widest side."""
    low, high = lower[None].astype(np.float64), upper[None].astype(np.float64)
    while 2 * len(low) <= pieces:
        axis = int((high - low)[0].argmax())
        middle = low[:, axis] + (high[:, axis] - low[:, axis]) / 2
        left, right = high.copy(), low.copy()
        left[:, axis], right[:, axis] = middle, middle
        low, high = np.concatenate([low, right]), np.concatenate([left, high])
    return low, high


def _size(interval: Interval) -> Array:
    return np.maximum(np.abs(interval[0]), np.abs(interval[1]))


def _slopes(
    form: NormalForm, index: int, ranges: dict[int, Interval], slopes: dict[int, Interval]
) -> Interval:
    """Intervals (b, width, n) of a wire's slopes in the input."""
    node, boxes = form.nodes[index], len(ranges[0][0])
    if isinstance(node, Input):
        one = np.broadcast_to(np.eye(form.input_width), (boxes,) + (form.input_width,) * 2)
        return one, one
    if isinstance(node, Affine):
        return _affine(node, slopes, boxes, form.input_width)
    return _elementwise(node, ranges, slopes)


def _affine(node: Affine, slopes: dict[int, Interval], boxes: int, inputs: int) -> Interval:
    low = np.zeros((boxes, len(node.bias), inputs))
    high, total, terms = low.copy(), low.copy(), 2
    for source, matrix in node.terms:
        rising, falling = np.maximum(matrix, 0.0), np.minimum(matrix, 0.0)
        below, above = slopes[source]
        low = low + rising @ below + falling @ above
        high = high + rising @ above + falling @ below
        total = total + np.abs(matrix) @ _size(slopes[source])
        terms += 2 * matrix.shape[1] + 2
    error = gamma(terms) * total * SLACK + TINY
    return low - error, high + error


def _elementwise(
    node: Elementwise, ranges: dict[int, Interval], slopes: dict[int, Interval]
) -> Interval:
    given = [ranges[source] for source in node.sources]
    moved = [slopes[source] for source in node.sources]
    if node.function in ("max", "min"):
        return np.minimum(moved[0][0], moved[1][0]), np.maximum(moved[0][1], moved[1][1])
    if node.function == "mul":
        return _plus(_times(given[1], moved[0]), _times(given[0], moved[1]))
    if node.function == "relu_change":
        share = np.zeros_like(given[0][0]), np.ones_like(given[0][0])
        both = _plus(moved[0], moved[1])
        lost = _times(share, moved[0])
        return _plus(_times(share, both), (-lost[1], -lost[0]))
    return _times(_slope(node.function, given[0]), moved[0])


def _plus(first: Interval, second: Interval) -> Interval:
    return (
        np.nextafter(first[0] + second[0], -np.inf),
        np.nextafter(first[1] + second[1], np.inf),
    )


def _times(numbers: Interval, slopes: Interval) -> Interval:
    """Intervals of numbers (b, w) times those of slopes (b, w, n)."""
    products = [a[:, :, None] * s for a in numbers for s in slopes]
    known = [np.where(np.isnan(p), np.inf, p) for p in products]
    low, high = np.minimum.reduce(known), np.maximum.reduce(known)
    unknown = np.isnan(np.stack(products)).any(axis=0)
    low = np.where(unknown, -np.inf, np.nextafter(low, -np.inf) - TINY)
    return low, np.nextafter(high, np.inf) + TINY


def _slope(function: str, x: Interval) -> Interval:
    """Least and largest slope of a function of one number on intervals (b, w)."""
    low, high = x
    if function == "relu":
        return np.where(low >= 0, 1.0, 0.0), np.where(high <= 0, 0.0, 1.0)
    if function == "abs":
        return np.where(low >= 0, 1.0, -1.0), np.where(high <= 0, -1.0, 1.0)
    if function == "square":
        return 2.0 * low, 2.0 * high
    if function in _FREE:
        return np.full_like(low, -1.0), np.ones_like(low)
    most = steepest(function, x) * SLACK + 1e-12 if function in _RISING else None
    if function == "reciprocal":
        most = steepest(function, x) * SLACK
        return -most, np.where(np.isfinite(most), 0.0, np.inf)
    if most is None:
        return np.full_like(low, -np.inf), np.full_like(low, np.inf)
    most = np.where(np.isnan(most), np.inf, most)
    return np.zeros_like(low), most
