"""Networks on truth values: their whole table, read by the Boolean room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from distill.literal import field_scalars
from distill.synthesize.boolean import Table, propose, propose_vector
from distill.target import Target
from dsl.domain import Field
from dsl.program import Expression, const, prim, var
from dsl.types import BOOL, Vector

INPUTS_AT_MOST = 12


def has_table(target: Target) -> bool:
    """Whether inputs and outputs are truth values, few enough to list."""
    truths = all(f.item == BOOL for f in target.domain.fields)
    return truths and target.output.scalar == BOOL and target.domain.scalars <= INPUTS_AT_MOST


def table_programs(target: Target) -> list[Expression]:
    """Expressions of the whole output, right on every row that matters, shortest first."""
    tables = truth_tables(target)
    if isinstance(target.output.type, Vector):
        return propose_vector(tables)
    return propose(tables[0])


def _groups(field: Field) -> list[Expression]:
    """The plain vectors that a field's scalars are items of: itself, or the rows of an image."""
    found: list[Expression] = [var(field.name, field.type)]
    for length in field.shape[:-1]:
        found = [prim("item", whole, const(i)) for whole in found for i in range(length)]
    return found if field.shape else []


def truth_tables(target: Target) -> list[Table]:
    """One table for each output bit; rows outside the condition or within the margin are free."""
    everywhere = replace(target.domain, where=None)
    columns = everywhere.points(0, everywhere.count or 0)
    raw = target.raw(columns)
    values = target.output.decode(raw)
    care = target.domain.contains(columns) & (target.output.margin(raw) > target.margin)
    leaves = tuple(s for f in target.domain.fields for s in field_scalars(f))
    groups = tuple(g for f in target.domain.fields for g in _groups(f))
    columns_of = values if values.ndim > 1 else values[:, None]
    return [
        Table(leaves, np.ascontiguousarray(columns_of[:, i]), care, groups)
        for i in range(columns_of.shape[1])
    ]
