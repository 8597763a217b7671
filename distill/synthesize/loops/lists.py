"""Lists with a place for every symbol: what was noted when the same item came before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.delays import position
from distill.synthesize.loops.registers import Memory, delayed
from distill.synthesize.loops.traces import Traces
from dsl.loop import Register
from dsl.program import Expression, const, prim, var
from dsl.types import INT, Vector

_SYMBOLS = 16


def by_symbol(traces: Traces) -> Iterator[Memory]:
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
    place = position(traces)
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
