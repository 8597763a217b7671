"""Exact checks of proposed pairs: first on a few examples, then on all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.matches import Match, total_cost
from distill.synthesize.bank.operation import BOOL, NUMBER, Operation
from distill.synthesize.bank.packing import pack, unpack
from distill.synthesize.bank.target import BoolTarget, NumberTarget, Target

_CHUNK = 1 << 14
_MANY = 1 << 12  # proposals beyond which a first look at few examples pays
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
    stages = [(bank, target)]
    if len(rows[0]) > _MANY:
        examples = few_examples(target)
        stages.insert(0, (_on_examples(bank, operation, examples), target.part(examples)))
    left = limit
    for start in range(0, len(rows[0]), _CHUNK):
        some = tuple(row[start : start + _CHUNK] for row in rows)
        for seen, wanted in stages:
            holds = _holds(seen, operation, some, wanted)
            some = tuple(row[holds] for row in some)
        for children in zip(*(row[:left].tolist() for row in some), strict=True):
            yield _match(bank, operation, children, target)
        left -= min(left, len(some[0]))
        if left == 0:
            return


def _on_examples(bank: Bank, operation: Operation, examples: NDArray[np.intp]) -> Bank:
    """The bank as some examples show it, as far as the operation's arguments go."""
    number, bools = bank.number, bank.bool
    if NUMBER in operation.arguments:
        number = replace(number, values=number.values[:, examples])
    if BOOL in operation.arguments:
        plain = unpack(bools.values, bank.examples)
        bools = replace(bools, values=pack(plain[:, examples]))
    return replace(bank, examples=len(examples), number=number, bool=bools)


def _holds(bank: Bank, operation: Operation, rows: Rows, target: Target) -> NDArray[np.bool_]:
    values, defined = _apply(bank, operation, rows)
    if isinstance(target, NumberTarget):
        return defined & target.accepts(values)
    return defined & ~((values != target.truth) & target.care).any(axis=1)


def _apply(bank: Bank, operation: Operation, rows: Rows) -> tuple[np.ndarray, NDArray[np.bool_]]:
    """Values (n, E) of the operation, and which rows are defined on all examples."""
    arguments = [
        bank.number.values.take(some, axis=0)
        if type_ == NUMBER
        else unpack(bank.bool.values[some], bank.examples)
        for type_, some in zip(operation.arguments, rows, strict=True)
    ]
    with np.errstate(all="ignore"):
        values = np.asarray(operation.array(np, *arguments))
        defined = np.ones(len(rows[0]), dtype=np.bool_)
        if operation.precondition is not None:
            allowed = operation.precondition(np, *arguments)
            defined &= np.broadcast_to(allowed, values.shape).all(axis=1)
    return values, defined


def _match(bank: Bank, operation: Operation, rows: tuple[int, ...], target: Target) -> Match:
    children = tuple(zip(operation.arguments, rows, strict=True))
    error = 0.0
    if isinstance(target, NumberTarget):
        index = tuple(np.array([row]) for row in rows)
        values = _apply(bank, operation, index)[0]
        error = box_error(values[0], target)
    return Match(operation.cost + total_cost(bank, children), operation.name, children, error=error)


def box_error(values: np.ndarray, target: NumberTarget) -> float:
    """Largest distance of values (E,) from the middle of the box, where it has one."""
    bounded = np.isfinite(target.low) & np.isfinite(target.high)
    middle = (target.low[bounded] + target.high[bounded]) / 2
    return float(np.max(np.abs(values[bounded] - middle), initial=0.0))
