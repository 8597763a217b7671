"""Rigorous ranges of every wire of a normal form, over many boxes at once.

Interval propagation forward, intersected with CROWN's linear propagation backward
(Zhang et al. 2018). All matmuls are float64; their rounding error is bounded and moved
into the constant: an entry of `A @ W` that is off by d moves the result by at most
d * max|wire|, and max|wire| is known from the ranges found so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, Input, NormalForm
from distill.verify.image import image
from distill.verify.relaxation import Lines, relax
from distill.verify.rounding import (
    SLACK,
    TINY,
    UNIT,
    Interval,
    Mask,
    down,
    exact_total,
    gamma,
    on_grid,
    sane,
)


@dataclass(frozen=True, eq=False)
class Enclosure:
    """What is known of a form on boxes (b of them, n inputs, m outputs).

    `ranges[i]`: (low, high) of wire i, each (b, width), None where no output needs it;
    `lines[i]`: the lines around elementwise node i; `below`: (b, 2m), least values of
    (output, -output); `slopes`: (b, 2m, n), their linear parts in the input.
    """

    ranges: dict[int, Interval]
    lines: dict[int, Lines]
    below: Array
    slopes: Array

    @property
    def low(self) -> Array:
        """Lower bounds of the outputs, (b, m)."""
        return self.below[:, : self.below.shape[1] // 2]

    @property
    def high(self) -> Array:
        """Upper bounds of the outputs, (b, m)."""
        return -self.below[:, self.below.shape[1] // 2 :]


@dataclass(frozen=True, eq=False)
class _Known:
    """Growing tables of one propagation: ranges, lines, and |bias| + |matrix| max|wire|."""

    form: NormalForm
    ranges: dict[int, Interval]
    lines: dict[int, Lines]
    reach: dict[int, Array]


def needed(form: NormalForm) -> list[int]:
    """Nodes that the output depends on, in order, the input always among them."""
    wanted = {0, form.output}
    for index in range(form.output, -1, -1):
        if index in wanted:
            wanted.update(sources(form, index))
    return sorted(wanted)


def sources(form: NormalForm, index: int) -> tuple[int, ...]:
    """Wires that a node reads."""
    node = form.nodes[index]
    if isinstance(node, Affine):
        return tuple(source for source, _ in node.terms)
    return node.sources if isinstance(node, Elementwise) else ()


def enclose(form: NormalForm, lower: Array, upper: Array) -> Enclosure:
    """Ranges of all needed wires over boxes `lower`, `upper` (b, n)."""
    with np.errstate(all="ignore"):
        known = _Known(form, {}, {}, {})
        wanted = needed(form)
        bent = {
            source
            for index in wanted
            if isinstance(form.nodes[index], Elementwise)
            for source in sources(form, index)
        }
        for index in wanted:
            _visit(known, index, (lower, upper), index in bent)
        below, slopes = _backward(known, form.output, known.lines)
        low, high = known.ranges[form.output]
        below = np.maximum(below, np.concatenate([low, -high], axis=1))
        return Enclosure(known.ranges, known.lines, below, slopes)


def lower_bounds(form: NormalForm, ranges: dict[int, Interval], lines: dict[int, Lines]) -> Array:
    """Least values (b, 2m) of (output, -output) with other lines than `enclose` took."""
    with np.errstate(all="ignore"):
        affine = {i: n for i, n in enumerate(form.nodes) if i in ranges and isinstance(n, Affine)}
        reach = {index: _reach(node, ranges) for index, node in affine.items()}
        return _backward(_Known(form, ranges, lines, reach), form.output, lines)[0]


@dataclass(frozen=True, eq=False)
class Below:
    """Linear lower bounds of rows of an output, on every box (b, r).

    `slopes` (b, r, n) in the input, `constant` (b, r), and a bound (b, r) of what rounding has done
    to the two, in units of the bound.
    """

    slopes: Array
    constant: Array
    error: Array


def lines_below(form: NormalForm, found: Enclosure, rows: Array) -> Below:
    """Lines below `rows @ output` for rows (b, r, m), before any least value is taken."""
    with np.errstate(all="ignore"):
        affine = {
            i: n for i, n in enumerate(form.nodes) if i in found.ranges and isinstance(n, Affine)
        }
        reach = {index: _reach(node, found.ranges) for index, node in affine.items()}
        known = _Known(form, found.ranges, found.lines, reach)
        total, slopes = _followed(known, form.output, rows, found.lines)
        return Below(slopes, total.constant, total.error)


def _visit(known: _Known, index: int, box: Interval, bent: bool) -> None:
    node = known.form.nodes[index]
    if isinstance(node, Input):
        known.ranges[index] = box
    elif isinstance(node, Affine):
        known.reach[index] = _reach(node, known.ranges)
        known.ranges[index] = _affine_range(node, known.ranges, known.reach[index], len(box[0]))
        if bent and any(source != 0 for source, _ in node.terms):
            known.ranges[index] = _tightened(known, index)
    else:
        inputs = [known.ranges[source] for source in node.sources]
        known.lines[index] = relax(node.function, inputs)
        known.ranges[index] = image(node.function, inputs)


def _tightened(known: _Known, index: int) -> Interval:
    low, high = known.ranges[index]
    below, _ = _backward(known, index, known.lines)
    width = low.shape[1]
    return np.maximum(low, below[:, :width]), np.minimum(high, -below[:, width:])


def _largest(interval: Interval) -> Array:
    return np.maximum(np.abs(interval[0]), np.abs(interval[1]))


def _reach(node: Affine, ranges: dict[int, Interval]) -> Array:
    """|bias| + sum |matrix| max|wire|, (b or 1, width)."""
    total = np.abs(node.bias)[None, :]
    for source, matrix in node.terms:
        total = total + _largest(ranges[source]) @ np.abs(matrix).T
    return total


def _affine_range(node: Affine, ranges: dict[int, Interval], reach: Array, boxes: int) -> Interval:
    low = high = np.broadcast_to(node.bias, (boxes, len(node.bias)))
    exact = on_grid(node.bias)[None, :] & exact_total(reach)
    terms = 1
    for source, matrix in node.terms:
        positive, negative = np.maximum(matrix, 0.0).T, np.minimum(matrix, 0.0).T
        below, above = ranges[source]
        low = low + (below @ positive + above @ negative)
        high = high + (above @ positive + below @ negative)
        ends = np.all(on_grid(below) & on_grid(above), axis=1, keepdims=True)
        exact = exact & np.all(on_grid(matrix), axis=1) & ends
        terms += matrix.shape[1] + 3
    error = np.where(exact, 0.0, gamma(2 * terms) * reach * SLACK + TINY)
    floor = np.where(_of_no_sign(node, ranges), 0.0, -np.inf)
    low = np.where(exact, low, np.maximum(down(low - error), floor))
    return sane(low, np.where(exact, high, -down(-(high + error))))


def _of_no_sign(node: Affine, ranges: dict[int, Interval]) -> Mask:
    """Sums of which no term can be negative, (b or 1, width): no rounding takes them below 0."""
    negative = (node.bias < 0)[None, :]
    for source, matrix in node.terms:
        below, above = ranges[source]
        low = (below < 0).astype(float) @ (matrix > 0).T + (above > 0).astype(float) @ (
            matrix < 0
        ).T
        negative = negative | (low > 0)
    return ~negative


@dataclass
class _Sum:
    """Linear lower bounds under way: coefficients by wire, constant, bound of rounding errors."""

    coefficients: dict[int, Array]
    constant: Array
    error: Array

    def add_constant(self, value: Array, magnitude: Array, terms: int) -> None:
        self.constant = self.constant + value
        self.error = self.error + gamma(terms + 4) * magnitude + UNIT * np.abs(self.constant)

    def add(self, wire: int, coefficient: Array, largest: Array) -> None:
        known = self.coefficients.get(wire)
        if known is not None:
            coefficient = known + coefficient
            self.error = self.error + UNIT * _weigh(np.abs(coefficient), largest)
        self.coefficients[wire] = coefficient


def _weigh(coefficients: Array, values: Array) -> Array:
    """Sum over the wire: (b or 1, r, k) times (b or 1, k) -> (b, r)."""
    if len(coefficients) == 1:
        return values @ coefficients[0].T
    return np.matmul(coefficients, values[:, :, None])[:, :, 0]


def _backward(known: _Known, target: int, lines: dict[int, Lines]) -> tuple[Array, Array]:
    """Lower bounds of (wire, -wire) for the target: values (b, 2m), slopes (b, 2m, n)."""
    unit = np.eye(known.ranges[target][0].shape[1])
    total, slopes = _followed(known, target, np.concatenate([unit, -unit])[None], lines)
    return _settle(total, slopes, *known.ranges[0]), slopes


def _followed(
    known: _Known, target: int, rows: Array, lines: dict[int, Lines]
) -> tuple[_Sum, Array]:
    """Rows (b or 1, r, width) of the target followed back to slopes (b, r, n) in the input."""
    lower = known.ranges[0][0]
    zero = np.zeros((len(lower), rows.shape[1]))
    total = _Sum({target: rows}, zero, zero)
    for index in range(target, 0, -1):
        node, coefficient = known.form.nodes[index], total.coefficients.pop(index, None)
        if coefficient is None:
            continue
        if isinstance(node, Affine):
            _through_affine(total, known, index, coefficient)
        elif isinstance(node, Elementwise):
            _through_lines(total, known, node, lines[index], coefficient)
    slopes = total.coefficients.get(0)
    if slopes is None:
        slopes = np.zeros((1, rows.shape[1], lower.shape[1]))
    return total, np.broadcast_to(slopes, (len(lower), *slopes.shape[1:]))


def _through_affine(total: _Sum, known: _Known, index: int, coefficient: Array) -> None:
    node = known.form.nodes[index]
    assert isinstance(node, Affine)
    rows, width = coefficient.shape[1:]
    magnitude = _weigh(np.abs(coefficient), known.reach[index])
    flat = np.ascontiguousarray(coefficient).reshape(-1, width)
    total.add_constant((flat @ node.bias).reshape(-1, rows), magnitude, width)
    for source, matrix in node.terms:
        largest = _largest(known.ranges[source])
        total.error = total.error + TINY * (1.0 + largest.sum(axis=1, keepdims=True))
        total.add(source, (flat @ matrix).reshape(-1, rows, matrix.shape[1]), largest)


def _through_lines(
    total: _Sum, known: _Known, node: Elementwise, lines: Lines, coefficient: Array
) -> None:
    """A positive coefficient takes the lower line, a negative one the upper line."""
    rising = np.maximum(coefficient, 0.0)
    falling = coefficient - rising
    terms = coefficient.shape[2]
    value = _weigh(rising, lines.below) + _weigh(falling, lines.above)
    size = _weigh(rising, np.abs(lines.below)) - _weigh(falling, np.abs(lines.above))
    total.add_constant(value, size, terms)
    for position, source in enumerate(node.sources):
        low, high = lines.lower[position], lines.upper[position]
        product = rising * low[:, None, :]
        product += falling * high[:, None, :]
        largest = _largest(known.ranges[source])
        magnitude = _weigh(np.abs(product), largest)
        tiny = TINY * (1.0 + largest.sum(axis=1, keepdims=True))
        total.error = total.error + UNIT * SLACK * magnitude + tiny
        total.add(source, product, largest)


def _settle(total: _Sum, slopes: Array, lower: Array, upper: Array) -> Array:
    """The least value of the linear bound over the box, rounded down; nan means no bound."""
    products = slopes * np.where(slopes > 0, lower[:, None, :], upper[:, None, :])
    value = products.sum(axis=2)
    total.add_constant(value, np.abs(products).sum(axis=2), products.shape[2] + 1)
    below = down(total.constant - total.error * SLACK - TINY, 2)
    return np.where(np.isnan(below), -np.inf, below)
