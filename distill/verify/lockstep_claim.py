"""The rung for programs whose relus follow the network's, as in a rounded copy of it."""

from __future__ import annotations

import time

import numpy as np

from distill.evidence import Claim
from distill.run.budget import Stop
from distill.verify.bounds import BoundsResult, Limit, best_bound, prove_within
from distill.verify.boxes import Piece, cuts_of, named, pieces_of, rounding_of
from distill.verify.lockstep import in_lockstep
from distill.verify.lower import difference
from distill.verify.square import Square
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import DomainError
from dsl.meanings.interval import well_defined

_LOOK = 64
"""Boxes after which it is known whether lockstep is of any use."""


def lockstep_claim(square: Square, max_boxes: int, should_stop: Stop | None = None) -> Claim | None:
    """|network - program| <= eps with differences of paired relus; None where few are pairs.

    The certificate holds the cuts. The check, which knows nothing of pairs, halves its boxes
    further and says `unknown` where that isn't enough.
    """
    begin, found, trees = time.perf_counter(), [], []
    try:
        for piece in pieces_of(square):
            shown = _shown(square, piece, max_boxes, should_stop)
            if shown is None:
                return None
            found.append(shown)
            trees.append(cuts_of(piece, shown[0].tree.columns()))
    except (Unsupported, DomainError):
        return None
    if not found:
        return None
    eps = square.target.tolerance
    achieved = max(result.achieved + error for result, error in found)
    boxes = sum(result.boxes for result, _ in found)
    known = np.isfinite(achieved)
    text = f"within {achieved:.4g} on every input of the domain ({boxes:,} boxes, relus in lockstep)"
    return Claim(
        "proved" if achieved <= eps else "unknown",
        "lockstep",
        text if known else "no bound found",
        tolerance=eps,
        achieved=float(achieved) if known else None,
        arithmetic=ARITHMETIC,
        count=boxes,
        seconds=time.perf_counter() - begin,
        certificate={"kind": "within", "pieces": trees},
    )


def _shown(
    square: Square, piece: Piece, max_boxes: int, stop: Stop | None
) -> tuple[BoundsResult, float] | None:
    """The bound over the reals and what rounding adds; None where there is nothing to pair."""
    if not well_defined(piece.program, named(piece, piece.lower[None], piece.upper[None]))[0]:
        return None
    gap = difference(piece.form, piece.program, piece.domain)
    form = in_lockstep(gap, piece.lower, piece.upper)
    if form is None:
        return None
    error = rounding_of(piece)
    eps, integral = square.target.tolerance - error, piece.domain.integral()
    box = piece.lower, piece.upper
    look = best_bound(form, *box, Limit(_LOOK, stop), integral=integral, certify=False)
    if look.achieved <= eps or eps <= 0:
        return look, error
    limit = Limit(max_boxes, stop)
    asked = prove_within(form, *box, eps, limit, integral=integral, certify=False)
    return (asked if asked.achieved < look.achieved else look), error
