"""The ladder: cheap refutation first, then proofs, the strongest rung that holds is the claim."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from distill.evidence import RANK, Claim
from distill.verify import bands
from distill.verify.achieved import ends, near, smallest, with_bound
from distill.verify.boxes import with_margin
from distill.verify.parted import parted
from distill.verify.plan import CONSTRUCTION, LISTING, PROOFS, Asking, Effort
from distill.verify.refutation import OVER_REALS, refuted
from distill.verify.sampling import hunt
from distill.verify.square import Square, tolerance
from dsl.domain import Columns, rows

_FRESH = 500_000
"""Added to the seed for draws that measure a band: others than those it was chosen on."""

_MUCH = 0.01
"""A larger share left out than this is worth a band in parts."""


def verify(square: Square, seed: int = 0, effort: Effort | None = None) -> Claim:
    """The strongest claim about a square that the effort allows, and who was asked for it.

    Where a decision differs only close to the network's own decision, the margin is widened
    until it covers what was found; the share of the domain that this leaves out is measured, and
    where it is large a band in parts is tried, which leaves out less.
    """
    ladder = Asking(seed, effort or Effort())
    return replace(_strongest(square, ladder), attempts=tuple(ladder.attempts))


def _strongest(square: Square, ladder: Asking) -> Claim:
    listed = ladder.ask(LISTING, square)
    if listed is not None:
        return listed
    literal = ladder.ask(CONSTRUCTION, square)
    if literal is not None and literal.verdict == "proved":
        seen = ladder.draws(
            with_margin(square, literal.margin), ladder.seed, ladder.effort.draws // 4
        )
        return _measured(literal, seen)
    found = hunt(square, ladder.seed)
    banded, sampled = bands.settled(
        bands.covering(square, found, ladder.seed),
        lambda some, attempt: _sampled(some, found, 1000 * attempt, ladder),
    )
    if sampled.verdict == "refuted":
        return sampled
    claim = _proved(banded, sampled, ladder)
    if claim.verdict == "refuted" or (claim.verdict == "proved" and claim.left_out <= _MUCH):
        return claim
    return _narrower(square, claim, found, ladder) or claim


def _measured(claim: Claim, drawn: Claim) -> Claim:
    """A proof is still run: draws measure what it leaves out."""
    return drawn if drawn.verdict == "refuted" else replace(claim, left_out=drawn.left_out)


def _proved(square: Square, sampled: Claim, ladder: Asking) -> Claim:
    """A proof, beside a band that may be a little wider than the square's, else what draws say."""
    banded = bands.thin(square, ladder.seed)
    shown = _proofs(banded, ladder)
    if square.target.output.discrete and not ends(shown[-1:]):
        banded = bands.roomier(banded)
        shown = _proofs(banded, ladder)
    best = max([sampled, *shown], key=lambda c: RANK.index(c.verdict))
    if shown and shown[-1].verdict == "refuted":
        return shown[-1]
    best = _beside_reals(with_bound(best, smallest(shown), square), shown)
    if best.verdict == "tested":
        return best
    return _measured(best, ladder.draws(banded, ladder.seed + _FRESH, ladder.effort.draws // 2))


def _beside_reals(best: Claim, shown: list[Claim]) -> Claim:
    """The claim with inputs where the two differ over the reals, which another verifier found."""
    found = next((c for c in shown if c.counterexamples and c is not best), None)
    if found is None or best.counterexamples:
        return best
    _, _, told = found.statement.partition(OVER_REALS)
    text = best.statement + OVER_REALS + told
    return replace(best, statement=text, counterexamples=found.counterexamples)


def _proofs(square: Square, ladder: Asking) -> list[Claim]:
    """Claims of the verifiers asked in turn; the last one proves or refutes if any does."""
    shown: list[Claim] = []
    for verifier in PROOFS:
        if verifier.dear and square.target.soft and near(smallest(shown), square):
            break
        claim = ladder.ask(verifier, square)
        shown += [] if claim is None else [claim]
        if ends(shown[-1:]):
            break
    return shown


def _narrower(square: Square, claim: Claim, found: Columns, ladder: Asking) -> Claim | None:
    """A proof with a band in parts that leaves out less than the claim; None where none is."""
    if not square.target.output.discrete:
        return None
    begin, effort = time.perf_counter(), ladder.effort
    shown = parted(square, found, ladder.seed, effort.parted_boxes, effort.should_stop)
    ladder.noted("parts", None if shown is None else shown[1], begin)
    if shown is None:
        return None
    drawn = ladder.draws(shown[0], ladder.seed + _FRESH, effort.draws)
    if drawn.verdict == "refuted" or drawn.left_out >= claim.left_out:
        return None
    return replace(shown[1], left_out=drawn.left_out)


def _sampled(square: Square, found: Columns, more: int, ladder: Asking) -> Claim:
    if rows(found):
        difference = square.compare(found)
        wrong = difference.wrong(tolerance(square.target), square.margin)
        if wrong.any():
            begin = time.perf_counter()
            row = int(np.argmax(np.where(wrong, difference.distance, -1)))
            claim = refuted(square, found, difference, row, rows(found), begin, "property")
            ladder.noted("hunt", claim, begin)
            return claim
    return ladder.draws(square, ladder.seed + more, ladder.effort.draws)
