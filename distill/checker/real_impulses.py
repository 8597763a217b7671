"""Affine cells beside linear loops of real outputs, again: distances from their responses.

Both are multiplied out as for whole outputs (`impulses`). Item by item the outputs are apart by at
most the differences of the responses so far times the largest items, what both answer without
items, and float32 rounding, that of the items included. A claim for every length is followed until
powers of both state matrices have become small, s; all later powers together are at most
s / (1 - s) times those before, since every later one is a product of the small one and an earlier.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from distill.checker.finding import Finding
from distill.checker.impulses import (
    Exact,
    Linear,
    Multiplied,
    array,
    by_responses,
    exact,
    multiplied,
    program_of,
    zeros,
)
from distill.checker.impulses import up as rounded_up
from distill.checker.tree import Refused
from distill.evidence import Claim
from distill.recurrent_target import Oracle
from dsl.loop import Loop
from dsl.types import REAL

_LONGEST = 1_000
_FOLLOWED = 400
"""Items after which powers that are still large are given up."""

_SMALL = Fraction(1, 16)


@dataclass
class _Course:
    """One side, item by item: its response, its state without items, and sums over powers."""

    own: Linear
    sizes: Exact
    power: Exact = field(init=False)
    state: Exact = field(init=False)
    peak: Exact = field(init=False)
    reach: Exact = field(init=False)
    sums: Exact = field(init=False)
    norms: Fraction = field(default=Fraction(0))

    def __post_init__(self) -> None:
        h = len(self.own.start)
        self.power, self.sums = array(np.eye(h)).reshape(h, h), zeros(h, h)
        self.state, self.peak, self.reach = self.own.start, abs(self.own.start), zeros(h)

    @property
    def answer(self) -> Exact:
        """The output without items."""
        return self.own.read @ self.state + self.own.plain

    def step(self) -> Exact:
        """Go one item on; returns the response to the item before it all."""
        pushed = self.power @ self.own.b
        self.reach = rounded_up(self.reach + abs(pushed) @ self.sizes)
        self.sums, self.norms = (
            rounded_up(self.sums + abs(self.power)),
            self.norms + _norm(self.power),
        )
        self.power = self.own.a @ self.power
        self.state = self.own.a @ self.state + self.own.c
        self.peak = np.maximum(self.peak, abs(self.state))
        return self.own.read @ pushed

    def rest(self) -> Fraction:
        """The norms of all powers from here on, added; the last one must be small."""
        norm = _norm(self.power)
        return norm * self.norms / (1 - norm)

    def wander(self) -> Fraction:
        """How far the state without items may be from here, ever after."""
        return self.rest() * (2 * _most(self.own.start) + _most(self.own.c))

    def push(self) -> Fraction:
        """What items that are longer ago than all so far may add to the state."""
        return self.rest() * _most(abs(self.own.b) @ self.sizes)


def real_impulse_finding(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    """Whether outputs stay within the tolerance up to the claim's length, or for ever."""
    return by_responses(_shown, oracle, loop, claim)


def _shown(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    length = claim.length_bound
    if length is not None and not 1 <= length <= _LONGEST:
        raise Refused(f"a length up to {_LONGEST:,} is needed.")
    if not oracle.plain or not oracle.representable(np.zeros(0)):
        raise Refused("items must enter the cell as the numbers that they are.")
    low, high = oracle.domain.item.value_box()
    sizes = array([exact(max(abs(a), abs(b))) for a, b in zip(low, high, strict=True)])
    sizes = sizes * (1 + Fraction(1, 2**52))  # the domain's own ends may lie between floats
    real = array([int(f.item == REAL) for f in oracle.domain.item.fields])
    moved = real * (sizes + 1) * Fraction(1, 2**24)
    network, program, allowed = (
        multiplied(oracle), program_of(loop, len(sizes)), exact(claim.tolerance)
    )  # fmt: skip
    bound = _largest_distance(network, program, sizes, moved, length, allowed)
    if not bound <= allowed:
        raise Refused(f"the outputs may be {float(bound):.4g} apart.")
    reach = "for every length" if length is None else f"up to item {length}"
    return Finding(
        "holds",
        "the responses to single items, exact, and the rounding of float32 keep outputs within "
        f"{float(bound):.4g} {reach}",
    )


def _largest_distance(
    network: Multiplied,
    program: Linear,
    sizes: Exact,
    moved: Exact,
    length: int | None,
    allowed: Fraction,
) -> Fraction:
    """A bound of how far outputs are apart up to a length; None: for ever, as far as is allowed."""
    if len(network.linear.plain) != len(program.plain):
        raise Refused("network and loop have outputs of different sizes.")
    ours, theirs = _Course(network.linear, sizes + moved), _Course(program, sizes)
    h, read = len(network.linear.start), abs(network.linear.read)
    apart = _of(network.linear.direct, program.direct, sizes, moved)
    worst, largest = zeros(h), Fraction(0)
    for _ in range(_FOLLOWED if length is None else length):
        spread = ours.sums @ worst
        error = network.rounding(
            np.concatenate([rounded_up(ours.reach + abs(ours.state) + spread), sizes + moved])
        )
        now = apart + abs(ours.answer - theirs.answer) + read @ spread + error[h:]
        largest, worst = max(largest, *now), np.maximum(worst, error[:h])
        apart = rounded_up(apart + _of(ours.step(), theirs.step(), sizes, moved))
        if length is None and max(_norm(ours.power), _norm(theirs.power)) < _SMALL:
            later = _later(network, ours, theirs, apart, worst)
            if later is not None and later <= allowed:
                return max(largest, later)
    if length is None:
        raise Refused("what was long ago isn't forgotten.")
    return largest


def _of(response: Exact, other: Exact, sizes: Exact, moved: Exact) -> Exact:
    """What one delay adds: the responses' difference, and rounded items."""
    return abs(response - other) @ sizes + abs(response) @ moved


def _later(
    network: Multiplied, ours: _Course, theirs: _Course, apart: Exact, worst: Exact
) -> Fraction | None:
    """A bound for all items to come; None where the rounding isn't shown to stay as it is."""
    h, read = len(worst), abs(network.linear.read)
    most = 2 * worst + Fraction(1, 2**80)
    spread = ours.sums @ most + ours.rest() * _most(most)
    held = ours.reach + ours.push() + ours.peak + ours.wander() + spread
    error = network.rounding(np.concatenate([rounded_up(held), ours.sizes]))
    if (error[:h] > most).any():
        return None
    tails = _sums(read) * (ours.wander() + ours.push())
    tails = tails + _sums(abs(theirs.own.read)) * (theirs.wander() + theirs.push())
    return max(apart + abs(ours.answer - theirs.answer) + tails + read @ spread + error[h:])


def _norm(matrix: Exact) -> Fraction:
    """The largest row sum."""
    return max((sum(map(abs, row), Fraction(0)) for row in matrix), default=Fraction(0))


def _most(values: Exact) -> Fraction:
    return max(map(abs, values), default=Fraction(0))


def _sums(rows: Exact) -> Exact:
    return rows.sum(1) if rows.shape[1] else zeros(len(rows))
