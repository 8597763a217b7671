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
from distill.synthesize.loops.assemble import plain_names
from distill.synthesize.loops.erring import linear, nearly
from distill.synthesize.loops.explain import Depth, Stop
from distill.synthesize.loops.readable import ease, readable, usual
from distill.synthesize.loops.routes import (
    Proposal,
    Scene,
    accumulated,
    from_sets,
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

_RARELY = 0.01
"""The same where it ends a search before the dear stages."""

_EXCEPTION = 100_000.0
"""Bits that all traces are worth which a loop errs on: about 15 for each, of a few thousand."""

_ROUGH = 2

_ERRING = 0.01
"""Share of the outputs that a network may err on."""

_FEW = 2
"""Sets that are looked at deeply before larger ones are looked for."""

_RETOLD = 4
"""Loops, the shortest found, that are put in the words of a person."""

_SHALLOW = Depth(3, 15_000)
_MIDDLE = Depth(4, 20_000)


@dataclass(frozen=True, eq=False)
class Found:
    """A loop that agrees with the network on its traces, with its length in bits.

    error: the largest difference of a real output on them; wrong: the share of them on which
    another output differs, where the network errs.
    """

    loop: Loop
    bits: float
    route: str
    error: float = 0.0
    wrong: float = 0.0


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
    return _retold(sorted(found or clear, key=_told), oracle, traces)


def _retold(found: Sequence[Found], oracle: Oracle, traces: Traces) -> list[Found]:
    """The shortest loops as a person would write them, each once, before all others.

    Only those are compared for ease that leave as little unsaid as the best one.
    """
    sight = Sight(oracle.domain.item, traces.items)
    alike = [f for f in found if f.wrong == found[0].wrong][:_RETOLD]
    first: dict[Loop, Found] = {}
    for one in alike:
        made = readable(one.loop, sight)
        first.setdefault(made, replace(one, loop=made, bits=loop_bits(made)))
    rest = [f for f in found if f not in alike and f.loop not in first]
    return [*sorted(first.values(), key=lambda f: ease(f.loop)), *rest]


def _searched(oracle: Oracle, traces: Traces, seed: int, stop: Stop) -> list[Found]:
    """Loops that agree on all traces, or on nearly all where that says it in fewer bits."""
    found: list[Found] = []
    rough: list[Found] = []
    scene = scene_of(oracle, traces, seed, stop)
    for stage in _stages(scene):
        for route, loop in () if stage.last and (found or rough) else stage.proposals:
            wrong = departing(loop, traces.columns, traces)
            if wrong == 0.0:
                found.append(_finished(loop, oracle, traces, route))
            elif stage.rough and wrong <= _NEARLY:
                rough.append(_finished(loop, oracle, traces, route, wrong))
            if stop():
                break
        if stop() or (found and min(f.bits for f in found) <= stage.enough):
            break
        if stage.rough and min((f.wrong for f in rough), default=1.0) <= stage.rarely:
            break
    return sorted([*found, *sorted(rough, key=_told)[:_ROUGH]], key=_told)


def _told(found: Found) -> float:
    """Bits of a loop and of the outputs that it leaves unsaid."""
    return found.bits + _EXCEPTION * found.wrong


def _finished(loop: Loop, oracle: Oracle, traces: Traces, route: str, wrong: float = 0.0) -> Found:
    """A loop over scalars as one over fields that a person would write."""
    loop = over_fields(loop, oracle, traces)
    made = usual(loop)
    made = made if departing(made, traces.items, traces) <= wrong else loop
    return Found(made, loop_bits(made), route, wrong=wrong)


@dataclass(frozen=True)
class _Stage:
    """Proposals, the bits at which the stage is the last one, and whether they may err.

    rarely: share of the traces up to which a loop that errs ends the search as well; last: for
    when there is nothing else.
    """

    proposals: Iterator[Proposal]
    enough: float
    rough: bool = False
    rarely: float = 0.0
    last: bool = False


def _stages(scene: Scene) -> Iterator[_Stage]:
    """Proposals from cheap to dear.

    Loops for networks that err are asked for before the dear stages, since a register of which
    the output isn't quite a function is in none of the sets.
    """
    traces = scene.traces
    yield _Stage(linear(traces), np.inf)
    yield _Stage(from_sets(scene, FIRST, _SHALLOW), _SHORT)
    yield _Stage(accumulated(scene, 5, 20_000), _SHORT)
    yield _Stage(of_machine(scene), _SHORT)
    yield _Stage(tabled(scene), _SHORT)
    yield _Stage(linear(traces, _ERRING), _FAIR, True, _NEARLY)
    yield _Stage(nearly(scene, _SHALLOW), _FAIR, True, _RARELY)
    yield _Stage(nearly(scene, _SHALLOW, tables=True), _FAIR, True, _RARELY)
    yield _Stage(from_sets(scene, FIRST, Depth(), _FEW), _FAIR)
    yield _Stage(from_sets(scene, FURTHER, _MIDDLE), _FAIR)
    yield _Stage(from_sets(scene, FIRST, Depth()), _FAIR)
    yield _Stage(accumulated(scene, 7, 60_000), _FAIR)
    yield _Stage(remembered(scene), _FAIR)
    yield _Stage(nearly(scene, _MIDDLE), _FAIR, True, _NEARLY, last=True)
    yield _Stage(nearly(scene, Depth()), _FAIR, True, _NEARLY, last=True)


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
    names = plain_names(own, dict(inputs))
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
