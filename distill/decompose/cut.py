"""A network as values joined by functions: cut where few numbers pass from part to part.

What a part takes from units outside of it is a matrix; where its rank is small, that many numbers
pass, each a weighted sum of units. Such numbers, and the outputs, are the values; each is a
function of earlier ones and of inputs, computed by the units of its part. An output to which parts
add that have nothing in common is their sum (additive separation).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from distill.decompose.factors import factored
from distill.decompose.links import Links
from distill.decompose.parts import parts_of
from distill.decompose.rank import PARALLEL
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
    wiring = _Wiring(links)
    taking = _Taking(wiring)
    outputs = range(int(links.starts[-2]), int(links.starts[-1]))
    groups = [tuple(outputs)] if together else [(o,) for o in outputs]
    ends = [taking.output(group) for group in groups]
    taking.gather()
    if not taking.rows and len({part for e in ends for part in wiring.parts_in(e)}) < 2:
        return ()
    inner = [_made(taking, row, ()) for row in taking.rows]
    return _in_order([*inner, *(_made(taking, e, g) for e, g in zip(ends, groups, strict=True))])


@dataclass(frozen=True, eq=False)
class _Sum:
    """Rows (m, k) of weights on k units at `places`, numbers of values with columns (m,) in which
    they are added, a bias (m,)."""

    places: Ints
    rows: Array
    bias: Array
    takes: dict[int, Array] = field(default_factory=dict)


class _Wiring:
    """Who reads whom, of all units of the network, inputs first, outputs last."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.bias = np.concatenate(links.bias)
        self.weights = _sparse(links)
        reads: Any = np.split(self.weights.indices, self.weights.indptr[1:-1])
        self._reads: list[Ints] = reads
        self.inner = int(links.starts[1]), int(links.starts[-2])
        self.part = np.full(len(self.bias), -1)
        self.members: list[Ints] = []
        for number, part in enumerate(parts_of(links)):
            mine = np.array([links.starts[unit.group] + unit.place for unit in part.units])
            self.part[mine] = number
            self.members.append(mine)
        self.levels = self._levels()

    def reads(self, unit: int) -> Ints:
        """The units that one reads, in order."""
        return self._reads[unit]

    def dense(self, rows: list[int] | Ints) -> tuple[Ints, Array]:
        """Units that some read, in order, and the weights (rows, those units)."""
        some = self.weights[np.asarray(rows)]
        places = np.unique(some.indices)
        return places, some[:, places].toarray()

    def below(self, units: list[int]) -> list[int]:
        """Units, and all that they depend on within their own parts, in order."""
        found, stack = set[int](), list(units)
        while stack:
            unit = stack.pop()
            if unit not in found:
                found.add(unit)
                reads = self.reads(unit)
                stack += reads[self.part[reads] == self.part[unit]].tolist()
        return sorted(found)

    def parts_in(self, found: _Sum) -> set[int]:
        """The parts whose units a sum weighs."""
        return set(self.part[found.places].tolist()) - {-1}

    def sources(self) -> list[int]:
        """The inputs that each hidden unit depends on, as the bits of a whole number."""
        found = [1 << place for place in range(self.inner[0])]
        for unit in range(*self.inner):
            mine = 0
            for read in self.reads(unit).tolist():
                mine |= found[read]
            found.append(mine)
        return found

    def _levels(self) -> Ints:
        """How often the way to a unit goes from part to part; all 0 in parts whose numbers never
        come back to them, so that what such a part takes may be gathered at once."""
        graph, levels = nx.DiGraph(), np.zeros(len(self.bias), np.int64)
        graph.add_nodes_from(range(len(self.members)))
        for unit in range(*self.inner):
            reads = self.reads(unit)
            reads = reads[reads >= self.inner[0]]
            away = self.part[reads] != self.part[unit]
            if len(reads):
                levels[unit] = (levels[reads] + away).max()
            graph.add_edges_from(
                (int(p), int(self.part[unit])) for p in set(self.part[reads[away]])
            )
        for some in nx.strongly_connected_components(graph):
            if len(some) == 1:
                levels[self.members[next(iter(some))]] = 0
        return levels


