"""What is true of a square at its known points, and which claims that contradicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from benchmarks.evidence.exact import (
    ORDERS,
    Doubles,
    Exact,
    apart,
    below,
    largest,
    network_exactly,
    network_in_float32,
    program_at,
)
from benchmarks.evidence.trials import Row, Trial
from distill.evidence import Claim
from distill.target import Target
from dsl.domain import Domain
from dsl.types import BOOL, INT, Category

REALS = "reals"
"""The method of claims about the reals alone: bounds before any rounding of a run is added."""

_BOUNDING = (REALS, "bounds", "lockstep", "tuned", "phases", "smt", "relational", "milp")
"""Methods whose claims are about the reals and, but for the first, about float32 in any order of
summation and the program in float64."""

_PROOFS = ("proved", "proved_to_solver_tolerance")


@dataclass(frozen=True, eq=False)
class Facts:
    """Both sides at one point: outputs (k,) and the program's value, exactly and in floats.

    as_run: the network's own run; floats: float32 in several orders.
    """

    target: Target
    exact: list[Any]
    as_run: list[float]
    floats: list[list[float]]
    value: Any
    double: Any

    @cached_property
    def gap(self) -> Any:
        """The largest |network - program| of any reading of both."""
        return largest([self.gap_exact, self.gap_float])

    @cached_property
    def gap_exact(self) -> Any:
        """|network - program| over the reals."""
        return _gap(self.exact, self.value)

    @cached_property
    def gap_float(self) -> Any:
        """|network in float32 - program in float64|, the worst order."""
        return largest([_gap(_rational(f), self.double) for f in (*self.floats, self.as_run)])

    @cached_property
    def gap_run(self) -> Any:
        """|network as run - program|, whichever of its two values is nearer."""
        gaps = [_gap(_rational(self.as_run), v) for v in (self.double, self.value)]
        return gaps[1] if below(gaps[1], gaps[0]) else gaps[0]

    def differs(self, outputs: Sequence[Any]) -> bool:
        """Whether these outputs are decided otherwise than by the program."""
        decided = decode(self.target, outputs)
        return decided != self.value and decided != self.double


def facts(trial: Trial, row: Row) -> Facts:
    """Everything about a point of the trial's domain."""
    target = trial.square.target
    domain, names = target.domain, [f.name for f in target.domain.fields]
    point = dict(zip(names, row, strict=True))
    seen = encoded(domain, row)
    narrow = [float(np.float32(float(v))) for v in seen]
    return Facts(
        target,
        network_exactly(trial.form, seen),
        [float(v) for v in target.raw(domain.column(row))[0]],
        [network_in_float32(trial.form, narrow, order) for order in ORDERS],
        program_at(trial.term, point),
        program_at(trial.term, point, Doubles),
    )


@lru_cache(maxsize=4)
def known(trial: Trial) -> tuple[Facts, ...]:
    """Everything about the trial's own points."""
    return tuple(facts(trial, row) for row in trial.points)


def encoded(domain: Domain, row: Row) -> list[Fraction]:
    """What the network sees of a row, exactly."""
    found: list[Fraction] = []
    for field, value in zip(domain.fields, row, strict=True):
        for scalar in value if isinstance(value, list) else [value]:
            number = Fraction(scalar)
            if field.encoding.kind == "onehot":
                found += [Fraction(int(number == k)) for k in range(field.choices or 0)]
            elif field.encoding.kind == "signed":
                found.append(2 * number - 1)
            else:
                found.append(field.encoding.scale * number + field.encoding.shift)
    return found


def decode(target: Target, outputs: Sequence[Any]) -> Any:
    """A decision: the first of the largest, or on which side of the level, or a whole number."""
    output = target.output
    if isinstance(output.type, Category):
        best = 0
        for place, value in enumerate(outputs):
            best = place if below(outputs[best], value) else best
        return best
    if output.scalar == BOOL:
        return below(Fraction(output.level), outputs[0])
    assert output.scalar == INT
    return round(outputs[0])


def margin(target: Target, outputs: Sequence[Any]) -> Any:
    """How far a decision is from the nearest other one."""
    if isinstance(target.output.type, Category):
        first, second = sorted(outputs, key=_Ordered)[-1:-3:-1]
        return apart(first, second)
    if target.output.scalar == BOOL:
        return apart(outputs[0], Fraction(target.output.level))
    return Fraction(1, 2) - apart(outputs[0], Fraction(round(outputs[0])))


class _Ordered:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Ordered) -> bool:
        return below(self.value, other.value)


def _rational(values: Sequence[float]) -> list[Fraction]:
    return [Fraction(v) for v in values]


def _gap(outputs: Sequence[Any], value: Any) -> Any:
    wanted = value if isinstance(value, list) else [value]
    pairs = zip(outputs, wanted, strict=True)
    return largest([apart(a, Fraction(b) if isinstance(b, float) else b) for a, b in pairs])


