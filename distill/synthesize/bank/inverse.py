"""Undo an operation: what the open argument must be when the other one is known.

Boxes go in and boxes come out, so that tolerances, don't-cares and operations that
forget (max) need no special case. A box may be wider than what is possible (a divisor
on either side of 0), never narrower but for rounding; who uses it checks the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.keys import Floats
from distill.synthesize.bank.operation import NUMBER, Operation
from distill.synthesize.bank.target import NumberTarget

Box = tuple[Floats, Floats]
"""Lows and highs, (E,) each; empty where low > high."""

Undo = Callable[[Floats, Floats, Floats], Box]
"""(low, high, known) -> box of the open argument."""


@dataclass(frozen=True, eq=False)
class Subgoal:
    """`operation` meets the target if its argument at `place` meets `target`.

    `known` is the row of the other argument, None where there is no other.
    """

    operation: Operation
    place: int
    known: int | None
    target: NumberTarget


def subgoals(
    bank: Bank, operations: Sequence[Operation], target: NumberTarget, partners: int
) -> Iterator[Subgoal]:
    """All ways to undo one operation with one of the `partners` cheapest entries, cheap first."""
    for operation in operations:
        if operation.inverse is not None and operation.result == NUMBER:
            with np.errstate(all="ignore"):
                box = operation.inverse(np, target.low, target.high)
            yield from _possible(operation, 0, None, box)
    for known, values in enumerate(bank.number.values[:partners]):
        for operation in operations:
            for place, undo in enumerate(UNDO.get(operation.kind or "", ())):
                with np.errstate(all="ignore"):
                    box = undo(target.low, target.high, values)
                yield from _possible(operation, place, known, box)


def _possible(operation: Operation, place: int, known: int | None, box: Box) -> Iterator[Subgoal]:
    low, high = box
    bounded = np.isfinite(low) | np.isfinite(high)
    if (low <= high).all() and bounded.any():
        yield Subgoal(operation, place, known, NumberTarget(low, high))


def _ordered(one: Floats, other: Floats) -> Box:
    return np.minimum(one, other), np.maximum(one, other)


def _undo_mul(low: Floats, high: Floats, known: Floats) -> Box:
    """A factor of 0 leaves the other free where 0 is wanted, and nothing possible elsewhere."""
    zero, wanted = known == 0, (low <= 0) & (high >= 0)
    divisor = np.where(zero, 1.0, known)
    least, most = _ordered(low / divisor, high / divisor)
    least = np.where(zero, np.where(wanted, -np.inf, np.inf), least)
    return least, np.where(zero, np.where(wanted, np.inf, -np.inf), most)


def _undo_dividend(low: Floats, high: Floats, known: Floats) -> Box:
    least, most = _ordered(low * known, high * known)
    impossible = (known == 0).any()
    return np.where(impossible, np.inf, least), np.where(impossible, -np.inf, most)


def _undo_divisor(low: Floats, high: Floats, known: Floats) -> Box:
    least, most = _ordered(known / low, known / high)
    around = (low <= 0) & (high >= 0)
    return np.where(around, -np.inf, least), np.where(around, np.inf, most)


def _undo_max(low: Floats, high: Floats, known: Floats) -> Box:
    least = np.where(known >= low, -np.inf, low)
    return np.where(known > high, np.inf, least), high


def _undo_min(low: Floats, high: Floats, known: Floats) -> Box:
    most = np.where(known <= high, np.inf, high)
    return low, np.where(known < low, -np.inf, most)


UNDO: dict[str, tuple[Undo, ...]] = {
    "add": (lambda low, high, known: (low - known, high - known),),
    "sub": (
        lambda low, high, known: (low + known, high + known),
        lambda low, high, known: (known - high, known - low),
    ),
    "mul": (_undo_mul,),
    "div": (_undo_dividend, _undo_divisor),
    "max": (_undo_max,),
    "min": (_undo_min,),
    "abs_diff": (
        lambda low, high, known: (known + np.maximum(low, 0.0), known + high),
        lambda low, high, known: (known - high, known - np.maximum(low, 0.0)),
    ),
}
"""By kind: how to undo it when the first argument is open, and when the second is.

Commutative kinds need one way; |a - b| has one for an open argument that is nowhere the
smaller one and one for the opposite, and what crosses is not found.
"""
