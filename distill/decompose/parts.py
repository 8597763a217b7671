"""Parts of a network that follow from its weights exactly: what is joined only by narrow wires.

Two hidden units belong together where one feeds the other, and where they share an input and what
they give as well. Between two groups of units a matrix of low rank is no joint but a wire: what
passes through it is as many numbers as its rank, a value that one part gives and another takes.
Units that all give to one unit, and to nothing else, give one number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from distill.decompose.links import Links, Unit
from distill.decompose.rank import ROUND, parallel, rank
from distill.normal_form import Array

Ints = NDArray[np.int64]
_COMBINED = 1e-5
"""A row of length 1 is no combination of others that have smaller weights in it."""


@dataclass(frozen=True)
class Part:
    """Hidden units that belong together.

    inputs and outputs: those of the network that it reads and gives; before and after: numbers of
    the parts that it takes values from and gives them to; width: how many numbers it takes so.
    """

    units: tuple[Unit, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    width: int


@dataclass(frozen=True, eq=False)
class _Wire:
    """Units of one group that reach some of a later one through a few numbers."""

    givers: tuple[Unit, ...]
    takers: tuple[Unit, ...]
    width: int


def parts_of(links: Links) -> tuple[Part, ...]:
    """All parts, in the order of their first units; one where the network is of one piece."""
    graph = nx.Graph()
    graph.add_nodes_from(links.hidden)
    shown: dict[Unit, set[Hashable]] = defaultdict(set)
    wires: list[_Wire] = []
    readers = _readers(links)
    for source, target, given, read in links.joints():
        if source == 0:
            continue
        if target == len(links.widths) - 1:
            for row, column in zip(given.tolist(), read.tolist(), strict=True):
                shown[Unit(source, column)].add(row)
            continue
        matrix = links.weights[source, target]
        for rows, columns in _blocks(matrix, given, read):
            alone = len(rows) == 1 < len(columns) and (readers[source][columns] == 1).all()
            wire = _narrow(matrix[np.ix_(rows, columns)], alone)
            givers = [Unit(source, int(c)) for c in columns]
            takers = [Unit(target, int(r)) for r in rows]
            if wire is None:
                graph.add_edges_from((g, t) for g in givers for t in takers)
                continue
            wires.append(_Wire(tuple(givers), tuple(takers), wire.width))
            graph.add_edges_from(pairwise(takers))
            for giver, direction in zip(givers, wire.directions, strict=True):
                shown[giver].add(("wire", len(wires), direction))
    _join(graph, links, shown)
    found = sorted((sorted(c, key=_order) for c in nx.connected_components(graph)),
                   key=lambda c: _order(c[0]))  # fmt: skip
    return _described(links, found, wires)


def _readers(links: Links) -> list[Ints]:
    """How many units read each one, group by group."""
    found = [np.zeros(width, np.int64) for width in links.widths]
    for source, _, _, columns in links.joints():
        np.add.at(found[source], columns, 1)
    return found


def _order(unit: Unit) -> tuple[int, int]:
    return unit.group, unit.place


def _blocks(matrix: Array, given: Ints, read: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Rows and columns that are joined by weights, of which given and read are the places, block by
    block; rows of a block that have nothing to do with each other, so that their ranks add up, are
    blocks of their own."""
    count, width = matrix.shape
    joints = csr_array((np.ones(len(given)), (given, count + read)), shape=(count + width,) * 2)
    _, label = connected_components(joints, directed=False)
    order = np.argsort(label, kind="stable")
    for block in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        if len(block) < 2:
            continue
        rows, columns = block[block < count], block[block >= count] - count
        some = matrix[np.ix_(rows, columns)]
        for together in _dependent(some):
            yield rows[together], columns[some[together].any(0)]


def _dependent(matrix: Array) -> Iterator[Ints]:
    """The finest partition of rows whose ranks add up to the matrix's: the components of its
    matroid, joined by what each row is a combination of in one basis (Oxley, Matroid Theory, 4.1).
    """
    units = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    found: Any = qr(units.T, mode="economic", pivoting=True)
    _, triangle, order = found
    sizes = np.abs(np.diag(triangle))
    count = int((sizes > ROUND * sizes[0]).sum())
    graph = nx.Graph()
    graph.add_nodes_from(range(len(matrix)))
    basis, rest = order[:count], order[count:]
    weights = solve_triangular(triangle[:count, :count], triangle[:count, count:])
    for i, j in np.argwhere(np.abs(weights) > _COMBINED):
        graph.add_edge(int(basis[i]), int(rest[j]))
    for component in sorted(nx.connected_components(graph), key=min):
        yield np.array(sorted(component))


@dataclass(frozen=True)
class _Narrow:
    """How many numbers pass, and for every column which of them it adds to: columns that are
    multiples of each other add to the same one; -1 for all where hardly any are."""

    width: int
    directions: tuple[int, ...]


def _narrow(block: Array, alone: bool) -> _Narrow | None:
    """A block of a matrix as a wire; None where writing it as two matrices takes more weights.

    alone: it is of one row, and its columns' units give to nothing else."""
    width, (rows, columns) = rank(block), block.shape
    if not alone and width * (rows + columns) > rows * columns:
        return None
    classes = parallel((block / np.linalg.norm(block, axis=0)).T)
    if 2 * len(classes) > columns:
        return _Narrow(width, (-1,) * columns)
    of = {column: number for number, some in enumerate(classes) for column in some}
    return _Narrow(width, tuple(of[column] for column in range(columns)))


def _join(graph: nx.Graph, links: Links, shown: dict[Unit, set[Hashable]]) -> None:
    """Join units that share an input and something that they give."""
    reads: dict[Unit, set[Unit]] = defaultdict(set)
    for source, target, rows, columns in links.joints():
        if target < len(links.widths) - 1:
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                reads[Unit(target, row)].add(Unit(source, column))
    sharing: dict[Hashable, list[Unit]] = defaultdict(list)
    for unit in links.hidden:
        for given in shown[unit]:
            for read in reads[unit]:
                sharing[given, read].append(unit)
    for units in sharing.values():
        graph.add_edges_from(pairwise(units))


def _described(links: Links, found: list[list[Unit]], wires: list[_Wire]) -> tuple[Part, ...]:
    number = {unit: place for place, units in enumerate(found) for unit in units}
    before: dict[int, set[int]] = defaultdict(set)
    after: dict[int, set[int]] = defaultdict(set)
    taken: dict[int, int] = defaultdict(int)
    for wire in wires:
        givers, takers = {number[g] for g in wire.givers}, {number[t] for t in wire.takers}
        for taker in takers:
            before[taker] |= givers - {taker}
            taken[taker] += wire.width if taker not in givers else 0
        for giver in givers:
            after[giver] |= takers - {giver}
    inputs, outputs = _ends(links, number)
    return tuple(
        Part(
            tuple(units),
            tuple(sorted(inputs[place])),
            tuple(sorted(outputs[place])),
            tuple(sorted(before[place])),
            tuple(sorted(after[place])),
            taken[place],
        )
        for place, units in enumerate(found)
    )


def _ends(links: Links, number: dict[Unit, int]) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Inputs that each part reads directly, and outputs that it gives."""
    last = len(links.widths) - 1
    inputs: dict[int, set[int]] = defaultdict(set)
    outputs: dict[int, set[int]] = defaultdict(set)
    for source, target, rows, columns in links.joints():
        if (source == 0) == (target == last):
            continue
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if source == 0:
                inputs[number[Unit(target, row)]].add(column)
            else:
                outputs[number[Unit(source, column)]].add(row)
    return inputs, outputs
