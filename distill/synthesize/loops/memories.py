"""What a step may remember: the candidates for registers, made from features of an item.

A feature is a short expression over the item, each behaviour once. From it come a total, an
extreme, a count, a parity, the length of a run, and so on: the associative folds, resets and
holds of which running statistics are made. Beside them stand delayed items, delayed outputs and
the position; `deeper` steps a memory by what another one holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from distill.synthesize.loops.delays import delays, outputs, position
from distill.synthesize.loops.features import Feature, computed, features
from distill.synthesize.loops.folds import KEPT, OWN, STACK, folds
from distill.synthesize.loops.holds import holds
from distill.synthesize.loops.lists import by_symbol
from distill.synthesize.loops.registers import Memory
from distill.synthesize.loops.stacks import stacks
from distill.synthesize.loops.traces import Traces
from dsl.loop import Register
from dsl.program import const, free_variables, prim, substitute, var
from dsl.types import BOOL, INT

_HELD = "held"


def memories(traces: Traces, constants: Sequence[int]) -> list[Memory]:
    """Candidates for registers, one for every behaviour on the traces, cheapest first."""
    found = [*delays(traces), *outputs(traces), position(traces), *by_symbol(traces)]
    numbers, truths = features(traces, constants)
    return distinct([*found, *folds(numbers, truths), *holds(truths, traces)])


def deeper(
    chosen: Sequence[Memory], traces: Traces, constants: Sequence[int], first: int
) -> list[Memory]:
    """What is tried when those don't do: memories grown on a few of them, and stacks."""
    truths = features(traces, constants)[1]
    return distinct([*_grown(chosen, traces), *stacks(truths, traces)], first)


def _grown(chosen: Sequence[Memory], traces: Traces) -> Iterator[Memory]:
    """Memories stepped by what others hold: extremes of totals, counts of returns, and so on."""
    for memory in chosen:
        numbers, truths = _of_memory(memory, traces)
        for fold in (*folds(numbers, truths), *holds(truths, traces)):
            yield _behind(memory, fold)


def distinct(found: Sequence[Memory], first: int = 0) -> list[Memory]:
    """One memory for every behaviour, the cheapest; those that never change are left out.

    Their registers are numbered from `first`, so that none has the name of another.
    """
    seen: dict[bytes, Memory] = {}
    for memory in sorted(found, key=lambda m: m.cost):
        held = memory.held
        if (held == held[:1, :1]).all():
            continue
        key = np.ascontiguousarray(held[:, memory.unknown :].astype(np.int64)).tobytes()
        seen.setdefault(key, memory)
    return [_numbered(m, n) for n, m in enumerate(seen.values(), first)]


def _numbered(memory: Memory, number: int) -> Memory:
    """The memory with its own register called by a number, if it has no name yet."""
    *chain, own = memory.registers
    if own.name not in (OWN, KEPT, STACK):
        return memory
    name = f"{own.name}{number}"
    new = {own.name: var(name, own.type)}
    made = Register(name, own.start, substitute(own.update, new))
    return replace(
        memory,
        registers=(*chain, made),
        value=substitute(memory.value, new),
        scope={name if n == own.name else n: v for n, v in memory.scope.items()},
    )


def _behind(memory: Memory, fold: Memory) -> Memory:
    """A fold of what a memory holds, with that memory's registers."""
    return replace(
        fold,
        registers=tuple({r.name: r for r in (*memory.registers, *fold.registers)}.values()),
        scope={**memory.scope, **fold.scope},
        cost=memory.cost + fold.cost,
    )


def _of_memory(memory: Memory, traces: Traces) -> tuple[list[Feature], list[Feature]]:
    """What a memory suggests: its new value, and how its old one compares with the item."""
    if memory.unknown or memory.held.ndim > 2:
        return [], []
    own = var(_HELD, memory.value.type)
    scope = {**traces.fields, **memory.scope, _HELD: memory.held}
    values = [own, memory.registers[-1].update]
    values = [v for v in values if free_variables(v).keys() <= scope.keys()]
    numbers = [v for v in values if v.type == INT]
    truths = [v for v in values if v.type == BOOL]
    for name, kind in traces.inputs:
        if kind == own.type:
            truths.append(prim("equal", own, var(name, kind)))
            if kind == INT:
                truths.append(prim("less", own, var(name, kind)))
                truths.append(prim("less", var(name, kind), own))
    truths += [prim("equal", v, const(0)) for v in numbers]
    made: list[list[Feature]] = [[], []]
    for place, group in enumerate((numbers, truths)):
        for value in group:
            found = computed(value, scope)
            if found is not None:
                value = substitute(value, {_HELD: memory.value})
                made[place].append(Feature(value, found, 1.0))
    return made[0], made[1]
