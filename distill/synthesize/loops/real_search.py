"""The search for loops over real numbers: items, outputs or both.

    linear    sums of delayed items and outputs                               (real_linear)
    pieces    affine and quadratic forms of item and registers, two pieces    (real_pieces)
    bank      the ordinary search over item and registers, within the tolerance (real_explain)

Sets of registers are tried in the order of what they leave open (`real_sets`). All constants of a
real output are fitted again by following the loop (`real_constants`). Loops must be within the
tolerance on sequences of all kinds, or, where none is, on uniform ones, which claims are about;
with a default tolerance that gives way, within twice of it then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from distill.recurrent_target import Oracle
from distill.run.budget import spend
from distill.synthesize.loops.delays import NOW
from distill.synthesize.loops.explain import Depth, Stop, as_number
from distill.synthesize.loops.readable import usual
from distill.synthesize.loops.real_constants import (
    Fitted,
    Floats,
    bounded,
    largest_error,
    opened,
    opened_value,
    score,
    settled,
)
from distill.synthesize.loops.real_explain import explain_reals
from distill.synthesize.loops.real_linear import real_recurrence
from distill.synthesize.loops.real_memories import on, real_memories
from distill.synthesize.loops.real_pieces import Rows, pieces
from distill.synthesize.loops.real_sets import Ranked, ranked_sets
from distill.synthesize.loops.registers import Memory
from distill.synthesize.loops.search import Found, over_fields
from distill.synthesize.loops.traces import Traces, traced, traces_of
from dsl.cost import loop_bits
from dsl.loop import Loop, Register
from dsl.meanings.array import run_expression
from dsl.meanings.loop_array import run_loop
from dsl.program import Expression, Var, const, free_variables, prim, substitute, var
from dsl.types import BOOL, TypeMismatch

SOFT = 2.0
"""Times a default tolerance that a loop may need."""

_SEQUENCES, _NUMBERS = 1_000, 24_000
_ROWS = 4_000
_SETS = 6
_ENOUGH = 3
"""Loops after which a stage that found some is left."""

_SHALLOW, _DEEP = Depth(3, 8_000), Depth(5, 20_000, rare=True)
_BODIES = 3
_FOLLOWED = 11
"""Constants that are fitted by following a loop, at most."""

_DISCRETE_BITS = 8.0


@dataclass(frozen=True, eq=False)
class _Examples:
    """Traces with the tolerance that loops must keep on them."""

    traces: Traces
    tolerance: float


def search_real_loops(
    oracle: Oracle, seed: int = 0, should_stop: Stop | None = None
) -> list[Found]:
    """Loops within the tolerance of the network on traces, the best first.

    The best has the fewest bits, each halving of its error counting for a few of them.
    """
    stop = should_stop or (lambda: False)
    every = [_of_all_kinds(oracle, seed), _uniform(oracle, seed)]
    ranked: list[Ranked] | None = None
    for stage in ("linear", "bank", "pieces", "deep"):
        if ranked is None and stage != "linear":
            known = real_memories(every[0].traces)
            ranked = ranked_sets(every[0].traces, known, _SETS, stop, seed)
        for examples in every:
            made = _stage(stage, oracle, examples, ranked or [], stop)
            found = [_finished(f, oracle, examples, stage) for f in made]
            if found:
                return [f for _, f in sorted(found, key=lambda pair: pair[0])]
            if stop():
                return []
    return []


def _of_all_kinds(oracle: Oracle, seed: int) -> _Examples:
    return _Examples(traces_of(oracle, seed, count=_SEQUENCES), oracle.tolerance)


def _uniform(oracle: Oracle, seed: int) -> _Examples:
    rng = np.random.default_rng([seed, 12])
    count = min(_SEQUENCES, _NUMBERS // oracle.length)
    traces = traced(oracle, oracle.domain.sample(rng, count, oracle.length))
    return _Examples(traces, oracle.tolerance * (SOFT if oracle.soft else 1.0))


def _stage(
    stage: str, oracle: Oracle, examples: _Examples, ranked: list[Ranked], stop: Stop
) -> list[Fitted]:
    traces, tolerance = examples.traces, examples.tolerance
    if stage == "linear":
        found = real_recurrence(traces, tolerance, stop) if oracle.real else None
        return [found] if found else []
    if traces.outputs.shape[2] != 1 or (stage == "pieces" and not oracle.real):
        return []
    found, size = list[Fitted](), 0
    for one in ranked:
        chosen = replace(one, memories=tuple(on(traces, m) for m in one.memories))
        larger = found and len(chosen.memories) > size
        if larger or len(found) >= _ENOUGH or stop():
            break
        size = len(chosen.memories)
        if stage == "pieces":
            found += _in_pieces(chosen, traces, tolerance, stop)
        else:
            depth = _DEEP if stage == "deep" else _SHALLOW
            found += _explained(chosen, oracle, traces, tolerance, depth, stop)
    return found


# --- outputs of a set of registers --------------------------------------------------------------


def _in_pieces(chosen: Ranked, traces: Traces, tolerance: float, stop: Stop) -> Iterator[Fitted]:
    columns, wanted = _rows(traces, chosen.memories)
    typed = _variables(traces, chosen.memories)
    leaves = [as_number(typed[n]) for n in columns]
    numbers = np.stack([c.astype(np.float64) for c in columns.values()], 1)
    truths = _truths(columns, typed)
    for form in pieces(leaves, numbers, truths, wanted[:, 0].astype(np.float64), tolerance):
        if stop():
            return
        found = _fitted(form.make, form.start, chosen, traces, tolerance, stop)
        if found is not None:
            yield found
            return


def _truths(columns: dict[str, Any], typed: dict[str, Var]) -> list[tuple[Expression, Rows]]:
    """What may choose between pieces: truths, signs, one number above another."""
    found: list[tuple[Expression, Rows]] = []
    names = list(columns)
    for place, name in enumerate(names):
        if typed[name].type == BOOL:
            found.append((typed[name], columns[name]))
            continue
        found.append((prim("greater", typed[name], const(0)), columns[name] > 0))
        for other in names[place + 1 :]:
            if typed[other].type != BOOL:
                more = prim("greater", typed[name], typed[other])
                found.append((more, columns[name] > columns[other]))
    return found


def _explained(
    chosen: Ranked, oracle: Oracle, traces: Traces, tolerance: float, depth: Depth, stop: Stop
) -> Iterator[Fitted]:
    columns, wanted = _rows(traces, chosen.memories, clear=not oracle.real)
    parts = [
        r.update for m in chosen.memories for r in m.registers
        if free_variables(r.update).keys() <= columns.keys() and not isinstance(r.update, Var)
    ]  # fmt: skip
    for body in explain_reals(columns, wanted[:, 0], tolerance, parts, depth, stop)[:_BODIES]:
        if oracle.real:
            found = _fitted(*opened_value(body), chosen, traces, tolerance, stop)
        else:
            found = _discrete(body, chosen, oracle, traces)
        if found is not None:
            yield found


def _discrete(body: Expression, chosen: Ranked, oracle: Oracle, traces: Traces) -> Fitted | None:
    """A loop of discrete outputs that differ on no more than the tolerance's share."""
    registers = list({r.name: r for m in chosen.memories for r in m.registers}.values())
    try:
        loop = assembled(traces, registers, body)
    except TypeMismatch:
        return None
    with np.errstate(all="ignore"):
        outputs = run_loop(loop, traces.columns)
    outputs = outputs if outputs.ndim == 3 else outputs[:, :, None]
    wrong = float(oracle.differ(traces.outputs, outputs)[traces.care].mean())
    if wrong > oracle.tolerance:
        return None
    bits = loop_bits(loop)
    relative = max(wrong / (oracle.tolerance or 1.0), 1e-2)
    return Fitted(loop, wrong, bits, bits + _DISCRETE_BITS * float(np.log2(relative)))


