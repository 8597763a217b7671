"""From a set of registers to loops: the output by the language's search, else by a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.beside import beside_columns
from distill.synthesize.loops.delays import NOW
from distill.synthesize.loops.explain import Depth, Stop, explain
from distill.synthesize.loops.registers import Memory
from distill.synthesize.loops.tables import added, table
from distill.synthesize.loops.traces import Traces
from distill.synthesize.terms import summaries_of
from dsl.cost import bits
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop
from dsl.program import (
    Expression,
    Prim,
    Var,
    const,
    free_variables,
    prim,
    size,
    substitute,
    transform,
    var,
    walk,
)
from dsl.types import BOOL, INT, Vector

_PART = 3
_FIRST = 200
_BODIES = 10
_STARTS = 150
_BESIDE = Depth(4, 15_000)

Values = NDArray[Any]


def loops_of(
    traces: Traces,
    chosen: Sequence[Memory],
    constants: Sequence[int],
    depth: Depth,
    should_stop: Stop | None = None,
    tables: bool = False,
) -> Iterator[Loop]:
    """Loops with these registers, an output found for every component; several where one is.

    tables: give a table instead, as the last resort.
    """
    columns, stand = _columns(traces, chosen)
    first = max((m.unknown for m in chosen), default=0)
    rows = traces.care.copy()
    rows[:, :first] = False
    if not rows.any():  # where nothing matters nothing is said
        return
    flat = {name: c[rows] for name, c in columns.items()}
    found: list[list[Expression]] = []
    for place in range(traces.outputs.shape[2]):
        wanted = traces.outputs[:, :, place][rows]
        if tables:
            bodies = [b for b in (table(flat, wanted), added(flat, wanted)) if b is not None]
        else:
            parts = _parts(chosen, columns)
            bodies = _bodies(flat, wanted, constants, depth, should_stop, parts)
            bodies = sorted(bodies, key=lambda b: _bits_beside(b, parts))
        if not bodies:
            return
        found.append([substitute(b, stand) for b in bodies])
    if len(found) == 1:
        for body in found[0][:_BODIES]:
            yield from _assembled(traces, chosen, [body])
    else:
        yield from _assembled(traces, chosen, [bodies[0] for bodies in found])


def _bodies(
    columns: dict[str, Values],
    wanted: Values,
    constants: Sequence[int],
    depth: Depth,
    should_stop: Stop | None,
    parts: Sequence[Expression],
) -> list[Expression]:
    """Expressions for an output, whole or beside one of the columns."""
    found = explain(columns, wanted, constants, depth, should_stop, parts)
    if found or (should_stop is not None and should_stop()):
        return found
    shallow = _BESIDE if depth.cost > _BESIDE.cost else depth

    def short(named: Mapping[str, Values], values: Values) -> list[Expression]:
        return explain(named, values, constants, shallow, should_stop)

    return beside_columns(columns, wanted, short)


def _columns(
    traces: Traces, chosen: Sequence[Memory]
) -> tuple[dict[str, Values], dict[str, Expression]]:
    """What the output is looked for in, and what names that are no registers stand for."""
    columns: dict[str, Values] = dict(traces.fields)
    stand: dict[str, Expression] = {}
    for number, memory in enumerate(chosen):
        columns |= memory.scope
        if isinstance(memory.value, Var):
            columns[memory.value.name] = memory.held
        else:
            columns[f"held{number}"] = memory.held
            stand[f"held{number}"] = memory.value
    return columns, stand


def _parts(chosen: Sequence[Memory], columns: dict[str, Values]) -> list[Expression]:
    """Next values, and what is computed on the way to them, as far as the columns allow."""
    found: dict[Expression, None] = {}
    for memory in chosen:
        update = memory.registers[-1].update
        if isinstance(update.type, Vector) and isinstance(memory.value, Var):
            found |= dict.fromkeys(summaries_of(update))
            continue
        for node in [update, *walk(update)]:
            if not isinstance(node, Prim) or node.type not in (INT, BOOL):
                continue
            if free_variables(node).keys() <= columns.keys() and (
                node is update or (size(node) >= _PART and node.type == INT)
            ):
                found[node] = None
    return list(found)


def _bits_beside(body: Expression, parts: Sequence[Expression]) -> float:
    """Bits of an output where what the step computes anyway has a name."""
    for number, part in enumerate(sorted(parts, key=size, reverse=True)):
        stand = var(f"part{number}", part.type)
        body = transform(body, lambda n, part=part, stand=stand: stand if n is part else None)
    return bits(body)


def _assembled(
    traces: Traces, chosen: Sequence[Memory], bodies: Sequence[Expression]
) -> Iterator[Loop]:
    """The loop of a set with its outputs; starts that are unknown are tried."""
    registers = list({r.name: r for m in chosen for r in m.registers}.values())
    names = [NOW] if len(bodies) == 1 else [f"{NOW}{i}" for i in range(len(bodies))]
    read = {n for r in registers for n in free_variables(r.update)}
    lets: tuple[tuple[str, Expression], ...] = ()
    outputs = list(bodies)
    if read & set(names):
        lets = tuple(zip(names, bodies, strict=True))
        outputs = [var(n, b.type) for n, b in lets]
    output = outputs[0] if len(outputs) == 1 else prim("vector", *outputs)
    loop = Loop(traces.inputs, tuple(registers), lets, output)
    own = [r for m in chosen if m.unknown for r in m.registers]
    unknown = [r.name for r in own if not isinstance(r.type, Vector)]
    yield from _started(loop, list(dict.fromkeys(unknown)), traces)


def _started(loop: Loop, unknown: Sequence[str], traces: Traces) -> Iterator[Loop]:
    """The loop with the first start of its unknown registers that agrees with the traces."""
    if not unknown:
        yield loop
        return
    few = tuple(c[:_FIRST] for c in traces.columns)
    wanted, care = traces.outputs[:_FIRST], traces.care[:_FIRST]
    tried = product(*(_starts(loop, name, traces) for name in unknown))
    for values in islice(tried, _STARTS):
        start = dict(zip(unknown, values, strict=True))
        registers = tuple(
            replace(r, start=const(start[r.name])) if r.name in start else r for r in loop.registers
        )
        made = replace(loop, registers=registers)
        with np.errstate(all="ignore"):
            outputs = run_loop(made, few)
        outputs = outputs if outputs.ndim == 3 else outputs[:, :, None]
        if (outputs == wanted)[care].all():
            yield made
            return


def _starts(loop: Loop, name: str, traces: Traces) -> list[Any]:
    register = next(r for r in loop.registers if r.name == name)
    if register.type == BOOL:
        return [False, True]
    ends = {int(e) for c in (*traces.columns, traces.outputs) for e in (c.min(), c.max())}
    return sorted({0, 1, -1, *ends}, key=lambda v: (abs(v), v < 0))
