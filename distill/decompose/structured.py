"""Structure of a dense layer in a few numbers: what kind of matrix it is, the narrowest name first.

Every kind is a function from a matrix to what it would be as that kind, or None; `find_structure`
asks them in turn. A matrix is of a kind if no weight is off by more than `noise` of the sizes that
the kind lets it have; of how much it is off is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Array

Ints = NDArray[np.int64]

_EXACT = 1e-9
_SIDE = 3
"""Rows and columns of a matrix, at least, for there to be structure."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A layer (m, n) of a kind. told: in words; numbers: how many say it all, beside whole ones;
    dense (m, n): the matrix that they give; error: how far the layer is from it, as a part of its
    largest weight."""

    kind: str
    told: str
    numbers: int
    dense: Array
    error: float


_Found = tuple[str, str, int, Array] | None


def find_structure(weight: Array, noise: float = 0.0) -> Structure | None:
    """The narrowest kind that a layer's matrix (m, n) is of; None where it is of none.

    noise: by how much of its size a weight may be off.
    """
    largest = float(np.abs(weight).max(initial=0.0))
    if min(weight.shape) < _SIDE or largest == 0.0:
        return None
    matrix = np.where(np.abs(weight) <= max(_EXACT, 0.5 * noise) * largest, 0.0, weight)
    share = max(2.0 * noise, _EXACT)
    kinds: tuple[Callable[[Array, float], _Found], ...] = (
        _permutation, _set_sum, _circulant, _toeplitz, _blocks, _low_rank,
    )  # fmt: skip
    for kind in kinds:
        found = kind(matrix, share)
        if found is not None:
            name, told, numbers, dense = found
            off = float(np.abs(weight - dense).max()) / largest
            return Structure(name, told, numbers, dense, off)
    return None


def _near(values: Array, found: Array, share: float) -> bool:
    """Whether values are those, within a share of each one's own size."""
    room = share * np.maximum(np.abs(values), np.abs(found))
    return bool((np.abs(values - found) <= room + 1e-12).all())


def _tied(matrix: Array, labels: Ints, share: float) -> Array | None:
    """The matrix whose weights of one label (0, 1 ...) are one number; None where they differ, or
    where numbers stand hardly more than once each."""
    used = len(np.unique(labels[matrix != 0]))
    if np.count_nonzero(matrix) < 2 * used:
        return None
    sums = np.bincount(labels.ravel(), matrix.ravel())
    means = sums / np.maximum(np.bincount(labels.ravel()), 1)
    dense = means[labels]
    return dense if _near(matrix, dense, share) else None


def _permutation(matrix: Array, share: float) -> _Found:
    seen = matrix != 0
    if len(set(matrix.shape)) > 1 or (seen.sum(0) != 1).any() or (seen.sum(1) != 1).any():
        return None
    sizes = np.abs(matrix[seen])
    one = float(np.median(sizes))
    if not _near(sizes, np.full_like(sizes, one), share):
        return "scaled permutation", f"{len(matrix)} numbers, each moved and scaled", len(matrix), (
            matrix
        )  # fmt: skip
    if abs(one - 1.0) <= share:
        one = 1.0
    signed = bool((matrix < 0).any())
    name = "signed permutation" if signed else "permutation"
    scale = "" if one == 1.0 else f", times {one:.4g}"
    told = f"{len(matrix)} numbers in another order{', some negated' * signed}{scale}"
    return name, told, int(one != 1.0), one * np.sign(matrix)


def _set_sum(matrix: Array, share: float) -> _Found:
    """Equal weights for all elements of a set: the same for every input, or one for an element
    itself and one for all others, in blocks where elements have several numbers."""
    rows, columns = matrix.shape
    alike = _tied(matrix, np.repeat(np.arange(rows)[:, None], columns, 1), share)
    if alike is not None:
        return "sum over a set", f"every output weighs all {columns} inputs alike", rows, alike
    for count in range(min(rows, columns), _SIDE - 1, -1):
        if rows % count or columns % count:
            continue
        given, taken = rows // count, columns // count
        for elements in (0, 1):  # numbers of one element side by side, or elements of one number
            found = _equivariant(matrix, count, given, taken, bool(elements), share)
            if found is not None:
                return found
    return None


