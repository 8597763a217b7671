"""The names that a task's `reference` expression may use, and its evaluation row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import columns as batches
from benchmarks.task import Columns, Task


def number(bits: Sequence[bool]) -> int:
    """The number that the bits spell, most significant first."""
    value = 0
    for bit in bits:
        value = 2 * value + int(bit)
    return value


def bits(value: int, width: int) -> list[bool]:
    """The `width` lowest bits of `value`, most significant first."""
    return [bool(value >> i & 1) for i in range(width - 1, -1, -1)]


def argmax(values: Sequence[float]) -> int:
    """Index of the largest value, the first of equals."""
    return max(range(len(values)), key=lambda i: values[i])


def clip(value: float, low: float, high: float) -> float:
    """`value` moved into [low, high]."""
    return max(low, min(high, value))


NAMES: dict[str, Callable[..., Any]] = {
    "abs": abs, "argmax": argmax, "atan2": math.atan2, "bits": bits, "clip": clip, "cos": math.cos,
    "count": sum, "exp": math.exp, "gcd": math.gcd, "isqrt": math.isqrt, "max": max, "min": min,
    "number": number, "sin": math.sin, "sorted": sorted, "sqrt": math.sqrt, "zip": zip, "sum": sum,
}  # fmt: skip


def evaluate(task: Task, columns: Columns) -> NDArray:
    """The reference's output column, one row at a time."""
    names = [field.name for field in batches.fields(task.inputs)]
    code = compile(task.reference, task.name, "eval")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    scope = {"__builtins__": {"any": any, "all": all, "range": range}, **NAMES}
    return np.array([eval(code, scope, dict(zip(names, row, strict=True))) for row in rows])
