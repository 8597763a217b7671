"""Exact checks of proposed pairs: first on a few examples, then on all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.matches import Match, total_cost
from distill.synthesize.bank.operation import NUMBER, Operation
from distill.synthesize.bank.packing import unpack
from distill.synthesize.bank.target import BoolTarget, NumberTarget, Target

_CHUNK = 1 << 14
_FEW = 6

Rows = tuple[NDArray[np.intp], ...]


def few_examples(target: Target) -> NDArray[np.intp]:
    """Some examples, spread over those that matter."""
    if isinstance(target, BoolTarget):
        useful = np.flatnonzero(target.care)
    else:
        useful = np.flatnonzero(np.isfinite(target.low) | np.isfinite(target.high))
    if not len(useful):
        return np.arange(1)
    return useful[np.unique(np.linspace(0, len(useful) - 1, _FEW).astype(np.intp))]


def confirm(
    bank: Bank, operation: Operation, rows: Rows, target: Target, limit: int
) -> Iterator[Match]:
    """The combinations of rows whose result meets the target; the first `limit` in their order."""
    examples = few_examples(target)
    left = limit
    for start in range(0, len(rows[0]), _CHUNK):
        some = tuple(row[start : start + _CHUNK] for row in rows)
        for where in (examples, np.arange(bank.examples)):
            holds = _holds(bank, operation, some, target, where)
            some = tuple(row[holds] for row in some)
        for children in zip(*(row[:left].tolist() for row in some), strict=True):
            yield _match(bank, operation, children, target)
        left -= min(left, len(some[0]))
        if left == 0:
            return


def _holds(
    bank: Bank, operation: Operation, rows: Rows, target: Target, where: NDArray[np.intp]
) -> NDArray[np.bool_]:
    values, defined = _apply(bank, operation, rows, where)
    if isinstance(target, NumberTarget):
        return defined & target.part(where).accepts(values)
    wrong = (values != target.truth[where]) & target.care[where]
    return defined & ~wrong.any(axis=1)


def _apply(
    bank: Bank, operation: Operation, rows: Rows, where: NDArray[np.intp]
) -> tuple[np.ndarray, NDArray[np.bool_]]:
    """Values (n, len(where)) of the operation, and which rows are defined on those examples."""
    pairs = zip(operation.arguments, rows, strict=True)
    arguments = [_values(bank, type_, some, where) for type_, some in pairs]
    with np.errstate(all="ignore"):
        values = np.asarray(operation.array(np, *arguments))
        defined = np.ones(len(rows[0]), dtype=np.bool_)
        if operation.precondition is not None:
            allowed = operation.precondition(np, *arguments)
            defined &= np.broadcast_to(allowed, values.shape).all(axis=1)
    return values, defined


def _values(bank: Bank, type_: str, rows: np.ndarray, where: NDArray[np.intp]) -> np.ndarray:
    values = bank.entries(type_).values
    if type_ != NUMBER:
        return unpack(values[rows], bank.examples)[:, where]
    return values[rows] if len(where) == bank.examples else values[rows[:, None], where]


def _match(bank: Bank, operation: Operation, rows: tuple[int, ...], target: Target) -> Match:
    children = tuple(zip(operation.arguments, rows, strict=True))
    error = 0.0
    if isinstance(target, NumberTarget):
        index = tuple(np.array([row]) for row in rows)
        values = _apply(bank, operation, index, np.arange(bank.examples))[0]
        error = box_error(values[0], target)
    return Match(operation.cost + total_cost(bank, children), operation.name, children, error=error)


def box_error(values: np.ndarray, target: NumberTarget) -> float:
    """Largest distance of values (E,) from the middle of the box, where it has one."""
    bounded = np.isfinite(target.low) & np.isfinite(target.high)
    middle = (target.low[bounded] + target.high[bounded]) / 2
    return float(np.max(np.abs(values[bounded] - middle), initial=0.0))
