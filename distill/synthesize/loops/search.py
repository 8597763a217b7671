"""The search for a loop: sets of registers in order of size, until the output is a function.

One question is asked of every set: is the next output a function of the item and of what the
registers hold? Delayed items, delayed outputs and accumulators are all just registers; a
linear form is the case where the function is linear and needs no repetitions to be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from distill.synthesize.loops.accumulate import Alphabet, accumulators, updates
from distill.synthesize.loops.assemble import delay_line, loop_of_recurrence
from distill.synthesize.loops.explain import Depth, explain
from distill.synthesize.loops.linear import recurrence
from distill.synthesize.loops.machine import states_of
from distill.synthesize.loops.readable import readable
from distill.synthesize.loops.registers import delayed, is_function
from distill.synthesize.loops.traces import Traces, traces_of
from dsl.cost import loop_bits
from dsl.domain import Columns
from dsl.loop import Loop, Register
from dsl.meanings.loop_array import follow_loop, run_loop
from dsl.program import Expression, Prim, const, prim, size, substitute, var, walk
from dsl.types import BOOL, INT, Vector

_REPEATS = 1.6
_WINDOW = 4
_SYMBOLS = 16
_WORDS = 100
_TRIED = 12
_PART = 3
_ACCUMULATORS = ((5, 20_000), (7, 60_000))

NOW = "now"


@dataclass(frozen=True, eq=False)
class Found:
    """A loop that agrees with the network on all traces, with its length in bits."""

    loop: Loop
    bits: float
    route: str


def search_loops(
    oracle: Oracle, seed: int = 0, should_stop: Callable[[], bool] | None = None
) -> list[Found]:
    """Loops that agree with the network on the traces, shortest first."""
    traces = traces_of(oracle, seed)
    end = oracle.at_end
    found: list[Found] = []
    for route, loop in _proposals(oracle, traces, seed, found, should_stop):
        loop = replace(loop, at_end=end)
        if agrees(loop, traces):
            made = readable(loop)
            made = made if agrees(made, traces) else loop
            found.append(Found(made, loop_bits(made), route))
        if should_stop is not None and should_stop():
            break
    return sorted(found, key=lambda f: f.bits)


def agrees(loop: Loop, traces: Traces) -> bool:
    """Whether a loop gives the traces' outputs."""
    with np.errstate(all="ignore"):
        outputs = run_loop(loop, traces.columns)
    outputs = outputs if outputs.ndim == 3 else outputs[:, :, None]
    return bool((outputs == traces.outputs)[traces.care].all())


def _proposals(
    oracle: Oracle,
    traces: Traces,
    seed: int,
    found: list[Found],
    should_stop: Callable[[], bool] | None,
) -> Iterator[tuple[str, Loop]]:
    fields = oracle.domain.item.parameters
    truth = traces.outputs.dtype == np.bool_
    linear = recurrence(replace(traces, outputs=traces.outputs.astype(np.int64)))
    if linear is not None:
        yield "linear", loop_of_recurrence(linear, fields, truth)
    if traces.outputs.shape[2] > 1:
        return
    y = traces.outputs[:, :, 0]
    constants = _constants(oracle, y)
    for depth in range(_WINDOW + 1):
        loop = _windowed(traces, fields, y, depth, constants, should_stop)
        if loop is not None:
            yield "window", loop
            break
    if found and not found[0].loop.registers:
        return  # the output is a function of the item alone
    for loop in _fed_back(traces, fields, y, constants, should_stop):
        yield "feedback", loop
    counted = _tallied(oracle, traces, fields, y, constants, should_stop)
    if counted is not None:
        yield "tally", counted
    yield from _accumulated(oracle, traces, fields, y, constants, seed, found, should_stop)


def _constants(oracle: Oracle, y: NDArray[Any]) -> list[int]:
    """Numbers that the items and outputs suggest: ends of their ranges, and one beyond."""
    ends = {2, int(y.max()), int(y.max()) + 1}
    for field in oracle.domain.item.fields:
        if field.choices is not None:
            ends |= {field.choices - 1, field.choices}
    return sorted(c for c in ends if abs(c) > 1)


def _windowed(
    traces: Traces,
    fields: tuple,
    y: NDArray[Any],
    depth: int,
    constants: Sequence[int],
    should_stop: Callable[[], bool] | None,
) -> Loop | None:
    """The output from the item and the `depth` items before it (0 or false before the first)."""
    columns: dict[str, NDArray[Any]] = dict(traces.fields)
    registers: list[Register] = []
    values: dict[str, Expression] = {}
    for name, item in fields:
        made, held = delay_line(name, item, [0] * depth, len(fields) > 1)
        registers += made
        before = traces.fields[name]
        for k in range(depth):
            before = delayed(before, 0)
            key = f"{name}__{k}"
            columns[key] = before
            values[key] = held[k]
    good, repeats = is_function(list(columns.values()), y)
    if not good or repeats < _REPEATS:
        return None
    flat = {n: c.ravel() for n, c in columns.items()}
    bodies = explain(flat, y.ravel(), constants, should_stop=should_stop)
    for body in bodies[:1]:
        return Loop(fields, tuple(registers), (), substitute(body, values))
    return None


