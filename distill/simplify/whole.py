"""Teach small networks of whole numbers that get ever fewer bits.

Training goes through rounding (straight-through, Bengio et al., 2013) and adds the weights'
code length to the loss, with a price per bit that rises from stage to stage; every stage
leaves a student behind, so that one run gives a whole front of bits against fidelity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.simplify.course import Course, batch, falling
from distill.simplify.layers import Adam, Layers, Single, backward, flat, forward, paired, views
from distill.simplify.lesson import Lesson, read_softly
from distill.simplify.scales import bias_grid
from distill.simplify.student import Student

Array = NDArray[np.float64]
_RATE = 0.03
_SLOW = 0.3
_UNIT_BITS = 10.0


@dataclass(eq=False)
class _Latent:
    """Real numbers behind a student: parts are matrix (m, n), bias (m,), ... and last the gain.

    Biases are in units of `sizes` (one per layer) and end on `grids`; all parts are views of
    `values`. The outputs are multiplied by exp(gain).
    """

    values: Single
    parts: list[Single]
    sizes: list[float]
    grids: list[float]

    @property
    def matrices(self) -> list[Single]:
        return self.parts[:-1:2]

    @property
    def gain(self) -> float:
        return float(self.parts[-1][0])


def whole_students(
    lesson: Lesson,
    layers: Layers,
    scale: Array,
    course: Course,
    seed: int,
    tick: Callable[[], None],
) -> Iterator[Student]:
    """A student of whole numbers after every stage, cheaper from stage to stage."""
    rng = np.random.default_rng(seed)
    latent = _latent(lesson, layers, course.largest)
    optimizer = Adam(_shares(latent, lesson))
    at_start = code_length(latent.matrices, course.feature_bits)
    for stage in range(course.stages):
        price = course.price(stage) / max(at_start, 1.0)
        for step in range(course.steps):
            gradient = _gradient(lesson, latent, rng)
            gradient += price * _code_slopes(latent, course.feature_bits)
            rate = falling(step / course.steps, _RATE, 0.1 * _RATE)
            optimizer.step(latent.values, gradient, rate)
            tick()
        yield _student(lesson, latent, scale)


def _gradient(lesson: Lesson, latent: _Latent, rng: np.random.Generator) -> Single:
    inputs, targets = batch(lesson, rng)
    layers = _rounded(lesson, latent)
    wires = forward(layers, inputs)
    gain = np.float32(np.exp(latent.gain))
    slope = (read_softly(lesson.reading, gain * wires[-1]) - targets) / np.float32(len(inputs))
    parts = [np.asarray((slope * gain * wires[-1]).sum())]
    for (matrix, bias), size in zip(
        backward(layers, wires, slope * gain), latent.sizes, strict=True
    ):
        parts[-1:-1] = [matrix, bias * np.float32(size)]
    return flat(parts)


def _latent(lesson: Lesson, layers: Layers, largest: float) -> _Latent:
    """Rescale rows so that whole numbers resolve them; the outputs' scale is what remains."""
    parts: list[Single] = []
    sizes, grids = [], []
    wire, incoming = lesson.inputs, np.ones(lesson.widths[0], np.float32)
    for place, (matrix, bias) in enumerate(layers):
        last = place == len(layers) - 1
        factor = _row_factors(matrix / incoming, largest, last, lesson.reading.kind == "real")
        scaled, offset = matrix / incoming * factor[:, None], bias * factor
        wire = (np.maximum(wire, 0) if place else wire) @ scaled.T
        spread = float(wire.std())
        sizes.append(max(spread, 1.0))
        grids.append(bias_grid(spread))
        parts += [scaled, offset / sizes[-1]]
        wire, incoming = wire + offset, factor
    parts.append(-np.log(incoming[:1]))
    values = flat(parts)
    return _Latent(values, views(values, parts), sizes, grids)


def _row_factors(rows: Single, largest: float, together: bool, binary: bool) -> Single:
    """Factors (m,) that bring large weights to `largest`: row by row, or one for all rows."""
    sizes = np.abs(rows)
    top = np.quantile(sizes, 0.98) if together else np.quantile(sizes, 0.98, axis=1)
    factor = np.broadcast_to(largest / np.maximum(top, 1e-9), (len(rows),))
    if together and binary:
        factor = 2.0 ** np.ceil(np.log2(factor))
    return factor.astype(np.float32)


def _shares(latent: _Latent, lesson: Lesson) -> Single:
    """Rates: matrices move fastest; the gain of real outputs stays the power of two that it is."""
    shares = [np.full_like(p, 1.0 if p.ndim > 1 else _SLOW) for p in latent.parts]
    if lesson.reading.kind == "real":
        shares[-1][:] = 0.0
    return flat(shares)


def _whole(lesson: Lesson, latent: _Latent) -> Iterator[tuple[Array, Array, Array]]:
    """Layer by layer: whole matrix, bias on its grid, and what centred inputs add to it."""
    for place, (matrix, bias) in enumerate(paired(latent.parts[:-1])):
        whole = np.rint(matrix).astype(np.float64)
        shift = np.zeros(len(bias)) if place else whole @ lesson.middle
        grid = latent.grids[place]
        yield whole, np.rint((bias * latent.sizes[place] - shift) / grid) * grid, shift


def _rounded(lesson: Lesson, latent: _Latent) -> Layers:
    return [
        (matrix.astype(np.float32), (bias + shift).astype(np.float32))
        for matrix, bias, shift in _whole(lesson, latent)
    ]


def code_length(matrices: list[Single], feature_bits: float) -> float:
    """A smooth code length in bits of all weights, and of the units and features they need."""
    total = sum(2 * float(np.log2(1 + np.abs(m)).sum()) for m in matrices)
    total += feature_bits * float(np.tanh(2 * np.abs(matrices[0]).max(axis=0)).sum())
    for matrix in matrices[:-1]:
        total += _UNIT_BITS * float(np.tanh(2 * np.abs(matrix).max(axis=1)).sum())
    return total


def _code_slopes(latent: _Latent, feature_bits: float) -> Single:
    """Slopes of `code_length` in all parts."""
    slopes = [np.zeros_like(p) for p in latent.parts]
    last = len(latent.matrices) - 1
    for place, matrix in enumerate(latent.matrices):
        sizes, signs = np.abs(matrix), np.sign(matrix)
        slope = (2 / np.log(2)) / (1 + sizes)
        if place == 0 and feature_bits:
            slope = slope + feature_bits * _group_slope(sizes, 0)
        if place < last:
            slope = slope + _UNIT_BITS * _group_slope(sizes, 1)
        slopes[2 * place] = (slope * signs).astype(np.float32)
    return flat(slopes)


def _group_slope(sizes: Single, axis: int) -> Single:
    """Slope of tanh(2 max) of every row or column, at its largest entries."""
    top = sizes.max(axis=axis, keepdims=True)
    return (sizes == top) * 2 * (1 - np.tanh(2 * top) ** 2)


def _student(lesson: Lesson, latent: _Latent, scale: Array) -> Student:
    layers = tuple((matrix + 0.0, bias + 0.0) for matrix, bias, _ in _whole(lesson, latent))
    reading = lesson.reading
    unit = float(np.exp(latent.gain)) * lesson.temperature if reading.kind == "real" else 1.0
    if reading.kind == "real":
        unit = float(2.0 ** np.rint(np.log2(unit)))
    return Student(scale, layers, unit, reading.level if reading.kind == "bool" else 0.0)
