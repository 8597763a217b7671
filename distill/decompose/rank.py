"""How many numbers a matrix passes, and which of its rows are multiples of each other."""

from __future__ import annotations

import numpy as np

from distill.normal_form import Array

ROUND = 1e-6
"""Singular values below this part of the largest one are none."""
PARALLEL = 1e-6


def rank(matrix: Array) -> int:
    """The rank of a matrix (m, n) whose weights are rounded."""
    sizes = np.linalg.svd(matrix, compute_uv=False)
    return int((sizes > ROUND * sizes[0]).sum()) if len(sizes) and sizes[0] else 0


def parallel(units: Array) -> list[list[int]]:
    """Places of rows (m, n) of length 1 that are parallel, class by class."""
    found: list[list[int]] = []
    for place, unit in enumerate(units):
        alike = next((c for c in found if abs(unit @ units[c[0]]) > 1 - PARALLEL), None)
        if alike is None:
            found.append([place])
        else:
            alike.append(place)
    return found
