"""Piecewise-linear normal forms as layers of relus (and steps), the same over the reals.

Affine maps that follow each other are one, relus of one depth stand side by side, and the other
kinks are written with relu: `|z| = 2 relu(z) - z`, `max(x, y) = y + relu(x - y)`, `min(x, y) =
x - relu(x - y)`. All in exact rationals: a weight that no float64 holds is a sum of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from distill.normal_form import PIECEWISE_LINEAR, Affine, Array, Builder, Elementwise, NormalForm
from distill.verify.crown import needed

_MULTIPLY_ADDS_AT_MOST = 60_000
"""Rationals are slow: about a microsecond each."""

_ZERO, _ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, eq=False)
class Row:
    """A number as `constant + sum(weights[i] * unit i)`; units are inputs, then relus."""

    weights: dict[int, Fraction]
    constant: Fraction = _ZERO

    def plus(self, other: Row, times: Fraction = _ONE) -> Row:
        """This row and `times` the other one."""
        found = dict(self.weights)
        for unit, weight in other.weights.items():
            total = found.get(unit, _ZERO) + times * weight
            if total:
                found[unit] = total
            else:
                found.pop(unit, None)
        return Row(found, self.constant + times * other.constant)


@dataclass(eq=False)
class Units:
    """Relus as rows over the inputs and earlier relus; `rows[k]` is before relu `inputs + k`.

    `steps`: numbers of those units that are 1 above 0 and else 0 instead.
    """

    inputs: int
    rows: list[Row]
    depths: list[int]
    steps: set[int]
    known: dict[tuple[bool, frozenset[tuple[int, Fraction]], Fraction], int]

    def relu(self, row: Row) -> Row:
        """relu of a row, as a row; of a constant it is a constant."""
        return self._unit(row, False) if row.weights else Row({}, max(row.constant, _ZERO))

    def step(self, row: Row) -> Row:
        """Whether a row is above 0, as a row."""
        return self._unit(row, True) if row.weights else Row({}, Fraction(row.constant > 0))

    def _unit(self, row: Row, step: bool) -> Row:
        key = step, frozenset(row.weights.items()), row.constant
        if key not in self.known:
            self.known[key] = self.inputs + len(self.rows)
            if step:
                self.steps.add(len(self.rows))
            self.rows.append(row)
            self.depths.append(1 + self.depth(row))
        return Row({self.known[key]: _ONE})

    def depth(self, row: Row) -> int:
        """The largest depth of the relus that a row reads."""
        inner = (self.depths[u - self.inputs] for u in row.weights if u >= self.inputs)
        return max(inner, default=0)


def units_of(form: NormalForm, steps: bool = False) -> tuple[Units, list[Row]] | None:
    """A form's relus and outputs; None where it has curves, or steps unless those are allowed, or
    too many weights."""
    nodes = [form.nodes[index] for index in needed(form)]
    bent = {node.function for node in nodes if isinstance(node, Elementwise)}
    known = PIECEWISE_LINEAR | {"greater"} if steps else PIECEWISE_LINEAR
    if not bent <= known or form.multiply_adds > _MULTIPLY_ADDS_AT_MOST:
        return None
    units = Units(form.input_width, [], [], set(), {})
    wires: dict[int, list[Row]] = {0: [Row({i: _ONE}) for i in range(form.input_width)]}
    for index in needed(form):
        node = form.nodes[index]
        if isinstance(node, Affine):
            wires[index] = _affine(node, wires)
        elif isinstance(node, Elementwise):
            columns = zip(*(wires[s] for s in node.sources), strict=True)
            wires[index] = [_bent(units, node.function, column) for column in columns]
    return units, wires[form.output]


def _affine(node: Affine, wires: dict[int, list[Row]]) -> list[Row]:
    found = []
    for place, bias in enumerate(node.bias):
        weights, constant = dict[int, Fraction](), Fraction(float(bias))
        for source, matrix in node.terms:
            for column in np.flatnonzero(matrix[place]):
                factor, row = Fraction(float(matrix[place, column])), wires[source][column]
                constant += factor * row.constant
                for unit, weight in row.weights.items():
                    weights[unit] = weights.get(unit, _ZERO) + factor * weight
        found.append(Row({u: w for u, w in weights.items() if w}, constant))
    return found


def _bent(units: Units, function: str, column: tuple[Row, ...]) -> Row:
    first = column[0]
    if function == "relu":
        return units.relu(first)
    if function == "abs":
        return _times(units.relu(first), Fraction(2)).plus(first, -_ONE)
    second = column[1]
    if function == "greater":
        return units.step(first.plus(second, -_ONE))
    over = units.relu(first.plus(second, -_ONE))
    return second.plus(over) if function == "max" else first.plus(over, -_ONE)


def _times(row: Row, factor: Fraction) -> Row:
    return Row({u: factor * w for u, w in row.weights.items()}, factor * row.constant)


def layered(form: NormalForm, steps: bool = False) -> NormalForm | None:
    """The same function with a relu layer for every depth; None where it can't be written so.

    With `steps` comparisons may occur, and are a layer `row > 0` beside that of the relus.
    """
    found = units_of(form, steps)
    if found is None:
        return None
    units, outputs = found
    wanted = relus_used(units, outputs)
    builder, places = Builder(form.input_width), _inputs(form.input_width)
    for depth in sorted({units.depths[k] for k in wanted}):
        layer = [k for k in wanted if units.depths[k] == depth]
        added = [_layer(builder, units, [k for k in layer if k not in units.steps], places, False)]
        added += [_layer(builder, units, [k for k in layer if k in units.steps], places, True)]
        for part in added:
            places |= part
    return builder.build(add_rows(builder, outputs, places))


def _layer(
    builder: Builder,
    units: Units,
    numbers: list[int],
    places: dict[int, tuple[int, int]],
    step: bool,
) -> dict[int, tuple[int, int]]:
    """Add units of one kind side by side; returns where they are."""
    if not numbers:
        return {}
    wire = add_rows(builder, [units.rows[k] for k in numbers], places)
    if step:
        wire = builder.elementwise("greater", wire, builder.constant(np.zeros(len(numbers))))
    else:
        wire = builder.elementwise("relu", wire)
    return {units.inputs + k: (wire, i) for i, k in enumerate(numbers)}


def _inputs(count: int) -> dict[int, tuple[int, int]]:
    return {i: (0, i) for i in range(count)}


def relus_used(units: Units, outputs: Iterable[Row]) -> list[int]:
    """Numbers of the relus that outputs depend on, in order."""
    wanted: set[int] = set()
    waiting = list(outputs)
    while waiting:
        for unit in waiting.pop().weights:
            number = unit - units.inputs
            if number >= 0 and number not in wanted:
                wanted.add(number)
                waiting.append(units.rows[number])
    return sorted(wanted)


def add_rows(builder: Builder, rows: list[Row], places: dict[int, tuple[int, int]]) -> int:
    """Rows as one affine node, of units at (wire, column); each weight in as many floats as needed.

    Returns: the new wire.
    """
    matrices: dict[tuple[int, int], Array] = {}
    for place, row in enumerate(rows):
        for unit, weight in row.weights.items():
            wire, column = places[unit]
            for part, value in enumerate(_floats(weight)):
                if (wire, part) not in matrices:
                    matrices[wire, part] = np.zeros((len(rows), builder.width(wire)))
                matrices[wire, part][place, column] = value
    bias = np.zeros(len(rows))
    rest: dict[int, Array] = {}
    for place, row in enumerate(rows):
        for part, value in enumerate(_floats(row.constant)):
            target = bias if part == 0 else rest.setdefault(part, np.zeros((len(rows), 1)))
            if part == 0:
                bias[place] = value
            else:
                target[place, 0] = value
    terms = [(wire, matrix) for (wire, _), matrix in sorted(matrices.items(), key=lambda m: m[0])]
    if rest:
        one = builder.constant(np.ones(1))
        terms += [(one, matrix) for _, matrix in sorted(rest.items())]
    return builder.affine(terms, bias)


def _floats(value: Fraction) -> Iterator[float]:
    """Floats whose exact sum is the value, largest first (at least one)."""
    first = float(value)
    yield first
    rest = value - Fraction(first)
    while rest:
        first = float(rest)
        if first == 0.0:
            return
        yield first
        rest -= Fraction(first)