def _rows(
    traces: Traces, memories: tuple[Memory, ...], clear: bool = False
) -> tuple[dict[str, Any], Any]:
    """Columns (n,) of the item and of what registers hold, and the outputs (n, k)."""
    columns = dict(traces.fields)
    for memory in memories:
        columns |= memory.scope
    where = np.flatnonzero(traces.care.ravel())
    rng = np.random.default_rng(29)
    where = np.sort(rng.permutation(where)[:_ROWS])
    flat = {n: c.reshape(-1)[where] for n, c in columns.items()}
    return flat, traces.outputs.reshape(-1, traces.outputs.shape[2])[where]


def _variables(traces: Traces, memories: tuple[Memory, ...]) -> dict[str, Var]:
    own = {r.name: r.type for m in memories for r in m.registers}
    found = {n: var(n, t) for n, t in (*traces.inputs, *own.items())}
    return {n: v for n, v in found.items() if isinstance(v, Var)}


def assembled(traces: Traces, registers: Sequence[Register], body: Expression) -> Loop:
    """The loop of some registers with its output."""
    read = {n for r in registers for n in free_variables(r.update)}
    lets: tuple[tuple[str, Expression], ...] = ()
    if NOW in read:
        lets, body = ((NOW, body),), var(NOW, body.type)
        registers = [_reading(r, body) for r in registers]
    return Loop(traces.inputs, tuple(registers), lets, body)


