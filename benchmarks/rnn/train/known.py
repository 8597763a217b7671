"""All tasks that networks are trained on: the 62, smaller ranges of them, and those beyond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.rnn.further import FURTHER, palindrome_sampler
from benchmarks.rnn.networks import index
from benchmarks.rnn.reals import REALS
from benchmarks.rnn.task import Task
from benchmarks.rnn.tasks import TRUTHS


def _published(name: str) -> Task:
    entry = index()[name]
    fields = ((entry["input_low"], entry["input_high_exclusive"] - 1),) * entry["input_dim"]
    task = Task(
        name, entry["definition"], fields, TRUTHS[name], length=entry["native_len"],
        sampler=palindrome_sampler(1) if "palindromes" in name else None,
    )  # fmt: skip
    seen = task.truth(task.draw(np.random.default_rng(0), 256, task.length))
    truths = seen.shape[2] == 1 and set(np.unique(seen)) <= {0, 1}
    return replace(task, outputs="bool" if truths else "int")


def _ranged(name: str, source: str, low: int, high: int) -> Task:
    return replace(PUBLISHED[source], name=name, fields=((low, high),))


PUBLISHED: dict[str, Task] = {name: _published(name) for name in index()}
"""The 62 tasks of arXiv 2402.05110."""

RANGED: dict[str, Task] = {
    name: _ranged(name, source, low, high)
    for name, source, low, high in (
        ("max_0_9", "rnn_max_numerical", 0, 9),
        ("sum_0_3", "rnn_sum_numerical", 0, 3),
        ("prev1_0_9", "rnn_prev1_numerical", 0, 9),
        ("prev2_0_9", "rnn_prev2_numerical", 0, 9),
        ("sum_last2_0_9", "rnn_sum_last2_numerical", 0, 9),
        ("abs_diff_0_9", "rnn_abs_value_of_diff_numerical", 0, 9),
    )
}
"""Tasks of the 62 on items that a cell with bounded units can hold."""

TASKS: dict[str, Task] = PUBLISHED | RANGED | FURTHER | REALS


def short(name: str) -> str:
    """A task's name in file names."""
    return name.removeprefix("rnn_").removesuffix("_numerical")
