"""Ranges of all wires over many boxes, in floats whose rounding is bounded: sound, and fast.

The method of `leaf.wire_ranges`. What rounding may have lost is added up on the way: a sum of n
products is within n units in the last place of the sum of their sizes (Higham, Accuracy and
Stability of Numerical Algorithms, ch. 3), in any order of summation. When lines are followed back,
a coefficient's error counts times the largest size of its wire and goes into the constant, so that
coefficients are taken as they are. What isn't decided in floats is decided exactly elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from distill.checker.curves import curve_gap
from distill.checker.leaf import needed, sources_of
from distill.checker.slopes import Floats, float_slopes
from distill.checker.smooth import NoBound
from distill.normal_form import ELEMENTWISE, Affine, Array, Elementwise, NormalForm

Ends = tuple[Array, Array]

TOO_LARGE = 1e100
"""Ranges count below this size only: there, no product of what is lost to underflow matters."""
_TINY = 1e-200
_VERTEX = frozenset(["relu", "abs", "max", "min", "mul", "square", "relu_change"])
_MONOTONE = frozenset(["floor", "round", "sign"])
_NUMBERS = 1 << 21


@dataclass(frozen=True, eq=False)
class Line:
    """`sum(lower[i] x_i) + below <= f <= sum(upper[i] x_i) + above`, arrays (boxes, width)."""

    lower: list[Array]
    upper: list[Array]
    below: Array
    above: Array


@dataclass(eq=False)
class Walk:
    """What is known of the wires so far; `sizes`: of all that an affine node adds up."""

    form: NormalForm
    room: float
    ranges: dict[int, Ends] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)
    sizes: dict[int, Array] = field(default_factory=dict)


def boxes_at_once(form: NormalForm) -> int:
    """How many boxes fit into memory comfortably."""
    return int(np.clip(_NUMBERS // max(form.widths()) ** 2, 1, 1024))


def quick_ranges(form: NormalForm, lower: Array, upper: Array) -> dict[int, Ends]:
    """Ranges of all needed wires over boxes (b, n), each end (b, width).

    Sound on boxes on which all of them are smaller than `TOO_LARGE`. Raises: NoBound.
    """
    return walked(form, lower, upper).ranges


def walked(form: NormalForm, lower: Array, upper: Array) -> Walk:
    """The same with the lines that led to them. Raises: NoBound."""
    room = 8.0 * (sum(form.widths()) + 100) * 2.0**-53
    walk, order = Walk(form, room), needed(form)
    bent = {s for i in order if isinstance(form.nodes[i], Elementwise) for s in sources_of(form, i)}
    with np.errstate(all="ignore"):
        for index in order:
            node = form.nodes[index]
            if isinstance(node, Affine):
                _affine(walk, index, node)
                deep = any(source != 0 for source, _ in node.terms)
                if deep and (index in bent or index == form.output):
                    _tighten(walk, index)
            elif isinstance(node, Elementwise):
                _bend(walk, index, node)
            else:
                walk.ranges[index] = lower, upper
        if isinstance(form.nodes[form.output], Elementwise):
            _tighten(walk, form.output)
    return walk


def small(ranges: dict[int, Ends]) -> NDArray[np.bool_]:
    """On which boxes all ranges are numbers of a size that counts."""
    return np.logical_and.reduce(
        [(_size(ends) < TOO_LARGE).all(axis=1) for ends in ranges.values()]
    )


def _size(ends: Ends) -> Array:
    return np.maximum(np.abs(ends[0]), np.abs(ends[1]))


def _affine(walk: Walk, index: int, node: Affine) -> None:
    low = high = np.broadcast_to(node.bias, (len(walk.ranges[0][0]), len(node.bias)))
    size = np.abs(low)
    for source, matrix in node.terms:
        positive, negative = np.maximum(matrix, 0.0).T, np.minimum(matrix, 0.0).T
        below, above = walk.ranges[source]
        low = low + below @ positive + above @ negative
        high = high + above @ positive + below @ negative
        size = size + _size((below, above)) @ np.abs(matrix).T
    lost = walk.room * size + _TINY
    walk.ranges[index], walk.sizes[index] = (low - lost, high + lost), size


def _bend(walk: Walk, index: int, node: Elementwise) -> None:
    ends: Floats = [walk.ranges[source] for source in node.sources]
    lower, upper = float_slopes(node.function, ends)
    flat = [np.zeros_like(end[0]) for end in ends]
    below = _gap(node.function, ends, lower, walk.room)[0]
    above = _gap(node.function, ends, upper, walk.room)[1]
    walk.lines[index] = Line(lower, upper, below, above)
    walk.ranges[index] = _gap(node.function, ends, flat, walk.room)


def _gap(name: str, ends: Floats, slopes: list[Array], room: float) -> Ends:
    """Least and largest `f - sum(slope * x)` over the boxes. Raises: NoBound."""
    if name in _VERTEX:
        return _at_vertices(name, ends, slopes, room)
    if name in _MONOTONE:
        return ELEMENTWISE[name](ends[0][0]), ELEMENTWISE[name](ends[0][1])
    if name == "greater":
        (low_x, high_x), (low_y, high_y) = ends
        return (low_x > high_y).astype(float), (high_x > low_y).astype(float)
    if name in ("equal", "pow"):
        raise NoBound(f"{name} isn't bounded in floats.")
    return curve_gap(name, ends[0][0], ends[0][1], slopes[0])


def _at_vertices(name: str, ends: Floats, slopes: list[Array], room: float) -> Ends:
    """Where f - sum(slope * x) is least and largest: on the vertices of its linear pieces."""
    found = []
    for vertex in _vertices(name, ends, slopes):
        value = ELEMENTWISE[name](*vertex)
        products = [x * slope for x, slope in zip(vertex, slopes, strict=True)]
        added = vertex if name == "relu_change" else ()  # of which it is a difference of sums
        lost = room * (np.abs(value) + sum(np.abs(p) for p in (*products, *added))) + _TINY
        rest = value - sum(products)
        found.append((rest - lost, rest + lost))
    lows, highs = (np.array(side, dtype=np.float64) for side in zip(*found, strict=True))
    return lows.min(axis=0), highs.max(axis=0)


def _vertices(name: str, ends: Floats, slopes: list[Array]) -> list[tuple[Array, ...]]:
    if len(ends) == 1:
        low, high = ends[0]
        turn = 0.5 * slopes[0] if name == "square" else np.zeros_like(low)
        return [(low,), (high,), (np.clip(turn, low, high),)]
    x, y = ends
    corners = [(a, b) for a in x for b in y]
    if name == "mul":
        return corners
    if name == "relu_change":  # kinks where x = 0 and where x + y = 0
        flat = [(np.clip(0.0, *x), b) for b in (*y, np.clip(0.0, *y))]
        across = [(np.clip(-b, *x), b) for b in y] + [(a, np.clip(-a, *y)) for a in x]
        return corners + flat + across
    meets = np.maximum(x[0], y[0]), np.minimum(x[1], y[1])
    return corners + [(np.clip(m, *x), np.clip(m, *y)) for m in meets]


def _tighten(walk: Walk, target: int) -> None:
    """Intersect a wire's range with what the lines give when followed back to the input."""
    low, high = walk.ranges[target]
    width = low.shape[1]
    below = least(walk, target, np.concatenate([np.eye(width), -np.eye(width)]))
    walk.ranges[target] = np.fmax(low, below[:, :width]), np.fmin(high, -below[:, width:])


