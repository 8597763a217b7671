"""The ladder: cheap refutation first, then proofs, the strongest rung that holds is the claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from distill.evidence import Claim
from distill.verify import bands
from distill.verify.boxes import bounds_claim, with_margin
from distill.verify.exhaustive import LIMIT, exhaustive
from distill.verify.parted import parted
from distill.verify.relational import relational
from distill.verify.sampling import DRAWS, hunt, refuted, sampling
from distill.verify.smt import smt_claim
from distill.verify.square import Square, tolerance
from dsl.domain import Columns, rows

_LOOSER = 4.0
_FRESH = 500_000
"""Added to the seed for draws that measure a band: others than those it was chosen on."""

_MUCH = 0.01
"""A larger share left out than this is worth a band in parts."""


@dataclass(frozen=True)
class Effort:
    """How far to go: points to list, boxes to split (in a band's parts), draws, when to stop."""

    points: int = LIMIT
    boxes: int = 120_000
    parted_boxes: int = 300_000
    draws: int = DRAWS
    should_stop: Callable[[], bool] | None = None


def verify(square: Square, seed: int = 0, effort: Effort | None = None) -> Claim:
    """The strongest claim about a square that the effort allows.

    Where a decision differs only close to the network's own decision, the margin is widened
    until it covers what was found; the share of the domain that this leaves out is measured, and
    where it is large a band in parts is tried, which leaves out less.
    """
    effort = effort or Effort()
    listed = exhaustive(square, effort.points, effort.should_stop)
    if listed is not None:
        return listed
    literal = relational(square)
    if literal is not None and literal.verdict == "proved":
        return _confirmed(literal, square, seed, effort)
    found = hunt(square, seed)
    banded, sampled = bands.settled(
        bands.covering(square, found, seed),
        lambda some, attempt: _sampled(some, found, seed + 1000 * attempt, effort),
    )
    if sampled.verdict == "refuted":
        return sampled
    claim = _proved(banded, seed, effort) or sampled
    if claim.verdict == "proved" and claim.left_out <= _MUCH:
        return claim
    return _narrower(square, claim, found, seed, effort) or claim


def _proved(square: Square, seed: int, effort: Effort) -> Claim | None:
    """A proof, beside a band that may be a little wider than the square's; None where none is."""
    banded = bands.thin(square, seed)
    proof = _proof(banded, effort)
    if square.target.output.discrete and (proof is None or proof.verdict != "proved"):
        banded = bands.roomier(banded)
        proof = _proof(banded, effort)
    if proof is not None and proof.verdict != "proved" and square.target.soft:
        proof = _at_the_bound(proof, square)
    if proof is None or proof.verdict != "proved":
        return None
    drawn = sampling(banded, seed + _FRESH, effort.draws // 2)
    return drawn if drawn.verdict == "refuted" else replace(proof, left_out=drawn.left_out)


def _narrower(
    square: Square, claim: Claim, found: Columns, seed: int, effort: Effort
) -> Claim | None:
    """A proof with a band in parts that leaves out less than the claim; None where none is."""
    if not square.target.output.discrete:
        return None
    shown = parted(square, found, seed, effort.parted_boxes, effort.should_stop)
    if shown is None:
        return None
    drawn = sampling(shown[0], seed + _FRESH, effort.draws)
    if drawn.verdict == "refuted" or drawn.left_out >= claim.left_out:
        return None
    return replace(shown[1], left_out=drawn.left_out)


def _confirmed(claim: Claim, square: Square, seed: int, effort: Effort) -> Claim:
    """A proof by construction is still run: draws measure what it leaves out."""
    drawn = sampling(with_margin(square, claim.margin), seed, effort.draws // 4)
    return drawn if drawn.verdict == "refuted" else replace(claim, left_out=drawn.left_out)


def _at_the_bound(proof: Claim, square: Square) -> Claim:
    """Where the tolerance is only the default, a somewhat larger bound is proved instead."""
    bound, asked = proof.achieved, square.target.tolerance
    if bound is None or bound > _LOOSER * asked:
        return proof
    return replace(proof, verdict="proved", tolerance=bound)


def _proof(square: Square, effort: Effort) -> Claim | None:
    proof = bounds_claim(square, effort.boxes, effort.should_stop)
    if proof is not None and proof.verdict == "proved":
        return proof
    return smt_claim(square, effort.should_stop) or proof


def _sampled(square: Square, found: Columns, seed: int, effort: Effort) -> Claim:
    if rows(found):
        difference = square.compare(found)
        wrong = difference.wrong(tolerance(square.target), square.margin)
        if wrong.any():
            row = int(np.argmax(np.where(wrong, difference.distance, -1)))
            return refuted(square, found, difference, row, rows(found), 0.0, "property")
    return sampling(square, seed, effort.draws)
