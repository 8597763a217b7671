"""Where loops are proposed from: sets of registers, accumulators, the network's own machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from distill.recurrent_target import Oracle
from distill.synthesize.loops.accumulate import Accumulator, Alphabet, accumulators, updates
from distill.synthesize.loops.explain import Depth, Stop, as_number, explain
from distill.synthesize.loops.folds import OWN
from distill.synthesize.loops.keys import mixed
from distill.synthesize.loops.machine import Machine, machine_of
from distill.synthesize.loops.memories import deeper, memories
from distill.synthesize.loops.registers import Memory, Rows, rows_of
from distill.synthesize.loops.sets import Sets
from distill.synthesize.loops.solve import loops_of
from distill.synthesize.loops.tables import table
from distill.synthesize.loops.traces import Traces, taken, traced
from dsl.loop import Loop, Register
from dsl.meanings.loop_array import trace_loop
from dsl.program import const, prim, var
from dsl.types import BOOL, INT

_SYMBOLS = 16
_WORDS = 100
_OUTPUTS = 30_000
_TRIED = 12
_SETS = 8
_SLACK = 0.5
_TABLED = 3
_DIGITS = 10
_OF_REGISTER = Depth(4, 15_000)

Proposal = tuple[str, Loop]


@dataclass(frozen=True, eq=False)
class Scene:
    """What all routes look at: the network's traces and what was made of them once.

    constants: whole numbers that the items and outputs suggest.
    """

    oracle: Oracle
    traces: Traces
    constants: tuple[int, ...]
    seed: int
    stop: Stop

    @cached_property
    def rows(self) -> Rows:
        """The rows of the traces that matter."""
        return rows_of(self.traces, self.seed)

    @cached_property
    def alphabet(self) -> Alphabet | None:
        """A few items and words over them; None where items or outputs are too many to list."""
        found = _alphabet(self.oracle, self.traces.length, self.seed)
        return found if found is not None and np.abs(found.outputs).max() <= _OUTPUTS else None

    @cached_property
    def sets(self) -> Sets:
        """Sets of registers of which the output is a function."""

        def more(chosen: Sequence[Memory], first: int) -> list[Memory]:
            return deeper(chosen, self.traces, self.constants, first)

        return Sets(self.rows, memories(self.traces, self.constants), more, self.stop)

    @cached_property
    def machine(self) -> Machine | None:
        """The network's states on words of its length."""
        return machine_of(self.oracle, self.seed)

    @cached_property
    def counted(self) -> tuple[int, ...]:
        """The constants and the number of states."""
        states = set() if self.machine is None else {len(self.machine.next)}
        return tuple(sorted({*self.constants, *states} - {0, 1}))


def scene_of(oracle: Oracle, traces: Traces, seed: int, stop: Stop) -> Scene:
    """What the routes look at for one network."""
    constants = tuple(_constants(oracle, traces))
    return Scene(oracle, traces, constants, seed, stop)


def _constants(oracle: Oracle, traces: Traces) -> list[int]:
    """Ends of the ranges of items and outputs, and one beyond."""
    ends = {2}
    if traces.outputs.dtype != np.bool_:
        ends |= {int(traces.outputs.max()), int(traces.outputs.max()) + 1}
    for field in oracle.domain.item.fields:
        if field.choices is not None:
            ends |= {field.choices - 1, field.choices}
    return sorted(c for c in ends if 1 < abs(c) <= 1 << 20)


def from_sets(
    scene: Scene, stages: Sequence[int], depth: Depth, most: int = _SETS
) -> Iterator[Proposal]:
    """Loops whose registers are folds, delays and positions; `most`: sets tried of a stage.

    A stage of sets ends with the first set that serves and what costs as much; none is begun
    once one served. What serves at this depth is looked at once more, for something shorter.
    """
    for stage in stages:
        enough = np.inf
        for chosen in scene.sets.stage(stage)[:most]:
            cost = sum(m.cost for m in chosen)
            if cost > enough or scene.stop():
                break
            found = list(loops_of(scene.traces, chosen, scene.constants, depth, scene.stop))
            if found and depth.cost < _OF_REGISTER.cost:
                found += loops_of(scene.traces, chosen, scene.constants, _OF_REGISTER, scene.stop)
            for loop in found:
                enough = min(enough, cost + _SLACK)
                yield "registers", loop
        if np.isfinite(enough) or scene.stop():
            return


def tabled(scene: Scene) -> Iterator[Proposal]:
    """Loops whose output is a table, or a table added to something."""
    for chosen in (*scene.sets.stage(0)[:_TABLED], *scene.sets.stage(1)[:_TABLED]):
        for loop in loops_of(
            scene.traces, chosen, scene.constants, _OF_REGISTER, scene.stop, tables=True
        ):
            yield "table", loop


