"""Registers on the traces: what they hold before every item, and whether that is enough."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def delayed(values: NDArray[Any], start: int) -> NDArray[Any]:
    """What values (n, T) were one item ago; `start` before the first."""
    return np.concatenate([np.full_like(values[:, :1], start), values[:, :-1]], axis=1)


def is_function(keys: list[NDArray[Any]], values: NDArray[Any]) -> tuple[bool, float]:
    """Whether rows with equal keys have equal values, and how often a key occurs on average.

    keys: arrays of one shape; values: of the same shape. A table without repetitions proves
    nothing, so callers ask for an average well above 1.
    """
    flat = [np.unique(k.ravel(), return_inverse=True)[1] for k in keys]
    code = np.zeros(values.size, dtype=np.int64)
    for part in flat:
        code = code * (int(part.max(initial=0)) + 1) + part
    outcome = np.unique(values.ravel(), return_inverse=True)[1]
    cells = np.unique(code)
    pairs = np.unique(code * (int(outcome.max(initial=0)) + 1) + outcome)
    return len(pairs) == len(cells), values.size / max(len(cells), 1)
