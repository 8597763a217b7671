"""How good a candidate is: does it hold on the judging points, at what error, at what price."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from distill.synthesize.candidate import Candidate
from distill.synthesize.points import points_of
from distill.target import Target
from distill.verify.square import compare
from dsl.domain import Columns, rows

RESIDUAL_BITS = {"real": 12.0, "discrete": 8.0}
"""What halving the error is worth: the price of telling the rest, beside the program."""

POINTS = 16_384
_FLOOR = 1e-2
_SOFT = 2.0


@dataclass(frozen=True)
class Judged:
    """A candidate with its error relative to the tolerance.

    error: largest distance, or for discrete outputs the share of judging points that differ.
    wrong: indices of judging points that differ, the worst first.
    limit: the relative error at which it still holds.
    residual: bits that halving the error is worth.
    """

    candidate: Candidate
    error: float
    relative: float
    wrong: tuple[int, ...]
    limit: float
    residual: float

    @property
    def holds(self) -> bool:
        """Whether the tolerance is kept on the judging points."""
        return self.relative <= self.limit

    @property
    def score(self) -> float:
        """Bits of the program and of what it leaves unsaid; smaller is better."""
        return self.candidate.bits + self.residual * math.log2(max(self.relative, _FLOOR))


def judging_points(target: Target, seed: int) -> Columns:
    """All points of a small finite domain, else draws, for real outputs with corners added."""
    return points_of(target, (seed, 4), POINTS, 256, 1 << 16)


def judge(target: Target, candidate: Candidate, points: Columns) -> Judged:
    """Measure a candidate on the judging points."""
    found = compare(target, candidate.program, points)
    if not target.output.discrete:
        error = float(found.distance.max(initial=0.0))
        limit = target.tolerance
        wrong = np.flatnonzero(found.distance > limit)
    else:
        wrong = np.flatnonzero(found.wrong(0.0, target.margin))
        error = max(len(wrong) / max(rows(points), 1), _share_of_data(target, candidate))
        limit = 0.0 if target.finite else target.tolerance
    order = np.argsort(-(found.distance * np.minimum(found.margin, 1e9))[wrong], kind="stable")
    residual = RESIDUAL_BITS["discrete" if target.output.discrete else "real"]
    return Judged(
        candidate,
        error,
        _relative(error, limit),
        tuple(wrong[order][:64].tolist()),
        _SOFT if target.soft else 1.0,
        residual,
    )


def _share_of_data(target: Target, candidate: Candidate) -> float:
    """The share of the user's data that differs: a box may be all but empty where they lie."""
    if target.data is None:
        return 0.0
    found = compare(target, candidate.program, target.data)
    return float(np.mean(found.wrong(0.0, target.margin)))


def _relative(error: float, limit: float) -> float:
    if limit > 0:
        return error / limit
    return _FLOOR if error == 0 else math.inf


def front(judged: list[Judged]) -> list[Judged]:
    """The candidates that no other beats in bits and error, fewest bits first."""
    found: list[Judged] = []
    for entry in sorted(judged, key=lambda j: (j.candidate.bits, j.error)):
        if not found or entry.error < found[-1].error:
            found.append(entry)
    return found
