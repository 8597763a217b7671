"""Judge students on held-back data and on points near it, by the network's own answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.simplify.cloud import near_each
from distill.simplify.reading import Reading

Array = NDArray[np.float64]
Run = Callable[[Array], Array]
_POINTS = 6000
_SPREAD = 0.2


@dataclass(frozen=True)
class Mark:
    """Disagreement with the network: on the data, near it, and the latter's standard error.

    Points near one row stand or fall together, so the error is that of means per row.
    """

    on_data: float
    near: float
    error: float


@dataclass(frozen=True, eq=False)
class Exam:
    """Rows x (n, d) and points near each (n * m, d), with the network's raw outputs."""

    x: Array
    answers: Array
    points: Array
    near_answers: Array
    reading: Reading

    def mark(self, student: Run) -> Mark:
        """How often `student` (raw inputs to raw outputs) is read differently."""
        wrong = self.reading.disagree(student(self.points), self.near_answers)
        rows = wrong.reshape(len(self.x), -1).mean(axis=1)
        on_data = self.reading.disagree(student(self.x), self.answers).mean()
        error = rows.std() / np.sqrt(len(rows))
        return Mark(float(on_data), float(rows.mean()), float(error))


def make_exam(network: Run, x: Array, reading: Reading, rng: np.random.Generator) -> Exam:
    """An exam of the rows of `x` (n, d) and about 6,000 points near them."""
    points = near_each(np.repeat(x, -(-_POINTS // len(x)), axis=0), x, rng, _SPREAD)
    return Exam(x, network(x), points, network(points), reading)
