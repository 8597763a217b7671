"""Items of sequences in the form in which the steps of a loop take them: single numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from dsl.domain import Domain, Field
from dsl.program import Expression, prim, substitute, var
from dsl.types import INT, Category


def by_number(item: Domain) -> Domain:
    """Items of single numbers, which steps can compare and count.

    Categories become whole numbers, and a vector or an image becomes a field for each of its
    numbers: an item is a tuple of them in any case.
    """
    taken = {f.name for f in item.fields}
    parts = {f.name: [_number(p) for p in _parts(f, taken)] for f in item.fields}
    fields = tuple(part for found in parts.values() for part in found)
    if item.where is None:
        return Domain(fields)
    whole: dict[str, Expression] = {
        f.name: _whole([var(p.name, p.type) for p in parts[f.name]], f.shape)
        for f in item.fields
        if f.shape
    }
    return Domain(fields, substitute(item.where, whole))


def _parts(field: Field, taken: set[str]) -> list[Field]:
    if not field.shape:
        return [field]
    mark = next(m for m in ("", *"_" * 9) if not any(
        f"{field.name}{m}{i}" in taken for i in range(field.scalars)
    ))  # fmt: skip
    names = [f"{field.name}{mark}{i}" for i in range(field.scalars)]
    taken |= set(names)
    return [replace(field, name=name, shape=()) for name in names]


def _whole(parts: Sequence[Expression], shape: tuple[int, ...]) -> Expression:
    """The vector or table that its numbers make."""
    if len(shape) == 1:
        return prim("vector", *parts)
    step = len(parts) // shape[0]
    rows = [_whole(parts[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]
    return prim("vector", *rows)


def _number(field: Field) -> Field:
    if not isinstance(field.item, Category):
        return field
    return replace(field, item=INT, low=Fraction(0), high=Fraction(field.item.size - 1))
