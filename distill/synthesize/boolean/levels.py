"""Conditions on a whole number: which values are wanted true, as comparisons and remainders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.boolean.formula import FALSE, TRUE
from distill.synthesize.boolean.measure import LOOKUP
from dsl.cost import gamma
from dsl.program import Const, Expression, Prim, const, prim

Ints = NDArray[np.int64]

_LARGEST_MODULUS = 12
_CENTRES = 40


def conditions(term: Expression, low: int, wanted: NDArray[np.bool_], care: NDArray[np.bool_]
               ) -> list[Expression]:  # fmt: skip
    """Conditions on an int expression that hold as wanted.

    term takes values from `low` on; wanted, care: (k,) for low, low + 1, ...; where care is
    false the value doesn't occur or doesn't matter.
    """
    numbers = low + np.flatnonzero(care)
    flags = wanted[care]
    if not flags.any() or flags.all():
        return [TRUE if flags.any() else FALSE]
    found = [
        condition
        for make, seen in _views(numbers)
        if not _clash(seen, flags)
        for condition in _compared(make(term), seen, flags)
    ]
    return found + _between(term, numbers, flags) + _looked_up(term, low, wanted, care)


def _views(numbers: Ints) -> Iterator[tuple[Callable[[Expression], Expression], Ints]]:
    """Functions of a term and what they give: itself, remainders, quotients, distances."""
    low, high = int(numbers.min()), int(numbers.max())
    yield lambda term: term, numbers
    for modulus in range(2, min(high - low, _LARGEST_MODULUS) + 1):
        yield partial(_with_constant, "mod", modulus), numbers % modulus
        yield partial(_with_constant, "floordiv", modulus), numbers // modulus
        if modulus * 2 <= high - low:
            yield partial(_digit, modulus), numbers // modulus % 2
    for centre in range(low + 1, high if high - low <= _CENTRES else low):
        yield partial(_distance, centre), np.abs(numbers - centre)


def _with_constant(name: str, amount: int, term: Expression) -> Expression:
    return prim(name, term, const(amount))


def _digit(modulus: int, term: Expression) -> Expression:
    return prim("mod", prim("floordiv", term, const(modulus)), const(2))


def _distance(centre: int, term: Expression) -> Expression:
    return prim("abs", less_constant(term, centre))


def _clash(numbers: Ints, flags: NDArray[np.bool_]) -> bool:
    """Whether a number belongs to both a true and a false row."""
    return not set(numbers[flags].tolist()).isdisjoint(numbers[~flags].tolist())


def less_constant(term: Expression, amount: int) -> Expression:
    """`term - amount`."""
    return term if amount == 0 else prim("sub", term, const(amount))


def _compared(term: Expression, numbers: Ints, flags: NDArray[np.bool_]) -> Iterator[Expression]:
    yes, no = set(numbers[flags].tolist()), set(numbers[~flags].tolist())
    if len(yes) == 1:
        yield comparison("equal", term, min(yes))
    if len(no) == 1:
        yield comparison("not_equal", term, min(no))
    if min(yes) > max(no):
        yield comparison("greater", term, _cheapest(max(no), min(yes) - 1))
    if max(yes) < min(no):
        yield comparison("less", term, _cheapest(max(yes) + 1, min(no)))


def _cheapest(low: int, high: int) -> int:
    """The int that takes the fewest bits in a range, the smallest in size of equals."""
    return min((low, high, max(low, min(high, 0))), key=lambda v: (gamma(v), abs(v)))


def comparison(name: str, term: Expression, amount: int) -> Expression:
    """`term < amount` and so on; a difference is written as its two sides.

    `a - b > 2` becomes `a > b + 2`, and `a - b > -1` becomes `a >= b`.
    """
    if not isinstance(term, Prim) or term.primitive.name != "sub":
        return prim(name, term, const(amount))
    left, right = term.children
    if isinstance(right, Const):
        return prim(name, left, const(amount + right.value))
    strict = {("greater", -1): "greater_equal", ("less", 1): "less_equal"}
    if (name, amount) in strict:
        return prim(strict[name, amount], left, right)
    if amount >= 0:
        return prim(name, left, plus(right, amount))
    return prim(name, plus(left, -amount), right)


def plus(term: Expression, amount: int) -> Expression:
    """`term + amount`, where amount isn't negative."""
    return term if amount == 0 else prim("add", term, const(amount))


def _between(term: Expression, numbers: Ints, flags: NDArray[np.bool_]) -> list[Expression]:
    found: list[Expression] = []
    for wanted, name in ((flags, "and_"), (~flags, "or_")):
        low, high = int(numbers[wanted].min()), int(numbers[wanted].max())
        inside = (numbers >= low) & (numbers <= high)
        if not (inside == wanted).all():
            continue
        if name == "and_":
            ends = comparison("greater", term, low - 1), comparison("less", term, high + 1)
        else:
            ends = comparison("less", term, low), comparison("greater", term, high)
        found.append(prim(name, *ends))
    return found


def _looked_up(
    term: Expression, low: int, wanted: NDArray[np.bool_], care: NDArray[np.bool_]
) -> list[Expression]:
    if len(wanted) > LOOKUP or len(wanted) < 3:
        return []
    entries = const(tuple(bool(v) for v in wanted & care))
    return [prim("item", entries, less_constant(term, low))]


def conditions_of(
    term: Expression, numbers: Ints, wanted: NDArray[np.bool_], care: NDArray[np.bool_]
) -> list[Expression]:
    """Conditions on an int expression with these values on all rows; none if it can't decide.

    numbers, wanted, care: one entry per row of a table.
    """
    low = int(numbers.min())
    places = numbers - low
    width = int(places.max()) + 1
    yes = np.bincount(places[wanted & care], minlength=width) > 0
    no = np.bincount(places[~wanted & care], minlength=width) > 0
    if (yes & no).any():
        return []
    return conditions(term, low, yes, yes | no)
