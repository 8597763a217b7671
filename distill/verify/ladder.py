"""The ladder: cheap refutation first, then proofs, the strongest rung that holds is the claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from distill.evidence import Claim
from distill.verify.boxes import bounds_claim, with_margin
from distill.verify.exhaustive import LIMIT, exhaustive
from distill.verify.relational import relational
from distill.verify.sampling import DRAWS, hunt, refuted, sampling
from distill.verify.smt import smt_claim
from distill.verify.square import Square, compare, tolerance
from dsl.domain import Columns, rows

_WIDER = 1.15
_LOOSER = 4.0
_SHARE_DRAWS = 50_000


@dataclass(frozen=True)
class Effort:
    """How far to go: points to list, boxes to split, draws, and when to stop at once."""

    points: int = LIMIT
    boxes: int = 60_000
    draws: int = DRAWS
    should_stop: Callable[[], bool] | None = None


def verify(square: Square, seed: int = 0, effort: Effort | None = None) -> Claim:
    """The strongest claim about a square that the effort allows.

    Where a decision differs only close to the network's own decision, the margin is widened
    until it covers what was found; the share of the domain that this leaves out is measured.
    """
    effort = effort or Effort()
    listed = exhaustive(square, effort.points, effort.should_stop)
    if listed is not None:
        return listed
    literal = relational(square)
    if literal is not None and literal.verdict == "proved":
        return _confirmed(literal, square, seed, effort)
    found = hunt(square, seed)
    square = covering(square, found, seed)
    sampled = _sampled(square, found, seed, effort)
    if sampled.verdict == "refuted":
        return sampled
    proof = _proof(square, effort)
    if proof is not None and proof.verdict != "proved" and square.target.soft:
        proof = _at_the_bound(proof, square)
    if proof is None or proof.verdict != "proved":
        return sampled
    return replace(proof, left_out=sampled.left_out)


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


def covering(square: Square, columns: Columns, seed: int) -> Square:
    """The square with a margin that exempts every difference found here or in draws."""
    if not square.target.output.discrete:
        return square
    rng = np.random.default_rng([seed, 3])
    drawn = square.target.domain.sample(rng, _SHARE_DRAWS)
    widest = square.margin
    for part in (columns, drawn):
        found = compare(square.target, square.program, part)
        widest = max(widest, float(found.margin[found.distance > 0].max(initial=0.0)))
    return square if widest <= square.margin else with_margin(square, widest * _WIDER)


def _sampled(square: Square, found: Columns, seed: int, effort: Effort) -> Claim:
    if rows(found):
        difference = compare(square.target, square.program, found)
        wrong = difference.wrong(tolerance(square.target), square.margin)
        if wrong.any():
            row = int(np.argmax(np.where(wrong, difference.distance, -1)))
            return refuted(square, found, difference, row, rows(found), 0.0, "property")
    return sampling(square, seed, effort.draws)
