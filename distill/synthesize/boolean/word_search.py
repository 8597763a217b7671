"""Conditions on words: comparisons, remainders, equality of vectors, items chosen by a number.

Terms are built bottom-up over the parameters and matched against the table: a number
serves when no value of it belongs to both a true and a false row, and then
`levels` says which condition it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.boolean.formula import negated
from distill.synthesize.boolean.levels import conditions_of
from distill.synthesize.boolean.measure import weigh
from distill.synthesize.boolean.table import Bits, Table
from distill.synthesize.boolean.words import (
    OPERATIONS,
    Bank,
    Ints,
    core,
    couples,
    integers,
    pairs,
    stretches,
    words,
)
from dsl.program import Expression, prim

_WIDEST = 4096
_TRIED = 20
_WIDE_LEAVES = 10

Found = tuple[Expression, Ints]


def word_conditions(source: Table) -> list[Expression]:
    """Conditions on words that have the wanted value; empty where there are no vectors."""
    if not stretches(source) or not source.care.any():
        return []
    target = source.values[source.care]
    wide = integers(source, source.size <= _WIDE_LEAVES)
    found: list[Found] = [*_numbers(wide, target), *_sums(integers(source, False), target)]
    found += [*_orders(wide, target), *_three(core(source), target), *_elementwise(source, target)]
    always = np.ones_like(target)
    conditions = [c for t, v in _likely(found) for c in conditions_of(t, v, target, always)]
    return conditions + _equalities(source, target) + _chosen(source, wide, target)


def _likely(found: list[Found]) -> list[Found]:
    """The lightest terms, and those with the fewest values."""
    light = sorted(found, key=lambda f: weigh(f[0]))[:_TRIED]
    narrow = sorted(found, key=lambda f: (len(np.unique(f[1])), weigh(f[0])))[:_TRIED]
    return list({id(f): f for f in [*light, *narrow]}.values())


def decide(values: Ints, target: Bits) -> NDArray[np.intp]:
    """Indices of the terms (m, rows) that tell true rows from false ones."""
    low = values.min(1, keepdims=True)
    fits = np.flatnonzero(values.max(1) - low[:, 0] < _WIDEST)
    if not len(fits):
        return fits
    shifted = values[fits] - low[fits]
    width = int(shifted.max()) + 1
    shifted += np.arange(len(fits))[:, None] * width
    total = len(fits) * width
    yes = np.bincount(shifted[:, target].ravel(), minlength=total) > 0
    no = np.bincount(shifted[:, ~target].ravel(), minlength=total) > 0
    return fits[~(yes & no).reshape(len(fits), width).any(1)]


def _numbers(found: Bank, target: Bits) -> Iterator[Found]:
    for index in decide(found.values, target):
        yield found.terms[index], found.values[index]


def _sums(found: Bank, target: Bits) -> Iterator[Found]:
    for name, first, values in pairs(found):
        for offset in decide(values, target):
            yield prim(name, found.terms[first], found.terms[first + 1 + offset]), values[offset]


def _orders(found: Bank, target: Bits) -> Iterator[Found]:
    """Differences whose sign alone decides: comparisons of two numbers."""
    for first in range(len(found.terms) - 1):
        differences = found.values[first][None] - found.values[first + 1 :]
        for offset in decide(np.sign(differences), target):
            term = prim("sub", found.terms[first], found.terms[first + 1 + offset])
            yield term, differences[offset]


def _three(found: Bank, target: Bits) -> Iterator[Found]:
    """`a + b == c` and the like: the difference of a combined number and a third."""
    for name in ("add", "mul", "sub"):
        for one in range(len(found.terms)):
            for two in range(one + (name == "sub"), len(found.terms)):
                combined = OPERATIONS[name](found.values[one], found.values[two])
                term = prim(name, found.terms[one], found.terms[two])
                for third in decide(np.sign(combined[None] - found.values), target):
                    yield _difference(term, combined, found, int(third))


def _difference(term: Expression, values: Ints, found: Bank, third: int) -> Found:
    return prim("sub", term, found.terms[third]), values - found.values[third]


# --- vectors --------------------------------------------------------------------------------

_MERGED: dict[str, Callable[..., Bits]] = {
    "and_": np.logical_and,
    "or_": np.logical_or,
    "xor": np.logical_xor,
}


def _elementwise(source: Table, target: Bits) -> Iterator[Found]:
    """How many items of two words are both true, either true, different."""
    for one, other in couples(source):
        for name, operation in _MERGED.items():
            totals = operation(one.values, other.values).sum(1)
            if len(decide(totals[None], target)):
                yield prim("count", prim(name, one.term, other.term)), totals


def _equalities(source: Table, target: Bits) -> list[Expression]:
    found: list[Expression] = []
    for one, other in couples(source):
        found += _fitting(
            prim("same", one.term, other.term), (one.values == other.values).all(1), target
        )
        for name, operation in _MERGED.items():
            merged, term = operation(one.values, other.values), prim(name, one.term, other.term)
            found += _fitting(prim("any", term), np.any(merged, axis=1), target)
            found += _fitting(prim("all", term), np.all(merged, axis=1), target)
    return found


def _fitting(term: Expression, values: Bits, target: Bits) -> list[Expression]:
    differs = values ^ target
    if not differs.any():
        return [term]
    return [negated(term)] if differs.all() else []


def _chosen(source: Table, numbers: Bank, target: Bits) -> list[Expression]:
    """`x[2:6][number(x[0:2], 2)]`: an item of one word at the place that a number says."""
    found: list[Expression] = []
    rows = np.arange(len(target))
    for word in words(source, wide=True):
        for term, places in zip(numbers.terms, numbers.values, strict=True):
            if places.min() >= 0 and places.max() < word.length:
                picked = word.values[rows, places]
                found += _fitting(prim("item", word.term, term), picked, target)
    return found