def _sparse(links: Links) -> csr_array:
    """Weights between all units, from columns to rows, zeros left out."""
    rows, columns, weights = [], [], []
    for a, b, row, column in links.joints():
        rows.append(row + links.starts[b])
        columns.append(column + links.starts[a])
        weights.append(links.weights[a, b][row, column])
    n = int(links.starts[-1])
    where = np.concatenate(rows), np.concatenate(columns)
    found = csr_array((np.concatenate(weights), where), shape=(n, n))
    found.sort_indices()
    return found


class _Taking:
    """Which numbers are taken from where: `rows` are the inner values, `taken` says of units which
    of them they take from outside of their parts, with weights."""

    def __init__(self, wiring: _Wiring) -> None:
        self.wiring = wiring
        self.rows: list[_Sum] = []
        self._known: list[tuple[Ints, Array]] = []
        self.taken: dict[int, dict[int, float]] = {}
        self._by_place: dict[int, list[int]] = defaultdict(list)
        self._sources: list[int] | None = None
        self._waiting: list[int] = []
        self._gathered: set[int] = set()

    def output(self, group: tuple[int, ...]) -> _Sum:
        """Outputs as a sum of units and values: what independent parts add are values."""
        places, rows = self.wiring.dense(list(group))
        takes: dict[int, Array] = {}
        pieces = self._independent(places)
        if len(pieces) > 1:
            for piece in pieces:
                here = np.searchsorted(places, piece)
                for number, column in self._numbers(piece, rows[:, here]):
                    takes[number] = takes.get(number, np.zeros(len(rows))) + column
                rows[:, here] = 0.0
            kept = rows.any(0)
            places, rows = places[kept], rows[:, kept]
        found = _Sum(places, rows, self.wiring.bias[list(group)], takes)
        self._wait(places)
        return found

    def _independent(self, places: Ints) -> list[Ints]:
        """Hidden units that rows weigh, those apart that depend on no input in common."""
        first, _ = self.wiring.inner
        if self._sources is None:
            self._sources = self.wiring.sources()
        alike: dict[int, list[int]] = defaultdict(list)
        for unit in places[places >= first].tolist():
            alike[self._sources[unit]].append(unit)
        graph = nx.Graph()
        for mask in alike:
            graph.add_edges_from((("mask", mask), bit) for bit in _bits(mask))
        found = []
        for some in nx.connected_components(graph):
            masks = [node[1] for node in some if isinstance(node, tuple)]
            found.append(np.array(sorted(unit for mask in masks for unit in alike[mask])))
        return sorted(found, key=lambda units: int(units[0]))

    def gather(self) -> None:
        """Find what every part takes that is needed, and so on down to the inputs."""
        while self._waiting:
            part = self._waiting.pop()
            if part not in self._gathered:
                self._gathered.add(part)
                mine = self.wiring.members[part]
                for level in np.unique(self.wiring.levels[mine]):
                    self._gather(mine[self.wiring.levels[mine] == level])

    def _gather(self, mine: Ints) -> None:
        """What units of one part take from outside of it."""
        first, _ = self.wiring.inner
        self.taken |= {int(one): {} for one in mine}
        places, rows = self.wiring.dense(mine)
        outside = (places >= first) & (self.wiring.part[places] != self.wiring.part[mine[0]])
        for number, column in self._numbers(places[outside], rows[:, outside]):
            for one, weight in zip(mine.tolist(), column.tolist(), strict=True):
                if weight:
                    self.taken[one][number] = self.taken[one].get(number, 0.0) + weight

    def _numbers(self, places: Ints, rows: Array) -> Iterator[tuple[int, Array]]:
        """The values that rows (m, k) of weights on units at `places` pass, and how much (m,) of
        each is in every row."""
        factors = factored(rows, self.wiring.part[places])
        if factors is not None:
            for column, row in zip(factors[0].T, factors[1], strict=True):
                kept = np.flatnonzero(row)
                number, scale = self._value(places[kept], row[kept])
                yield number, column * scale

    def _value(self, places: Ints, row: Array) -> tuple[int, float]:
        """The number of the value that is a multiple of a row, a new one if there is none, and the
        multiple."""
        for number in self._by_place[int(places[np.abs(row).argmax()])]:
            known_places, known = self._known[number]
            if np.array_equal(places, known_places):
                along = float(row @ known) / float(known @ known)
                if np.linalg.norm(row - along * known) <= PARALLEL * np.linalg.norm(row):
                    return number, along
        made = self._added(places, row)
        number = len(self.rows)
        self.rows.append(made)
        self._known.append((places, row))
        for place in places[np.abs(row) >= 0.5 * np.abs(row).max()].tolist():
            self._by_place[place].append(number)
        self._wait(made.places)
        return number, 1.0

    def _added(self, places: Ints, row: Array) -> _Sum:
        """A number as a sum of units, or of values where units add to it that have nothing in
        common."""
        pieces = self._independent(places)
        if len(pieces) < 2:
            return _Sum(places, row[None], np.zeros(1))
        terms = [self._value(piece, row[np.searchsorted(places, piece)]) for piece in pieces]
        takes = {number: np.array([scale]) for number, scale in terms}
        return _Sum(places[:0], np.zeros((1, 0)), np.zeros(1), takes)

    def _wait(self, places: Ints) -> None:
        parts = set(self.wiring.part[places].tolist()) - {-1}
        self._waiting += sorted(parts - self._gathered)


