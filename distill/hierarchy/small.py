"""A value of a network as a target of its own, whose inputs are scalars and earlier values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from distill.decompose.cut import Value
from distill.decompose.reading import Reading
from distill.literal import field_scalars
from distill.load import network_from_normal_form
from distill.normal_form import Array, Builder, NormalForm, append
from distill.target import Output, Target, make_target
from dsl.domain import Columns, Domain, Field
from dsl.program import Expression
from dsl.types import BOOL, INT


@dataclass(frozen=True, eq=False)
class Atom:
    """A scalar of a domain: its field, its place in it, how it is written in a program on the
    domain, and the network inputs that it fills."""

    field: Field
    place: int
    expression: Expression
    inputs: range


@dataclass(frozen=True, eq=False)
class Given:
    """What is known where a value is looked for: points (columns) of the whole domain, readings and
    names of the values before it, the numbers (n,) that they take on those points."""

    domain: Domain
    points: Columns
    readings: tuple[Reading, ...]
    names: tuple[Expression, ...]
    numbers: tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Small:
    """A value as a target; arguments: what its parameters stand for in the whole; columns: their
    values on the whole's points."""

    target: Target
    arguments: tuple[Expression, ...]
    columns: Columns


def atoms(domain: Domain) -> list[Atom]:
    """All scalars of a domain in the order of the network's inputs."""
    found, begin = [], 0
    for field in domain.fields:
        width = field.width // max(field.scalars, 1)
        for place, scalar in enumerate(field_scalars(field)):
            found.append(Atom(field, place, scalar, range(begin, begin + width)))
            begin += width
    return found


def small_target(
    value: Value,
    given: Given,
    reading: Reading | None,
    output: Output,
    tolerance: float | None = None,
    seed: int = 0,
) -> Small:
    """The target for a value; `reading` says what its number means, None where it is an output.

    Raises:
        BadInput: it isn't finite on the domain that its inputs make up.
    """
    known = [a for a in atoms(given.domain) if set(a.inputs) & set(value.inputs)]
    names = [_letter(i) for i in range(len(known) + len(value.takes))]
    fields = [replace(a.field, name=n, shape=()) for a, n in zip(known, names, strict=False)]
    columns = [_column(given, a) for a in known]
    places = [p for a in known for p in a.inputs]
    rows = len(value.inputs) + len(value.takes)
    select, shift = np.zeros((rows, len(places) + len(value.takes))), np.zeros(rows)
    for row, place in enumerate(value.inputs):
        select[row, places.index(place)] = 1.0
    for i, taken in enumerate(value.takes):
        one, row = given.readings[taken], len(value.inputs) + i
        select[row, len(places) + i], shift[row] = one.step, one.origin
        fields.append(one.field(names[len(known) + i]))
        columns.append(_as_column(one, given.numbers[taken]))
    form = _between(value.form, select, shift, reading)
    target = make_target(
        network_from_normal_form(form, "part"), Domain(tuple(fields)), output, tolerance, seed=seed
    )
    arguments = (*(a.expression for a in known), *(given.names[t] for t in value.takes))
    return Small(target, arguments, tuple(columns))


def _letter(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place] if place < 26 else f"a{place}"


def _column(given: Given, atom: Atom) -> NDArray:
    index = [f.name for f in given.domain.fields].index(atom.field.name)
    column = given.points[index]
    return column.reshape(len(column), -1)[:, atom.place]


def _as_column(reading: Reading, numbers: Array) -> NDArray:
    values = reading.values(numbers)
    if reading.item == BOOL:
        return values > 0.5
    return values.astype(np.int64) if reading.item == INT else values


def _between(form: NormalForm, select: Array, shift: Array, reading: Reading | None) -> NormalForm:
    """A value's form from the values of its parameters to its own."""
    builder = Builder(select.shape[1])
    end = append(builder, form, builder.affine([(0, select)], shift))
    if reading is not None:
        scale = np.array([[1.0 / reading.step]])
        end = builder.affine([(end, scale)], np.array([-reading.origin / reading.step]))
    return builder.build(end)
