"""Several outputs as the bits of one number that arithmetic on words gives.

The outputs together are a number t modulo 2^k; a term e serves when t - e is one
constant modulo 2^k on all rows (that constant is then added). With don't-cares only
the bits that matter are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.boolean.measure import lightest
from distill.synthesize.boolean.table import Table
from distill.synthesize.boolean.words import (
    OPERATIONS,
    Bank,
    Ints,
    core,
    integers,
    pairs,
    stretches,
)
from dsl.program import Expression, const, prim

_FACTORS = 8
_THIRD = ("add", "sub", "mul")
Batch = tuple[Ints, list[Expression]]


@dataclass(frozen=True, eq=False)
class Wanted:
    """Outputs as numbers: `bits` of each row and which of them matter, both (rows,)."""

    bits: Ints
    mask: Ints
    length: int

    def within(self, rows: NDArray[np.bool_]) -> Wanted:
        """Only on some rows."""
        return Wanted(self.bits, np.where(rows, self.mask, 0), self.length)


def wanted(tables: Sequence[Table], rows: NDArray[np.bool_]) -> Wanted:
    """The outputs on the chosen rows, the first table the most significant bit."""
    bits = np.zeros(int(rows.sum()), dtype=np.int64)
    mask = np.zeros_like(bits)
    for table in tables:
        bits, mask = bits * 2 + table.values[rows], mask * 2 + table.care[rows]
    return Wanted(bits, mask, len(tables))


def arithmetic(tables: Sequence[Table]) -> list[Expression]:
    """`bits(number(a, 2) + number(b, 2), 3)` and the like, also with the bits backwards."""
    care = np.any([t.care for t in tables], axis=0)
    base = Table(tables[0].leaves, tables[0].values, care)
    if len(tables) < 2 or not care.any() or not stretches(base):
        return []
    found: list[Expression] = []
    for order, turned in ((list(tables), False), (list(tables)[::-1], True)):
        goal = wanted(order, care)
        terms = matching(base, goal) or _by_leaf(base, goal)
        written = [prim("bits", t, const(goal.length)) for t in terms]
        found += [prim("reverse", w) for w in written] if turned else written
    return found


def matching(base: Table, goal: Wanted) -> list[Expression]:
    """Int terms whose last bits are as wanted, from the first level that has some."""
    small, few = integers(base, wide=False), core(base)
    for level in (_single(small), _double(small), _triple(few)):
        found = [t for values, terms in level for t in _serving(values, terms, goal)]
        if found:
            return found
    return []


def _by_leaf(base: Table, goal: Wanted) -> list[Expression]:
    """`if leaf then one number else another`, for leaves outside the vectors."""
    inside = {place for run in stretches(base) for place in run}
    found: list[Expression] = []
    for place in (i for i in range(base.size) if i not in inside):
        column = base.columns[base.care][:, place]
        if column.all() or not column.any():
            continue
        parts = [matching(base, goal.within(rows)) for rows in (column, ~column)]
        if all(parts):
            found.append(prim("if_", base.leaves[place], *map(lightest, parts)))
    return found


def _serving(values: Ints, terms: list[Expression], goal: Wanted) -> Iterator[Expression]:
    """Terms (of a batch) that are right, after adding a constant if need be."""
    full = (1 << goal.length) - 1
    known = np.flatnonzero(goal.mask == full)
    where = int(known[0]) if len(known) else int(np.argmax(goal.mask))
    shift = (goal.bits[where] - values[:, where]) & full
    wrong = ((values + shift[:, None]) ^ goal.bits) & goal.mask
    for index in np.flatnonzero(~wrong.any(1)).tolist():
        yield _moved(terms[index], int(shift[index]), full + 1)


def _moved(term: Expression, shift: int, modulus: int) -> Expression:
    if shift == 0:
        return term
    if 2 * shift > modulus:
        return prim("sub", term, const(modulus - shift))
    return prim("add", term, const(shift))


# --- terms, level by level ------------------------------------------------------------------


def _single(found: Bank) -> Iterator[Batch]:
    yield found.values, list(found.terms)
    yield found.values**2, [prim("square", t) for t in found.terms]
    for factor in range(2, _FACTORS + 1):
        number = const(factor)
        yield found.values * factor, [prim("mul", number, t) for t in found.terms]
        yield found.values // factor, [prim("floordiv", t, number) for t in found.terms]
        yield found.values % factor, [prim("mod", t, number) for t in found.terms]
    yield -found.values, [prim("neg", t) for t in found.terms]


def _double(found: Bank) -> Iterator[Batch]:
    for name, first, values in pairs(found):
        later = found.terms[first + 1 :]
        yield values, [prim(name, found.terms[first], t) for t in later]
        if name == "sub":
            yield -values, [prim(name, t, found.terms[first]) for t in later]
            absolute = [prim("abs", prim(name, found.terms[first], t)) for t in later]
            yield np.abs(values), absolute


def _triple(found: Bank) -> Iterator[Batch]:
    for name, first, values in pairs(found):
        for offset, row in enumerate(values):
            term = prim(name, found.terms[first], found.terms[first + 1 + offset])
            for other in _THIRD:
                combined = OPERATIONS[other](row[None], found.values)
                yield combined, [prim(other, term, t) for t in found.terms]
                if other == "sub":
                    yield -combined, [prim(other, t, term) for t in found.terms]
