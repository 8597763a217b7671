"""What a step may remember: the candidates for registers, made from features of an item.

A feature is a short expression over the item, each behaviour once. From it come a total, an
extreme, a count, a parity, the length of a run, and so on: the associative folds, resets and
holds of which running statistics are made. Beside them stand delayed items, delayed outputs and
the position; `grown` steps a memory by what another one holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank import BOOL as TRUTH
from distill.synthesize.bank import NUMBER
from distill.synthesize.enumerate import Search, deepen, entry_expression, open_search
from distill.synthesize.loops.explain import RARE, domain_of
from distill.synthesize.loops.registers import Memory, delayed
from distill.synthesize.loops.traces import Traces
from distill.synthesize.terms import Term
from distill.synthesize.vocabulary import operations
from dsl.loop import Register
from dsl.meanings.array import run_expression
from dsl.program import Const, Expression, const, free_variables, prim, substitute, var
from dsl.types import BOOL, INT, Vector

NOW = "now"
_HELD = "held"
OWN = "r"
"""How a register is called until it has a name."""

_FEATURES = 40
_COST = 3
_SYMBOLS = 16
_ITEMS = 200

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Feature:
    """An expression over the item, its values (n, T), and how long it is."""

    value: Expression
    values: Values
    cost: float


def memories(traces: Traces, constants: Sequence[int]) -> list[Memory]:
    """Candidates for registers, one for every behaviour on the traces, cheapest first."""
    found = [*_delays(traces), *_outputs(traces), _position(traces), *_by_symbol(traces)]
    numbers, truths = features(traces, constants)
    return distinct([*found, *_folds(numbers, truths)])


def grown(memories: Sequence[Memory], traces: Traces, first: int) -> list[Memory]:
    """Memories stepped by what others hold: extremes of totals, counts of returns, and so on.

    Their registers are numbered from `first`, so that none has the name of another.
    """
    found: list[Memory] = []
    for memory in memories:
        numbers, truths = _of_memory(memory, traces)
        found += [_behind(memory, m) for m in _folds(numbers, truths)]
    return distinct(found, first)


def distinct(found: Sequence[Memory], first: int = 0) -> list[Memory]:
    """One memory for every behaviour, the cheapest; those that never change are left out."""
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
    if own.name != OWN:
        return memory
    new = {OWN: var(f"{OWN}{number}", own.type)}
    made = Register(f"{OWN}{number}", own.start, substitute(own.update, new))
    return replace(
        memory,
        registers=(*chain, made),
        value=substitute(memory.value, new),
        scope={f"{OWN}{number}" if n == OWN else n: v for n, v in memory.scope.items()},
    )


def _behind(memory: Memory, fold: Memory) -> Memory:
    """A fold of what a memory holds, with that memory's registers."""
    return replace(
        fold,
        registers=(*memory.registers, *fold.registers),
        scope={**memory.scope, **fold.scope},
        cost=memory.cost + fold.cost,
    )


# --- features -------------------------------------------------------------------------------


def features(traces: Traces, constants: Sequence[int]) -> tuple[list[Feature], list[Feature]]:
    """Numbers and truths that an item suggests, one for every behaviour, shortest first."""
    table = np.stack([c.ravel().astype(np.int64) for c in traces.columns], 1)
    first = np.unique(table, axis=0, return_index=True)[1]
    first = first[np.linspace(0, len(first) - 1, min(len(first), _ITEMS)).astype(int)]
    items = {name: c.ravel()[first] for name, c in traces.fields.items()}
    domain = domain_of(items)
    leaves = [Term(var(name, kind), 1) for name, kind in traces.inputs]
    inside = {int(v) for c in items.values() for v in c if c.dtype != np.bool_}
    known = [0, 1, *constants, *(sorted(inside) if len(first) <= _SYMBOLS else ())]
    leaves += [Term(const(c), 1) for c in dict.fromkeys(known)]
    search = open_search(domain, tuple(items.values()), leaves, operations(domain, forbidden=RARE))
    search = deepen(search, _COST, entry_limit=2_000)
    return _listed(traces, search, NUMBER), _listed(traces, search, TRUTH)


def _listed(traces: Traces, search: Search, kind: str) -> list[Feature]:
    entries = search.bank.entries(kind)
    found: list[Feature] = []
    for row in range(len(entries)):
        value = entry_expression(search, row, kind)
        if isinstance(value, Const) or len(found) >= _FEATURES:
            continue
        values = computed(value, traces.fields)
        if values is not None and (values != values[0, 0]).any():
            found.append(Feature(value, values, float(entries.cost[row])))
    return found


