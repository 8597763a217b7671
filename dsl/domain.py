"""Domains: types with bounds, and how their values enter a network.

A batch of values is a tuple of *columns*, one array per field with the batch as
first axis: `bool_`, `int64` (ints and categories, which are their index) or
`float64`. `Domain.encode` gives the flattened matrix that the network sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsl.program import Expression
from dsl.types import BOOL, INT, REAL, Bool, Category, Int, Real, Type, lift

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Columns = tuple[NDArray[Any], ...]


class DomainError(ValueError):
    """A domain can't be read, or can't be used as asked; one sentence."""


@dataclass(frozen=True)
class Encoding:
    """How one scalar enters the network.

    kind: `plain` (as itself, 0/1 for bool, the index for a category), `signed` (-1/1), `onehot`,
        `bits` (most significant first) or `affine` (the network sees scale * x + shift).
    """

    kind: str = "plain"
    bits: int = 0
    scale: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)


@dataclass(frozen=True)
class Field:
    """One field of a domain: a scalar type with inclusive bounds, a shape and an encoding."""

    name: str
    item: Bool | Int | Real | Category
    low: Fraction | None = None
    high: Fraction | None = None
    shape: tuple[int, ...] = ()
    encoding: Encoding = Encoding()

    @property
    def type(self) -> Type:
        """The type that a program's parameter for this field has."""
        return lift(self.item, self.shape)

    @property
    def scalars(self) -> int:
        """Number of scalars in the field."""
        return math.prod(self.shape)

    @property
    def choices(self) -> int | None:
        """Number of values of one scalar; None where there are infinitely many."""
        if isinstance(self.item, Bool):
            return 2
        if isinstance(self.item, Category):
            return self.item.size
        if isinstance(self.item, Real) or self.low is None or self.high is None:
            return None
        return int(self.high) - int(self.low) + 1

    @property
    def width(self) -> int:
        """How many network inputs the field takes."""
        per = {"onehot": self.choices or 0, "bits": self.encoding.bits}
        return self.scalars * per.get(self.encoding.kind, 1)

    @property
    def bounds(self) -> tuple[Fraction, Fraction]:
        """Smallest and largest value of one scalar, as numbers.

        Raises:
            DomainError: there are no bounds.
        """
        if isinstance(self.item, Bool):
            return Fraction(0), Fraction(1)
        if isinstance(self.item, Category):
            return Fraction(0), Fraction(self.item.size - 1)
        if self.low is None or self.high is None:
            raise DomainError(
                f"{self.name} is {self.item} without bounds; write {self.item}(lo,hi)"
            )
        return self.low, self.high


