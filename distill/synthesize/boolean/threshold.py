"""Threshold functions: a sum of small whole weights against a level, by integer programming.

The smallest weights are found with the rows that decide: the least true and the
greatest false ones in the order that the weights' signs give (Muroga, Threshold
Logic and Its Applications, 1971).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from distill.synthesize.boolean.formula import counted, in_order, literal, numbered
from distill.synthesize.boolean.levels import conditions_of
from distill.synthesize.boolean.table import Bits, Table
from dsl.program import Expression, const, prim
from dsl.types import BOOL

Weights = NDArray[np.int64]

_LARGEST_WEIGHT = 64
_NODES = 500

_Parts = list[tuple[int, Expression]]
_Form = Callable[[_Parts], _Parts]


def threshold(source: Table) -> list[Expression]:
    """Sums of weighted leaves compared with a constant or another sum."""
    weights = smallest_weights(source)
    if weights is None:
        return []
    numbers = source.columns.astype(np.int64) @ weights
    found = [
        c
        for term, sign, shift in sums(source.leaves, weights)
        for c in conditions_of(term, sign * numbers + shift, source.values, source.care)
    ]
    return found


def smallest_weights(source: Table) -> Weights | None:
    """Weights (n,) of small total size that separate true from false rows, or None."""
    signs = _unate(source)
    if signs is None or source.size < 2:
        return None
    flipped = source.columns == signs
    on, off = _least(flipped, source.on), _least(~flipped, source.off)
    rows = np.concatenate([-flipped[on].astype(float), flipped[off].astype(float)])
    level = np.concatenate([np.ones(on.sum()), -np.ones(off.sum())])
    limit = np.concatenate([np.zeros(on.sum()), -np.ones(off.sum())])
    return _solved(np.column_stack([rows, level]), limit, signs)


def _solved(rows: NDArray[np.float64], limit: NDArray[np.float64], signs: Bits) -> Weights | None:
    """Least sum of weights with rows @ (weights, level) <= limit; signs put back."""
    cost = np.append(np.ones(len(signs)), 0.001)
    if not linprog(cost, rows, limit, bounds=(0, None)).success:
        return None
    found = milp(
        cost,
        constraints=LinearConstraint(rows, -np.inf, limit),  # type: ignore[arg-type]
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, _LARGEST_WEIGHT),
        options={"node_limit": _NODES},
    )
    if found.x is None:
        return None
    return np.round(found.x[:-1]).astype(np.int64) * np.where(signs, 1, -1)


def _unate(source: Table) -> Bits | None:
    """Whether each leaf can only raise (true) or only lower the value; None if one does both."""
    signs: list[bool] = []
    for place in range(source.size):
        shape = (1 << place, 2, -1)
        values, care = source.values.reshape(shape), source.care.reshape(shape)
        both = care[:, 0] & care[:, 1]
        rises = (both & ~values[:, 0] & values[:, 1]).any()
        falls = (both & values[:, 0] & ~values[:, 1]).any()
        if rises and falls:
            return None
        signs.append(bool(not falls))
    return np.array(signs)


def _least(columns: Bits, chosen: Bits) -> Bits:
    """The chosen rows that lie above no other chosen row; `columns` orders them leaf by leaf."""
    count = columns.shape[1]
    codes = columns.astype(np.int64) @ (1 << np.arange(count - 1, -1, -1))
    at = np.empty(len(codes), dtype=np.int64)
    at[codes] = np.arange(len(codes))
    mine = chosen[at].reshape((2,) * count)
    above, strict = mine.copy(), np.zeros_like(mine)
    for axis in range(count):
        low, high = np.moveaxis(above, axis, 0)
        high |= low
    for axis in range(count):
        lower, upper = np.moveaxis(above, axis, 0)[0], np.moveaxis(strict, axis, 0)[1]
        upper |= lower
    found = np.zeros(len(codes), dtype=bool)
    found[at] = (mine & ~strict).ravel()
    return found


# --- writing --------------------------------------------------------------------------------


def sums(leaves: tuple[Expression, ...], weights: Weights) -> list[tuple[Expression, int, int]]:
    """Ways to write the weighted sum s of leaves: a term with its sign and shift, sign * s + shift.

    The leaves that lower the sum are negated, or their sum is subtracted.
    """
    pairs = [(int(w), x) for w, x in zip(weights, leaves, strict=True) if w]
    upright = [(abs(w), literal(x, w > 0)) for w, x in pairs]
    shift = -sum(w for w, _ in pairs if w < 0)
    found = [(_total(upright, form), 1, shift) for form in (_by_weight, _by_powers)]
    if not shift or all(w < 0 for w, _ in pairs):
        return found
    sign = 1 if pairs[0][0] > 0 else -1
    left = [(w * sign, x) for w, x in pairs if w * sign > 0]
    right = [(-w * sign, x) for w, x in pairs if w * sign < 0]
    sides = [(_total(left, f), _total(right, f)) for f in (_by_weight, _by_powers)]
    return [(prim("sub", one, other), sign, 0) for one, other in sides] + found


def _total(pairs: _Parts, form: _Form) -> Expression:
    parts = form(pairs)
    terms = [t if f == 1 else prim("mul", const(f), t) for f, t in parts]
    return terms[0] if len(terms) == 1 else prim("add", *terms)


def _by_weight(pairs: _Parts) -> _Parts:
    """Equal weights as a count."""
    ordered = sorted(pairs, key=lambda p: -p[0])
    grouped = groupby(ordered, key=lambda p: p[0])
    return [(w, counted([x for _, x in same])) for w, same in grouped]


def _by_powers(pairs: _Parts) -> _Parts:
    """Weights w * 2^k, ..., 2 w, w as a number in base 2; what is left as counts."""
    left = {w: in_order([x for v, x in pairs if v == w]) for w, _ in pairs}
    found: _Parts = []
    while any(left.values()):
        weight = max(w for w, items in left.items() if items)
        chain = [left[weight].pop(0)]
        while weight % 2 == 0 and left.get(weight // 2):
            weight //= 2
            chain.append(left[weight].pop(0))
        found.append((weight, numbered(chain)))
    singles = [(w, t) for w, t in found if t.children and t.children[0].type == BOOL]
    if len(singles) < 2:
        return found
    rest = _by_weight([(w, t.children[0]) for w, t in singles])
    return [f for f in found if f not in singles] + rest