def _bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _made(taking: _Taking, found: _Sum, outputs: tuple[int, ...]) -> Value:
    """A sum as a value, with the units that compute it down to inputs and earlier values."""
    wiring = taking.wiring
    width = wiring.inner[0]
    units = wiring.below(found.places[wiring.part[found.places] >= 0].tolist())
    takes = sorted({n for u in units for n in taking.taken[u]} | set(found.takes))
    read = [wiring.reads(u) for u in units] + [found.places]
    inputs = np.unique(np.concatenate(read))
    inputs = inputs[inputs < width]
    form = _form(taking, found, units, inputs, takes)
    own = tuple(o - wiring.inner[1] for o in outputs)
    return Value(tuple(inputs.tolist()), tuple(takes), form, own)


def _form(
    taking: _Taking, found: _Sum, units: list[int], inputs: Ints, takes: list[int]
) -> NormalForm:
    wiring, builder = taking.wiring, Builder(len(inputs) + len(takes))
    starts, column = wiring.links.starts, {number: i for i, number in enumerate(takes)}
    groups: dict[int, list[int]] = defaultdict(list)
    for unit in units:
        groups[int(np.searchsorted(starts, unit, side="right")) - 1].append(unit)
    wires: list[tuple[int, Ints]] = []
    for group, some in sorted(groups.items()):
        mine = np.array(some)
        given = np.zeros((len(mine), len(takes)))
        for i, unit in enumerate(some):
            for number, weight in taking.taken[unit].items():
                given[i, column[number]] = weight
        rows = wiring.weights[mine]
        terms = [(0, np.hstack([rows[:, inputs].toarray(), given]))]
        for wire, before in wires:
            inner = rows[:, before].toarray()
            inner[wiring.part[mine][:, None] != wiring.part[before][None]] = 0.0
            terms.append((wire, inner))
        kept = [(w, m) for w, m in terms if m.any()]
        wire = builder.affine(kept, wiring.bias[mine])
        wires.append((builder.elementwise(wiring.links.functions[group], wire), mine))
    last = np.zeros((len(found.bias), len(takes)))
    for number, weights in found.takes.items():
        last[:, column[number]] = weights
    terms = [(0, np.hstack([_at(found, inputs), last]))]
    terms += [(wire, _at(found, mine)) for wire, mine in wires]
    return builder.build(builder.affine([(w, m) for w, m in terms if m.any()], found.bias))


def _at(found: _Sum, units: Ints) -> Array:
    """A sum's weights (m, units) on units, zeros where it has none."""
    weights = np.zeros((len(found.bias), len(units)))
    place = {unit: i for i, unit in enumerate(found.places.tolist())}
    for i, unit in enumerate(units.tolist()):
        if unit in place:
            weights[:, i] = found.rows[:, place[unit]]
    return weights


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
