"""What a recurrent network did on some sequences: the only examples a loop is found from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from dsl.domain import Columns
from dsl.sequences import folded

WORDS = 4096
_RANDOM = 3000
_MOSTLY = 0.5


@dataclass(frozen=True, eq=False)
class Traces:
    """Sequences and the network's outputs on them.

    columns: (n, T) per field; outputs: (n, T, k), whole numbers or truth values; care: (n, T),
    whether a loop must give that output.
    """

    names: tuple[str, ...]
    columns: Columns
    outputs: NDArray[Any]
    care: NDArray[np.bool_]

    @property
    def length(self) -> int:
        """Items per sequence."""
        return self.columns[0].shape[1]

    @cached_property
    def fields(self) -> dict[str, NDArray[Any]]:
        """The items' fields (n, T) by name."""
        return dict(zip(self.names, self.columns, strict=True))


def traces_of(oracle: Oracle, seed: int, length: int | None = None, count: int = _RANDOM) -> Traces:
    """All words where they are few, else random ones and ones with runs and extremes."""
    columns = _words(oracle, length or oracle.length, count, np.random.default_rng([seed, 11]))
    raw = oracle.raw(columns)
    outputs = oracle.read(raw)
    names = tuple(f.name for f in oracle.domain.item.fields)
    clear = oracle.clear(raw)
    # a network that is never clear has nothing but its decisions
    care = (clear if clear.mean() >= _MOSTLY else np.ones_like(clear)) & oracle.counts(raw.shape[1])
    return Traces(names, columns, outputs if outputs.ndim == 3 else outputs[:, :, None], care)


def _words(oracle: Oracle, length: int, count: int, rng: np.random.Generator) -> Columns:
    symbols = oracle.domain.symbols
    if symbols is not None and symbols**length <= WORDS:
        return oracle.domain.words(length, 0, symbols**length)
    plain = oracle.domain.sample(rng, count, length)
    runs = _with_runs(plain, rng)
    few = _of_few_symbols(oracle, rng, count // 4, length)
    return tuple(np.concatenate(parts) for parts in zip(plain, runs, few, strict=True))


def _with_runs(columns: Columns, rng: np.random.Generator) -> Columns:
    """The same sequences with items repeated: item t is the last one that was let through."""
    count, length = columns[0].shape[:2]
    through = rng.random((count, length)) < rng.uniform(0.1, 0.9, (count, 1))
    through[:, 0] = True
    last = np.maximum.accumulate(np.where(through, np.arange(length), 0), axis=1)
    return tuple(np.take_along_axis(c, last, axis=1) for c in columns)


def _of_few_symbols(oracle: Oracle, rng: np.random.Generator, count: int, length: int) -> Columns:
    """Sequences over two items each, so that repetitions and ties occur."""
    pairs = folded(oracle.domain.item.sample(rng, 2 * count), 2)
    choice = rng.integers(0, 2, (count, length))
    return tuple(np.take_along_axis(c, choice, axis=1) for c in pairs)
