"""Bands: where near a decision a claim says nothing, since no jump can equal a continuous network.

A band is the narrowest that exempts every difference that was found: around the network's
decisions or around the program's jumps (`Square.guard`). What is found just outside of it later
widens it a few times; what is found far outside refutes the program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from distill.evidence import Claim
from distill.guard import guard_of
from distill.verify.boxes import with_margin
from distill.verify.square import Square
from dsl.domain import Columns

_WIDER = 1.15
_ROOM = 1.3
"""A band a little wider than what was found leaves room for a proof."""
_WIDENINGS = 6
_FAR = 4.0
"""A difference so many times farther than the band's edge is no matter of its width."""
_THIN = 0.002
"""Share of the domain that a band may leave out only so that the rest can be proved."""
_SHARE_DRAWS = 50_000


def covering(square: Square, columns: Columns, seed: int) -> Square:
    """The square with the narrowest band that exempts every difference found here or in draws.

    The band is around the network's decisions or around the program's jumps, whichever leaves
    out the smaller share of the domain.
    """
    if not square.target.output.discrete:
        return square
    rng = np.random.default_rng([seed, 3])
    drawn = square.target.domain.sample(rng, _SHARE_DRAWS)
    guard = guard_of(square.program) if square.margin == 0 else None
    options = [square] if guard is None else [square, replace(square, guard=guard)]
    widened = [_widened(option, columns, drawn) for option in options]
    if widened[0] is square:
        return square
    return min(widened, key=lambda s: float(np.mean(s.compare(drawn).margin <= s.margin)))


def _widened(square: Square, columns: Columns, drawn: Columns) -> Square:
    """The square with a margin that exempts every difference on both sets of inputs."""
    widest = square.margin
    for part in (columns, drawn):
        found = square.compare(part)
        widest = max(widest, float(found.margin[found.distance > 0].max(initial=0.0)))
    return square if widest <= square.margin else with_margin(square, widest * _WIDER)


def settled(square: Square, judged: Callable[[Square, int], Claim]) -> tuple[Square, Claim]:
    """The square with its band as wide as draws ask for, and the claim that draws make.

    `judged` draws anew each time it is asked, by the number of the attempt.
    """
    sampled = judged(square, 0)
    for attempt in range(1, _WIDENINGS + 1):
        wider = _just_outside(square, sampled)
        if wider is None:
            break
        square, sampled = wider, judged(wider, attempt)
    return square, sampled


def _just_outside(square: Square, sampled: Claim) -> Square | None:
    """A band that takes in the difference that refuted this one; None where it is far outside."""
    example = sampled.counterexample
    if not square.target.output.discrete or sampled.verdict != "refuted" or example is None:
        return None
    columns = square.target.domain.column(tuple(example["inputs"].values()))
    margin = float(square.compare(columns).margin[0])
    if square.margin == 0 or margin > _FAR * square.margin:
        return None
    return with_margin(square, margin * _WIDER)


def thin(square: Square, seed: int) -> Square:
    """A decision found nowhere to differ still needs room at the jump to be proved: a thin band."""
    if not square.target.output.discrete or square.margin > 0:
        return square
    rng = np.random.default_rng([seed, 9])
    drawn = square.compare(square.target.domain.sample(rng, _SHARE_DRAWS))
    return with_margin(square, float(np.quantile(drawn.margin, _THIN)))


def roomier(square: Square) -> Square:
    """The same band, somewhat wider, for a proof that failed beside it."""
    return with_margin(square, square.margin * _ROOM)
