"""What a recurrent network did on some sequences: the only examples a loop is found from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from distill.synthesize.loops.keys import mixed
from dsl.domain import Columns, Domain
from dsl.program import Expression, const, prim, var
from dsl.sequences import folded
from dsl.types import Type

WORDS = 4096
_RANDOM = 3000
_ITEMS = 24_000
_MOSTLY = 0.5
PRIME = "'"
"""Ends the name of a scalar during the search, so that it is never a register's."""

_FEW_SYMBOLS = 5


@dataclass(frozen=True)
class Scalar:
    """One number or truth value of an item.

    name: what it is called during the search, which no field can be; label: something to name
    registers after; value: how an item holds it; place: field and index.
    """

    name: str
    label: str
    type: Type
    value: Expression
    place: tuple[int, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Traces:
    """Sequences and the network's outputs on them.

    scalars: what an item is made of; columns: (n, T) for each; items: the same as columns of the
    fields; outputs: (n, T, k), whole numbers or truth values; care: (n, T), whether a loop must
    give that output.
    """

    scalars: tuple[Scalar, ...]
    columns: Columns
    items: Columns
    outputs: NDArray[Any]
    care: NDArray[np.bool_]

    @property
    def length(self) -> int:
        """Items per sequence."""
        return self.columns[0].shape[1]

    @property
    def inputs(self) -> tuple[tuple[str, Type], ...]:
        """Names and types of an item's scalars."""
        return tuple((s.name, s.type) for s in self.scalars)

    @cached_property
    def fields(self) -> dict[str, NDArray[Any]]:
        """The items' scalars (n, T) by name."""
        return {s.name: c for s, c in zip(self.scalars, self.columns, strict=True)}


def scalars_of(item: Domain) -> tuple[Scalar, ...]:
    """The scalars of an item: its fields, and the items of those that are vectors."""
    return tuple(_scalars(item))


def _scalars(item: Domain) -> Iterator[Scalar]:
    for number, field in enumerate(item.fields):
        whole = var(field.name, field.type)
        if not field.shape:
            yield Scalar(f"{field.name}{PRIME}", field.name, field.item, whole, (number, ()))
            continue
        for place in product(*map(range, field.shape)):
            value: Expression = whole
            for index in place:
                value = prim("item", value, const(index))
            label = "_".join([field.name, *map(str, place)])
            yield Scalar(f"{label}{PRIME}", label, field.item, value, (number, place))


def taken(scalars: tuple[Scalar, ...], columns: Columns) -> Columns:
    """Columns of the scalars from columns of the fields, their first axes alike."""
    return tuple(
        columns[number][(..., *place)] if place else columns[number]
        for number, place in (s.place for s in scalars)
    )


def traces_of(oracle: Oracle, seed: int, length: int | None = None, count: int = _RANDOM) -> Traces:
    """All words where they are few, else random ones and ones with runs and extremes."""
    length = length or oracle.length
    count = min(count, _ITEMS // length)
    columns = _words(oracle, length, count, np.random.default_rng([seed, 11]))
    return traced(oracle, columns)


def traced(oracle: Oracle, columns: Columns) -> Traces:
    """What the network does on given sequences."""
    raw = oracle.raw(columns)
    outputs = oracle.read(raw)
    scalars = scalars_of(oracle.domain.item)
    clear = oracle.clear(raw)
    # a network that is never clear has nothing but its decisions
    care = (clear if clear.mean() >= _MOSTLY else np.ones_like(clear)) & oracle.counts(raw.shape[1])
    shaped = outputs if outputs.ndim == 3 else outputs[:, :, None]
    return Traces(scalars, taken(scalars, columns), columns, shaped, care)


def without(traces: Traces, rows: NDArray[np.intp]) -> Traces:
    """The traces where some rows (places in (n, T), flat) and all that follow them don't matter."""
    wrong = np.zeros(traces.care.size, dtype=np.bool_)
    wrong[rows] = True
    told = np.stack(histories(traces), 1).ravel()
    same = np.isin(told, told[rows]).reshape(traces.care.shape)
    return replace(traces, care=traces.care & ~np.logical_or.accumulate(same, axis=1))


def histories(traces: Traces) -> list[NDArray[np.uint64]]:
    """For every item a code (n,) of the sequence up to it."""
    columns = [c.astype(np.int64).view(np.uint64) for c in traces.columns]
    past = np.zeros(len(columns[0]), dtype=np.uint64)
    found = []
    for t in range(traces.length):
        past = mixed([c[:, t] for c in columns], past)
        found.append(past)
    return found


def _words(oracle: Oracle, length: int, count: int, rng: np.random.Generator) -> Columns:
    symbols = oracle.domain.symbols
    if symbols is not None and symbols**length <= WORDS:
        return oracle.domain.words(length, 0, symbols**length)
    plain = oracle.domain.sample(rng, count, length)
    runs = _with_runs(plain, rng)
    few = _of_few_symbols(oracle, rng, count // 4, length, 2)
    some = _of_common_symbols(oracle, rng, count // 2, length)
    return tuple(np.concatenate(parts) for parts in zip(plain, runs, few, some, strict=True))


def _with_runs(columns: Columns, rng: np.random.Generator) -> Columns:
    """The same sequences with items repeated: item t is the last one that was let through."""
    count, length = columns[0].shape[:2]
    through = rng.random((count, length)) < rng.uniform(0.1, 0.9, (count, 1))
    through[:, 0] = True
    last = np.maximum.accumulate(np.where(through, np.arange(length), 0), axis=1)
    return tuple(_along(c, last) for c in columns)


def _of_few_symbols(
    oracle: Oracle, rng: np.random.Generator, count: int, length: int, symbols: int
) -> Columns:
    """Sequences over a few items each, so that repetitions and ties occur."""
    chosen = folded(oracle.domain.item.sample(rng, symbols * count), symbols)
    steps = rng.integers(0, symbols, (count, length))
    return tuple(_along(c, steps) for c in chosen)


def _of_common_symbols(
    oracle: Oracle, rng: np.random.Generator, count: int, length: int
) -> Columns:
    """Sequences that are all over the same few items, the first and the last one among them."""
    symbols = oracle.domain.symbols
    chosen = oracle.domain.item.sample(rng, _FEW_SYMBOLS)
    if symbols is not None:
        ends = [oracle.domain.item.points(n, n + 1) for n in (0, symbols - 1)]
        chosen = tuple(np.concatenate(parts) for parts in zip(chosen, *ends, strict=True))
    return tuple(c[rng.integers(0, len(c), (count, length))] for c in chosen)


def _along(values: NDArray[Any], steps: NDArray[np.intp]) -> NDArray[Any]:
    """values (n, T, ...) at some steps (n, T') of each sequence."""
    return values[np.arange(len(values))[:, None], steps]
