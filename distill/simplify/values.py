"""Values of a recurrent network by number: two get one number if they are always equal.

Optimistic at first: state numbers that begin alike are taken to be equal, and to stay what they
are. Each round computes one step in exact fractions and takes apart what the step tells apart,
until it tells nothing more. Then, by induction over items, what is left together is equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, NormalForm
from distill.simplify.reach import Box

Key = tuple[Any, ...]
"""How a value is computed: ("constant", c), ("state", class), ("item", place),
("affine", bias, ((value, weight), ..)) or ("function", name, values)."""

_EXACT = {
    "relu": lambda x: max(x, Fraction(0)),
    "abs": abs,
    "max": max,
    "min": min,
    "mul": lambda x, y: x * y,
    "square": lambda x: x * x,
}
_AT_ZERO = {"tanh": Fraction(0), "erf": Fraction(0), "sin": Fraction(0), "sigmoid": Fraction(1, 2)}


@dataclass(frozen=True)
class Care:
    """How much may be told from values: whether equal ones are one, whether bounds are used, and
    whether maps that pass a value on are that value."""

    merged: bool = True
    bounded: bool = True
    passed: bool = True


@dataclass
class Table:
    """Values by number; `wires` says which number stands at each place of each wire."""

    care: Care
    keys: list[Key] = field(default_factory=list)
    numbers: dict[Key, int] = field(default_factory=dict)
    wires: list[list[int]] = field(default_factory=list)

    def number(self, key: Key, apart: bool = False) -> int:
        """The number of a value, a new one where it is new or equal ones are kept apart."""
        found = None if apart else self.numbers.get(key)
        if found is None:
            found = len(self.keys)
            self.keys.append(key)
            self.numbers.setdefault(key, found)
        return found

    def constant(self, number: int) -> Fraction | None:
        """What a value always is, None where it varies."""
        key = self.keys[number]
        return key[1] if key[0] == "constant" else None


@dataclass(frozen=True)
class Classes:
    """State numbers (H,) in classes that are always equal, and what a class always is."""

    of: tuple[int, ...]
    constant: tuple[Fraction | None, ...]


def numbered(
    form: NormalForm, initial: Array, bounds: list[Box], care: Care
) -> tuple[Table, Classes]:
    """The values of a cell, and the classes of its state numbers."""
    weights = [_fractions(n) if isinstance(n, Affine) else None for n in form.nodes]
    classes = _first(initial, care)
    while True:
        table = _step(form, weights, classes, bounds, care)
        finer = _refined(classes, table.wires[form.output][: len(initial)], table)
        if finer == classes:
            return table, classes
        classes = finer


def _first(initial: Array, care: Care) -> Classes:
    starts = [Fraction(float(v)) for v in initial]
    if not care.merged:
        return Classes(tuple(range(len(starts))), (None,) * len(starts))
    order = {v: n for n, v in enumerate(dict.fromkeys(starts))}
    return Classes(tuple(order[v] for v in starts), tuple(order))


def _refined(classes: Classes, after: list[int], table: Table) -> Classes:
    """Classes taken apart where the next values differ, or a constant doesn't stay."""
    kinds: dict[tuple[int, int | None], int] = {}
    constant: list[Fraction | None] = []
    of = []
    merged = table.care.merged
    for place, (own, number) in enumerate(zip(classes.of, after, strict=True)):
        value = classes.constant[own]
        stays = value is not None and table.constant(number) == value
        kind = (own, None if stays else number if merged else -place - 1)
        if kind not in kinds:
            kinds[kind] = len(constant)
            constant.append(value if stays else None)
        of.append(kinds[kind])
    return Classes(tuple(of), tuple(constant))


def _fractions(node: Affine) -> list[tuple[Fraction, list[tuple[int, int, Fraction]]]]:
    """For every row its bias, and (wire, place, weight) for what it weighs."""
    found = []
    for row, bias in enumerate(node.bias):
        terms = [
            (source, int(place), Fraction(float(matrix[row, place])))
            for source, matrix in node.terms
            for place in np.flatnonzero(matrix[row])
        ]
        found.append((Fraction(float(bias)), terms))
    return found


def _step(
    form: NormalForm, weights: list[Any], classes: Classes, bounds: list[Box], care: Care
) -> Table:
    table = Table(care)
    for wire, node in enumerate(form.nodes):
        if isinstance(node, Affine):
            row = [_affine(table, bias, terms) for bias, terms in weights[wire]]
        elif isinstance(node, Elementwise):
            given = zip(*(table.wires[s] for s in node.sources), strict=True)
            low, high = bounds[node.sources[0]]
            row = [
                _applied(table, node.function, values, (low[place], high[place]))
                for place, values in enumerate(given)
            ]
        else:
            row = [_held(table, classes, own) for own in classes.of]
            row += [table.number(("item", p)) for p in range(form.input_width - len(classes.of))]
        table.wires.append(row)
    return table


def _held(table: Table, classes: Classes, own: int) -> int:
    value = classes.constant[own]
    return table.number(("state", own) if value is None else ("constant", value))


def _affine(table: Table, bias: Fraction, terms: list[tuple[int, int, Fraction]]) -> int:
    total: dict[int, Fraction] = {}
    for source, place, weight in terms:
        number = table.wires[source][place]
        value = table.constant(number)
        if value is None:
            total[number] = total.get(number, Fraction(0)) + weight
        else:
            bias += weight * value
    rest = tuple(sorted((n, w) for n, w in total.items() if w))
    if not rest:
        return table.number(("constant", bias))
    if table.care.passed and not bias and len(rest) == 1 and rest[0][1] == 1:
        return rest[0][0]
    return table.number(("affine", bias, rest), not table.care.merged)


def _applied(
    table: Table, function: str, values: tuple[int, ...], ends: tuple[float, float]
) -> int:
    fixed = [table.constant(v) for v in values]
    known = [v for v in fixed if v is not None]
    if len(known) == len(values):
        if function in _EXACT:
            return table.number(("constant", _EXACT[function](*known)))
        if function in _AT_ZERO and known == [0]:
            return table.number(("constant", _AT_ZERO[function]))
    if function == "mul" and Fraction(0) in known:
        return table.number(("constant", Fraction(0)))
    if table.care.bounded and function == "relu" and ends[1] <= 0:
        return table.number(("constant", Fraction(0)))
    if table.care.bounded and function in ("relu", "abs") and ends[0] >= 0:
        return values[0]
    return table.number(("function", function, values), not table.care.merged)
