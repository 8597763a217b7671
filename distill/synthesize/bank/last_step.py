"""The last operation of a program is not enumerated but looked up in the bank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.synthesize.bank.affine import affine_fits
from distill.synthesize.bank.check import box_error, confirm
from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.last_bool import BOOL_PROPOSERS, conditionals
from distill.synthesize.bank.last_number import PROPOSERS
from distill.synthesize.bank.matches import Match, best
from distill.synthesize.bank.operation import BOOL, NUMBER, Operation
from distill.synthesize.bank.target import BoolTarget, NumberTarget, Target
from distill.synthesize.bank.threshold import thresholds

BRUTE_LIMIT = 1 << 20
"""Combinations tried of an operation that has no lookup: the cheapest entries' ones."""

PARTNERS = 2000
"""Cheapest entries among which the fit of two is searched."""


def last_step(
    bank: Bank,
    operations: Sequence[Operation],
    target: Target,
    *,
    fits: bool = True,
    limit: int = 16,
    partners: int = PARTNERS,
) -> list[Match]:
    """Programs for the target whose root is an entry, one operation on entries, or a fit.

    Operations of a `kind` are looked up in the whole bank (up to `last_number.PAIR_LIMIT` near
    pairs), unary ones tried on every entry, others on the `BRUTE_LIMIT` cheapest combinations;
    every answer is computed and checked on all examples. With `fits`, constants are fitted:
    "affine" for numbers, "above" and "below" for bools. Cheapest first, at most `limit` of
    each operation.

    Raises:
        BadInput: the target's number of examples is not the bank's.
    """
    type_ = NUMBER if isinstance(target, NumberTarget) else BOOL
    count = len(target.low if isinstance(target, NumberTarget) else target.truth)
    if count != bank.examples:
        raise BadInput(f"the target has {count} examples, but the bank has {bank.examples}")
    found = _entries(bank, target, limit)
    for operation in operations:
        if operation.result == type_:
            found += best(_answers(bank, operation, target, limit), limit)
    if fits and isinstance(target, NumberTarget):
        found += affine_fits(bank, target, partners, limit)
    elif fits and isinstance(target, BoolTarget):
        found += thresholds(bank, target, limit)
    return best(found, len(found))


def _entries(bank: Bank, target: Target, limit: int) -> list[Match]:
    """Entries that meet the target as they are."""
    if isinstance(target, NumberTarget):
        rows = np.flatnonzero(target.accepts(bank.number.values))[:limit]
        errors = [box_error(bank.number.values[row], target) for row in rows]
        costs = bank.number.cost[rows]
    else:
        wrong = (bank.bool.values ^ target.wanted) & target.mask
        rows = np.flatnonzero((wrong == 0).all(axis=1))[:limit]
        errors, costs = [0.0] * len(rows), bank.bool.cost[rows]
    type_ = NUMBER if isinstance(target, NumberTarget) else BOOL
    return [
        Match(int(cost), "entry", ((type_, int(row)),), error=error)
        for row, cost, error in zip(rows, costs, errors, strict=True)
    ]


def _answers(bank: Bank, operation: Operation, target: Target, limit: int) -> Iterator[Match]:
    for rows in _proposals(bank, operation, target):
        yield from confirm(bank, operation, rows, target, limit)


def _proposals(
    bank: Bank, operation: Operation, target: Target
) -> Iterator[tuple[NDArray[np.intp], ...]]:
    kind = operation.kind or ""
    if kind == "if":
        yield conditionals(bank, target)
    elif isinstance(target, NumberTarget) and kind in PROPOSERS:
        yield from PROPOSERS[kind](bank, target)
    elif isinstance(target, BoolTarget) and kind in BOOL_PROPOSERS:
        yield from BOOL_PROPOSERS[kind](bank, target)
    else:
        yield _cheapest(bank, operation)


def _cheapest(bank: Bank, operation: Operation) -> tuple[NDArray[np.intp], ...]:
    """All combinations of the cheapest entries, as many as `BRUTE_LIMIT` allows."""
    arity = len(operation.arguments)
    sizes = [len(bank.entries(type_).values) for type_ in operation.arguments]
    if arity == 1:
        return (np.arange(sizes[0]),)
    side = round(BRUTE_LIMIT ** (1 / arity))
    shape = tuple(min(size, side) for size in sizes)
    rows = np.indices(shape).reshape(arity, -1)
    return tuple(rows[:, np.argsort(rows.max(axis=0, initial=0), kind="stable")])
