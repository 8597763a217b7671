"""A matrix as two of its rank, the second as sparse as can be read off: which numbers pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.decompose.rank import parallel, rank
from distill.normal_form import Array

Ints = NDArray[np.int64]


def factored(matrix: Array, part: Ints) -> tuple[Array, Array] | None:
    """`matrix` (m, n) as (m, r) times (r, n), r its rank, the second as sparse as can be read off;
    None for zeros.

    Parts that give independent numbers are taken apart first; then columns or rows that are
    multiples of one another are one number.
    """
    columns = np.flatnonzero(matrix.any(0))
    if not len(columns):
        return None
    whole = rank(matrix)
    pieces = [columns[part[columns] == p] for p in np.unique(part[columns])]
    if len(pieces) > 1 and sum(rank(matrix[:, piece]) for piece in pieces) == whole:
        left, right = [], []
        for piece in pieces:
            some = np.zeros_like(matrix)
            some[:, piece] = matrix[:, piece]
            factors = factored(some, part)
            assert factors is not None
            left.append(factors[0])
            right.append(factors[1])
        return np.hstack(left), np.vstack(right)
    for basis in (_by_columns(matrix, columns, whole), _by_rows(matrix, whole)):
        if basis is not None:
            return _rounded(matrix @ np.linalg.pinv(basis)), basis
    return None


def _by_columns(matrix: Array, columns: Ints, count: int) -> Array | None:
    """A row for each class of parallel columns, where these are as many as the rank."""
    units = matrix[:, columns] / np.linalg.norm(matrix[:, columns], axis=0)
    classes = parallel(units.T)
    if len(classes) != count:
        return None
    basis = np.zeros((count, matrix.shape[1]))
    for place, some in enumerate(classes):
        basis[place, columns[some]] = units[:, some[0]] @ matrix[:, columns[some]]
    return basis


def _by_rows(matrix: Array, count: int) -> Array:
    """Rows of the matrix that are independent, those with fewest weights first."""
    rows = np.flatnonzero(matrix.any(1))
    units = matrix[rows] / np.linalg.norm(matrix[rows], axis=1)[:, None]
    firsts = [rows[some[0]] for some in parallel(units)]
    chosen: list[int] = []
    for row in sorted(firsts, key=lambda r: np.count_nonzero(matrix[r])):
        if rank(matrix[[*chosen, row]]) == len(chosen) + 1:
            chosen.append(int(row))
        if len(chosen) == count:
            break
    return matrix[sorted(chosen)]


def _rounded(matrix: Array) -> Array:
    """With zeros where arithmetic left next to nothing."""
    return np.where(np.abs(matrix) <= 1e-9 * np.abs(matrix).max(initial=0.0), 0.0, matrix)
