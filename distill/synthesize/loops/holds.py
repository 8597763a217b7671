"""Registers that keep something until a feature holds again: the last such item, or its place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.delays import position
from distill.synthesize.loops.features import Feature, Values
from distill.synthesize.loops.folds import KEPT
from distill.synthesize.loops.registers import Memory, delayed
from distill.synthesize.loops.traces import Traces
from dsl.loop import Register
from dsl.program import Expression, const, prim, var
from dsl.types import BOOL


def holds(truths: Sequence[Feature], traces: Traces) -> list[Memory]:
    """`r' = if c then e else r` for truths c and for their negations; e is a scalar of the item,
    or the position."""
    place = position(traces)
    found: list[Memory] = []
    for truth, said in product(truths, (True, False)):
        last = _last_place(truth.values == said)
        for name, kind in traces.inputs:
            found.append(_held(truth, said, last, var(name, kind), traces.fields[name]))
        made = _held(truth, said, last, place.value, place.held)
        registers, scope = (*place.registers, *made.registers), {**place.scope, **made.scope}
        found.append(Memory(registers, made.value, made.held, made.cost + 1, scope))
    return found


def _last_place(truth: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where it was last true, now included, (n, T); -1 where it never was."""
    places = np.where(truth, np.arange(truth.shape[1]), -1)
    return np.maximum.accumulate(places, axis=1)


def _held(
    truth: Feature, said: bool, last: NDArray[np.intp], kept: Expression, values: Values
) -> Memory:
    start = False if kept.type == BOOL else 0
    found = np.where(last < 0, start, np.take_along_axis(values, np.maximum(last, 0), 1))
    held = delayed(found.astype(values.dtype), start)
    own = var(KEPT, kept.type)
    branches = (kept, own) if said else (own, kept)
    register = Register(KEPT, const(start), prim("if_", truth.value, *branches))
    return Memory((register,), own, held, truth.cost + 2, {KEPT: held})
