"""Sums modulo 2: an odd number of some leaves, found by Gaussian elimination."""

from __future__ import annotations

import numpy as np

from distill.synthesize.boolean.formula import parity
from distill.synthesize.boolean.table import Bits, Table
from dsl.program import Expression


def affine(source: Table) -> list[Expression]:
    """The parity of a set of leaves, or its negation, where the table is one."""
    rows = np.column_stack([source.columns, np.ones(len(source.values), dtype=bool)])[source.care]
    solution = solve(rows, source.values[source.care])
    if solution is None:
        return []
    chosen = [x for x, used in zip(source.leaves, solution[:-1], strict=True) if used]
    return [parity(chosen, odd=not solution[-1])]


def solve(rows: Bits, right: Bits) -> Bits | None:
    """Some x with `rows @ x = right` modulo 2, rows (m, k), right (m,); None if there is none."""
    system = np.column_stack([rows, right])
    width = rows.shape[1]
    pivots: list[int] = []
    for column in range(width):
        system = _eliminated(system, len(pivots), column, pivots)
    if system[len(pivots) :, width].any():
        return None
    found = np.zeros(width, dtype=bool)
    found[pivots] = system[: len(pivots), width]
    return found


def _eliminated(system: Bits, done: int, column: int, pivots: list[int]) -> Bits:
    candidates = np.flatnonzero(system[done:, column])
    if not len(candidates):
        return system
    pivot = done + int(candidates[0])
    system[[done, pivot]] = system[[pivot, done]]
    others = system[:, column].copy()
    others[done] = False
    system[others] ^= system[done]
    pivots.append(column)
    return system
