"""Bounds of the output over leaf boxes, again, in exact arithmetic from recorded slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.checker.exact import Exact, exact, largest, least, stack, where
from distill.checker.lines import Interval, Lines, default_slopes, image, lines
from distill.checker.tree import Leaves, Refused
from distill.normal_form import Affine, Array, Elementwise, NormalForm

Slopes = tuple[tuple[Exact, ...], tuple[Exact, ...]]
"""Slopes of the lower and of the upper line, per source (b, width)."""

_ZERO = exact(0.0)


@dataclass(frozen=True, eq=False)
class Records:
    """Recorded slopes of one elementwise node, sorted by leaf."""

    leaf: NDArray[np.int64]
    unit: NDArray[np.int64]
    lower: Array
    upper: Array


@dataclass(frozen=True, eq=False)
class Weights:
    """An affine node's exact terms (source, matrix) and bias."""

    terms: tuple[tuple[int, Exact], ...]
    bias: Exact


def needed(form: NormalForm) -> list[int]:
    """Nodes that the output depends on, in order, the input among them."""
    wanted = {0, form.output}
    for index in range(form.output, -1, -1):
        if index in wanted:
            wanted.update(sources_of(form, index))
    return sorted(wanted)


def sources_of(form: NormalForm, index: int) -> tuple[int, ...]:
    """Wires that a node reads."""
    node = form.nodes[index]
    if isinstance(node, Affine):
        return tuple(source for source, _ in node.terms)
    return node.sources if isinstance(node, Elementwise) else ()


def exact_weights(form: NormalForm) -> dict[int, Weights]:
    """Every needed affine node without rounding; raises ValueError for nan and infinities."""
    found = {}
    for index in needed(form):
        node = form.nodes[index]
        if isinstance(node, Affine):
            terms = tuple((source, exact(matrix)) for source, matrix in node.terms)
            found[index] = Weights(terms, exact(node.bias))
    return found


def check_leaves(
    form: NormalForm,
    weights: dict[int, Weights],
    records: dict[int, Records],
    leaves: Leaves,
    rows: NDArray[np.int64],
    eps: Exact,
) -> None:
    """Bound the output on some leaves and refuse if one exceeds eps. Raises: Refused, NoBound."""

    def recorded(index: int, name: str, inputs: list[Interval]) -> Slopes:
        return _slopes(name, inputs, records.get(index), leaves.node[rows])

    box = (exact(leaves.lower[rows]), exact(leaves.upper[rows]))
    low, high = wire_ranges(form, weights, box, recorded)[form.output]
    bad = (high.above(eps) | (-low).above(eps)).any(axis=1)
    if bad.any():
        raise Refused(f"Leaf {leaves.node[rows][bad][0]} does not show the claim.")


def wire_ranges(
    form: NormalForm,
    weights: dict[int, Weights],
    box: Interval,
    slopes_of: Callable[[int, str, list[Interval]], Slopes],
) -> dict[int, Interval]:
    """Ranges of all needed wires over boxes (b, n), exact but for smooth functions.

    `slopes_of(node, function, ranges of its sources)` gives the slopes of lines around every
    function; any slopes are sound, good ones are tight. Raises: NoBound.
    """
    ranges: dict[int, Interval] = {}
    known: dict[int, Lines] = {}
    boxes = len(box[0].digits)
    bent = {s for i in needed(form) for s in sources_of(form, i) if i not in weights}
    for index in needed(form):
        node = form.nodes[index]
        if index in weights:
            ranges[index] = _affine_range(weights[index], ranges, boxes)
            deep = any(source != 0 for source, _ in weights[index].terms)
            if deep and (index in bent or index == form.output):
                ranges[index] = _tightened(form, weights, ranges, known, index)
        elif isinstance(node, Elementwise):
            inputs = [ranges[source] for source in node.sources]
            slopes = slopes_of(index, node.function, inputs)
            known[index] = lines(node.function, inputs, *slopes)
            ranges[index] = image(node.function, inputs)
        else:
            ranges[index] = box
    if isinstance(form.nodes[form.output], Elementwise):
        ranges[form.output] = _tightened(form, weights, ranges, known, form.output)
    return ranges


def _slopes(
    name: str, inputs: list[Interval], records: Records | None, node: NDArray[np.int64]
) -> Slopes:
    """Recorded slopes where there are any, else those of a decided kink."""
    lower = default_slopes(name, inputs)
    upper = [slope.copy() for slope in lower]
    for row, number in enumerate(node if records is not None else []):
        assert records is not None
        first, last = np.searchsorted(records.leaf, [number, number + 1])
        unit = records.unit[first:last]
        for source in range(len(inputs)):
            lower[source][row, unit] = records.lower[first:last, source]
            upper[source][row, unit] = records.upper[first:last, source]
    return tuple(exact(s) for s in lower), tuple(exact(s) for s in upper)


def _affine_range(node: Weights, ranges: dict[int, Interval], boxes: int) -> Interval:
    low = high = Exact(
        np.broadcast_to(node.bias.digits, (boxes, *node.bias.shape)), node.bias.power
    )
    for source, matrix in node.terms:
        below, above = ranges[source]
        turned = Exact(matrix.digits.T, matrix.power)
        positive, negative = largest(turned, _ZERO), least(turned, _ZERO)
        low = low + below @ positive + above @ negative
        high = high + above @ positive + below @ negative
    return low, high


def _tightened(
    form: NormalForm,
    weights: dict[int, Weights],
    ranges: dict[int, Interval],
    known: dict[int, Lines],
    target: int,
) -> Interval:
    """Intersect a wire's range with what the lines give when followed back to the input."""
    low, high = ranges[target]
    width = low.shape[1]
    below = _backward(form, weights, ranges, known, target)
    return largest(low, below[:, :width]), least(high, -below[:, width:])


def _backward(
    form: NormalForm,
    weights: dict[int, Weights],
    ranges: dict[int, Interval],
    known: dict[int, Lines],
    target: int,
) -> Exact:
    """Least values of (wire, -wire) that follow from the lines, (leaves, 2 width)."""
    unit = exact(np.eye(ranges[target][0].shape[1]))
    coefficients = {target: stack([unit, -unit], axis=0)[None]}
    constant = exact(np.zeros((1, 1)))
    for index in range(target, 0, -1):
        if index not in coefficients:
            continue
        factor = coefficients.pop(index)
        if index in weights:
            constant = constant + factor @ weights[index].bias
            handed = [(source, factor @ matrix) for source, matrix in weights[index].terms]
        else:
            rising = factor.above(_ZERO)
            found = known[index]
            ends = where(rising, found.below[:, None], found.above[:, None])
            constant = constant + (factor * ends).sum(axis=2)
            handed = [
                (source, factor * where(rising, low[:, None], high[:, None]))
                for source, low, high in zip(
                    sources_of(form, index), found.lower, found.upper, strict=True
                )
            ]
        for source, value in handed:
            known_value = coefficients.get(source)
            coefficients[source] = value if known_value is None else known_value + value
    if 0 in coefficients:
        factor = coefficients[0]
        low, high = ranges[0]
        ends = where(factor.above(_ZERO), low[:, None], high[:, None])
        constant = constant + (factor * ends).sum(axis=2)
    return constant
