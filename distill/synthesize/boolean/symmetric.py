"""Symmetric functions: only how many leaves (or their negations) are true matters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.boolean.formula import (
    conjunction,
    counted,
    disjunction,
    literal,
    negated,
)
from distill.synthesize.boolean.levels import conditions_of
from distill.synthesize.boolean.table import Bits, Table
from dsl.program import Expression, prim


def symmetric(source: Table) -> list[Expression]:
    """Conditions on the number of true leaves, some of them negated."""
    signs = _signs(source)
    if signs is None:
        return []
    literals = [literal(x, s) for x, s in zip(source.leaves, signs, strict=True)]
    totals = (source.columns == np.array(signs)).sum(1)
    found = conditions_of(counted(literals), totals, source.values, source.care)
    found = found + _every_or_some(literals, totals, source) if found else found
    if all(signs) or not found:
        return found
    return found + _with_difference(source, signs)


def _every_or_some(
    literals: list[Expression], totals: NDArray[np.int64], source: Table
) -> list[Expression]:
    found: list[Expression] = []
    some, every = totals > 0, totals == len(literals)
    for values, form in ((some, disjunction(literals)), (every, conjunction(literals))):
        differs = (values ^ source.values)[source.care]
        found += [form] if not differs.any() else [negated(form)] if differs.all() else []
    return found


def _with_difference(source: Table, signs: list[bool]) -> list[Expression]:
    """The same with the negated leaves counted down, or all leaves the other way round."""
    kept = [x for x, s in zip(source.leaves, signs, strict=True) if s]
    lost = [x for x, s in zip(source.leaves, signs, strict=True) if not s]
    weights = np.where(signs, 1, -1)
    numbers = source.columns.astype(np.int64) @ weights
    if not kept:
        return conditions_of(counted(lost), -numbers, source.values, source.care)
    term = prim("sub", counted(kept), counted(lost))
    other = [literal(x, not s) for x, s in zip(source.leaves, signs, strict=True)]
    flipped = (source.columns != np.array(signs)).sum(1)
    return conditions_of(term, numbers, source.values, source.care) + conditions_of(
        counted(other), flipped, source.values, source.care
    )


def _signs(source: Table) -> list[bool] | None:
    """For every leaf whether it counts as it is or negated; None if it isn't one function."""
    if source.size < 2:
        return None
    signs = [True]
    for place in range(1, source.size):
        if _swappable(source, place, True):
            signs.append(True)
        elif _swappable(source, place, False):
            signs.append(False)
        else:
            return None
    return signs


def _swappable(source: Table, place: int, same: bool) -> bool:
    """Whether the function stays when the first leaf and another (or its negation) swap."""
    values, care = (np.moveaxis(source.cube(a), place, 1) for a in (source.values, source.care))
    one, other = ((0, 1), (1, 0)) if same else ((0, 0), (1, 1))
    both: Bits = care[one] & care[other]
    return not (both & (values[one] ^ values[other])).any()
