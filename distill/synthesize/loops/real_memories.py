"""What a loop over real numbers may keep: folds of the item, last items, last outputs, the place.

Every register is what a person would keep by name: a total, an extreme, a count, what came before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from distill.synthesize.loops.delays import NOW
from distill.synthesize.loops.explain import as_number
from distill.synthesize.loops.registers import Memory, delayed
from distill.synthesize.loops.traces import Traces
from dsl.loop import Loop, Register
from dsl.meanings.loop_array import trace_loop
from dsl.program import Expression, const, free_variables, prim, var
from dsl.types import BOOL, INT, REAL, Type

_DECAYS = (Fraction(1, 2), Fraction(4, 5), Fraction(9, 10))
"""Where the fit of a leaky total begins."""

_PRODUCTS = 3
"""Fields up to which products of two are folded."""


def real_memories(traces: Traces) -> list[Memory]:
    """Candidates for registers, the usual ones first; of those that hold the same, the first."""
    found: dict[bytes, Memory] = {}
    for memory in _all(traces):
        rounded = np.round(memory.held.astype(np.float64), 9)
        if np.ptp(rounded) > 0:
            found.setdefault(rounded.tobytes(), memory)
    return list(found.values())


def on(traces: Traces, memory: Memory) -> Memory:
    """The same registers on other traces."""
    if any(NOW in free_variables(r.update) for r in memory.registers):
        same = [m for m in _outputs(traces) if m.registers == memory.registers]
        return same[0]
    return _memory(traces, memory.registers, memory.cost)


def _all(traces: Traces) -> Iterator[Memory]:
    several = len(traces.scalars) > 1
    for scalar in traces.scalars:
        end = f"_{scalar.label}" if several else ""
        x: Expression = var(scalar.name, scalar.type)
        yield from _before(traces, x, end)
    yield from _outputs(traces)
    yield _fold(traces, "position", const(0), lambda r: prim("add", r, const(1)), 1)
    for name, value, cost in _features(traces):
        yield from _folds(traces, name, value, cost)
    yield from _conditional(traces)


def _before(traces: Traces, x: Expression, end: str) -> Iterator[Memory]:
    """The last two items, and how often an item was more than the one before it."""
    zero = const(False) if x.type == BOOL else const(0, x.type)
    first, second = var(f"previous{end}", x.type), var(f"before{end}", x.type)
    one = Register(first.name, zero, x)
    two = Register(second.name, zero, first)
    yield _memory(traces, (one,), 1)
    yield _memory(traces, (one, two), 2)
    if x.type == BOOL:
        return
    rises = var(f"rises{end}", INT)
    more = prim("add", rises, prim("as_int", prim("greater", x, first)))
    yield _memory(traces, (one, Register(rises.name, const(0), more)), 3)


def _outputs(traces: Traces) -> Iterator[Memory]:
    """The last output and the one before it; on the traces they are the network's."""
    if traces.outputs.shape[2] != 1:
        return
    values = traces.outputs[:, :, 0]
    kind: Type = BOOL if values.dtype == np.bool_ else INT if values.dtype.kind == "i" else REAL
    start = const(False) if kind == BOOL else const(0, kind)
    last, older = var("last", kind), var("before_last", kind)
    one, two = (Register("last", start, var(NOW, kind)), Register("before_last", start, last))
    held = delayed(values, 0)
    yield Memory((one,), last, held, 1, {"last": held})
    earlier = delayed(held, 0)
    yield Memory((one, two), older, earlier, 2, {"last": held, "before_last": earlier})


def _features(traces: Traces) -> Iterator[tuple[str, Expression, float]]:
    """Numbers of an item that are worth folding: themselves, sizes, squares, signs, products."""
    several = len(traces.scalars) > 1
    own: list[tuple[str, Expression]] = []
    for scalar, column in zip(traces.scalars, traces.columns, strict=True):
        x: Expression = var(scalar.name, scalar.type)
        end = f"_{scalar.label}" if several else ""
        own.append((end, as_number(x)))
        yield end, as_number(x), 1
        if scalar.type == BOOL:
            continue
        if column.min() < 0:
            yield f"_size{end}", prim("abs", x), 2
        yield f"_square{end}", prim("mul", x, x), 2
        if column.min() < 0 < column.max():
            yield f"_above{end}", prim("as_int", prim("greater", x, const(0))), 2
    if len(own) <= _PRODUCTS:
        for i, (first, a) in enumerate(own):
            for second, b in own[i + 1 :]:
                yield f"_product{first}{second}", prim("mul", a, b), 2


def _folds(traces: Traces, name: str, value: Expression, cost: float) -> Iterator[Memory]:
    kind = value.type
    yield _fold(traces, f"total{name}", const(0, kind), lambda r: prim("add", r, value), cost)
    if name.startswith(("_above", "_product")):
        return
    low, high = _ends(traces, value)
    for stem, fold, end in (("largest", "max", low), ("smallest", "min", high)):
        for number, start in enumerate(dict.fromkeys((end, Fraction(0)))):
            more = lambda r, fold=fold: prim(fold, r, value)  # noqa: E731
            yield _fold(traces, f"{stem}{number or ''}{name}", const(start, kind), more, cost)
    for number, decay in enumerate(_DECAYS if not name.startswith("_s") else ()):
        kept = const(decay, REAL)
        yield _fold(
            traces, f"level{number or ''}{name}", const(0, REAL),
            lambda r, kept=kept: prim("add", prim("mul", kept, r), value), cost + 2,
        )  # fmt: skip


def _ends(traces: Traces, value: Expression) -> tuple[Fraction, Fraction]:
    """The least and largest value on the traces, rounded outwards to hundredths."""
    from dsl.meanings.array import run_expression

    found = np.asarray(run_expression(value, dict(traces.fields)), dtype=np.float64)
    return (
        Fraction(int(np.floor(100 * found.min())), 100),
        Fraction(int(np.ceil(100 * found.max())), 100),
    )


def _conditional(traces: Traces) -> Iterator[Memory]:
    """What an item's truth lets in or clears: a value held, a total begun anew, a run's length."""
    truths = [var(s.name, s.type) for s in traces.scalars if s.type == BOOL]
    numbers = [var(s.name, s.type) for s in traces.scalars if s.type != BOOL]
    signs = [prim("greater", x, const(0)) for x in numbers]
    for number, truth in enumerate([*truths, *signs]):
        run = lambda r, truth=truth: prim("if_", truth, prim("add", r, const(1)), const(0))  # noqa: E731
        yield _fold(traces, f"run{number or ''}", const(0), run, 3)
        for place, x in enumerate(numbers if number < len(truths) else ()):
            zero, end = const(0, x.type), "_".join(str(p) for p in (number, place) if p)
            taken = lambda r, t=truth, x=x: prim("if_", t, x, r)  # noqa: E731
            yield _fold(traces, f"held{end}", zero, taken, 3)
            anew = lambda r, t=truth, x=x, z=zero: prim("if_", t, z, prim("add", r, x))  # noqa: E731
            yield _fold(traces, f"since{end}", zero, anew, 3)


def _fold(traces: Traces, name: str, start, update, cost: float) -> Memory:  # noqa: ANN001
    """The register of a fold; update: its next value from what it holds."""
    own = var(name, start.type)
    return _memory(traces, (Register(name, start, update(own)),), cost)


def _memory(traces: Traces, registers: Sequence[Register], cost: float) -> Memory:
    loop = Loop(traces.inputs, tuple(registers), (), const(0))
    scope = trace_loop(loop, traces.columns)
    own = registers[-1]
    return Memory(tuple(registers), var(own.name, own.type), scope[own.name], cost, scope)
