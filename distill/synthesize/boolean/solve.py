"""The routes in order, cheapest first, and the recursion over decompositions and branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distill.synthesize.boolean.branch import branches, lookup, multiplexers
from distill.synthesize.boolean.decompose import decompositions
from distill.synthesize.boolean.formula import choice
from distill.synthesize.boolean.measure import ranked, weigh
from distill.synthesize.boolean.parity import affine
from distill.synthesize.boolean.reed_muller import exclusive
from distill.synthesize.boolean.support import reduced, trivial
from distill.synthesize.boolean.symmetric import symmetric
from distill.synthesize.boolean.table import Bits, Table
from distill.synthesize.boolean.threshold import threshold
from distill.synthesize.boolean.two_level import two_level
from dsl.program import Expression

Route = Callable[[Table], list[Expression]]
Memo = dict[Any, list[Expression]]

QUICK: tuple[Route, ...] = (symmetric, affine, multiplexers, threshold, lookup)
"""Routes that recognise a kind of function."""

GENERAL: tuple[Route, ...] = (two_level, exclusive)
"""Routes that express every function, at some length."""

_OPERATOR = 4.0
_KEPT = 6
_BRANCHED_LEAVES = 8


def solve(source: Table, depth: int, memo: Memo) -> list[Expression]:
    """Expressions of a table, the lightest first; `depth` bounds branching inside branches."""
    key = (depth, source.key)
    if key not in memo:
        found = trivial(source)
        for smaller in reduced(source) if not found else []:
            found = found + _solved(smaller, depth, memo)
        memo[key] = ranked(found)[:_KEPT]
    return memo[key]


def _solved(source: Table, depth: int, memo: Memo) -> list[Expression]:
    found = trivial(source)
    if found:
        return found
    for route in QUICK:
        found = found + route(source)
    if found and min(map(weigh, found)) <= least(source):
        return found
    found = found + decomposed(source, depth, memo)
    for route in GENERAL:
        found = found + route(source)
    if depth > 0 and source.size <= _BRANCHED_LEAVES:
        found = found + branched(source, depth, memo)
    return found


def least(source: Table) -> float:
    """Bits of any formula that names every leaf: nothing general can be shorter."""
    return sum(map(weigh, source.leaves)) + _OPERATOR * (source.size > 1)


def decomposed(source: Table, depth: int, memo: Memo) -> list[Expression]:
    """`g(h(some leaves), the other leaves)` where one truth value of them is all that matters."""
    found: list[Expression] = []
    for bound, inner, values, care in decompositions(source):
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