def remembered(scene: Scene) -> Iterator[Proposal]:
    """Loops that remember everything: all items as the digits of one number, read both ways.

    Every output is a function of that, so only a short one says anything.
    """
    if len(scene.traces.scalars) != 1:
        return
    ((name, kind),), (values,) = scene.traces.inputs, scene.traces.columns
    base, item = int(values.max()) + 1, as_number(var(name, kind))
    if values.min() < 0 or not 2 <= base <= _DIGITS:
        return
    forward, backward, weight = (var(n, INT) for n in ("forward", "backward", "weight"))
    times = const(base)
    registers = (
        Register("weight", const(1), prim("mul", times, weight)),
        Register("forward", const(0), prim("add", prim("mul", times, forward), item)),
        Register("backward", const(0), prim("add", backward, prim("mul", weight, item))),
    )
    loop = Loop(scene.traces.inputs, registers, (), forward)
    held = trace_loop(loop, scene.traces.columns)
    chosen = [
        Memory(registers[:1], weight, held["weight"], 1.0, {"weight": held["weight"]}),
        Memory(registers[1:2], forward, held["forward"], 1.0, {"forward": held["forward"]}),
        Memory((registers[0], registers[2]), backward, held["backward"], 1.0, held),
    ]
    for made in loops_of(scene.traces, chosen, (), _OF_REGISTER, scene.stop):
        yield "digits", made


def accumulated(scene: Scene, cost: int, entries: int) -> Iterator[Proposal]:
    """Loops with one register that is stepped by any short expression."""
    alphabet = scene.alphabet
    if alphabet is None:
        return
    table = updates(alphabet, scene.counted, cost, entries, scene.stop)
    for tried, one in enumerate(accumulators(table, alphabet, (0, 1, -1)), 1):
        memory = as_memory(scene, one)
        if scene.rows.function([scene.rows.codes(memory)])[0]:
            for kept in (memory, *_as_truth(scene, memory)):
                for made in loops_of(scene.traces, [kept], scene.counted, _OF_REGISTER, scene.stop):
                    yield "accumulator", made
        if tried >= _TRIED or scene.stop():
            return


def as_memory(scene: Scene, one: Accumulator) -> Memory:
    """An accumulator run over the traces."""
    own = var(OWN, INT)
    register = Register(OWN, const(one.start), one.update)
    loop = Loop(scene.traces.inputs, (register,), (), own)
    with np.errstate(all="ignore"):
        held = trace_loop(loop, scene.traces.columns)[OWN]
    return Memory((register,), own, held, 1.0, {OWN: held})


def _as_truth(scene: Scene, memory: Memory) -> Iterator[Memory]:
    """A register that only ever holds 0 and 1 as a truth value."""
    held = memory.held
    if not ((held == 0) | (held == 1)).all():
        return
    own, truth = memory.registers[-1], held == 1
    columns = {n: c[:, :-1].ravel() for n, c in scene.traces.fields.items()}
    columns[OWN] = truth[:, :-1].ravel()
    found = explain(columns, truth[:, 1:].ravel(), scene.counted, _OF_REGISTER, scene.stop)
    for update in found[:1]:
        register = Register(OWN, const(bool(own.start.value)), update)
        yield Memory((register,), var(OWN, BOOL), truth, memory.cost, {OWN: truth})


def _alphabet(oracle: Oracle, length: int, seed: int) -> Alphabet | None:
    """A few items, the ends of every field among them, and words over them."""
    rng = np.random.default_rng([seed, 12])
    count = oracle.domain.symbols
    if count is None:
        return None
    chosen = np.arange(count)
    if count > _SYMBOLS:
        inner = 1 + rng.permutation(count - 2)[: _SYMBOLS - 2]
        chosen = np.sort(np.concatenate([[0, count - 1], inner]))
    points = [oracle.domain.item.points(int(c), int(c) + 1) for c in chosen]
    items = tuple(np.concatenate(parts) for parts in zip(*points, strict=True))
    words = rng.integers(0, len(chosen), (_WORDS, length))
    found = traced(oracle, tuple(c[words] for c in items))
    outputs = found.outputs[:, :, 0].astype(np.int64)
    if found.outputs.shape[2] > 1:
        flat = found.outputs.reshape(words.size, -1)
        outputs = np.unique(flat, axis=0, return_inverse=True)[1].reshape(words.shape)
    names = tuple(s.name for s in found.scalars)
    return Alphabet(names, taken(found.scalars, items), words, outputs, found.care)


def of_machine(scene: Scene) -> Iterator[Proposal]:
    """The network's own machine: a table of next states, the output by an expression or table."""
    machine, inputs = scene.machine, scene.traces.inputs
    if machine is None:
        return
    domain = scene.oracle.domain
    letters = taken(scene.traces.scalars, domain.item.points(0, domain.symbols or 0))
    held = machine.run(_numbers(letters, scene.traces))
    states, count = machine.next.shape
    own = var("state", INT)
    columns = {"state": np.repeat(np.arange(states), count)}
    columns |= {n: np.tile(c, states) for (n, _), c in zip(inputs, letters, strict=True)}
    update = table(columns, machine.next.ravel())
    if update is None:
        return
    memory = Memory((Register("state", const(0), update),), own, held, 1.0, {"state": held})
    if not scene.rows.function([scene.rows.codes(memory)])[0]:
        return
    for tables in (False, True):
        for loop in loops_of(
            scene.traces, [memory], scene.counted, _OF_REGISTER, scene.stop, tables
        ):
            yield "machine", loop


def _numbers(letters: tuple[np.ndarray, ...], traces: Traces) -> np.ndarray:
    """The number of every item of the traces, (n, T), among all items."""
    listed = mixed([c.astype(np.int64).view(np.uint64) for c in letters])
    items = mixed([c.astype(np.int64).view(np.uint64) for c in traces.columns])
    order = np.argsort(listed)
    return order[np.searchsorted(listed[order], items)]