def _equivariant(
    matrix: Array, count: int, given: int, taken: int, apart: bool, share: float
) -> _Found:
    out = np.arange(count * given)
    into = np.arange(count * taken)
    of = (out % count, into % count) if apart else (out // given, into // taken)
    number = (out // count, into // count) if apart else (out % given, into % taken)
    own = of[0][:, None] == of[1][None]
    pair = number[0][:, None] * taken + number[1][None]
    others = matrix[~own]
    dense = _tied(matrix, 2 * pair + own, share)
    if dense is None or not others.any():
        return None
    numbers = 2 * given * taken
    told = f"{count} elements, each by itself and as one of all: {numbers} numbers"
    if given * taken == 1:
        other, mine = float(dense[0, 1]), float(dense[0, 0])
        told = f"{count} elements, {mine - other:.4g} of each and {other:.4g} of the sum of all"
    return "sum over a set", told, numbers, dense


def _circulant(matrix: Array, share: float) -> _Found:
    size = len(matrix)
    if matrix.shape[1] != size:
        return None
    places = np.arange(size)
    for sign, name in ((1, "circulant"), (-1, "anticirculant")):
        dense = _tied(matrix, (places[None] - sign * places[:, None]) % size, share)
        if dense is not None:
            return name, f"one row of {size} numbers, turned round", size, dense
    return None


def _toeplitz(matrix: Array, share: float) -> _Found:
    rows, columns = matrix.shape
    down, across = np.arange(rows)[:, None], np.arange(columns)[None]
    for labels, name in ((across - down + rows - 1, "Toeplitz"), (across + down, "Hankel")):
        dense = _tied(matrix, labels, share)
        if dense is not None:
            numbers = rows + columns - 1
            return name, f"{numbers} numbers, one for each diagonal", numbers, dense
    return None


def _blocks(matrix: Array, share: float) -> _Found:
    """Blocks, up to an order of rows and columns: parts of the graph that the weights are."""
    rows, columns = matrix.shape
    graph = nx.Graph()
    graph.add_nodes_from(range(rows + columns))
    down, across = np.nonzero(matrix)
    graph.add_edges_from(zip(down.tolist(), (rows + across).tolist(), strict=True))
    parts = [sorted(part) for part in nx.connected_components(graph)]
    sizes = [(sum(p < rows for p in part), sum(p >= rows for p in part)) for part in parts]
    if len(parts) < 2 or min(min(size) for size in sizes) < 1:
        return None
    numbers = sum(a * b for a, b in sizes)
    if max(a * b for a, b in sizes) < 4 or np.count_nonzero(matrix) < 0.9 * numbers:
        return None  # what is sparse falls apart by chance
    shapes = " and ".join(f"{a} x {b}" for a, b in sorted(set(sizes)))
    return "block-diagonal", f"{len(parts)} blocks of {shapes}", numbers, matrix


def _low_rank(matrix: Array, share: float) -> _Found:
    """A product of two thin matrices: sizes of singular values leap down to what noise leaves."""
    rows, columns = matrix.shape
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    spread = np.sqrt(np.mean(matrix**2)) * (np.sqrt(rows) + np.sqrt(columns))
    rank = int((sizes > max(share * spread, _EXACT * sizes[0])).sum())
    most = min(rows, columns)
    if rank == 0 or 2 * rank > most or sizes[rank - 1] < 3.0 * sizes[rank]:
        return None
    numbers = rank * (rows + columns - rank)
    if numbers > 0.8 * np.count_nonzero(matrix):
        return None  # what is sparse has few ranks by chance
    dense = (left[:, :rank] * sizes[:rank]) @ right[:rank]
    return "low rank", f"rank {rank} of {most}", numbers, dense
