"""Sequence tasks over real numbers, each within a tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.rnn.task import Fields, Task
from benchmarks.rnn.tasks import Truth, delayed

UNIT: Fields = ((-1, 1),)
LEVEL: Fields = ((0, 1),)


def _levels(step: Any) -> Truth:
    """What `step(level, item)` makes of a level of 0, item by item."""

    def truth(x: Any) -> Any:
        level, found = np.zeros_like(x[:, 0]), []
        for item in np.moveaxis(x, 1, 0):
            level = step(level, item)
            found.append(level)
        return np.stack(found, 1)

    return truth


def _mean(x: Any) -> Any:
    return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)[None, :, None]


_ALL = (
    ("largest_real", "The largest item so far.", UNIT, lambda x: np.maximum.accumulate(x, axis=1)),
    ("leaky_integrator", "0.8 of the last output and the item.", UNIT,
     _levels(lambda level, x: 0.8 * level + x)),
    ("difference", "The item minus the one before it, 0 before the start.", UNIT,
     lambda x: x - delayed(x, 1)),
    ("average_last3", "A third of the sum of the last three items, zeros before the start.", UNIT,
     lambda x: (x + delayed(x, 1) + delayed(x, 2)) / 3),
    ("peak_decay", "The item, or 0.9 of the last output where that is more.", LEVEL,
     _levels(lambda level, x: np.maximum(0.9 * level, x))),
    ("saturating_total", "The running total held between -1 and 1.", UNIT,
     _levels(lambda level, x: np.clip(level + x, -1, 1))),
    ("mean_so_far", "The mean of all items so far.", LEVEL, _mean),
    ("deviation", "The item minus the mean of all items so far.", LEVEL, lambda x: x - _mean(x)),
    ("range_real", "The largest item so far minus the smallest.", UNIT,
     lambda x: np.maximum.accumulate(x, axis=1) - np.minimum.accumulate(x, axis=1)),
    ("largest_jump", "The largest size of a difference of neighbours so far, 0 being before.", UNIT,
     lambda x: np.maximum.accumulate(np.abs(x - delayed(x, 1)), axis=1)),
    ("product_last2", "The item times the one before it, 0 before the start.", UNIT,
     lambda x: x * delayed(x, 1)),
    ("two_speeds", "An average that rises by a half of the way and falls by a tenth.", LEVEL,
     _levels(lambda level, x: level + np.where(x > level, 0.5, 0.1) * (x - level))),
)  # fmt: skip

REALS: dict[str, Task] = {
    name: Task(name, definition, fields, truth, "real", 10, None, 0.05, real=True)
    for name, definition, fields, truth in _ALL
}
