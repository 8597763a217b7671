"""Two rungs that bound network less program on boxes, harder than `boxes` does.

`lockstep` bounds the differences of paired relus, for programs whose relus follow the network's as
those of a rounded copy do; `tuned` looks for better slopes under undecided relus in every box.
Certificates hold the cuts; the check pairs relus and tunes slopes by means of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.run.budget import Stop
from distill.verify.ascent import tuner
from distill.verify.bounds import BoundsResult, Limit, best_bound, prove_within
from distill.verify.boxes import Piece, cuts_of, named, pieces_of, rounding_of
from distill.verify.layers import layered
from distill.verify.lockstep import in_lockstep
from distill.verify.lower import difference
from distill.verify.refutation import confirmed, with_reals
from distill.verify.square import Square
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import DomainError
from dsl.meanings.interval import well_defined

_LOOK = 64
"""Boxes after which lockstep may have shown enough without asking for more."""

_ROOM = 1.02
"""Above what rounding may add, so that a checker that bounds it otherwise still confirms a claim of
few boxes."""

Search = Callable[[Piece, float, Limit], BoundsResult | None]
"""Bounds a piece's gap by an eps over the reals; None where that can't be done."""


def lockstep_claim(square: Square, max_boxes: int, should_stop: Stop | None = None) -> Claim | None:
    """|network - program| <= eps with differences of paired relus; None where none are."""
    return _claim(square, "lockstep", "relus in lockstep", _in_pairs, Limit(max_boxes, should_stop))


def tuned_claim(square: Square, max_boxes: int, should_stop: Stop | None = None) -> Claim | None:
    """|network - program| <= eps with slopes tuned for every box; None where not all are relus."""
    return _claim(square, "tuned", "tuned slopes", _with_tuning, Limit(max_boxes, should_stop))


def _in_pairs(piece: Piece, eps: float, limit: Limit) -> BoundsResult | None:
    gap = difference(piece.form, piece.program, piece.domain)
    form = in_lockstep(gap, piece.lower, piece.upper)
    if form is None:
        return None
    box, integral = (piece.lower, piece.upper), piece.domain.integral()
    few = Limit(min(_LOOK, limit.max_boxes), limit.should_stop)
    look = best_bound(form, *box, few, integral=integral, certify=False)
    if look.achieved <= eps or eps <= 0:
        return look
    asked = prove_within(form, *box, eps, limit, integral=integral, certify=False)
    points = np.concatenate([asked.points, look.points])
    return replace(asked if asked.achieved < look.achieved else look, points=points)


def _with_tuning(piece: Piece, eps: float, limit: Limit) -> BoundsResult | None:
    form = layered(difference(piece.form, piece.program, piece.domain))
    tune = None if form is None else tuner(form)
    if form is None or tune is None or eps <= 0:
        return None
    box, integral = (piece.lower, piece.upper), piece.domain.integral()
    return prove_within(form, *box, eps, limit, integral=integral, certify=False, tune=tune)


def _claim(square: Square, name: str, words: str, search: Search, limit: Limit) -> Claim | None:
    begin, eps = time.perf_counter(), square.target.tolerance
    achieved, boxes, trees = 0.0, 0, []
    seen: list[NDArray[np.float64]] = []
    try:
        for piece in pieces_of(square):
            whole = named(piece, piece.lower[None], piece.upper[None])
            error = _ROOM * rounding_of(piece)
            shown = search(piece, eps - error, limit)
            if shown is None or not well_defined(piece.program, whole)[0]:
                return None
            achieved = max(achieved, float(np.nextafter(shown.achieved + error, np.inf)))
            boxes += shown.boxes
            seen.append(piece.whole(shown.points))
            trees.append(cuts_of(piece, shown.tree.columns()))
    except (Unsupported, DomainError):
        return None
    if not trees:
        return None
    told = [] if achieved <= eps else confirmed(square, np.concatenate(seen), begin, name)
    if isinstance(told, Claim):
        return replace(told, count=boxes)
    known = bool(np.isfinite(achieved))
    text = f"within {achieved:.4g} on every input of the domain ({boxes:,} boxes, {words})"
    claim = Claim(
        "proved" if achieved <= eps else "unknown",
        name,
        text if known else "no bound found",
        tolerance=eps,
        achieved=float(achieved) if known else None,
        arithmetic=ARITHMETIC,
        count=boxes,
        seconds=time.perf_counter() - begin,
        certificate={"kind": "within", "pieces": trees},
    )
    return with_reals(claim, told)
