"""The room's second door: several outputs over the same leaves as one vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill.errors import BadInput
from distill.synthesize.boolean.arithmetic import arithmetic
from distill.synthesize.boolean.elementwise import elementwise
from distill.synthesize.boolean.formula import flattened, vector_of
from distill.synthesize.boolean.measure import ranked, weigh
from distill.synthesize.boolean.propose import propose
from distill.synthesize.boolean.share import shared
from distill.synthesize.boolean.table import Table, evaluate
from dsl.program import Expression, substitute, var
from dsl.types import BOOL, Vector

_LIGHT = 45.0
_LEAVES = 10
_HELPERS = 2


def propose_vector(tables: Sequence[Table], limit: int = 8) -> list[Expression]:
    """Vectors of Booleans, item i as wanted by table i, the shortest first; all were run.

    Raises:
        BadInput: there is no table, or they differ in their leaves.
    """
    if not tables or any(t.leaves != tables[0].leaves for t in tables):
        raise BadInput("a vector needs at least one table, all over the same leaves")
    found = [*arithmetic(tables), *elementwise(tables)]
    right = [e for e in (shared(flattened(f)) for f in found) if _agree(e, tables)]
    if not right:
        right = [e for e in map(shared, _assembled(tables)) if _agree(e, tables)]
    return ranked(right)[:limit]


def _agree(expression: Expression, tables: Sequence[Table]) -> bool:
    if expression.type != Vector(BOOL, (len(tables),)):
        return False
    rows = np.any([t.care for t in tables], axis=0)
    if not rows.any():
        return True
    values = evaluate(expression, tables[0], rows)
    pairs = zip(tables, values.T, strict=True)
    return all((column == t.values[rows])[t.care[rows]].all() for t, column in pairs)


def _assembled(tables: Sequence[Table]) -> list[Expression]:
    """Output by output; the second time later ones may use earlier ones."""
    alone = [propose(t, limit=1) for t in tables]
    if not all(alone):
        return []
    first = [options[0] for options in alone]
    return [vector_of(first), vector_of(_helped(tables, first))]


def _helped(tables: Sequence[Table], first: list[Expression]) -> list[Expression]:
    """Heavy outputs written with the help of lighter ones, where that is shorter."""
    order = sorted(range(len(first)), key=lambda i: weigh(first[i]))
    final = dict(enumerate(first))
    for step, output in enumerate(order):
        if weigh(first[output]) > _LIGHT and step:
            helpers = [i for i in order[:step] if tables[i].care.all()][-_HELPERS:]
            final[output] = _with_help(tables, output, helpers, final)
    return [final[i] for i in range(len(first))]


def _with_help(
    tables: Sequence[Table], output: int, helpers: list[int], final: dict[int, Expression]
) -> Expression:
    source = tables[output]
    if source.size + len(helpers) > _LEAVES or not helpers:
        return final[output]
    names = {f"output__{i}": i for i in helpers}
    table = source
    for name, helper in names.items():
        table = extended(table, tables[helper].values, name)
    options = propose(table, limit=1)
    if not options or weigh(options[0]) >= weigh(final[output]):
        return final[output]
    return substitute(options[0], {name: final[i] for name, i in names.items()})


def extended(source: Table, values: np.ndarray, name: str) -> Table:
    """The table with one more leaf, last, that always has the given value (2^leaves of before).

    values has one entry per row of the leaves that come before every such leaf.
    """
    repeats = len(source.values) // len(values)
    column = np.repeat(values, repeats)
    pairs = np.stack([~column, column], axis=1)
    care = (pairs & source.care[:, None]).ravel()
    leaf = var(name, BOOL)
    return Table((*source.leaves, leaf), np.repeat(source.values, 2), care)