def _reading(register: Register, now: Expression) -> Register:
    """A register of the last output, whatever number that is."""
    reads = isinstance(register.update, Var) and register.update.name == NOW
    return replace(register, update=now) if reads else register


def _fitted(
    make: Callable[[Floats], Expression],
    start: Floats,
    chosen: Ranked,
    traces: Traces,
    tolerance: float,
    stop: Stop,
) -> Fitted | None:
    """The loop of an output with open constants, fitted.

    Where no register holds a last output or has constants of its own, what they hold is known
    from the traces, and nothing needs to be followed.
    """
    registers = list({r.name: r for m in chosen.memories for r in m.registers}.values())
    if any(_is_open(r) for r in registers):
        kept, first = opened(registers)
        if len(start) + len(first) > _FOLLOWED:
            return None

        def loop(constants: Floats) -> Loop:
            made = kept(constants[len(start) :])
            return assembled(traces, made, make(constants[: len(start)]))

        return settled(loop, np.concatenate([start, first]), traces, tolerance, stop)
    columns, wanted = _rows(traces, chosen.memories)
    goal = wanted[:, 0].astype(np.float64)

    def residual(constants: Floats) -> Floats:
        spend(stop, len(goal) * len(constants) // 1000)
        with np.errstate(all="ignore"):
            found = run_expression(make(constants), columns)
        return bounded(np.broadcast_to(found, goal.shape) - goal)

    return settled(
        lambda c: assembled(traces, registers, make(c)), start, traces, tolerance, stop, residual
    )  # fmt: skip


def _is_open(register: Register) -> bool:
    """Whether a register reads the output, or holds constants that are to be fitted."""
    reads = NOW in free_variables(register.update)
    return reads or bool(len(opened_value(register.update)[1]))


def _finished(made: Fitted, oracle: Oracle, examples: _Examples, stage: str) -> tuple[float, Found]:
    """A loop over scalars as one over fields that a person would write, with its score."""
    traces = examples.traces
    loop = _plainly_named(over_fields(made.loop, oracle, traces))
    shorter = usual(loop)
    of_items = replace(traces, columns=traces.items)
    error = partial(largest_error, traces=of_items) if oracle.real else partial(_share, of_items)
    reached = error(shorter)
    if reached > max(made.error * 1.01, 1e-9):
        shorter, reached = loop, made.error
    bits = loop_bits(shorter)
    found = Found(shorter, bits, stage, reached if oracle.real else 0.0)
    return score(bits, reached, examples.tolerance), found


def _plainly_named(loop: Loop) -> Loop:
    """Registers without the numbers that told candidates of one kind apart, where they can be."""
    taken = {name for name, _ in loop.inputs} | {name for name, _ in loop.lets}
    names: dict[str, str] = {}
    for register in loop.registers:
        stem = register.name.rstrip("0123456789")
        names[register.name] = register.name if stem in taken else stem
        taken.add(names[register.name])
    if len(set(names.values())) < len(names):
        return loop
    new: dict[str, Expression] = {r.name: var(names[r.name], r.type) for r in loop.registers}
    registers = tuple(
        Register(names[r.name], r.start, substitute(r.update, new)) for r in loop.registers
    )
    lets = tuple((n, substitute(v, new)) for n, v in loop.lets)
    return replace(loop, registers=registers, lets=lets, output=substitute(loop.output, new))


def _share(traces: Traces, loop: Loop) -> float:
    with np.errstate(all="ignore"):
        outputs = run_loop(loop, traces.columns)
    outputs = outputs if outputs.ndim == 3 else outputs[:, :, None]
    return float((outputs != traces.outputs).any(2)[traces.care].mean())
