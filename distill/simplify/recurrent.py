"""What of a recurrent network's state is used: the same function with fewer numbers.

State numbers that never change are constants, those that are always equal are one, and what no
output ever depends on is left out, exactly over the reals; ReLUs that are always on or off on the
reachable states are no longer there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from distill.load import network_from_normal_form
from distill.normal_form import Affine, Array, Builder, Elementwise, NormalForm
from distill.recurrent import RecurrentNetwork
from distill.simplify.minimal import affine_cell, minimal
from distill.simplify.reach import Box, ranges, reachable
from distill.simplify.values import Care, Classes, Table, numbered

_CARES = (Care(), Care(merged=False), Care(merged=False, bounded=False, passed=False))
"""From all that can be told to what needs no sums of weights."""

_MULTIPLY_ADDS = 100_000
"""A step's multiplications above which only what is never read is left out."""


@dataclass(frozen=True, eq=False)
class Reduced:
    """A network with the same outputs, and how much of the given one it needs.

    used: how many numbers a state needs for the outputs; the network has one in any case, and more
    where fewer would need weights that floats don't have; units: how many numbers functions are
    applied to, before and after.
    """

    network: RecurrentNetwork
    used: int
    units: tuple[int, int]


class _Inexact(Exception):
    """A sum of weights that float64 doesn't have."""


def reduced(network: RecurrentNetwork, items: Box | None = None) -> Reduced:
    """The network without what its outputs don't need.

    items: lower and upper ends (d,) of all items, in the network's units; None if unknown. One
    number of the state is kept in any case. Cells that can only be run stay as they are.
    """
    if network.cell.opaque:
        return Reduced(network, network.hidden, (0, 0))
    form = network.cell.normal_form()
    units = _units(form)
    if not all(np.isfinite(a).all() for a in _arrays(form)):
        return Reduced(network, network.hidden, (units, units))
    state = reachable(form, network.initial, items)
    width = network.input_width
    bounds = ranges(form, state, items or (np.full(width, -np.inf), np.full(width, np.inf)))
    for care in _CARES if form.multiply_adds <= _MULTIPLY_ADDS else _CARES[-1:]:
        try:
            table, classes = numbered(form, network.initial, bounds, care)
            made, used, initial = _written(form, table, classes, network)
        except _Inexact:
            continue
        made, used, initial = _minimal(made, used, initial)
        cell = network_from_normal_form(made, "cell")
        found = RecurrentNetwork(cell, initial, network.at_end, network.length)
        return Reduced(found, used, (units, _units(made)))
    return Reduced(network, network.hidden, (units, units))


def used_numbers(network: RecurrentNetwork, items: Box | None = None) -> str:
    """How many numbers of the state the outputs need, exactly over the reals.

    items: lower and upper ends of an item, as the network takes it; None for any items.
    """
    found = reduced(network, items)
    text = f"{found.used} of {_counted(network.hidden, 'number')} of the state"
    gone = found.units[0] - found.units[1]
    return text + (
        f"; {gone} of {_counted(found.units[0], 'unit')} are never needed" if gone else ""
    )


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def _minimal(form: NormalForm, used: int, initial: Array) -> tuple[NormalForm, int, Array]:
    """An affine cell without directions that aren't reached or seen, where floats have it so."""
    cell = affine_cell(form, initial.tolist()) if used else None
    smaller = None if cell is None else minimal(cell)
    if smaller is None or smaller.hidden == used:
        return form, used, initial
    wide, width = max(smaller.hidden, 1), form.input_width - len(initial)
    empty = wide - smaller.hidden  # a state of no numbers is none
    builder = Builder(wide + width)
    try:
        maps = np.array([[_float(v) for v in row] for row in smaller.maps])
        bias = np.array([_float(v) for v in smaller.bias])
        start = np.array([_float(v) for v in smaller.start] + [0.0] * empty)
    except _Inexact:  # such a state is of fractions that floats don't have
        return form, smaller.hidden, initial
    maps = np.pad(maps, ((empty, 0), (empty, 0)))
    form = builder.build(builder.affine([(0, maps)], np.pad(bias, (empty, 0))))
    return form, smaller.hidden, start


def _units(form: NormalForm) -> int:
    widths = form.widths()
    return sum(w for w, n in zip(widths, form.nodes, strict=True) if isinstance(n, Elementwise))


def _arrays(form: NormalForm) -> Iterable[Array]:
    for node in form.nodes:
        if isinstance(node, Affine):
            yield node.bias
            yield from (matrix for _, matrix in node.terms)