def _fed_back(
    traces: Traces,
    fields: tuple,
    y: NDArray[Any],
    constants: Sequence[int],
    should_stop: Callable[[], bool] | None,
) -> Iterator[Loop]:
    """The output from the item and the output before it."""
    truth = y.dtype == np.bool_
    starts = [0, 1] if truth else sorted({0, 1, -1, int(y.min()), int(y.max())} | _ends(traces))
    for start in sorted(starts, key=abs):
        columns = {**traces.fields, "last": delayed(y, start)}
        good, repeats = is_function(list(columns.values()), y)
        if not good or repeats < _REPEATS:
            continue
        flat = {n: c.ravel() for n, c in columns.items()}
        for body in explain(flat, y.ravel(), constants, should_stop=should_stop)[:1]:
            item = BOOL if truth else INT
            begin = const(bool(start) if truth else start, item)
            register = Register("last", begin, var(NOW, item))
            yield Loop(fields, (register,), ((NOW, body),), var(NOW, item))


def _ends(traces: Traces) -> set[int]:
    return {int(e) for c in traces.columns for e in (c.min(), c.max())}


def _alphabet(oracle: Oracle, rng: np.random.Generator) -> Alphabet | None:
    """A few items, the ends of every field among them, and words over them."""
    count = oracle.domain.symbols
    if count is None:
        return None
    chosen = np.arange(count)
    if count > _SYMBOLS:
        inner = 1 + rng.permutation(count - 2)[: _SYMBOLS - 2]
        chosen = np.sort(np.concatenate([[0, count - 1], inner]))
    items = tuple(np.concatenate([oracle.domain.item.points(int(c), int(c) + 1)[f] for c in chosen])
                  for f in range(len(oracle.domain.item.fields)))  # fmt: skip
    words = rng.integers(0, len(chosen), (_WORDS, oracle.length))
    return Alphabet(tuple(f.name for f in oracle.domain.item.fields), items, words)


def _tallied(
    oracle: Oracle,
    traces: Traces,
    fields: tuple,
    y: NDArray[Any],
    constants: Sequence[int],
    should_stop: Callable[[], bool] | None,
) -> Loop | None:
    """The output from how often every item has occurred so far."""
    field = oracle.domain.item.fields[0]
    size = field.choices
    if len(fields) != 1 or field.shape or size is None or not 2 < size <= _SYMBOLS or field.low:
        return None
    (name, item) = fields[0]
    x = traces.fields[name]
    counts = (x[:, :, None] == np.arange(size)).cumsum(1)
    flat = counts.reshape(-1, size)
    if not is_function([x, *np.moveaxis(counts, 2, 0)], y)[0]:
        return None
    columns = {name: x.ravel(), "counts": flat}
    register = var("counts", Vector(INT, (size,)))
    place = var(name, item)
    more = prim("add", prim("item", register, place), const(1))
    update = prim("put", register, place, more)
    for body in explain(columns, y.ravel(), constants, should_stop=should_stop)[:1]:
        body = substitute(body, {"counts": var(NOW, register.type)})
        start = const((0,) * size, register.type)
        held = Register("counts", start, var(NOW, register.type))
        return Loop(fields, (held,), ((NOW, update),), body)
    return None


def _accumulated(
    oracle: Oracle,
    traces: Traces,
    fields: tuple,
    y: NDArray[Any],
    constants: Sequence[int],
    seed: int,
    known: list[Found],
    should_stop: Callable[[], bool] | None,
) -> Iterator[tuple[str, Loop]]:
    rng = np.random.default_rng([seed, 12])
    alphabet = _alphabet(oracle, rng)
    if alphabet is None:
        return
    columns: Columns = tuple(c[alphabet.words] for c in alphabet.items)
    outputs = oracle.values(columns).astype(np.int64)
    if np.abs(outputs).max() > 30_000:
        return
    states = states_of(oracle, seed) or 0
    more = sorted({*constants, states} if states > 1 else constants)
    for cost, entries in _ACCUMULATORS:
        table = updates(alphabet, more, cost, entries)
        for tried, one in enumerate(accumulators(table, alphabet, outputs, (0, 1, -1)), 1):
            for loop in _with_accumulator(
                traces, fields, y, one.update, one.start, more, should_stop
            ):
                yield "accumulator", loop
            if tried >= _TRIED or (should_stop is not None and should_stop()):
                break
        if known:
            return


def _with_accumulator(
    traces: Traces,
    fields: tuple,
    y: NDArray[Any],
    update: Expression,
    start: int,
    constants: Sequence[int],
    should_stop: Callable[[], bool] | None,
) -> Iterator[Loop]:
    """Loops with one accumulator, the output found from item, old and new value."""
    register = Register("r", const(start), var(NOW, INT))
    lets = ((NOW, update),)
    with np.errstate(all="ignore"):
        after, before = follow_loop(Loop(fields, (register,), lets, var(NOW, INT)), traces.columns)
    held = before["r"]
    if not is_function([*traces.columns, held], y)[0]:
        return
    flat = {n: c.ravel() for n, c in {**traces.fields, "r": held, NOW: after}.items()}
    parts = _parts(update)
    for body in explain(flat, y.ravel(), constants, Depth(4, 15_000), should_stop, parts)[:4]:
        yield Loop(fields, (register,), lets, body)


def _parts(update: Expression) -> list[Expression]:
    """What is computed on the way to the register's next value."""
    inner = [n for n in walk(update) if isinstance(n, Prim) and n.type == INT and n is not update]
    return [n for n in inner if size(n) >= _PART]
