"""Lists with a place for every symbol: what was noted when the same item came before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.delays import position
from distill.synthesize.loops.registers import Memory, delayed
from distill.synthesize.loops.traces import Scalar, Traces
from dsl.loop import Register
from dsl.program import Expression, Var, const, prim, var
from dsl.types import BOOL, INT, Vector

_SYMBOLS = 16

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class _Index:
    """A scalar of the item that is a place in a list: its values (n, T), and how many there are.

    ending: what tells its lists from those of other scalars.
    """

    item: Var
    values: NDArray[np.int64]
    size: int
    ending: str

    @property
    def last(self) -> NDArray[np.intp]:
        """When every symbol came last, before each item, (n, T, size); -1 for never."""
        places = np.arange(self.values.shape[1])[:, None]
        same = self.values[:, :, None] == np.arange(self.size)
        return delayed(np.maximum.accumulate(np.where(same, places, -1), axis=1), -1)

    def own(self, held: Values) -> Values:
        """What a list (n, T, size) holds for the item itself, (n, T)."""
        return np.take_along_axis(held, self.values[:, :, None], 2)[:, :, 0]


def by_symbol(traces: Traces) -> Iterator[Memory]:
    """Lists with a place for every value of one of the item's scalars."""
    for scalar in traces.scalars:
        index = _index(scalar, traces)
        if index is None:
            continue
        yield from _counts(index)
        if len(traces.scalars) == 1:
            yield from _places(index, traces)
        yield from _seen(index)
        for other in traces.scalars:
            if other is not scalar:
                yield from _noted(index, other, traces.fields[other.name])


def _index(scalar: Scalar, traces: Traces) -> _Index | None:
    values = traces.fields[scalar.name]
    if scalar.type != INT or values.min() < 0 or not 1 <= values.max() < _SYMBOLS:
        return None
    ending = f"_{scalar.label}" if len(traces.scalars) > 1 else ""
    return _Index(var(scalar.name, INT), values.astype(np.int64), int(values.max()) + 1, ending)


def _both(
    index: _Index, stem: str, start: int | bool, new: Expression, held: Values
) -> Iterator[Memory]:
    """A list, read at the item's own place and as a whole; `new`: what is put there, over `own`."""
    kind = Vector(BOOL if isinstance(start, bool) else INT, (index.size,))
    whole = var(f"{stem}{index.ending}", kind)
    update = prim("put", whole, index.item, new)
    registers = (Register(whole.name, const((start,) * index.size), update),)
    cost = 3.0 + index.size / 2
    yield Memory(registers, prim("item", whole, index.item), index.own(held), cost)
    yield Memory(registers, whole, held, cost)


def _counts(index: _Index) -> Iterator[Memory]:
    same = index.values[:, :, None] == np.arange(index.size)
    name = f"counts{index.ending}"
    own = prim("item", var(name, Vector(INT, (index.size,))), index.item)
    held = delayed(same.cumsum(1), 0)
    yield from _both(index, "counts", 0, prim("add", own, const(1)), held)


def _seen(index: _Index) -> Iterator[Memory]:
    yield from _both(index, "seen", False, const(True), index.last >= 0)


def _noted(index: _Index, other: Scalar, values: Values) -> Iterator[Memory]:
    """What another scalar was when the same symbol came last, and the sum of all it was."""
    last, start = index.last, False if other.type == BOOL else 0
    told = values[np.arange(len(values))[:, None, None], np.maximum(last, 0)]
    held = np.where(last < 0, start, told).astype(values.dtype)
    new = var(other.name, other.type)
    yield from _both(index, f"noted_{other.label}", start, new, held)
    if other.type == INT:
        same = index.values[:, :, None] == np.arange(index.size)
        name = f"totals_{other.label}{index.ending}"
        own = prim("item", var(name, Vector(INT, (index.size,))), index.item)
        totals = delayed((same * values[:, :, None]).cumsum(1), 0)
        yield from _both(index, f"totals_{other.label}", 0, prim("add", own, new), totals)


def _places(index: _Index, traces: Traces) -> Iterator[Memory]:
    """The first and the latest place of the same item."""
    place = position(traces)
    x = index.values
    same = (x[:, :, None] == x[:, None, :]) & np.tri(x.shape[1], k=-1, dtype=np.bool_)
    times = same.sum(2)
    for stem, found in (("first", same.argmax(2)), ("latest", _latest(same))):
        held = np.where(times > 0, found, -1)
        list_ = var(stem, Vector(INT, (index.size,)))
        own = prim("item", list_, index.item)
        new: Expression = place.value
        if stem == "first":
            new = prim("if_", prim("less", own, const(0)), new, own)
        register = Register(stem, const((-1,) * index.size), prim("put", list_, index.item, new))
        yield Memory((*place.registers, register), own, held, 4.0 + index.size / 2, place.scope)


def _latest(same: NDArray[np.bool_]) -> NDArray[np.intp]:
    return same.shape[2] - 1 - same[:, :, ::-1].argmax(2)