@dataclass(frozen=True)
class Domain:
    """Fields in the order in which the network's flattened input holds them, and a condition."""

    fields: tuple[Field, ...]
    where: Expression | None = None

    def __str__(self) -> str:
        from dsl.domain_text import show_domain

        return show_domain(self)

    @property
    def parameters(self) -> tuple[tuple[str, Type], ...]:
        """Names and types of a program on this domain."""
        return tuple((f.name, f.type) for f in self.fields)

    @property
    def width(self) -> int:
        """How many network inputs the domain fills."""
        return sum(f.width for f in self.fields)

    @property
    def scalars(self) -> int:
        """Number of scalars in all fields."""
        return sum(f.scalars for f in self.fields)

    @property
    def count(self) -> int | None:
        """Number of points, the condition left aside; None where there are infinitely many."""
        total = 1
        for field in self.fields:
            if field.choices is None:
                return None
            total *= field.choices**field.scalars
        return total

    def points(self, start: int, stop: int) -> Columns:
        """Points number `start` to before `stop`; the last scalar counts fastest.

        Points outside the condition are left out.

        Raises:
            DomainError: the domain is infinite.
        """
        rest = np.arange(start, stop, dtype=np.int64)
        found: list[NDArray[Any]] = []
        for field in reversed(self.fields):
            if field.choices is None:
                raise DomainError(f"{field.name} has infinitely many values and can't be listed")
            digits, rest = _digits(rest, field.choices, field.scalars)
            found.append(_from_choice(field, digits))
        return self.filter(tuple(reversed(found)))

    def blocks(self, size: int = 1 << 16) -> Iterator[Columns]:
        """All points in blocks.

        Raises:
            DomainError: the domain is infinite.
        """
        total = self.count
        if total is None:
            self.points(0, 1)
        for start in range(0, total or 0, size):
            yield self.points(start, min(start + size, total or 0))

    def sample(self, rng: np.random.Generator, n: int) -> Columns:
        """`n` independent uniform draws (fewer than asked only where the condition is very rare).

        Raises:
            DomainError: a field has no bounds, or hardly any draw meets the condition.
        """
        columns = self._draw(rng, n)
        if self.where is None:
            return columns
        parts, kept = [self.filter(columns)], 0
        for _ in range(200):
            kept = sum(rows(p) for p in parts)
            if kept >= n:
                break
            parts.append(self.filter(self._draw(rng, n)))
        if kept == 0:
            raise DomainError("no draw met the condition after 'where'; loosen it")
        joined = tuple(np.concatenate(c) for c in zip(*parts, strict=True))
        return tuple(c[:n] for c in joined)

    def _draw(self, rng: np.random.Generator, n: int) -> Columns:
        found: list[NDArray[Any]] = []
        for field in self.fields:
            if field.choices is not None:
                digits = rng.integers(0, field.choices, (n, field.scalars))
                found.append(_from_choice(field, digits))
                continue
            low, high = map(float, field.bounds)
            drawn = np.clip(rng.uniform(low, high, (n, *field.shape)), low, high)
            found.append(drawn)
        return tuple(found)

    def filter(self, columns: Columns) -> Columns:
        """The rows that meet the condition."""
        if self.where is None:
            return columns
        from dsl.meanings.array import run_expression

        keep = run_expression(self.where, dict(self._named(columns)))
        keep = np.broadcast_to(keep, (rows(columns),))
        return tuple(c[keep] for c in columns)

    def _named(self, columns: Columns) -> Iterator[tuple[str, NDArray[Any]]]:
        return zip((f.name for f in self.fields), columns, strict=True)

    def contains(self, columns: Columns) -> NDArray[np.bool_]:
        """Which rows lie in the domain, (n,)."""
        inside = np.ones(rows(columns), dtype=bool)
        for field, column in zip(self.fields, columns, strict=True):
            flat = column.reshape(len(column), -1)
            if isinstance(field.item, Real):
                inside &= np.isfinite(flat).all(1)
            if field.low is not None:
                inside &= (flat >= float(field.low)).all(1)
            if field.high is not None:
                inside &= (flat <= float(field.high)).all(1)
            if isinstance(field.item, Category):
                inside &= ((flat >= 0) & (flat < field.item.size)).all(1)
        if self.where is not None:
            from dsl.meanings.array import run_expression

            inside &= run_expression(self.where, dict(self._named(columns)))
        return inside

    def encode(self, columns: Columns) -> NDArray[np.float64]:
        """The network's inputs (n, width) for columns of n rows."""
        parts = [_encode(f, c) for f, c in zip(self.fields, columns, strict=True)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((0, 0))

    def decode(self, inputs: NDArray[np.float64]) -> Columns:
        """Columns whose encoding is nearest to network inputs (n, width)."""
        found: list[NDArray[Any]] = []
        place = 0
        for field in self.fields:
            found.append(_decode(field, inputs[:, place : place + field.width]))
            place += field.width
        return tuple(found)

    def value_box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bounds of the flattened scalars (not encoded), each (scalars,).

        Raises:
            DomainError: a field has no bounds.
        """
        pairs = [f.bounds for f in self.fields for _ in range(f.scalars)]
        low = np.array([float(p[0]) for p in pairs])
        return low, np.array([float(p[1]) for p in pairs])

    def integral(self) -> NDArray[np.bool_]:
        """Which flattened scalars take whole values only, (scalars,)."""
        flags = [not isinstance(f.item, Real) for f in self.fields for _ in range(f.scalars)]
        return np.array(flags, dtype=bool)

    def flatten(self, columns: Columns) -> NDArray[np.float64]:
        """The scalars of n rows as floats, (n, scalars); not encoded."""
        return np.concatenate([c.reshape(len(c), -1).astype(np.float64) for c in columns], axis=1)

    def unflatten(self, scalars: NDArray[np.float64]) -> Columns:
        """Undo `flatten`."""
        found: list[NDArray[Any]] = []
        place = 0
        for field in self.fields:
            part = scalars[:, place : place + field.scalars].reshape(len(scalars), *field.shape)
            found.append(part.astype(column_dtype(field.item)))
            place += field.scalars
        return tuple(found)

    def encoding_map(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """(scale, shift), each (scalars,), if every scalar enters as scale * x + shift."""
        scale: list[float] = []
        shift: list[float] = []
        for field in self.fields:
            if field.encoding.kind in ("onehot", "bits"):
                return None
            pair = _affine(field)
            scale += [float(pair[0])] * field.scalars
            shift += [float(pair[1])] * field.scalars
        return np.array(scale), np.array(shift)

    def strategy(self) -> SearchStrategy[tuple[Any, ...]]:
        """A hypothesis strategy for one example, a tuple with a value per field."""
        from hypothesis import strategies as st

        drawn = st.tuples(*map(_strategy, self.fields))
        if self.where is None:
            return drawn
        return drawn.filter(lambda row: bool(self.contains(self.column(row))[0]))

    def constraint(self, ops: Any, values: tuple[Any, ...]) -> Any:
        """That `values` (nested tuples per field, in the algebra `ops`) lie inside the bounds."""
        found = ops.const(True)
        for field, value in zip(self.fields, values, strict=True):
            if isinstance(field.item, Bool) or (field.low is None and field.item in (INT, REAL)):
                continue
            low, high = field.bounds
            for scalar in _scalars(value):
                inside = ops.less_equal(ops.const(_plain(field, low)), scalar)
                found = ops.both(found, inside)
                below = ops.less_equal(scalar, ops.const(_plain(field, high)))
                found = ops.both(found, below)
        return found

    def row(self, columns: Columns, index: int) -> tuple[Any, ...]:
        """Example number `index` as plain Python values, vectors as (nested) lists."""
        return tuple(c[index].tolist() for c in columns)

    def column(self, *examples: tuple[Any, ...]) -> Columns:
        """Columns of examples, each a tuple with a value per field."""
        return tuple(
            np.array([e[i] for e in examples], dtype=column_dtype(f.item)).reshape(
                len(examples), *f.shape
            )
            for i, f in enumerate(self.fields)
        )


def rows(columns: Columns) -> int:
    """Number of rows of a batch."""
    return len(columns[0])


def taken(columns: Columns, which: NDArray[Any]) -> Columns:
    """Some rows of a batch."""
    return tuple(column[which] for column in columns)


def joined(first: Columns, second: Columns) -> Columns:
    """The rows of two batches."""
    return tuple(np.concatenate(pair) for pair in zip(first, second, strict=True))


def column_dtype(item: Type) -> Any:
    """The numpy dtype of a column of scalars of this type."""
    return {BOOL: np.bool_, REAL: np.float64}.get(item, np.int64)


def _plain(field: Field, value: Fraction) -> int | Fraction:
    return value if isinstance(field.item, Real) else int(value)


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for part in value:
            yield from _scalars(part)
    else:
        yield value


def _digits(
    numbers: NDArray[np.int64], base: int, count: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The last digits (n, count) of numbers (n,) >= 0, the highest first, and what is left."""
    if base == 2 and count < 63:
        octets = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)
        return np.unpackbits(octets, axis=1)[:, 64 - count :], numbers >> count
    digits = np.empty((len(numbers), count), dtype=np.int64)
    for place in reversed(range(count)):
        numbers, digits[:, place] = np.divmod(numbers, base)
    return digits, numbers


