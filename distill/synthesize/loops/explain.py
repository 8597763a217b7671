"""An expression for values that are a function of some columns: the language's search again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend
from distill.synthesize.enumerate import Wanted, answers, counted, lookup_price, open_search
from distill.synthesize.loops.keys import mixed
from distill.synthesize.terms import Term, terms
from distill.synthesize.vocabulary import operations
from dsl.cost import bits
from dsl.domain import Domain, Field
from dsl.meanings.array import run_expression
from dsl.program import Expression, const, prim, var
from dsl.types import BOOL, INT

_EXAMPLES = 80
_ROUNDS = 8
_ADDED = 12
_ENTRIES = 40_000

RARE = ("gcd", "isqrt", "square")
"""Operations that a step seldom holds; without them there is room for longer expressions."""

_SUMMED = 4
_DEEP = 5
"""Cost from which rare operations are tried where the others fail."""


Named = Mapping[str, NDArray[Any]]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Depth:
    """How far to look: the last cost of the bank, its most entries, and whether rare
    operations are offered."""

    cost: int = 5
    entries: int = _ENTRIES
    rare: bool = False


def explain(
    columns: Named,
    wanted: NDArray[Any],
    constants: Sequence[int] = (),
    depth: Depth | None = None,
    should_stop: Stop | None = None,
    parts: Sequence[Expression] = (),
) -> list[Expression]:
    """Expressions over the columns (n,) that give `wanted` (n,) on every row, shortest first.

    Rows are found by counterexample: a few first, and where a proposal fails, more.
    constants: whole numbers worth trying; parts: expressions over the columns worth building on.
    """
    depth = depth or Depth()
    columns, wanted = _distinct(columns, wanted)
    leaves = [*(Term(const(c), 1) for c in constants), *(Term(p, 2) for p in parts)]
    found = _searched(columns, wanted, leaves, depth, should_stop)
    if found or depth.rare or depth.cost < _DEEP:
        return found
    return _searched(columns, wanted, leaves, replace(depth, rare=True), should_stop)


def _searched(
    columns: Named,
    wanted: NDArray[Any],
    leaves: Sequence[Term],
    depth: Depth,
    should_stop: Stop | None,
) -> list[Expression]:
    domain = domain_of(columns)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(wanted))[:_EXAMPLES]
    for _ in range(_ROUNDS):
        right, wrong = _one_round(columns, wanted, domain, chosen, leaves, depth, should_stop)
        if right:
            return sorted(right, key=lambda e: bits(e))
        fresh = np.setdiff1d(wrong, chosen)[:_ADDED]
        if not fresh.size or (should_stop is not None and should_stop()):
            return []
        chosen = np.concatenate([chosen, fresh])
    return []


def _distinct(columns: Named, wanted: NDArray[Any]) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
    parts = [c.reshape(len(c), -1).astype(np.int64).T for c in columns.values()]
    first = np.unique(mixed(list(np.concatenate(parts).view(np.uint64))), return_index=True)[1]
    return {name: c[first] for name, c in columns.items()}, wanted[first]


def sums_of(domain: Domain) -> list[Expression]:
    """Sums of two or more of a few numbers, truths counting as 0 and 1."""
    numbers = [as_number(var(n, item)) for n, item in domain.parameters if item in (BOOL, INT)]
    if not 2 <= len(numbers) <= _SUMMED:
        return []
    groups = (g for size in range(2, len(numbers) + 1) for g in combinations(numbers, size))
    return [reduce(lambda a, b: prim("add", a, b), group) for group in groups]


def as_number(value: Expression) -> Expression:
    """A truth value as 0 or 1; numbers stay."""
    return prim("as_int", value) if value.type == BOOL else value


def domain_of(columns: Named) -> Domain:
    """The smallest domain with these columns: bool, or int from the least to the largest value."""
    fields = []
    for name, values in columns.items():
        if values.dtype == np.bool_:
            fields.append(Field(name, BOOL, shape=values.shape[1:]))
        else:
            low, high = Fraction(int(values.min())), Fraction(int(values.max()))
            fields.append(Field(name, INT, low, high, values.shape[1:]))
    return Domain(tuple(fields))


def _one_round(
    columns: Named,
    wanted: NDArray[Any],
    domain: Domain,
    chosen: NDArray[np.intp],
    leaves: Sequence[Term],
    depth: Depth,
    should_stop: Stop | None,
) -> tuple[list[Expression], NDArray[np.intp]]:
    """Right expressions, and rows on which wrong ones failed."""
    examples = tuple(c[chosen] for c in columns.values())
    known = terms(domain)
    have = {t.expression for t in known}
    own = [leaf for leaf in leaves if leaf.expression not in have]
    sums = [Term(e, 2) for e in sums_of(domain) if e not in have]
    offered = operations(domain, forbidden=() if depth.rare else RARE)
    search = open_search(domain, examples, [*known, *own, *sums], offered)
    care = np.ones(len(chosen), dtype=np.bool_)
    goal = Wanted(_plain(wanted[chosen]), care, 1e-9)
    wrong: list[NDArray[np.intp]] = []
    right: list[Expression] = []
    first = depth.cost
    for cost in range(1, depth.cost + 1):
        if should_stop is not None and should_stop():
            break
        search = counted(search, cost, depth.entries, should_stop)
        spend(should_stop, lookup_price(search))
        for body in answers(search, goal):
            body = as_type_of(body, wanted)
            if body is None:
                continue
            missed = _missed(body, columns, wanted)
            if missed.size:
                wrong.append(missed[:4])
            else:
                right.append(body)
        # one level more: with what a step computes anyway, a longer output is a shorter loop
        if first <= cost - 1 or len(wrong) > 6:
            break
        first = cost if right and first > cost else first
    return right, np.unique(np.concatenate(wrong)) if wrong else np.zeros(0, dtype=np.intp)


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.dtype == np.bool_ else values.astype(np.float64)


def as_type_of(body: Expression, wanted: NDArray[Any]) -> Expression | None:
    """The expression as the type of the values, where it can be."""
    if wanted.dtype == np.bool_:
        return body if body.type == BOOL else None
    return as_number(body) if body.type in (BOOL, INT) else prim("round", body)


def _missed(body: Expression, columns: Named, wanted: NDArray[Any]) -> NDArray[np.intp]:
    with np.errstate(all="ignore"):
        found = np.broadcast_to(run_expression(body, columns), wanted.shape)
    return np.flatnonzero(found != wanted)
