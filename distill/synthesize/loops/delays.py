"""Delayed items, delayed outputs and the position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.registers import Memory, delayed
from distill.synthesize.loops.traces import Traces
from dsl.loop import Register
from dsl.program import Const, Expression, const, prim, var
from dsl.types import BOOL, INT

NOW = "now"
_LOW, _HIGH = "_low", "_high"

Values = NDArray[Any]


def delays(traces: Traces) -> Iterator[Memory]:
    """The last items: at the start 0, and the nearest two with the ends of the range as well."""
    several = len(traces.scalars) > 1
    for scalar in traces.scalars:
        ending = f"_{scalar.label}" if several else ""
        new, values = var(scalar.name, scalar.type), traces.fields[scalar.name]
        names = [f"{stem}{ending}" for stem in ("previous", "before", "third", "fourth")]
        start = const(False) if scalar.type == BOOL else const(0)
        yield from _line(names, new, values, start, 1.0, known=True)
        ends = {int(values.min()): _LOW, int(values.max()): _HIGH}
        for end, mark in ends.items() if scalar.type == INT else ():
            if end:
                marked = [f"{name}{mark}" for name in names[:2]]
                yield from _line(marked, new, values, const(end), 1.5, known=True)


def outputs(traces: Traces) -> Iterator[Memory]:
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
        values = delayed(values, start.value if known else 0)
        chain = (*chain, Register(name, start, new))
        scope = {**scope, name: values}
        new = var(name, new.type)
        yield Memory(chain, new, values, cost + depth, scope, 0 if known else depth + 1)


def position(traces: Traces) -> Memory:
    """How many items came before."""
    place = np.broadcast_to(np.arange(traces.length), traces.care.shape)
    own = var("position", INT)
    register = Register("position", const(0), prim("add", own, const(1)))
    return Memory((register,), own, place, 2.0, {"position": place})
