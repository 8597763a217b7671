"""hypothesis as a refuter: inputs it thinks of, and counterexamples made simple.

What is drawn here decides no statistical claim; those rest on independent draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.domain import Columns, Domain

Differs = Callable[[Columns], bool]
"""Whether one example, as columns of one row, is a counterexample."""

_TRIES = 300
_WIDEST = 64
"""Scalars above which drawing one by one takes too long."""


def thought_of(domain: Domain, count: int = _TRIES, seed: int = 0) -> Columns:
    """Up to `count` inputs of hypothesis: ends of ranges, zeros, repeated and extreme values."""
    found: list[tuple[Any, ...]] = []
    if domain.scalars > _WIDEST:
        return tuple(c[:0] for c in domain.column(*found))

    def collect(example: tuple[Any, ...]) -> bool:
        found.append(example)
        return False

    _found(domain.strategy(), collect, count, seed)
    columns = domain.column(*found)
    inside = domain.contains(columns)
    return tuple(c[inside] for c in columns)


def shrunk(domain: Domain, example: Columns, differs: Differs, seed: int = 0) -> Columns:
    """A simple counterexample: hypothesis's smallest, else the given one with simpler numbers.

    example: columns of one row for which `differs` holds; the result is another such.
    """
    from hypothesis import strategies as st

    def fails(values: tuple[Any, ...]) -> bool:
        columns = domain.column(values)
        return bool(domain.contains(columns)[0]) and differs(columns)

    given = domain.row(example, 0)
    strategy = st.one_of(domain.strategy(), st.just(given))
    wide = domain.scalars > _WIDEST
    smallest = None if wide else _found(strategy, fails, _TRIES, seed)
    start = example if smallest is None else domain.column(smallest)
    return _plainer(domain, start, differs)


def _found(strategy: Any, condition: Callable[[Any], bool], count: int, seed: int) -> Any | None:
    """The smallest value of a strategy that meets a condition, within so many tries."""
    from hypothesis import Phase, find, settings
    from hypothesis.errors import NoSuchExample, Unsatisfiable

    quiet = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
    )
    try:
        return find(strategy, condition, settings=quiet, random=Random(seed))
    except (NoSuchExample, Unsatisfiable):
        return None


def _plainer(domain: Domain, example: Columns, differs: Differs) -> Columns:
    """Every scalar in turn moved to a simpler number where the difference stays."""
    current, whole = domain.flatten(example), domain.integral()
    for place in range(current.shape[1]):
        for value in _simpler(float(current[0, place]), bool(whole[place])):
            trial = domain.unflatten(_with(current, place, value))
            if domain.contains(trial)[0] and differs(trial):
                current = _with(current, place, value)
                break
    return domain.unflatten(current)


def _with(scalars: NDArray[np.float64], place: int, value: float) -> NDArray[np.float64]:
    changed = scalars.copy()
    changed[0, place] = value
    return changed


def _simpler(value: float, whole: bool) -> Iterator[float]:
    yield 0.0
    if whole:
        yield float(round(value / 2))
        return
    for digits in (0, 1, 2, 3, 4, 6):
        yield round(value, digits)
