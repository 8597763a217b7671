"""How well a network computes its task, on the whole domain or on a uniform sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import columns as batches
from benchmarks.playground import spiral_points
from benchmarks.task import Columns, Task, as_float

POINTS = 100_000
"""Uniform points on domains that cannot be enumerated."""

Run = Callable[[NDArray], NDArray]
"""A network on raw encoded inputs, (n, width) to (n, k)."""


@dataclass(frozen=True)
class Score:
    """`wrong`: share of misjudged inputs; `worst`, `mean`: errors over the output's range.

    `margin` is the smallest distance to a decision among right answers (logits,
    probabilities, or 0.5 - rounding distance); NaN for real outputs, whose `wrong` is 0.
    """

    wrong: float
    worst: float
    mean: float
    margin: float
    points: int

    @property
    def key(self) -> tuple[float, float]:
        """Sorts the better of two trainings first."""
        return self.wrong, self.worst


def judged_points(task: Task) -> Columns:
    """The inputs on which a network of the task is judged."""
    total = batches.size(task.inputs)
    rng = np.random.default_rng(20_000)
    if task.name == "spiral":
        return spiral_points(POINTS, rng)
    finite = total is not None and total <= POINTS
    return (
        batches.enumerate_all(task.inputs) if finite else batches.sample(task.inputs, POINTS, rng)
    )


def score(task: Task, run: Run, columns: Columns, level: float = 0.0) -> Score:
    """Judge `run` on `columns`; `level` is the decision level of Boolean outputs."""
    outputs = np.asarray(run(batches.encode(task.inputs, columns)), dtype=np.float64)
    truth = as_float(task.truth(columns))
    kind = task.outputs.split("[")[0].split("(")[0]
    if kind == "real":
        return _real_score(outputs, truth)
    margins = {"bool": _bool_margin, "category": _category_margin, "int": _int_margin}[kind](
        outputs - level if kind == "bool" else outputs, truth
    )
    right = margins > 0
    smallest = float(margins[right].min()) if right.any() else 0.0
    distance = float((0.5 - margins).max()) if kind == "int" else float("nan")
    return Score(float(1 - right.mean()), distance, float("nan"), smallest, len(truth))


def _real_score(outputs: NDArray, truth: NDArray) -> Score:
    error = abs(outputs - truth) / np.ptp(truth)
    return Score(0.0, float(error.max()), float(error.mean()), float("nan"), len(truth))


def _bool_margin(logits: NDArray, truth: NDArray) -> NDArray:
    return np.where(truth > 0.5, logits, -logits).min(axis=1)


def _category_margin(logits: NDArray, truth: NDArray) -> NDArray:
    rows, label = np.arange(len(logits)), truth[:, 0].astype(int)
    others = logits.copy()
    others[rows, label] = -np.inf
    return logits[rows, label] - others.max(axis=1)


def _int_margin(outputs: NDArray, truth: NDArray) -> NDArray:
    return 0.5 - abs(outputs - truth).max(axis=1)


def computes(task: Task, result: Score) -> bool:
    """Whether the network counts as computing its task.

    Finite domains: right everywhere, integers with 0.1 to spare. Real outputs: at most
    0.5 % of the range off anywhere. Decisions over reals: at most 0.7 % of the domain
    wrong (spiral 1 %).
    """
    if task.outputs.startswith("real"):
        return result.worst <= 0.005
    if batches.size(task.inputs) is None:
        return result.wrong <= (0.01 if task.name == "spiral" else 0.007)
    return result.wrong == 0 and (not task.outputs.startswith("int") or result.margin >= 0.1)
