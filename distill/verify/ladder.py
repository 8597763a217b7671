"""The ladder: cheap refutation first, then proofs, the strongest rung that holds is the claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from distill.evidence import Claim
from distill.guard import guard_of
from distill.verify.boxes import bounds_claim, with_margin
from distill.verify.exhaustive import LIMIT, exhaustive
from distill.verify.relational import relational
from distill.verify.sampling import DRAWS, hunt, refuted, sampling
from distill.verify.smt import smt_claim
from distill.verify.square import Square, tolerance
from dsl.domain import Columns, rows

_WIDER = 1.15
_LOOSER = 4.0
_WIDENINGS = 6
_ROOM = 1.3
"""A band a little wider than what was found leaves room for a proof."""

_THIN = 0.002
"""Share of the domain that a band may leave out only so that the rest can be proved."""
_FAR = 4.0
_SHARE_DRAWS = 50_000


@dataclass(frozen=True)
class Effort:
    """How far to go: points to list, boxes to split, draws, and when to stop at once."""

    points: int = LIMIT
    boxes: int = 120_000
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
    square, sampled = _covered_and_sampled(covering(square, found, seed), found, seed, effort)
    if sampled.verdict == "refuted":
        return sampled
    banded = _with_thin_band(square, seed)
    proof = _proof(banded, effort)
    if square.target.output.discrete and (proof is None or proof.verdict != "proved"):
        banded = with_margin(banded, banded.margin * _ROOM)
        proof = _proof(banded, effort)
    if proof is not None and proof.verdict != "proved" and square.target.soft:
        proof = _at_the_bound(proof, square)
    if proof is None or proof.verdict != "proved":
        return sampled
    if banded is not square:
        sampled = sampling(banded, seed, effort.draws // 2)
    if sampled.verdict == "refuted":
        return sampled
    return replace(proof, left_out=sampled.left_out)


def _with_thin_band(square: Square, seed: int) -> Square:
    """A decision found nowhere to differ still needs room at the jump to be proved: a thin band."""
    if not square.target.output.discrete or square.margin > 0:
        return square
    rng = np.random.default_rng([seed, 9])
    drawn = square.compare(square.target.domain.sample(rng, _SHARE_DRAWS))
    return with_margin(square, float(np.quantile(drawn.margin, _THIN)))


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


def _covered_and_sampled(
    square: Square, found: Columns, seed: int, effort: Effort
) -> tuple[Square, Claim]:
    """Sample; a difference just outside the band widens it, and then draws are fresh ones."""
    sampled = _sampled(square, found, seed, effort)
    for attempt in range(1, _WIDENINGS + 1):
        example = sampled.counterexample
        if not square.target.output.discrete or sampled.verdict != "refuted" or example is None:
            break
        columns = square.target.domain.column(tuple(example["inputs"].values()))
        margin = float(square.compare(columns).margin[0])
        if square.margin == 0 or margin > _FAR * square.margin:
            break
        square = with_margin(square, margin * _WIDER)
        sampled = _sampled(square, found, seed + 1000 * attempt, effort)
    return square, sampled


def _proof(square: Square, effort: Effort) -> Claim | None:
    proof = bounds_claim(square, effort.boxes, effort.should_stop)
    if proof is not None and proof.verdict == "proved":
        return proof
    return smt_claim(square, effort.should_stop) or proof


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


def _sampled(square: Square, found: Columns, seed: int, effort: Effort) -> Claim:
    if rows(found):
        difference = square.compare(found)
        wrong = difference.wrong(tolerance(square.target), square.margin)
        if wrong.any():
            row = int(np.argmax(np.where(wrong, difference.distance, -1)))
            return refuted(square, found, difference, row, rows(found), 0.0, "property")
    return sampling(square, seed, effort.draws)
