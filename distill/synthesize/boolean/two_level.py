"""Minimal sums of products and products of sums, factored."""

from __future__ import annotations

import numpy as np

from distill.synthesize.boolean.cover import cover
from distill.synthesize.boolean.cubes import Cubes, covered, primes, term
from distill.synthesize.boolean.factor import Form, written
from distill.synthesize.boolean.measure import weigh
from distill.synthesize.boolean.table import Table
from dsl.program import Expression

LARGEST = 12
"""Leaves up to which all 3^n cubes are looked at."""

_JOIN = 5.0
"""Bits, about, of joining one more term or literal."""

_PRIMES = 3000


def two_level(source: Table) -> list[Expression]:
    """Or of ands and and of ors, each with as few literals as possible, factored."""
    if source.size > LARGEST or not source.on.any() or not source.off.any():
        return []
    opposite = Table(source.leaves, ~source.values, source.care)
    found = [_minimal(source, Form(source.leaves)), _minimal(opposite, Form(source.leaves, True))]
    return [f for f in found if f is not None]


def _minimal(source: Table, form: Form) -> Expression | None:
    candidates = primes(source)
    if len(candidates) > _PRIMES:
        return None
    chosen = cover(covered(candidates, source.on), _costs(source, candidates))
    return written([term(candidates[i]) for i in chosen], form)


def _costs(source: Table, cubes: Cubes) -> np.ndarray:
    """Bits of each cube as a term."""
    yes = np.array([weigh(x) + _JOIN for x in source.leaves])
    no = yes + 4.0
    return (cubes == 1) @ yes + (cubes == 0) @ no + _JOIN
