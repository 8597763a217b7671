"""The room's first door: short expressions for one truth table."""

from __future__ import annotations

from distill.synthesize.boolean.formula import flattened
from distill.synthesize.boolean.measure import ranked
from distill.synthesize.boolean.share import shared
from distill.synthesize.boolean.solve import Memo, solve
from distill.synthesize.boolean.table import Table, agrees, defined
from dsl.program import Expression

_DEPTH = 2


def propose(table: Table, limit: int = 8) -> list[Expression]:
    """Expressions with the wanted value on every row that matters, the shortest first.

    The order is that of bits, except that Boolean lookup tables of more than 16 entries count
    more (see `measure`). At most `limit` expressions; every one was run on all rows.
    """
    memo: Memo = {}
    found = [f for f in solve(table, _DEPTH, memo) if defined(f, table)]
    right = [e for e in (shared(flattened(f)) for f in found) if agrees(e, table)]
    return ranked(right)[:limit]
