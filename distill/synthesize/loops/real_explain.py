"""An expression over columns of real numbers that gives wanted values within a tolerance.

The bank of the ordinary search, with constants left open and fitted, on a few rows; where a
proposal fails on others, those are looked at as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend
from distill.synthesize.enumerate import Wanted, answers, counted, lookup_price, open_search
from distill.synthesize.loops.explain import Depth, Named, Stop, as_type_of
from distill.synthesize.terms import Term, terms
from distill.synthesize.vocabulary import operations
from dsl.cost import bits
from dsl.domain import Domain, Field
from dsl.meanings.array import run_expression
from dsl.program import Expression
from dsl.types import BOOL, INT, REAL

_EXAMPLES = 96
_ROUNDS = 4
_ADDED = 16
_LOOSE = 2.0
"""Times the tolerance that a proposal may be off: its constants are fitted again in the loop."""

_RARE = ("sin", "cos", "exp", "tanh", "sqrt", "square", "relu")
_NUMBERS = Domain((Field("x", REAL, Fraction(0), Fraction(1)),))


def explain_reals(
    columns: Named,
    wanted: NDArray[Any],
    tolerance: float,
    parts: Sequence[Expression],
    depth: Depth,
    stop: Stop,
) -> list[Expression]:
    """Expressions over the columns (n,) near `wanted` (n,), shortest first.

    tolerance: for numbers the largest difference, for truths and whole numbers the share of rows
    that may be others; parts: expressions over the columns worth building on.
    """
    domain = columns_domain(columns)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(wanted))[:_EXAMPLES]
    for _ in range(_ROUNDS):
        right, wrong = _one_round(columns, wanted, tolerance, domain, chosen, parts, depth, stop)
        if right:
            return sorted(right, key=bits)
        fresh = np.setdiff1d(wrong, chosen)[:_ADDED]
        if not fresh.size or stop():
            return []
        chosen = np.concatenate([chosen, fresh])
    return []


def columns_domain(columns: Named) -> Domain:
    """The smallest domain with these columns: truths, whole numbers, reals."""
    fields = []
    for name, values in columns.items():
        if values.dtype == np.bool_:
            fields.append(Field(name, BOOL))
            continue
        item = INT if values.dtype.kind == "i" else REAL
        fields.append(
            Field(name, item, Fraction(float(values.min())), Fraction(float(values.max())))
        )
    return Domain(tuple(fields))


def _one_round(
    columns: Named,
    wanted: NDArray[Any],
    tolerance: float,
    domain: Domain,
    chosen: NDArray[np.intp],
    parts: Sequence[Expression],
    depth: Depth,
    stop: Stop,
) -> tuple[list[Expression], NDArray[np.intp]]:
    """Expressions that hold on all rows, and rows on which others failed."""
    examples = tuple(c[chosen] for c in columns.values())
    known = terms(domain)
    have = {t.expression for t in known}
    own = [Term(p, 1) for p in dict.fromkeys(parts) if p not in have]
    forbidden = () if depth.rare else _RARE
    search = open_search(
        domain, examples, [*known, *own], operations(_NUMBERS, forbidden=forbidden)
    )
    goal = _goal(wanted[chosen], tolerance)
    right: list[Expression] = []
    wrong: list[NDArray[np.intp]] = []
    for cost in range(1, depth.cost + 1):
        if stop():
            break
        search = counted(search, cost, depth.entries, stop)
        spend(stop, lookup_price(search))
        for body in answers(search, goal):
            body = as_type_of(body, wanted) if wanted.dtype.kind != "f" else body
            if body is None or (body.type == BOOL) != (wanted.dtype == np.bool_):
                continue
            missed = _missed(body, columns, wanted, tolerance)
            if missed is None:
                right.append(body)
            else:
                wrong.append(missed[:4])
        if right or len(wrong) > 8:
            break
    return right, np.unique(np.concatenate(wrong)) if wrong else np.zeros(0, dtype=np.intp)


def _goal(values: NDArray[Any], tolerance: float) -> Wanted:
    care = np.ones(len(values), dtype=np.bool_)
    if values.dtype == np.bool_:
        return Wanted(values, care, 1e-9, tolerance * len(values))
    found = Wanted(values.astype(np.float64), care, 1e-9)
    return replace(found, tolerance=tolerance) if values.dtype.kind == "f" else found


def _missed(
    body: Expression, columns: Named, wanted: NDArray[Any], tolerance: float
) -> NDArray[np.intp] | None:
    """Rows on which an expression fails, the worst first; None where it stands."""
    with np.errstate(all="ignore"):
        found = np.broadcast_to(run_expression(body, columns), wanted.shape)
    if wanted.dtype.kind == "f":
        gap = np.abs(found.astype(np.float64) - wanted)
        gap = np.where(np.isnan(gap), np.inf, gap)
        if float(gap.max()) <= _LOOSE * tolerance:
            return None
        return np.argsort(-gap, kind="stable")[: int((gap > tolerance).sum())]
    wrong = np.flatnonzero(found != wanted)
    return None if len(wrong) <= _LOOSE * tolerance * len(wanted) else wrong
