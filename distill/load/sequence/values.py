"""What a sequence model computes with, item by item: values, shared where they are equal.

A `Value` is one operation's result for some items; equal operations on equal values are the same
object, so equal weights under several names are one. A `Patchwork` is a tensor that is put
together from numbers of values: moving its elements around costs no operation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.operations.kind import Attributes, Shape, Tensor

CONSTANT, ITEM, TAKE = "Constant", "Item", "Take"


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the unrolled model, its batch axis at 1.

    number: its place among all values; kind: an operation, or a constant, an item, or numbers
    taken from the sources' numbers in a row (`array` holds their places); last: the latest item
    that it depends on, -1 for none; array: a constant's numbers too.
    """

    number: int
    kind: str
    sources: tuple[Value, ...]
    attributes: Attributes
    shape: Shape
    dtype: str
    last: int
    array: Tensor | None = None

    @property
    def width(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Patchwork:
    """A tensor whose every element is a number of a value: `owner` and `place` have its shape."""

    owner: NDArray[np.int64]
    place: NDArray[np.int64]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> Shape:
        """Sizes of its axes."""
        return self.owner.shape

    def __getitem__(self, index: Any) -> Patchwork:
        return Patchwork(self.owner[index], self.place[index], self.dtype)


def joined(parts: Sequence[Patchwork], axis: int) -> Patchwork:
    """Patchworks one behind the other."""
    owners, places = ([getattr(p, n) for p in parts] for n in ("owner", "place"))
    return Patchwork(np.concatenate(owners, axis), np.concatenate(places, axis), parts[0].dtype)


@dataclass
class Values:
    """All values of an unrolled model, each behind its sources."""

    all: list[Value] = field(default_factory=list)
    _known: dict[Any, Value] = field(default_factory=dict)

    def constant(self, array: Tensor) -> Value:
        """The value of a fixed array."""
        array = np.asarray(array, order="C")
        return self._value(CONSTANT, (), {}, array.shape, str(array.dtype), -1, array)

    def item(self, time: int, shape: Shape, dtype: str) -> Value:
        """The item of a time."""
        return self._value(ITEM, (), {"time": time}, shape, dtype, time)

    def operation(
        self, kind: str, sources: Sequence[Value], attributes: Attributes, like: Tensor
    ) -> Value:
        """An operation's result, of the shape and type of `like`."""
        last = max(v.last for v in sources)
        return self._value(kind, tuple(sources), attributes, like.shape, str(like.dtype), last)

    def patch(self, value: Value) -> Patchwork:
        """A whole value as a tensor."""
        place = np.arange(value.width).reshape(value.shape)
        return Patchwork(np.full(value.shape, value.number), place, np.dtype(value.dtype))

    def whole(self, patch: Patchwork) -> Value:
        """A tensor as one value: the one that it is, or numbers taken from several."""
        numbers, first = np.unique(patch.owner.ravel(), return_index=True)
        sources = [self.all[n] for n in numbers[np.argsort(first)]]
        starts = dict(zip((v.number for v in sources), _starts(sources), strict=True))
        if len(sources) == 1 and sources[0].shape == patch.shape and _in_order(patch.place):
            return sources[0]
        start = np.array([starts[n] for n in numbers], dtype=np.int64)
        places = patch.place + start[np.searchsorted(numbers, patch.owner)]
        last = max(v.last for v in sources)
        return self._value(
            TAKE, tuple(sources), {}, patch.shape, str(patch.dtype), last, places.ravel()
        )

    def times(self, patch: Patchwork) -> NDArray[np.int64]:
        """For each element, the latest item that it depends on."""
        numbers, inverse = np.unique(patch.owner, return_inverse=True)
        return np.array([self.all[n].last for n in numbers])[inverse].reshape(patch.shape)

    def _value(
        self,
        kind: str,
        sources: tuple[Value, ...],
        attributes: Attributes,
        shape: Shape,
        dtype: str,
        last: int,
        array: Tensor | None = None,
    ) -> Value:
        content = None if array is None else hashlib.sha256(array.tobytes()).digest()
        key = (kind, tuple(s.number for s in sources), spelled(attributes), shape, dtype, content)
        if key not in self._known:
            number = len(self.all)
            value = Value(number, kind, sources, attributes, shape, dtype, last, array)
            self._known[key] = value
            self.all.append(value)
        return self._known[key]


def spelled(attributes: Attributes) -> str:
    """Attributes as text, equal for equal ones."""
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in attributes.items()}
    return repr(sorted(plain.items()))


def _starts(sources: Sequence[Value]) -> list[int]:
    """Where each source's numbers begin when they stand in a row."""
    return [0, *np.cumsum([v.width for v in sources]).tolist()[:-1]]


def _in_order(places: NDArray[np.int64]) -> bool:
    return bool((places.ravel() == np.arange(places.size)).all())