def _from_choice(field: Field, digits: NDArray[Any]) -> NDArray[Any]:
    shaped = digits.reshape(len(digits), *field.shape)
    if isinstance(field.item, Bool):
        return shaped == 1
    return shaped.astype(np.int64) + int(field.bounds[0])


def _affine(field: Field) -> tuple[Fraction, Fraction]:
    if field.encoding.kind == "signed":
        return Fraction(2), Fraction(-1)
    return field.encoding.scale, field.encoding.shift


def _encode(field: Field, column: NDArray[Any]) -> NDArray[np.float64]:
    flat = column.reshape(len(column), -1)
    if field.encoding.kind == "onehot":
        values = np.arange(field.choices or 0) + int(field.bounds[0])
        return (flat[:, :, None] == values).reshape(len(flat), -1).astype(np.float64)
    if field.encoding.kind == "bits":
        powers = np.arange(field.encoding.bits)[::-1]
        return ((flat[:, :, None] >> powers) & 1).reshape(len(flat), -1).astype(np.float64)
    scale, shift = map(float, _affine(field))
    return flat.astype(np.float64) * scale + shift


def _decode(field: Field, inputs: NDArray[np.float64]) -> NDArray[Any]:
    shape = (len(inputs), *field.shape)
    if field.encoding.kind == "onehot":
        groups = inputs.reshape(len(inputs), field.scalars, -1)
        values = groups.argmax(2) + int(field.bounds[0])
    elif field.encoding.kind == "bits":
        groups = inputs.reshape(len(inputs), field.scalars, -1)
        powers = 1 << np.arange(field.encoding.bits)[::-1]
        values = ((groups > 0.5) * powers).sum(2)
    else:
        scale, shift = map(float, _affine(field))
        values = (inputs - shift) / scale
    if isinstance(field.item, Bool):
        return (values > 0.5).reshape(shape)
    if not isinstance(field.item, Real):
        values = np.rint(values)
    return values.reshape(shape).astype(column_dtype(field.item))


def _strategy(field: Field) -> SearchStrategy[Any]:
    from hypothesis import strategies as st

    scalar: SearchStrategy[Any]
    if isinstance(field.item, Bool):
        scalar = st.booleans()
    elif isinstance(field.item, Real):
        low, high = field.low, field.high
        scalar = st.floats(
            None if low is None else float(low),
            None if high is None else float(high),
            allow_nan=False,
            allow_infinity=False,
        )
    elif isinstance(field.item, Category):
        scalar = st.integers(0, field.item.size - 1)
    else:
        low, high = field.low, field.high
        scalar = st.integers(None if low is None else int(low), None if high is None else int(high))
    for length in reversed(field.shape):
        scalar = st.lists(scalar, min_size=length, max_size=length)
    return scalar
