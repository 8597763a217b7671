"""hypothesis as a refuter: inputs it thinks of, and counterexamples made simple.

What is drawn here decides no statistical claim; those rest on independent draws. The same seed
gives the same inputs, whatever the user's own hypothesis settings are, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from dsl.domain import Columns, Domain

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Differs = Callable[[Columns], bool]
"""Whether one example, as columns of one row, is a counterexample."""

_TRIES = 300
_WIDEST = 64
"""Scalars above which drawing one by one takes too long."""

_SHARED = (False, True, True, True)
"""How often a scalar of the given input is kept; the first is what hypothesis shrinks to."""


def thought_of(domain: Domain, count: int = _TRIES, seed: int = 0) -> Columns:
    """Up to `count` inputs of hypothesis: ends of ranges, zeros, repeated and extreme values."""
    columns = domain.column(*_thoughts(domain, count, seed))
    inside = domain.contains(columns)
    return tuple(c[inside] for c in columns)


@lru_cache(maxsize=8)
def _thoughts(domain: Domain, count: int, seed: int) -> tuple[tuple[Any, ...], ...]:
    found: list[tuple[Any, ...]] = []

    def collect(example: tuple[Any, ...]) -> bool:
        found.append(example)
        return False

    if domain.scalars <= _WIDEST:
        smallest(domain.strategy(), collect, count, seed)
    return tuple(found)


def shrunk(domain: Domain, example: Columns, differs: Differs, seed: int = 0) -> Columns:
    """A simple counterexample: hypothesis's smallest, else the given one with simpler numbers.

    example: columns of one row for which `differs` holds; the result is another such. Where
    `differs` raises there is no counterexample: the functions compared may be the user's.
    """

    def holds(columns: Columns) -> bool:
        try:
            return bool(domain.contains(columns)[0]) and differs(columns)
        except Exception:
            return False

    simple = None
    if domain.scalars <= _WIDEST:
        mixed = _mixed(domain, domain.flatten(example))
        simple = smallest(mixed, lambda scalars: holds(domain.unflatten(scalars)), _TRIES, seed)
    return plainer(domain, example if simple is None else domain.unflatten(simple), holds)


def _mixed(domain: Domain, given: NDArray[np.float64]) -> SearchStrategy[NDArray[np.float64]]:
    """Inputs (1, scalars) that share some scalars with a given one.

    Every draw makes as many choices: hypothesis would take a shorter one, such as the given input
    as a whole, for the simplest and stop there.
    """
    from hypothesis import strategies as st

    shared = st.tuples(*[st.sampled_from(_SHARED)] * domain.scalars)

    def mix(drawn: tuple[tuple[Any, ...], tuple[bool, ...]]) -> NDArray[np.float64]:
        return np.where(drawn[1], given, domain.flatten(domain.column(drawn[0])))

    return st.tuples(domain.strategy(), shared).map(mix)


def smallest(strategy: Any, condition: Callable[[Any], bool], count: int, seed: int) -> Any | None:
    """The smallest value of a strategy that meets a condition, within so many tries."""
    from hypothesis import Phase, Verbosity, find, settings
    from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable

    quiet = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    try:
        with _no_source_read():
            return find(strategy, condition, settings=quiet, random=Random(seed))
    except (NoSuchExample, Unsatisfiable, Flaky):
        return None


@contextmanager
def _no_source_read() -> Iterator[None]:
    """hypothesis without the constants of the caller's source files.

    It would draw numbers that it reads in the modules of whoever calls us, so that a run's result
    depended on them, and keep them in `.hypothesis` in the user's folder. There is no setting.
    """
    from hypothesis.internal.conjecture import providers

    if not hasattr(providers, "_get_local_constants"):
        yield
        return
    nothing = type(providers.GLOBAL_CONSTANTS)()
    with (
        patch.object(providers, "_get_local_constants", lambda: nothing),
        patch.object(providers, "CONSTANTS_CACHE", {}),
    ):
        yield


def plainer(domain: Domain, example: Columns, differs: Differs) -> Columns:
    """Every scalar in turn moved to simpler numbers as long as the difference stays."""
    current, whole = domain.flatten(example), domain.integral()
    for place in range(current.shape[1]):
        trial: NDArray[np.float64] | None = current
        while trial is not None:
            current = trial
            trials = (
                _with(current, place, v)
                for v in _simpler(float(current[0, place]), bool(whole[place]))
            )
            trial = next((t for t in trials if differs(domain.unflatten(t))), None)
    return domain.unflatten(current)


def _with(scalars: NDArray[np.float64], place: int, value: float) -> NDArray[np.float64]:
    changed = scalars.copy()
    changed[0, place] = value
    return changed


def _simpler(value: float, whole: bool) -> Iterator[float]:
    """Numbers nearer to 0, or of fewer digits, the simplest first; every chain of them ends."""
    if whole:
        yield from (value - np.trunc(value / 2**k) for k in range(64) if abs(value) >= 2**k)
        return
    shorter = (0.0, *(round(value, digits) for digits in (0, 1, 2, 3, 4, 6)))
    for place, number in enumerate(shorter):
        if number == value:
            return
        if number not in shorter[:place]:
            yield number