def _written(
    form: NormalForm, table: Table, classes: Classes, network: RecurrentNetwork
) -> tuple[NormalForm, int, Array]:
    """The cell with only the values that outputs need, how much of the state they are, and the
    first state."""
    after = table.wires[form.output]
    first = {own: place for place, own in reversed(list(enumerate(classes.of)))}
    then = {c: after[p] for c, p in first.items()}
    needed, own = _needed(table, after[network.hidden :], then)
    used = len(own)
    if not own:  # a state of no numbers is none
        held = table.wires[0][0]
        more, own = _needed(table, [held], then)
        needed, own = needed | more, own or {classes.of[0]}
    kept = tuple(sorted(first[c] for c in own))
    writer = _Writer(table, kept, classes, network.input_width)
    for wire, row in enumerate(table.wires[1:], 1):
        fresh = [n for n in dict.fromkeys(row) if n in needed and n not in writer.places]
        writer.add(form.nodes[wire], fresh)
    wanted = [after[place] for place in kept] + after[network.hidden :]
    made = writer.builder.build(writer.gathered(wanted, whole=True))
    return made, used, network.initial[list(kept)]


def _needed(
    table: Table, wanted: Iterable[int], after: dict[int, int]
) -> tuple[set[int], set[int]]:
    """Values that the wanted ones depend on at any time, and the classes of state among them."""
    found: set[int] = set()
    own: set[int] = set()
    waiting = list(wanted)
    while waiting:
        number = waiting.pop()
        if number in found:
            continue
        found.add(number)
        key = table.keys[number]
        if key[0] == "affine":
            waiting += [n for n, _ in key[2]]
        elif key[0] == "function":
            waiting += key[2]
        elif key[0] == "state":
            own.add(key[1])
            waiting += [after[key[1]]] if key[1] in after else []
    return found, own


class _Writer:
    """Writes values into a new form; `places` says on which wire and where each one is."""

    def __init__(self, table: Table, kept: tuple[int, ...], classes: Classes, width: int) -> None:
        self.table = table
        self.builder = Builder(len(kept) + width)
        self.places: dict[int, tuple[int, int]] = {}
        for place, old in enumerate(kept):
            number = table.numbers.get(("state", classes.of[old]))
            if number is not None:
                self.places[number] = (0, place)
        for place in range(width):
            self.places[table.numbers["item", place]] = (0, len(kept) + place)

    def add(self, node: object, fresh: list[int]) -> None:
        """The values of one node that are needed and weren't there before."""
        fresh = [n for n in fresh if self.table.constant(n) is None]
        if not fresh:
            return
        keys = [self.table.keys[n] for n in fresh]
        if isinstance(node, Affine):
            wire = self._affine([(key[1], key[2]) for key in keys])
        else:
            assert isinstance(node, Elementwise)
            given = zip(*(key[2] for key in keys), strict=True)
            wire = self.builder.elementwise(
                node.function, *(self.gathered(list(numbers)) for numbers in given)
            )
        self.places |= {n: (wire, place) for place, n in enumerate(fresh)}

    def gathered(self, numbers: list[int], whole: bool = False) -> int:
        """A wire of these values, in this order; `whole`: a new one in any case."""
        places = [self.places.get(n) for n in numbers]
        wires = {p[0] for p in places if p is not None}
        wire = wires.pop() if len(wires) == 1 else None
        if wire is not None and not whole:
            every = [(wire, p) for p in range(self.builder.width(wire))]
            if places == every:
                return wire
        rows = []
        for number in numbers:
            value = self.table.constant(number)
            rows.append((Fraction(0), ((number, Fraction(1)),)) if value is None else (value, ()))
        return self._affine(rows)

    def _affine(self, rows: list[tuple[Fraction, tuple[tuple[int, Fraction], ...]]]) -> int:
        matrices: dict[int, Array] = {}
        for row, (_, terms) in enumerate(rows):
            for number, weight in terms:
                wire, place = self.places[number]
                shape = (len(rows), self.builder.width(wire))
                matrices.setdefault(wire, np.zeros(shape))[row, place] = _float(weight)
        bias = np.array([_float(value) for value, _ in rows])
        return self.builder.affine(sorted(matrices.items()), bias)


def _float(value: Fraction) -> float:
    found = float(value)
    if Fraction(found) != value:
        raise _Inexact
    return found
