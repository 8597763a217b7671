"""Registers stepped by a feature: totals, extremes, counts, parities, runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from distill.synthesize.loops.features import Feature, Values
from distill.synthesize.loops.registers import Memory, delayed
from dsl.loop import Register
from dsl.program import Expression, const, prim, var
from dsl.types import BOOL, INT

OWN, KEPT, STACK = "r", "kept", "stack"
"""How registers are called until they have a name; a number tells several from each other."""


def folds(numbers: Sequence[Feature], truths: Sequence[Feature]) -> list[Memory]:
    """Registers stepped by numbers, and by truths."""
    found = [m for feature in numbers for m in _of_number(feature)]
    return found + [m for feature in truths for m in _of_truth(feature)]


def _memory(feature: Feature, start: int | bool, update: Expression, held: Values) -> Memory:
    """A register of its own with what it holds before each item."""
    own = var(OWN, update.type)
    register = Register(OWN, const(start), update)
    return Memory((register,), own, held, feature.cost + 1, {OWN: held})


def _of_number(feature: Feature) -> Iterator[Memory]:
    value, values = feature.value, feature.values
    low, high, own = int(values.min()), int(values.max()), var(OWN, INT)
    yield _memory(feature, 0, prim("add", own, value), delayed(values.cumsum(1), 0))
    largest, smallest = np.maximum.accumulate(values, 1), np.minimum.accumulate(values, 1)
    for start in {low, min(low, 0)}:
        held = np.maximum(delayed(largest, start), start)
        yield _memory(feature, start, prim("max", own, value), held)
    yield _memory(feature, high, prim("min", own, value), delayed(smallest, high))
    yield _stepped(feature, prim("sub", value, own), lambda r, x: x - r)
    if low < 0 < high:
        rest = prim("add", prim("max", own, const(0)), value)
        yield _stepped(feature, rest, lambda r, x: np.maximum(r, 0) + x)
        rest = prim("max", prim("add", own, value), const(0))
        yield _stepped(feature, rest, lambda r, x: np.maximum(r + x, 0))


def _of_truth(feature: Feature) -> Iterator[Memory]:
    value, values, truth = feature.value, feature.values, var(OWN, BOOL)
    count, own = values.cumsum(1), var(OWN, INT)
    yield _memory(feature, 0, prim("add", own, prim("as_int", value)), delayed(count, 0))
    yield _memory(feature, False, prim("xor", truth, value), delayed(count % 2 == 1, False))
    yield _memory(feature, False, prim("or_", truth, value), delayed(count > 0, False))
    run = prim("if_", value, prim("add", own, const(1)), const(0))
    yield _stepped(feature, run, lambda r, x: np.where(x, r + 1, 0))


def _stepped(
    feature: Feature, update: Expression, step: Callable[[Values, Values], Values]
) -> Memory:
    """A register that starts at 0, run over the feature's values."""
    state = np.zeros(len(feature.values), dtype=np.int64)
    held = []
    for t in range(feature.values.shape[1]):
        held.append(state)
        state = step(state, feature.values[:, t])
    return _memory(feature, 0, update, np.stack(held, 1))
