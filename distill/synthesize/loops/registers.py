"""Registers a loop may hold: delayed inputs and outputs, and values computed from themselves.

A register is known by what it holds before every item of the traces. That is all that
finding the step needs; how it gets its next value is kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.program import Expression


@dataclass(frozen=True, eq=False)
class Held:
    """A register on the traces.

    name: by which expressions refer to it; values: (n, T) before every item; start: what it
    holds before the first. update: its next value over names of registers and fields, or, where
    that isn't an expression yet, `source`: the field or output that it takes over.
    """

    name: str
    values: NDArray[Any]
    start: int
    update: Expression | None = None
    source: str = ""


def delayed(name: str, source: str, values: NDArray[Any], start: int) -> Held:
    """The register that holds what `values` (n, T) were one item ago."""
    before = np.concatenate([np.full_like(values[:, :1], start), values[:, :-1]], axis=1)
    return Held(name, before, start, source=source)


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
