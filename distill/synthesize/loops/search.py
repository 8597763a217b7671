"""The search for a loop: sets of registers in order of size, until the output is a function.

One question is asked of every set: is the next output a function of the item and of what the
registers hold? Delayed items, delayed outputs, folds of features and accumulators are all just
registers; a linear form is the case where the function is linear and needs no repetitions to be
seen, and a finite machine the one where a single register holds the state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distill.recurrent_target import Oracle
from distill.synthesize.loops.assemble import loop_of_recurrence
from distill.synthesize.loops.explain import Depth, Stop
from distill.synthesize.loops.linear import recurrence
from distill.synthesize.loops.readable import ease, readable, usual
from distill.synthesize.loops.routes import (
    Proposal,
    Scene,
    accumulated,
    from_sets,
    nearly,
    of_machine,
    remembered,
    scene_of,
    tabled,
)
from distill.synthesize.loops.same import Sight
from distill.synthesize.loops.sets import FIRST, FURTHER
from distill.synthesize.loops.traces import Traces, traces_of
from dsl.cost import loop_bits
from dsl.domain import Columns
from dsl.loop import Loop, Register
from dsl.meanings.loop_array import run_loop
from dsl.program import substitute, var

_SHORT = 100.0
"""Bits below which a loop is short enough for the search to end."""

_FAIR = 130.0
"""The same once the dear stages have begun."""

_NEARLY = 0.05
"""Share of the traces on which the loop of a network that errs may give something else."""

_ERRING = 0.01
"""Share of the outputs that a network may err on."""

_RETOLD = 4
"""Loops, the shortest found, that are put in the words of a person."""

_SHALLOW = Depth(3, 15_000)
_MIDDLE = Depth(4, 20_000)


@dataclass(frozen=True, eq=False)
class Found:
    """A loop that agrees with the network on all traces, with its length in bits.

    error: the largest difference of a real output on them.
    """

    loop: Loop
    bits: float
    route: str
    error: float = 0.0


def search_loops(oracle: Oracle, seed: int = 0, should_stop: Stop | None = None) -> list[Found]:
    """Loops that agree with the network on the traces, shortest first.

    Only clear decisions matter at first; where the loops of those aren't the network's on nearly
    all traces, all decisions do. Where that leads nowhere, the loops of the clear ones stand.
    """
    traces = traces_of(oracle, seed)
    stop = should_stop or (lambda: False)
    counts = np.broadcast_to(oracle.counts(traces.length), traces.care.shape)
    all_matter = replace(traces, care=counts)
    clear = _searched(oracle, traces, seed, stop)
    found = [f for f in clear if departing(f.loop, traces.items, all_matter) <= _NEARLY]
    if not found and not stop() and (traces.care != counts).any():
        found = _searched(oracle, all_matter, seed, stop)
    return _retold(sorted(found or clear, key=lambda f: f.bits), oracle, traces)


def _retold(found: Sequence[Found], oracle: Oracle, traces: Traces) -> list[Found]:
    """The shortest loops as a person would write them, each once; the easiest to read first."""
    sight = Sight(oracle.domain.item, traces.items)
    first: dict[Loop, Found] = {}
    for one in found[:_RETOLD]:
        made = readable(one.loop, sight)
        first.setdefault(made, Found(made, loop_bits(made), one.route))
    rest = [f for f in found[_RETOLD:] if f.loop not in first]
    return sorted([*first.values(), *rest], key=lambda f: ease(f.loop))


def _searched(oracle: Oracle, traces: Traces, seed: int, stop: Stop) -> list[Found]:
    found: list[Found] = []
    scene = scene_of(oracle, traces, seed, stop)
    for stage, enough in _stages(scene):
        for route, loop in stage:
            if agrees(loop, traces.columns, traces):
                found.append(_finished(loop, oracle, traces, route))
            if stop():
                break
        if stop() or (found and min(f.bits for f in found) <= enough):
            break
    if not found and not stop():
        found = _nearly(scene)
    return found


def _finished(loop: Loop, oracle: Oracle, traces: Traces, route: str, wrong: float = 0.0) -> Found:
    """A loop over scalars as one over fields that a person would write."""
    loop = over_fields(loop, oracle, traces)
    made = usual(loop)
    made = made if departing(made, traces.items, traces) <= wrong else loop
    return Found(made, loop_bits(made), route)


def _nearly(scene: Scene) -> list[Found]:
    """Loops that agree with the network on most traces, where none agrees with it on all."""
    traces = scene.traces
    found: list[Found] = []
    stages = (_linear(traces, _ERRING), nearly(scene, _MIDDLE), nearly(scene, Depth()))
    for stage in stages:
        for route, loop in stage:
            wrong = departing(loop, traces.columns, traces)
            if wrong <= _NEARLY:
                found.append(_finished(loop, scene.oracle, traces, route, wrong))
        if found:
            break
    return found


def _stages(scene: Scene) -> Iterator[tuple[Iterator[Proposal], float]]:
    """Proposals from cheap to dear, each stage with the bits at which it is the last one."""
    yield _linear(scene.traces), np.inf
    yield from_sets(scene, FIRST, _SHALLOW), _SHORT
    yield accumulated(scene, 5, 20_000), _SHORT
    yield of_machine(scene), _SHORT
    yield tabled(scene), _SHORT
    yield from_sets(scene, FIRST, Depth()), _FAIR
    yield from_sets(scene, FURTHER, _MIDDLE), _FAIR
    yield accumulated(scene, 7, 60_000), _FAIR
    yield remembered(scene), _FAIR


def _linear(traces: Traces, tolerance: float = 0.0) -> Iterator[Proposal]:
    truth = traces.outputs.dtype == np.bool_
    found = recurrence(replace(traces, outputs=traces.outputs.astype(np.int64)), tolerance)
    if found is not None:
        yield "linear", loop_of_recurrence(found, traces.inputs, truth)


def agrees(loop: Loop, columns: Columns, traces: Traces) -> bool:
    """Whether a loop gives the traces' outputs on their items, as scalars or as fields."""
    return departing(loop, columns, traces) == 0.0


def departing(loop: Loop, columns: Columns, traces: Traces) -> float:
    """Share of the traces on which a loop gives another output that matters."""
    with np.errstate(all="ignore"):
        outputs = run_loop(loop, columns)
    outputs = outputs if outputs.ndim == 3 else outputs[:, :, None]
    wrong = (outputs != traces.outputs).any(2) & traces.care
    return float(wrong.any(1).mean())


def over_fields(loop: Loop, oracle: Oracle, traces: Traces) -> Loop:
    """A loop over an item's scalars as one over its fields."""
    values = {s.name: s.value for s in traces.scalars}
    inputs = oracle.domain.item.parameters
    own = {r.name: r.type for r in loop.registers} | {n: v.type for n, v in loop.lets}
    names = {n: f"{n}_" if n in dict(inputs) else n for n in own}
    values |= {n: var(names[n], own[n]) for n in own}
    return Loop(
        inputs,
        tuple(
            Register(names[r.name], r.start, substitute(r.update, values)) for r in loop.registers
        ),
        tuple((names[n], substitute(v, values)) for n, v in loop.lets),
        substitute(loop.output, values),
        loop.name,
        oracle.at_end,
    )
