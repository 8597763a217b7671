"""Implicants of a table: cubes as arrays with three places per leaf (false, true, either).

All 3^n cubes are looked at together: axis i of an array has index 0 for "leaf i is
false", 1 for "true" and 2 for "doesn't occur" (Quine, The problem of simplifying
truth functions, 1952).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.boolean.formula import literal
from distill.synthesize.boolean.table import Bits, Table, assignments
from dsl.program import Expression

Cubes = NDArray[np.int8]
"""(k, n) with 0, 1 or 2 for each leaf."""

Term = frozenset[tuple[int, bool]]
"""Literals (leaf, whether it is true) that are joined."""


def _occupied(source: Table, rows: Bits) -> Bits:
    """For each of the 3^n cubes whether one of the rows is in it."""
    found = source.cube(rows)
    for axis in range(source.size):
        found = np.concatenate([found, found.any(axis, keepdims=True)], axis)
    return found


def primes(source: Table) -> Cubes:
    """The largest cubes without a false row that have a true one, (k, n)."""
    free = ~_occupied(source, source.off)
    found = free & _occupied(source, source.on)
    for axis in range(source.size):
        larger = free.take([2], axis)
        fixed = np.moveaxis(found, axis, 0)[:2]
        fixed &= ~np.moveaxis(larger, axis, 0)
    return np.argwhere(found).astype(np.int8)


def covered(cubes: Cubes, rows: Bits) -> Bits:
    """Which cube holds which of the chosen rows, (cubes, chosen rows)."""
    points = assignments(cubes.shape[1])[rows]
    found = np.ones((len(cubes), len(points)), dtype=bool)
    for place in range(cubes.shape[1]):
        column = cubes[:, place, None]
        found &= (column == 2) | (column == points[None, :, place])
    return found


def term(cube: NDArray[np.int8]) -> Term:
    """The literals of a cube."""
    return frozenset((i, bool(v)) for i, v in enumerate(cube.tolist()) if v != 2)


def literals(source: Table, found: Term) -> list[Expression]:
    """The literals of a term as expressions, in the order of the leaves."""
    return [literal(source.leaves[i], positive) for i, positive in sorted(found)]
