"""A bank while it grows: its two shelves, its operations and the limits that may stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.data import Bank, Leaf
from distill.synthesize.bank.operation import BOOL, NUMBER, Operation
from distill.synthesize.bank.packing import full_words, pack, unpack
from distill.synthesize.bank.shelf import Shelf, close_shelf, open_shelf

VALUE_LIMIT = 1e12
"""A number beyond this on any example is no behaviour worth keeping (rounding takes over)."""

WORD_UFUNCS = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}
"""What these kinds do to packed words."""

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Limits:
    """When to stop: `steps` candidates in all, `entries` of one type, or when asked to."""

    steps: int | None = None
    entries: int | None = None
    should_stop: Callable[[], bool] | None = None


@dataclass(eq=False)
class Work:
    """What every stage of growing shares; `steps` is the count so far.

    `ranks` remembers the last ranking that `compared` made, with the chunks it was made for.
    """

    examples: int
    leaves: tuple[Leaf, ...]
    operations: tuple[Operation, ...]
    number: Shelf
    bool: Shelf
    steps: int
    limits: Limits
    ranks: tuple[Any, ...] | None = None

    def shelf(self, type_: str) -> Shelf:
        """The shelf of "number" or "bool"."""
        return self.number if type_ == NUMBER else self.bool


def open_work(bank: Bank, operations: tuple[Operation, ...], limits: Limits) -> Work:
    """Start from a bank's entries."""
    shelves = (open_shelf(bank.number, True), open_shelf(bank.bool, False))
    return Work(bank.examples, bank.leaves, operations, *shelves, bank.steps, limits)


def close_work(work: Work, level: int) -> Bank:
    """Freeze into a bank that is complete up to cost `level`."""
    entries = (close_shelf(work.number), close_shelf(work.bool))
    return Bank(work.examples, work.leaves, work.operations, *entries, level, work.steps)


def may_count(work: Work, candidates: int) -> bool:
    """Count these candidates as steps, unless a limit forbids to look at them."""
    limits = work.limits
    if limits.steps is not None and work.steps + candidates > limits.steps:
        return False
    if limits.entries is not None and max(work.number.size, work.bool.size) >= limits.entries:
        return False
    if limits.should_stop is not None and limits.should_stop():
        return False
    work.steps += candidates
    return True


def evaluate(
    work: Work, operation: Operation, rows: tuple[Rows, ...]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values (n, E or W) of an operation on entries, and which rows are defined on all examples."""
    arguments = [_plain(work, *pair) for pair in zip(operation.arguments, rows, strict=True)]
    with np.errstate(all="ignore"):
        values = np.asarray(operation.array(np, *arguments))
        defined = np.ones(len(rows[0]), dtype=np.bool_)
        if operation.precondition is not None:
            allowed = operation.precondition(np, *arguments)
            defined &= np.broadcast_to(allowed, arguments[0].shape).all(axis=1)
        if operation.result == BOOL:
            return pack(np.ascontiguousarray(values, dtype=np.bool_)), defined
        values = values.astype(np.float64, copy=False)
        return values, defined & _moderate(values)


def _moderate(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows without NaN and without numbers beyond the limit; mostly all, which is seen fast."""
    if values.size and values.max() <= VALUE_LIMIT and values.min() >= -VALUE_LIMIT:
        return np.ones(len(values), dtype=np.bool_)
    return np.abs(values).max(axis=1) <= VALUE_LIMIT


def evaluate_words(
    work: Work, operation: Operation, rows: tuple[Rows, ...]
) -> NDArray[np.uint64] | None:
    """Packed values (n, W) of an operation whose kind is a function of words, else None."""
    if set(operation.arguments) != {BOOL}:
        return None
    arguments = [_stored(work, BOOL, some) for some in rows]
    if operation.fast_kind == "not":
        return np.bitwise_xor(arguments[0], full_words(work.examples))
    ufunc = WORD_UFUNCS.get(operation.fast_kind or "")
    return None if ufunc is None else ufunc(*arguments)


def _stored(work: Work, type_: str, rows: Rows) -> NDArray[Any]:
    """Value rows, without a copy where the rows follow each other."""
    values, count = work.shelf(type_).values, len(rows)
    if count and rows[-1] - rows[0] == count - 1 and (rows[1:] > rows[:-1]).all():
        return values[rows[0] : rows[-1] + 1]
    return values.take(rows, axis=0)


def _plain(work: Work, type_: str, rows: Rows) -> NDArray[Any]:
    values = _stored(work, type_, rows)
    return values if type_ == NUMBER else unpack(values, work.examples)