def computed(value: Expression, scope: Mapping[str, Values]) -> Values | None:
    """Values (n, T) of an expression of whole numbers and truths; None where they are others."""
    shape = next(iter(scope.values())).shape[:2]
    flat = {n: c.reshape(-1, *c.shape[2:]) for n, c in scope.items()}
    with np.errstate(all="ignore"):
        values = np.broadcast_to(run_expression(value, flat), (shape[0] * shape[1],))
    if values.dtype == np.bool_:
        return values.reshape(shape)
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        return None
    return values.astype(np.int64).reshape(shape)


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


# --- delays ---------------------------------------------------------------------------------


def _delays(traces: Traces) -> Iterator[Memory]:
    several = len(traces.scalars) > 1
    for scalar in traces.scalars:
        ending = f"_{scalar.label}" if several else ""
        names = [f"{stem}{ending}" for stem in ("previous", "before", "third", "fourth")]
        new, values = var(scalar.name, scalar.type), traces.fields[scalar.name]
        start = const(False) if scalar.type == BOOL else const(0)
        yield from _line(names, new, values, start, 1.0, known=True)


def _outputs(traces: Traces) -> Iterator[Memory]:
    """The last outputs; what they are before the first item is for the search to find."""
    count = traces.outputs.shape[2]
    for place in range(count):
        ending = "" if count == 1 else str(place)
        kind = BOOL if traces.outputs.dtype == np.bool_ else INT
        names = [f"{s}{ending}" for s in ("last", "before_last", "third_last")]
        start = const(False) if kind == BOOL else const(0)
        new = var(f"{NOW}{ending}", kind)
        yield from _line(names, new, traces.outputs[:, :, place], start, 1.5, known=False)


def _line(
    names: Sequence[str], new: Expression, values: Values, start: Const, cost: float, known: bool
) -> Iterator[Memory]:
    """Delays of one value, the nearest first."""
    chain: tuple[Register, ...] = ()
    scope: dict[str, Values] = {}
    for depth, name in enumerate(names):
        values = delayed(values, 0)
        chain = (*chain, Register(name, start, new))
        scope = {**scope, name: values}
        new = var(name, new.type)
        yield Memory(chain, new, values, cost + depth, scope, 0 if known else depth + 1)


def _position(traces: Traces) -> Memory:
    place = np.broadcast_to(np.arange(traces.length), traces.care.shape)
    own = var("position", INT)
    register = Register("position", const(0), prim("add", own, const(1)))
    return Memory((register,), own, place, 2.0, {"position": place})


# --- folds of a feature ---------------------------------------------------------------------


def _folds(numbers: Sequence[Feature], truths: Sequence[Feature]) -> list[Memory]:
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


# --- one register for every symbol ----------------------------------------------------------


def _by_symbol(traces: Traces) -> Iterator[Memory]:
    """What was noted when the same item came before: a list with a place for every item."""
    if len(traces.inputs) > 1:
        return
    name, kind = next(iter(traces.inputs))
    x = next(iter(traces.columns))
    if kind != INT or x.min() < 0 or not 2 <= x.max() < _SYMBOLS:
        return
    size = int(x.max()) + 1
    same = (x[:, :, None] == x[:, None, :]) & np.tri(x.shape[1], k=-1, dtype=np.bool_)
    item, times = var(name, kind), same.sum(2)
    counts = var("counts", Vector(INT, (size,)))
    own = prim("item", counts, item)
    update = prim("put", counts, item, prim("add", own, const(1)))
    register = Register("counts", const((0,) * size), update)
    yield Memory((register,), own, times, 3.0 + size / 2)
    all_times = delayed((x[:, :, None] == np.arange(size)).cumsum(1), 0)
    yield Memory((register,), counts, all_times, 3.0 + size / 2)
    place = _position(traces)
    for stem, found in (("first", same.argmax(2)), ("latest", _latest(same))):
        held = np.where(times > 0, found, -1)
        list_ = var(stem, Vector(INT, (size,)))
        own = prim("item", list_, item)
        new: Expression = place.value
        if stem == "first":
            new = prim("if_", prim("less", own, const(0)), new, own)
        register = Register(stem, const((-1,) * size), prim("put", list_, item, new))
        yield Memory((*place.registers, register), own, held, 4.0 + size / 2, place.scope)


def _latest(same: NDArray[np.bool_]) -> NDArray[np.intp]:
    return same.shape[2] - 1 - same[:, :, ::-1].argmax(2)
