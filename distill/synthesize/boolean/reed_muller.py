"""Exclusive sums of products: the best pseudo-Kronecker form, by dynamic programming.

Every subfunction is split by Shannon (f = not x f0 xor x f1) or one of the two Davio
rules (f0 xor x f2, f1 xor not x f2, with f2 = f0 xor f1), whichever is cheapest
(Sasao, Logic synthesis and optimization, 1993); all 3^n subfunctions are treated
together, leaf by leaf.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.boolean.cubes import Term
from distill.synthesize.boolean.formula import TRUE, conjunction, literal, negated, parity
from distill.synthesize.boolean.measure import weigh
from distill.synthesize.boolean.table import Table
from dsl.program import Expression

LARGEST = 10
"""Leaves up to which it is tried."""

_TERMS = 24
_JOIN, _NOT = 5.0, 4.0
_SPLITS = (((0, False), (1, True)), ((0, None), (2, True)), ((1, None), (2, False)))
"""Per rule the subfunctions used, each with the literal it is multiplied by."""


def exclusive(source: Table) -> list[Expression]:
    """Xor of ands, for functions that need few of them."""
    if source.size > LARGEST or not source.care.all():
        return []
    terms = best_terms(source)
    if len(terms) > _TERMS or not terms:
        return []
    constant = frozenset() in terms
    items = [conjunction(literal(source.leaves[i], p) for i, p in sorted(t)) for t in terms if t]
    return [parity(items, not constant) if len(items) > 1 else _single(items, constant)]


def _single(items: list[Expression], constant: bool) -> Expression:
    if not items:
        return TRUE
    return negated(items[0]) if constant else items[0]


def best_terms(source: Table) -> list[Term]:
    """The terms of the cheapest pseudo-Kronecker form in the order of the leaves."""
    parts = source.cube(source.values)
    for axis in range(source.size):
        zero, one = np.moveaxis(parts, axis, 0)
        parts = np.stack([zero, one, zero ^ one], axis)
    counts = parts.astype(np.int64)
    bits = np.where(parts, _JOIN, 0.0)
    chosen: list[NDArray[np.int64]] = []
    for leaf in reversed(source.leaves):
        counts, bits, rule = _collapsed(counts, bits, weigh(leaf) + _JOIN)
        chosen.append(rule)
    return _read(parts, chosen[::-1], (), 0)


def _collapsed(
    counts: NDArray[np.int64], bits: NDArray[np.float64], price: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """The last axis taken away: per subfunction the cheapest rule."""
    options, totals = [], []
    for rule in _SPLITS:
        extra = [0.0 if sign is None else price + (0.0 if sign else _NOT) for _, sign in rule]
        pairs = [(counts[..., part], bits[..., part]) for part, _ in rule]
        options.append(sum(b + e * c for (c, b), e in zip(pairs, extra, strict=True)))
        totals.append(sum(c for c, _ in pairs))
    stacked = np.stack(options)
    rule = stacked.argmin(0)
    pick = rule[None]
    return (
        np.take_along_axis(np.stack(totals), pick, 0)[0],
        np.take_along_axis(stacked, pick, 0)[0],
        rule,
    )


def _read(
    parts: NDArray[np.bool_], rules: list[NDArray[np.int64]], path: tuple[int, ...], axis: int
) -> list[Term]:
    """The terms of the subfunction at a path of parts; rules[i] is indexed by paths of length i."""
    if axis == parts.ndim:
        return [frozenset()] if parts[path] else []
    found: list[Term] = []
    for part, sign in _SPLITS[int(rules[axis][path])]:
        extra: Term = frozenset() if sign is None else frozenset({(axis, sign)})
        found += [extra | t for t in _read(parts, rules, (*path, part), axis + 1)]
    return found
