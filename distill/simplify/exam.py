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
_NEGLIGIBLE = 0.002


@dataclass(frozen=True, eq=False)
class Mark:
    """Disagreement with the network: on the data, and near each of its rows (n,).

    Points near one row stand or fall together, so errors are those of means per row.
    """

    on_data: float
    rows: Array

    @property
    def near(self) -> float:
        """Share of the points near the data that are read differently."""
        return float(self.rows.mean())

    def no_worse(self, best: Mark) -> bool:
        """Whether this is within one standard error of `best`, compared row by row.

        This is the one-standard-error rule of Breiman et al. (1984), paired; no labels are
        needed. Differences below 0.2 % count for nothing.
        """
        more = self.rows - best.rows
        error = more.std() / np.sqrt(len(more))
        return bool(more.mean() <= max(error, _NEGLIGIBLE))


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
        return Mark(float(on_data), rows)


def make_exam(network: Run, x: Array, reading: Reading, rng: np.random.Generator) -> Exam:
    """An exam of the rows of `x` (n, d) and about 6,000 points near them."""
    points = near_each(np.repeat(x, -(-_POINTS // len(x)), axis=0), x, rng, _SPREAD)
    return Exam(x, network(x), points, network(points), reading)
