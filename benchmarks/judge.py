"""Whether a found program computes the task that its network was trained on.

Reals: on the judged points the program is no farther from the task than the network is,
in mean and in maximum. Discrete outputs: equal on every judged point; over real boxes,
points within 1e-9 of a tie (where the task itself changes) are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import columns as batches
from benchmarks.task import Columns, Task, as_float

TIE = 1e-9
BLOCK = 10_000

Values = Callable[[Columns], NDArray]
"""Decoded values (n,) or (n, k) of a batch."""


@dataclass(frozen=True)
class Judgement:
    """`wrong`: share of judged points that a discrete program misses, 0 for reals.

    The distances are absolute, to the task; NaN for discrete outputs.
    """

    computes: bool
    points: int
    wrong: float
    program_worst: float = float("nan")
    program_mean: float = float("nan")
    network_worst: float = float("nan")
    network_mean: float = float("nan")


def judge(task: Task, program: Values, network: Values, columns: Columns) -> Judgement:
    """Judge a program on `columns`; `network` is only asked where outputs are real."""
    truth = as_float(task.truth(columns))
    got = as_float(in_blocks(program, columns))
    if task.outputs.startswith("real"):
        return _real(abs(got - truth), abs(as_float(in_blocks(network, columns)) - truth))
    missed = (got != truth).any(axis=1)
    if missed.any():
        missed[missed] = ~ties(task, tuple(c[missed] for c in columns))
    return Judgement(not missed.any(), len(truth), float(missed.mean()))


def _real(program: NDArray, network: NDArray) -> Judgement:
    closer = program.max() <= network.max() and program.mean() <= network.mean()
    found = (float(x) for x in (program.max(), program.mean(), network.max(), network.mean()))
    return Judgement(bool(closer), len(program), 0.0, *found)


def in_blocks(values: Values, columns: Columns) -> NDArray:
    """All values, asked for in blocks: a literal program needs much memory for each row."""
    starts = range(0, len(columns[0]), BLOCK)
    return np.concatenate([values(tuple(c[i : i + BLOCK] for c in columns)) for i in starts])


def ties(task: Task, columns: Columns) -> NDArray[np.bool_]:
    """Rows where moving one real coordinate by `TIE` changes the task's value."""
    truth = as_float(task.truth(columns))
    found = np.zeros(len(truth), dtype=bool)
    for place, field in enumerate(batches.fields(task.inputs)):
        if field.choices is None:
            for moved in _moved(columns, place):
                found |= (as_float(task.truth(moved)) != truth).any(axis=1)
    return found


def _moved(columns: Columns, place: int) -> list[Columns]:
    """The columns with each coordinate of the field at `place` moved up, then down."""
    width = 1 if columns[place].ndim == 1 else columns[place].shape[1]
    steps = [s * TIE * np.eye(width)[i] for i in range(width) for s in (1, -1)]
    shifted = [columns[place] + (s[0] if columns[place].ndim == 1 else s) for s in steps]
    return [(*columns[:place], one, *columns[place + 1 :]) for one in shifted]
