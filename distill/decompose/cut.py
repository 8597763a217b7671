"""A network as values joined by functions: cut where few numbers pass from part to part.

What a part takes from units outside of it is a matrix; where its rank is small, that many numbers
pass, each a weighted sum of units. Such numbers, and the outputs, are the values; each is a
function of earlier ones and of inputs, computed by the units of its part. An output to which parts
add that have nothing in common is their sum (additive separation).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from distill.decompose.links import Links
from distill.decompose.parts import parts_of
from distill.decompose.rank import PARALLEL, parallel, rank
from distill.normal_form import Array, Builder, NormalForm

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Value:
    """Numbers (m,) that are computed together: an inner value (m = 1) or outputs.

    inputs: places of the network's inputs that it reads; takes: numbers of earlier values; form:
    from those inputs, then those values, to the numbers; outputs: which of the network's outputs it
    is, empty for an inner one.
    """

    inputs: tuple[int, ...]
    takes: tuple[int, ...]
    form: NormalForm
    outputs: tuple[int, ...] = ()


def cut(links: Links, together: bool = False) -> tuple[Value, ...]:
    """All values, each after those that it takes, the outputs last, in order; () where nothing is
    cut.

    together: the outputs are one value, as a decision between them is.
    """
    if links.several or len(links.widths) < 3:
        return ()
    cutting = _Cutting(links)
    outputs = range(links.starts[-2], links.starts[-1])
    groups = [tuple(outputs)] if together else [(o,) for o in outputs]
    ends = [cutting.output(group) for group in groups]
    made = [cutting.made(e, g) for e, g in zip(ends, groups, strict=True)]
    if not cutting.values and len({part for e in ends for part in cutting.parts_in(e)}) < 2:
        return ()
    inner = [cutting.values[number] for number in range(len(cutting.rows))]
    return _in_order([*inner, *made])


@dataclass(frozen=True, eq=False)
class _Sum:
    """Rows (m, units) of weights on units, numbers of values with columns (m, values), a bias."""

    rows: Array
    takes: dict[int, Array]
    bias: Array


class _Cutting:
    """Values under way. Rows are over all units of the network, inputs first, outputs last."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.weights = links.matrix()
        self.bias = np.concatenate(links.bias)
        self.hidden = np.arange(links.starts[1], links.starts[-2])
        self.part = np.full(len(self.bias), -1)
        for number, part in enumerate(parts_of(links)):
            for unit in part.units:
                self.part[links.starts[unit.group] + unit.place] = number
        self.values: dict[int, Value] = {}
        self.rows: list[Array] = []
        self.taken: dict[int, dict[int, float]] = {}
        self.split: set[int] = set()

    def parts_in(self, found: _Sum) -> set[int]:
        """The parts whose units a sum weighs."""
        return set(self.part[found.rows.any(0)].tolist()) - {-1}

    def output(self, group: tuple[int, ...]) -> _Sum:
        """Outputs as a sum of units and values: what independent parts add are values."""
        rows = self.weights[list(group)].copy()
        takes: dict[int, Array] = {}
        pieces = self._independent(rows)
        if len(pieces) > 1:
            for places in pieces:
                piece = np.zeros_like(rows)
                piece[:, places] = rows[:, places]
                factors = _factored(piece, self.part)
                if factors is None:
                    continue
                for column, row in zip(factors[0].T, factors[1], strict=True):
                    number, scale = self._value(row)
                    takes[number] = takes.get(number, np.zeros(len(rows))) + column * scale
                rows[:, places] = 0.0
        return _Sum(rows, takes, self.bias[list(group)])

    def _independent(self, rows: Array) -> list[Ints]:
        """Hidden units that rows weigh, those apart whose parts read nothing in common."""
        graph, inputs = nx.Graph(), set(range(self.links.widths[0]))
        for unit in np.flatnonzero(rows.any(0)):
            if self.part[unit] >= 0:
                for read in self._below([int(unit)], within=False) & inputs:
                    graph.add_edge(("unit", int(unit)), ("read", read))
        found = []
        for some in nx.connected_components(graph):
            found.append(np.array(sorted(n for kind, n in some if kind == "unit")))
        return sorted(found, key=lambda places: int(places[0]))

    def _below(self, units: list[int], within: bool) -> set[int]:
        """Units and all that they depend on; within: in their own parts only."""
        found, stack = set[int](), list(units)
        while stack:
            unit = stack.pop()
            if unit in found:
                continue
            found.add(unit)
            reads = np.flatnonzero(self.weights[unit])
            stack += (reads[self.part[reads] == self.part[unit]] if within else reads).tolist()
        return found

    def _value(self, row: Array) -> tuple[int, float]:
        """The number of the value that is a multiple of a row, made if there is none, and the
        multiple."""
        size = float(np.linalg.norm(row))
        for number, other in enumerate(self.rows):
            along = float(row @ other) / float(other @ other)
            if np.linalg.norm(row - along * other) <= PARALLEL * size:
                return number, along
        number = len(self.rows)
        self.rows.append(row)
        self.values[number] = self.made(_Sum(row[None], {}, np.zeros(1)), ())
        return number, 1.0

    def _takes(self, unit: int) -> dict[int, float]:
        """The values that a unit takes from outside of its part, with weights."""
        part = int(self.part[unit])
        if part not in self.split:
            self.split.add(part)
            mine = self.hidden[self.part[self.hidden] == part]
            outside = self.weights[mine].copy()
            outside[:, : self.links.widths[0]] = 0.0
            outside[:, mine] = 0.0
            factors = _factored(outside, self.part)
            for one in mine:
                self.taken[int(one)] = {}
            if factors is not None:
                for column, row in zip(factors[0].T, factors[1], strict=True):
                    number, scale = self._value(row)
                    for one, weight in zip(mine, column, strict=True):
                        if weight:
                            known = self.taken[int(one)]
                            known[number] = known.get(number, 0.0) + float(weight) * scale
        return self.taken[unit]

    def made(self, found: _Sum, outputs: tuple[int, ...]) -> Value:
        """A sum as a value, with the units that compute it down to inputs and earlier values."""
        weighed = np.flatnonzero(found.rows.any(0) & (self.part >= 0)).tolist()
        units = sorted(self._below(weighed, within=True))
        takes = sorted({n for u in units for n in self._takes(u)} | set(found.takes))
        width = self.links.widths[0]
        direct = self.weights[units][:, :width].any(0) | found.rows[:, :width].any(0)
        inputs = np.flatnonzero(direct)
        form = self._form(found, units, inputs, takes)
        first = int(self.links.starts[-2])
        own = tuple(o - first for o in outputs)
        return Value(tuple(inputs.tolist()), tuple(takes), form, own)

    def _form(self, found: _Sum, units: list[int], inputs: Ints, takes: list[int]) -> NormalForm:
        builder = Builder(len(inputs) + len(takes))
        groups: dict[int, list[int]] = defaultdict(list)
        starts = self.links.starts
        for unit in units:
            groups[int(np.searchsorted(starts, unit, side="right")) - 1].append(unit)
        wires: list[tuple[int, list[int]]] = []
        for group, mine in sorted(groups.items()):
            given = np.zeros((len(mine), len(takes)))
            for i, unit in enumerate(mine):
                for number, weight in self._takes(unit).items():
                    given[i, takes.index(number)] = weight
            terms = [(0, np.hstack([self.weights[mine][:, inputs], given]))]
            for wire, before in wires:
                inner = self.weights[mine][:, before]
                inner[self.part[mine][:, None] != self.part[before][None]] = 0.0
                terms.append((wire, inner))
            kept = [(w, m) for w, m in terms if m.any()]
            wire = builder.affine(kept, self.bias[mine])
            wires.append((builder.elementwise(self.links.functions[group], wire), mine))
        last = np.zeros((len(found.bias), len(takes)))
        for number, column in found.takes.items():
            last[:, takes.index(number)] = column
        terms = [(0, np.hstack([found.rows[:, inputs], last]))]
        terms += [(wire, found.rows[:, mine]) for wire, mine in wires]
        return builder.build(builder.affine([(w, m) for w, m in terms if m.any()], found.bias))


def _factored(matrix: Array, part: Ints) -> tuple[Array, Array] | None:
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
            factors = _factored(some, part)
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


def _in_order(values: list[Value]) -> tuple[Value, ...]:
    """Values after those that they take; the outputs stay last."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(values)))
    for number, value in enumerate(values):
        graph.add_edges_from((before, number) for before in value.takes)
    inner = [n for n in nx.lexicographical_topological_sort(graph) if not values[n].outputs]
    order = [*inner, *(n for n, value in enumerate(values) if value.outputs)]
    place = {old: new for new, old in enumerate(order)}
    return tuple(replace(values[n], takes=tuple(place[t] for t in values[n].takes)) for n in order)
