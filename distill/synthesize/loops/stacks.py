"""Stacks: something is laid on top, and taken off where the item says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from distill.synthesize.loops.delays import delays, outputs
from distill.synthesize.loops.features import Feature, Values
from distill.synthesize.loops.folds import STACK
from distill.synthesize.loops.registers import Memory
from distill.synthesize.loops.traces import Traces
from dsl.loop import Register
from dsl.program import Expression, const, prim, var
from dsl.types import INT, Vector

_TRUTHS = 24
_SIZES = (2, 3, 4)


def stacks(truths: Sequence[Feature], traces: Traces) -> list[Memory]:
    """Stacks of items and of outputs, popped where a truth of the item holds or where it doesn't.

    A stack has a few places; what falls off its end is lost, and 0 comes up from below. What is
    pushed is the last item or output, so that the new one is still at hand beside the stack.
    """
    found: list[Memory] = []
    for pushed in _pushed(traces):
        for truth in truths[:_TRUTHS]:
            for popped in (truth.values, ~truth.values):
                for size in _SIZES:
                    found += _stack(pushed, truth, popped, size)
    return found


def _pushed(traces: Traces) -> Iterator[Memory]:
    """The last output and the last item, where they are whole numbers."""
    for memory in (*outputs(traces), *delays(traces)):
        if len(memory.registers) == 1 and memory.value.type == INT:
            yield memory


def _stack(pushed: Memory, truth: Feature, popped: Values, size: int) -> Iterator[Memory]:
    count, length = popped.shape
    state = np.zeros((count, size), dtype=np.int64)
    tops = []
    for t in range(length):
        tops.append(state[:, 0])
        off = np.zeros_like(state)
        off[:, :-1] = state[:, 1:]
        on = np.concatenate([pushed.held[:, t, None], state[:, :-1]], axis=1)
        state = np.where(popped[:, t, None], off, on)
    held = np.stack(tops, 1)
    own = var(STACK, Vector(INT, (size,)))
    off = prim("concat", prim("slice", own, const(1), const(size)), prim("vector", const(0)))
    on = prim("concat", prim("vector", pushed.value), prim("slice", own, const(0), const(size - 1)))
    branches: tuple[Expression, Expression] = (off, on)
    if popped is not truth.values:
        branches = (on, off)
    register = Register(STACK, const((0,) * size), prim("if_", truth.value, *branches))
    value = prim("item", own, const(0))
    cost = pushed.cost + truth.cost + size
    yield Memory((*pushed.registers, register), value, held, cost, pushed.scope, pushed.unknown)
