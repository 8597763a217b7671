"""Better slopes under undecided relus, by projected ascent: alpha-CROWN, a row at a time.

The lower bound of an output is a concave function of the slopes that the lower lines have; one
pass back through the layers gives its value and one pass forward its gradient. Both are plain
float64: they choose slopes, and `crown.lower_bounds` bounds soundly with whatever was chosen.
Source: Xu et al., Fast and Complete, ICLR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, NormalForm
from distill.verify.crown import Enclosure, lower_bounds, needed, sources
from distill.verify.relaxation import Lines, with_lower_slope
from distill.verify.rounding import Interval, Mask

ROUNDS = 10
"""Steps of the ascent; on networks of 100 relus 10 halve the boxes several times over."""

_RATE, _DECAY, _MEMORY = 0.5, 0.95, 0.8


@dataclass(frozen=True, eq=False)
class Layer:
    """`bias + sum(matrix @ source)` before the relus of wire `wire` (-1 for the outputs).

    terms: (number of a layer from 1, or 0 for the input; matrix).
    """

    wire: int
    terms: tuple[tuple[int, Array], ...]
    bias: Array


@dataclass(frozen=True, eq=False)
class Tuner:
    """Raises the lower bounds of a layered form's outputs."""

    form: NormalForm
    layers: tuple[Layer, ...]
    rounds: int = ROUNDS

    def below(self, enclosure: Enclosure, goal: float) -> Array:
        """Sound lower bounds (b, 2m) of (output, -output), better where they are below -goal."""
        below = enclosure.below.copy()
        for row in range(below.shape[1]):
            todo = below[:, row] < -goal
            if todo.any():
                below[todo, row] = np.maximum(below[todo, row], self._row(enclosure, row, todo))
        return below

    def _row(self, enclosure: Enclosure, row: int, todo: Mask) -> Array:
        ranges = {i: _taken(ends, todo) for i, ends in enclosure.ranges.items()}
        lines = {i: _of_lines(some, todo) for i, some in enclosure.lines.items()}
        half = enclosure.below.shape[1] // 2
        climb = _Climb(self.layers, ranges, lines, row % half, 1.0 if row < half else -1.0)
        for step in range(self.rounds):
            climb.step(_RATE * _DECAY**step)
        climb.look()
        for layer, slope in zip(self.layers, climb.best, strict=False):
            source = sources(self.form, layer.wire)[0]
            lines[layer.wire] = with_lower_slope(lines[layer.wire], ranges[source], slope)
        return lower_bounds(self.form, ranges, lines)[:, row]


def tuner(form: NormalForm) -> Tuner | None:
    """For forms of affine and relu layers (`kinks.layered`); None for others."""
    numbers, found = {0: 0}, list[Layer]()
    for index in needed(form):
        node, bent = form.nodes[index], isinstance(form.nodes[index], Elementwise)
        if isinstance(node, Elementwise):
            node = form.nodes[node.sources[0]] if node.function == "relu" else node
        elif index != form.output:
            continue
        if not isinstance(node, Affine):
            return None
        layer = _layer(form, index if bent else -1, node, numbers)
        if layer is None:
            return None
        found.append(layer)
        numbers[index] = len(found)
    return Tuner(form, tuple(found)) if len(found) > 1 and found[-1].wire == -1 else None


def _layer(form: NormalForm, wire: int, node: Affine, numbers: dict[int, int]) -> Layer | None:
    """A node with its terms by number; terms of a constant wire are part of the bias."""
    total: dict[int, Array] = {}
    bias = node.bias
    for source, matrix in node.terms:
        below = form.nodes[source]
        if source in numbers:
            number = numbers[source]
            total[number] = total.get(number, np.zeros(matrix.shape)) + matrix
        elif isinstance(below, Affine) and not below.terms:
            bias = bias + matrix @ below.bias
        else:
            return None
    return Layer(wire, tuple(total.items()), bias)


def _taken(ends: Interval, rows: Mask) -> Interval:
    low, high = (np.broadcast_to(end, (len(rows), end.shape[1]))[rows] for end in ends)
    return low, high


def _of_lines(lines: Lines, rows: Mask) -> Lines:
    def some(values: Array) -> Array:
        return np.broadcast_to(values, (len(rows), values.shape[1]))[rows]

    lower, upper = (tuple(some(s) for s in side) for side in (lines.lower, lines.upper))
    return Lines(lower, upper, some(lines.below), some(lines.above))


class _Climb:
    """An ascent under way for `sign` times one output; lists by place of a layer."""

    def __init__(
        self,
        layers: tuple[Layer, ...],
        ranges: dict[int, Interval],
        lines: dict[int, Lines],
        output: int,
        sign: float,
    ) -> None:
        self.inner, last = layers[:-1], layers[-1]
        self.goal = [(source, sign * matrix[output]) for source, matrix in last.terms]
        self.offset = sign * last.bias[output]
        self.box, self.count = ranges[0], len(ranges[0][0])
        known = [lines[layer.wire] for layer in self.inner]
        self.above = [(line.upper[0], line.above) for line in known]
        self.slopes = [line.lower[0].copy() for line in known]
        self.free = [line.above > 0 for line in known]
        self.memory = [np.zeros_like(s) for s in self.slopes]
        self.best = [s.copy() for s in self.slopes]
        self.value = np.full(self.count, -np.inf)

    def step(self, rate: float) -> None:
        """A step along the gradient, by layer scaled by its recent size."""
        for place, gradient in enumerate(self.look()):
            memory = self.memory[place] = _MEMORY * self.memory[place] + gradient
            reach = np.abs(memory).max(axis=1, keepdims=True) + 1e-300
            moved = self.slopes[place] + rate * memory / reach
            self.slopes[place] = np.where(
                self.free[place], np.clip(moved, 0.0, 1.0), self.slopes[place]
            )

    def look(self) -> list[Array]:
        """Gradients by layer; the slopes are kept for the boxes whose bound is the best so far."""
        weights, constant = self._back()
        point = np.where(weights[0] > 0, self.box[0], self.box[1])
        value = constant + (weights[0] * point).sum(axis=1)
        better = value > self.value
        self.value = np.where(better, value, self.value)
        outputs, gradients = [point], list[Array]()
        for place, layer in enumerate(self.inner):
            before = layer.bias + sum(outputs[s] @ matrix.T for s, matrix in layer.terms)
            weight, (slope, shift) = weights[place + 1], self.above[place]
            low = self.slopes[place] * before
            outputs.append(np.where(weight > 0, low, slope * before + shift))
            gradients.append(np.where(self.free[place], np.maximum(weight, 0.0) * before, 0.0))
            self.best[place][better] = self.slopes[place][better]
        return gradients

    def _back(self) -> tuple[list[Array], Array]:
        """Weights of the input and of every layer's outputs in the bound, and its constant."""
        sizes = [self.box[0].shape[1], *(len(layer.bias) for layer in self.inner)]
        weights = [np.zeros((self.count, size)) for size in sizes]
        constant = np.full(self.count, self.offset)
        for source, row in self.goal:
            weights[source] = weights[source] + row
        for place in reversed(range(len(self.inner))):
            slope, shift = self.above[place]
            rising = np.maximum(weights[place + 1], 0.0)
            falling = weights[place + 1] - rising
            through = rising * self.slopes[place] + falling * slope
            constant = constant + (falling * shift).sum(axis=1) + through @ self.inner[place].bias
            for source, matrix in self.inner[place].terms:
                weights[source] = weights[source] + through @ matrix
        return weights, constant