@dataclass(eq=False)
class _Sum:
    """`constant + sum(coefficients[wire] @ wire)`; `size`: what rounding is a share of."""

    coefficients: dict[int, Array]
    constant: Array
    size: Array

    def add(self, value: Array, size: Array) -> None:
        self.constant, self.size = self.constant + value, self.size + size

    def hand(self, source: int, value: Array) -> None:
        known = self.coefficients.get(source)
        self.coefficients[source] = value if known is None else known + value


def with_lower_slopes(walk: Walk, chosen: dict[int, Array]) -> Walk:
    """The walk with other slopes of the lines below relus: any are sound."""
    lines = dict(walk.lines)
    for index, slope in chosen.items():
        ends = [walk.ranges[s] for s in sources_of(walk.form, index)]
        below = _gap("relu", ends, [slope], walk.room)[0]
        lines[index] = replace(lines[index], lower=[slope], below=below)
    return replace(walk, lines=lines)


@dataclass(frozen=True, eq=False)
class Below:
    """`factor @ input + constant` (b, r) is below a form but for `room` times the size (b, r).

    factor: (b or 1, r, n).
    """

    factor: Array
    constant: Array
    size: Array


def below(walk: Walk, rows: Array) -> Below:
    """The lines of rows (b, r, k) of the output, followed back to the input."""
    total = _followed(walk, walk.form.output, rows)
    nothing = np.zeros((1, rows.shape[1], walk.form.input_width))
    return Below(total.coefficients.get(0, nothing), total.constant, total.size)


def least(walk: Walk, target: int, rows: Array) -> Array:
    """Least values of `rows @ wire` that follow from the lines, (boxes, number of rows)."""
    total = _followed(walk, target, rows[None])
    if 0 in total.coefficients:
        factor = total.coefficients[0]
        _settle(total, factor, np.where(factor > 0, *(end[:, None] for end in walk.ranges[0])))
    return total.constant - (walk.room * total.size + _TINY)


def _followed(walk: Walk, target: int, rows: Array) -> _Sum:
    """Rows (b or 1, r, k) of a wire in terms of the input, by the lines on the way."""
    zero = np.zeros((len(walk.ranges[0][0]), rows.shape[1]))
    total = _Sum({target: rows}, zero, zero)
    for index in range(target, 0, -1):
        if index in total.coefficients:
            factor, node = total.coefficients.pop(index), walk.form.nodes[index]
            if isinstance(node, Affine):
                total.add(factor @ node.bias, _weighed(np.abs(factor), walk.sizes[index]))
                for source, matrix in node.terms:
                    total.hand(source, factor @ matrix)
            else:
                _through(walk, total, index, factor)
    return total


def _weighed(factor: Array, values: Array) -> Array:
    """sum over units of factor (b or 1, rows, units) times values (b, units)."""
    return np.matmul(factor, values[:, :, None])[:, :, 0]


def _settle(total: _Sum, factor: Array, ends: Array) -> None:
    products = factor * ends
    total.add(products.sum(axis=2), np.abs(products).sum(axis=2))


def _through(walk: Walk, total: _Sum, index: int, factor: Array) -> None:
    """An elementwise node gives way to its lower lines where it counts, to upper ones where -."""
    line, rising = walk.lines[index], factor > 0
    _settle(total, factor, np.where(rising, line.below[:, None], line.above[:, None]))
    sources = sources_of(walk.form, index)
    for source, low, high in zip(sources, line.lower, line.upper, strict=True):
        value = factor * np.where(rising, low[:, None], high[:, None])
        total.add(np.zeros(1), _weighed(np.abs(value), _size(walk.ranges[source])))
        total.hand(source, value)
