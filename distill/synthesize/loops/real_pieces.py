"""Outputs in affine pieces of item and registers: one, the larger of two, clipped, chosen.

Where the pieces lie is found by turns: least squares on the rows of each piece, then every row to
the piece that is the larger one there (Magnani and Boyd, Convex piecewise-linear fitting,
Optimization and Engineering 10, 2009). Products of two make one piece of what is quadratic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.real_constants import Floats, number, solved
from distill.synthesize.loops.real_forms import affine
from dsl.program import Expression, prim

_TURNS = 12
_NEAR = 4.0
"""Times the tolerance that nearly all rows must be within for a form to be fitted further."""

_NEARLY = 0.98
_QUADRATIC = 5
"""Numbers up to which products of two are taken in."""

_FLAT = 0.02
"""Share of the rows that lie at an end where outputs are clipped."""

Rows = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Form:
    """An expression with open constants, and where to begin with them."""

    make: Callable[[Floats], Expression]
    start: Floats


def pieces(
    leaves: Sequence[Expression],
    columns: Floats,
    truths: Sequence[tuple[Expression, Rows]],
    wanted: Floats,
    tolerance: float,
) -> Iterator[Form]:
    """Forms that give `wanted` (n,) on nearly all rows, short ones first.

    leaves: numbers with their columns (n, d); truths: what may choose between two pieces.
    """
    near = _NEAR * tolerance
    one = np.column_stack([columns, np.ones(len(columns))])
    yield from (
        *_affine(leaves, one, wanted, near),
        *_extremes(leaves, one, wanted, near),
        *_clipped(leaves, one, wanted, near),
        *_chosen(leaves, one, truths, wanted, near),
    )
    if 1 <= len(leaves) <= _QUADRATIC:
        pairs = list(combinations_with_replacement(range(len(leaves)), 2))
        products = [prim("mul", leaves[i], leaves[j]) for i, j in pairs]
        more = np.stack([columns[:, i] * columns[:, j] for i, j in pairs], 1)
        yield from _affine([*leaves, *products], np.column_stack([columns, more, one[:, -1]]),
                           wanted, near)  # fmt: skip


def _fits(found: Floats, wanted: Floats, near: float) -> bool:
    return float(np.quantile(np.abs(found - wanted), _NEARLY)) <= near


def _affine(
    leaves: Sequence[Expression], design: Floats, wanted: Floats, near: float
) -> Iterator[Form]:
    weights = solved(design, wanted)
    if _fits(design @ weights, wanted, near):
        yield Form(lambda c: affine(leaves, c), weights)


def _extremes(
    leaves: Sequence[Expression], design: Floats, wanted: Floats, near: float
) -> Iterator[Form]:
    """The larger, or the smaller, of two affine pieces."""
    for name, sign in (("max", 1.0), ("min", -1.0)):
        found = _by_turns(design, sign * wanted, near)
        if found is not None:
            yield Form(partial(_two, name, leaves), sign * found)


def _by_turns(design: Floats, wanted: Floats, near: float) -> Floats | None:
    """Weights of two pieces, one after the other, whose larger one is `wanted` on most rows."""
    width = design.shape[1]
    for first in _divisions(design, wanted):
        upper = first
        for _ in range(_TURNS):
            if not width <= upper.sum() <= len(upper) - width:
                break
            both = [solved(design[rows], wanted[rows]) for rows in (upper, ~upper)]
            values = [design @ weights for weights in both]
            moved = values[0] >= values[1]
            if (moved == upper).all():
                break
            upper = moved
        else:
            continue
        if not width <= upper.sum() <= len(upper) - width:
            continue
        if _fits(np.maximum(*values), wanted, near):
            return np.concatenate(both)
    return None


def _divisions(design: Floats, wanted: Floats) -> Iterator[Rows]:
    """First guesses of which rows belong to which piece."""
    columns = design[:, :-1].T
    for i, column in enumerate(columns):
        yield column > np.median(column)
        yield from (column > other for other in columns[i + 1 :])
        yield np.abs(wanted - column) < 1e-2 * (float(wanted.std()) or 1.0)
    yield wanted - design @ solved(design, wanted) > 0
    yield wanted > np.median(wanted)


def _clipped(
    leaves: Sequence[Expression], design: Floats, wanted: Floats, near: float
) -> Iterator[Form]:
    """One affine piece held between two ends at which many rows lie."""
    low, high = float(wanted.min()), float(wanted.max())
    at_ends = (wanted <= low + near) | (wanted >= high - near)
    inside = ~at_ends
    if at_ends.mean() < _FLAT or inside.sum() < 2 * design.shape[1]:
        return
    weights = solved(design[inside], wanted[inside])
    if _fits(np.clip(design @ weights, low, high), wanted, near):
        ends = np.append(weights, [low, high])
        yield Form(lambda c: _held(affine(leaves, c[:-2]), c[-2], c[-1]), ends)


def _chosen(
    leaves: Sequence[Expression],
    design: Floats,
    truths: Sequence[tuple[Expression, Rows]],
    wanted: Floats,
    near: float,
) -> Iterator[Form]:
    """One affine piece where a truth holds, another one where it doesn't."""
    width = design.shape[1]
    for truth, rows in truths:
        if not 2 * width <= rows.sum() <= len(rows) - 2 * width:
            continue
        both = [solved(design[r], wanted[r]) for r in (rows, ~rows)]
        if _fits(np.where(rows, design @ both[0], design @ both[1]), wanted, near):
            yield Form(partial(_two, "if_", leaves, before=(truth,)), np.concatenate(both))


def _held(value: Expression, low: float, high: float) -> Expression:
    return prim("clip", value, number(low), number(high))


def _two(
    name: str,
    leaves: Sequence[Expression],
    constants: Floats,
    before: tuple[Expression, ...] = (),
) -> Expression:
    """An operation on two affine pieces."""
    width = len(leaves) + 1
    pair = affine(leaves, constants[:width]), affine(leaves, constants[width:])
    return prim(name, *before, *pair)
