"""A small network of whole numbers, and the normal form that it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Builder, NormalForm

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Student:
    """ReLU layers on scaled inputs: `unit * (K_l(... relu(K_1 (scale x) + b_1)) + b_l) + level`.

    scale: (d,) simple positive numbers; layers: matrices (m, n) of whole numbers with biases (m,)
    on a dyadic grid; unit: a power of two, 1 where only decisions are read.
    """

    scale: Array
    layers: tuple[tuple[Array, Array], ...]
    unit: float = 1.0
    level: float = 0.0

    def run(self, x: Array) -> Array:
        """Outputs (n, k) on raw inputs (n, d)."""
        wire = x * self.scale
        for place, (matrix, bias) in enumerate(self.layers):
            wire = (np.maximum(wire, 0.0) if place else wire) @ matrix.T + bias
        return wire * self.unit + self.level

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(len(bias) for _, bias in self.layers[:-1])

    @property
    def features(self) -> int:
        """How many inputs are read."""
        return int((self.layers[0][0] != 0).any(axis=0).sum())


def without_dead_units(student: Student) -> Student:
    """Drop hidden units that nothing reads or that read nothing (their constant moves on)."""
    layers = [list(layer) for layer in student.layers]
    for below, above in list(itertools.pairwise(layers)):
        reads, read = (below[0] != 0).any(axis=1), (above[0] != 0).any(axis=0)
        above[1] = above[1] + above[0][:, ~reads] @ np.maximum(below[1][~reads], 0.0)
        live = reads & read
        below[0], below[1], above[0] = below[0][live], below[1][live], above[0][:, live]
    kept = tuple((matrix, bias) for matrix, bias in layers)
    return Student(student.scale, kept, student.unit, student.level)


def student_form(student: Student, bits: Callable[[NormalForm], float]) -> NormalForm:
    """The student's normal form: scales as a layer of their own or folded, by fewer `bits`."""
    small = without_dead_units(student)
    forms = [_written(small, fold=True)]
    if (small.scale != 1).any() and small.features:
        forms.append(_written(small, fold=False))
    return min(forms, key=bits)


def _written(student: Student, fold: bool) -> NormalForm:
    builder = Builder(len(student.scale))
    wire, (matrix, bias) = 0, student.layers[0]
    if fold:
        matrix = matrix * student.scale
    else:
        used = (matrix != 0).any(axis=0)
        wire = builder.affine([(0, np.diag(student.scale)[used])], np.zeros(int(used.sum())))
        matrix = matrix[:, used]
    for above, offset in [*student.layers[1:], (None, None)]:
        if above is None:
            bias, matrix = bias * student.unit + student.level, matrix * student.unit
        wire = builder.affine([(wire, matrix)] if matrix.size else [], bias)
        if above is not None and offset is not None:
            wire = builder.elementwise("relu", wire)
            matrix, bias = above, offset
    return builder.build(wire)
