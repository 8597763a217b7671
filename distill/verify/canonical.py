"""Relus in an order and a direction that follow from the function alone, so that a certificate can
name them: whoever writes the same function as relus of exact sums numbers them alike.

A relu is known by the sum before it, over inputs and relus that are known already; of relu(z),
relu(-z) = relu(z) - z and relu(2 z) = 2 relu(z) the one whose first weight is from 1 to 2 stands
for all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction

from distill.normal_form import NormalForm
from distill.verify.layers import Row, relus_used, units_of


@dataclass(frozen=True, eq=False)
class System:
    """`rows[k]` goes into relu k, unit `inputs + k`; it reads inputs and earlier relus."""

    inputs: int
    rows: tuple[Row, ...]
    outputs: tuple[Row, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of all rows."""
        told = "\n".join(_text(row, str) for row in (*self.rows, *self.outputs))
        return hashlib.sha256(f"{self.inputs}\n{told}".encode()).hexdigest()


def canonical(form: NormalForm) -> System | None:
    """The form as a system; None where it isn't made of kinks, or has too many weights."""
    found = units_of(form)
    if found is None:
        return None
    units, outputs = found
    names: dict[int, str] = {i: f"{i:06d}" for i in range(units.inputs)}
    depths: dict[int, int] = dict.fromkeys(names, 0)
    rows: dict[int, Row] = {}
    told: dict[int, Row] = {i: Row({i: Fraction(1)}) for i in names}
    known: dict[str, int] = {}

    def written(row: Row) -> Row:
        total = Row({}, row.constant)
        for unit, weight in row.weights.items():
            total = total.plus(told[unit], weight)
        return total

    for number in relus_used(units, outputs):
        unit, row = units.inputs + number, written(units.rows[number])
        if not row.weights:
            told[unit] = Row({}, max(row.constant, Fraction(0)))
            continue
        first = row.weights[min(row.weights, key=lambda u: names[u])]
        size = _power_of_two(abs(first))
        way = Row({}).plus(row, 1 / (size if first > 0 else -size))
        name = "r" + hashlib.sha256(_text(way, names.__getitem__).encode()).hexdigest()
        if name not in known:
            known[name], names[unit], rows[unit] = unit, name, way
            depths[unit] = 1 + max(depths[u] for u in way.weights)
        one = Row({known[name]: size})
        told[unit] = one if first > 0 else one.plus(row)
    ends = [written(row) for row in outputs]
    return _numbered(units.inputs, rows, ends, sorted(rows, key=lambda u: (depths[u], names[u])))


def _numbered(inputs: int, rows: dict[int, Row], ends: list[Row], order: list[int]) -> System:
    """Only the relus that the outputs still read, in order."""
    wanted, waiting = set[int](), list(ends)
    while waiting:
        for unit in waiting.pop().weights:
            if unit in rows and unit not in wanted:
                wanted.add(unit)
                waiting.append(rows[unit])
    kept = [u for u in order if u in wanted]
    place = {u: u for u in range(inputs)} | {u: inputs + k for k, u in enumerate(kept)}

    def renamed(row: Row) -> Row:
        return Row({place[u]: w for u, w in row.weights.items()}, row.constant)

    return System(inputs, tuple(renamed(rows[u]) for u in kept), tuple(map(renamed, ends)))


def _power_of_two(value: Fraction) -> Fraction:
    """The largest power of two that isn't larger than a value > 0."""
    power = value.numerator.bit_length() - value.denominator.bit_length()
    found = Fraction(2) ** power
    return found if found <= value else found / 2


def _text(row: Row, name: object) -> str:
    assert callable(name)
    parts = sorted(f"{name(u)}:{w}" for u, w in row.weights.items())
    return ",".join([*parts, str(row.constant)])
