"""The routes in order, cheapest first, and the recursion over decompositions and branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distill.synthesize.boolean.branch import branches, lookup, multiplexers
from distill.synthesize.boolean.decompose import decomposition
from distill.synthesize.boolean.formula import choice
from distill.synthesize.boolean.measure import ranked, weigh
from distill.synthesize.boolean.parity import affine
from distill.synthesize.boolean.reed_muller import exclusive
from distill.synthesize.boolean.residue import joined_conditions
from distill.synthesize.boolean.support import reduced, trivial
from distill.synthesize.boolean.symmetric import symmetric
from distill.synthesize.boolean.table import Bits, Table
from distill.synthesize.boolean.threshold import threshold
from distill.synthesize.boolean.two_level import two_level
from distill.synthesize.boolean.word_search import word_conditions
from dsl.program import Expression

Route = Callable[[Table], list[Expression]]
Memo = dict[Any, list[Expression]]

QUICK: tuple[Route, ...] = (symmetric, affine, multiplexers, threshold, lookup)
"""Routes that recognise a kind of function."""

WORDS: tuple[Route, ...] = (word_conditions, joined_conditions)
"""Routes that search arithmetic on vectors of leaves."""

GENERAL: tuple[Route, ...] = (two_level, exclusive)
"""Routes that express every function, at some length."""

_OPERATOR = 4.0
_KEPT = 6
_WORD_LEAVES = 3
_BRANCHED_LEAVES = 8
_TABLES = 100
"""Tables after which no more branches are opened: the work is counted, not timed."""


def solve(source: Table, depth: int, memo: Memo) -> list[Expression]:
    """Expressions of a table, the lightest first; `depth` bounds branching inside branches."""
    key = (depth, source.key)
    if key not in memo:
        memo[key] = ranked(_solved(source, depth, memo))[:_KEPT]
    return memo[key]


def _solved(source: Table, depth: int, memo: Memo) -> list[Expression]:
    found = trivial(source)
    if found:
        return found
    smaller = reduced(source)
    found = [e for table in smaller for e in trivial(table) or _applied(QUICK, table)]
    if source.size >= _WORD_LEAVES and not _enough(found, smaller):
        found = found + _applied(WORDS, source)
    if _enough(found, smaller):
        return found
    for table in smaller:
        found = found + _expressed(table, depth, memo)
    return found


def _applied(routes: tuple[Route, ...], source: Table) -> list[Expression]:
    return [e for route in routes for e in route(source)]


def _enough(found: list[Expression], tables: list[Table]) -> bool:
    """Whether nothing general can be shorter than what was found."""
    return bool(found) and min(map(weigh, found)) <= min(map(least, tables))


def _expressed(source: Table, depth: int, memo: Memo) -> list[Expression]:
    """What the routes that express every function give; what decomposes is branched inside."""
    found = decomposed(source, depth, memo)
    whole = not found and depth > 0 and source.size <= _BRANCHED_LEAVES
    if whole and len(memo) < _TABLES:
        found = branched(source, depth, memo)
    return found + _applied(GENERAL, source)


def least(source: Table) -> float:
    """Bits of any formula that names every leaf: nothing general can be shorter."""
    return sum(map(weigh, source.leaves)) + _OPERATOR * (source.size > 1)


def decomposed(source: Table, depth: int, memo: Memo) -> list[Expression]:
    """`g(h(some leaves), the other leaves)` where one truth value of them is all that matters."""
    parts = decomposition(source)
    if parts is None:
        return []
    bound, inner, values, care = parts
    found: list[Expression] = []
    for piece in solve(inner, depth, memo)[:1]:
        found.extend(solve(_outer(source, bound, piece, values, care), depth, memo)[:2])
    return found


def _outer(
    source: Table, bound: tuple[int, ...], piece: Expression, values: Bits, care: Bits
) -> Table:
    """g's table, the new leaf where the first bound leaf stood."""
    rest = [x for i, x in enumerate(source.leaves) if i not in bound]
    place = bound[0]
    shape = (2,) * (len(rest) + 1)
    moved = [np.moveaxis(a.reshape(shape), 0, place).ravel() for a in (values, care)]
    return Table((*rest[:place], piece, *rest[place:]), moved[0], moved[1])


def branched(source: Table, depth: int, memo: Memo) -> list[Expression]:
    """`if leaf then one function else another` for the leaves that simplify most."""
    found: list[Expression] = []
    for place, no, yes in branches(source, most=2):
        parts = [solve(part, depth - 1, memo)[:1] for part in (yes, no)]
        if all(parts):
            found.append(choice(source.leaves[place], parts[0][0], parts[1][0]))
    return found