def contradicted(trial: Trial, claim: Claim) -> str | None:
    """Why a claim is false, or None where no known point says so.

    A claim of a bounding method is about the reals and every order of float32; one of another
    about the network as it is run.
    """
    if claim.verdict not in _PROOFS and claim.method not in _BOUNDING:
        return None
    if claim.verdict == "refuted":  # what was achieved is the difference at the counterexample
        return None
    for row, found in zip(trial.points, known(trial), strict=True):
        reason = _against(trial, found, claim, row)
        if reason:
            return f"{reason} at {row}"
    return None


def _against(trial: Trial, found: Facts, claim: Claim, row: Row) -> str | None:
    rigorous = claim.method in _BOUNDING
    if not trial.square.target.output.discrete:
        gap = found.gap if rigorous else found.gap_run
        gap = found.gap_exact if claim.method == REALS else gap
        if claim.verdict in _PROOFS and below(Fraction(claim.tolerance or 0.0), gap):
            return f"proved within {claim.tolerance!r}, and {float(gap)!r} apart"
        slack = Fraction(1) if rigorous else 1 + Fraction(1, 2**50)  # a rounded figure
        if claim.achieved is not None and below(Fraction(claim.achieved) * slack, gap):
            return f"achieved {claim.achieved!r}, and {float(gap)!r} apart"
        return None
    if claim.verdict not in _PROOFS:
        return None
    readings = [found.exact, *map(_rational, found.floats)] if rigorous else []
    for outputs in [*readings, _rational(found.as_run)]:
        if found.differs(outputs) and outside_band(trial, outputs, claim, row):
            return f"proved equal with margin {claim.margin!r} ({claim.band})"
    return None


def outside_band(trial: Trial, outputs: Sequence[Any], claim: Claim, row: Row) -> bool:
    """Whether the claim says something about a point where the network has these outputs."""
    own = margin(trial.square.target, outputs)
    if claim.band == "network":
        return below(Fraction(claim.margin), own)
    guard = guard_at(trial, row)
    if claim.band == "program":
        return below(Fraction(claim.margin), guard)
    scalars = trial.square.target.domain.flatten(trial.square.target.domain.column(row))[0]
    for part in claim.widths:
        inside = all(a <= x <= b for a, x, b in
                     zip(part["lower"], scalars, part["upper"], strict=True))  # fmt: skip
        width = Exact.add(own, Exact.mul(Fraction(part["weight"]), guard))
        if inside and not below(Fraction(part["margin"]), width):
            return False
    return True


def guard_at(trial: Trial, row: Row) -> Any:
    """How far a point is from where the program jumps: what it compares, apart."""
    names = [f.name for f in trial.square.target.domain.fields]
    point, term = dict(zip(names, row, strict=True)), trial.term
    parts = [program_at(t, point) for t in term[1:]]
    if term[0] == "less":
        return apart(*parts)
    first, second = sorted(parts, key=_Ordered)[-1:-3:-1]
    return apart(first, second)


def truly_differs(trial: Trial) -> tuple[bool, bool]:
    """Whether a known point refutes the square's claim, and whether a run of both sides shows
    there more than twice what is allowed."""
    square, found = trial.square, known(trial)
    if square.target.output.discrete:
        turned = any(
            f.differs(f.exact) and below(Fraction(square.margin), margin(square.target, f.exact))
            for f in found
        )
        return turned, turned
    allowed = Fraction(square.target.tolerance)
    worst, clear = largest([f.gap for f in found]), largest([f.gap_run for f in found])
    return below(allowed, worst), below(2 * allowed, clear)


def replays(trial: Trial, claim: Claim) -> bool:
    """Whether a counterexample differs, over the reals or as the network is run.

    At the edge of rounding a network gives other values in another order of summation: there the
    values shown count, where they are those of the network up to rounding.
    """
    example, names = claim.counterexample, [f.name for f in trial.square.target.domain.fields]
    if example is None:
        return False
    row = tuple(example["inputs"][name] for name in names)
    domain = trial.square.target.domain
    if not domain.contains(domain.column(row))[0]:
        return False
    found = facts(trial, row)
    if trial.square.target.output.discrete:
        return any(
            found.differs(outputs) and outside_band(trial, outputs, claim, row)
            for outputs in (found.exact, _rational(found.as_run))
        )
    allowed = Fraction(trial.square.target.tolerance)
    network, theirs = (np.ravel(example[side]).tolist() for side in ("network", "program"))
    shown = _gap(_rational(network), theirs)
    own = any(np.allclose(network, run, rtol=2.0**-20, atol=0) for run in found.floats)
    return below(allowed, found.gap) or (own and below(allowed, shown))
