"""The verifiers of feed-forward squares, each as a function of a square and a seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.evidence.judge import REALS
from distill.evidence import Claim
from distill.verify.bounds import Limit, prove_within
from distill.verify.boxes import bounds_claim, pieces_of
from distill.verify.exhaustive import exhaustive
from distill.verify.ladder import Effort, verify
from distill.verify.lower import difference
from distill.verify.parted import parted
from distill.verify.relational import relational
from distill.verify.sampling import hunt, sampling
from distill.verify.smt import smt_claim
from distill.verify.square import Square
from dsl.algebra import Unsupported

Verifier = Callable[[Square, int], Claim | None]
BOXES, DRAWS, MEASURED = 400, 3_000, 25_000
EFFORT = partial(Effort, points=1 << 17, boxes=BOXES, parted_boxes=BOXES, draws=2 * MEASURED)
SELDOM = {"ladder": 3, "reals": 3, "smt": 3, "parted": 40}
"""Verifiers that take longer than a tenth of a second are asked in every so many trials."""

DECIDING = {"ladder": 10}
"""The same for decisions over reals, whose bands take seconds."""


def within_reals(square: Square, seed: int) -> Claim | None:
    """The bound of network - program before any rounding of a run is added."""
    target, begin, worst, boxes = square.target, time.perf_counter(), 0.0, 0
    if target.output.discrete or target.domain.where is not None:
        return None
    try:
        for piece in pieces_of(square):
            gap = difference(piece.form, piece.program, piece.domain)
            found = prove_within(gap, piece.lower, piece.upper, target.tolerance, Limit(BOXES),
                                 integral=piece.domain.integral(), certify=False)  # fmt: skip
            worst, boxes = max(worst, found.achieved), boxes + found.boxes
    except Unsupported:
        return None
    verdict = "proved" if boxes and worst <= target.tolerance else "unknown"
    achieved = worst if boxes and np.isfinite(worst) else None
    return Claim(verdict, REALS, "", target.tolerance, achieved, count=boxes,
                 seconds=time.perf_counter() - begin)  # fmt: skip


def in_parts(square: Square, seed: int) -> Claim | None:
    """A band in parts."""
    if not square.target.output.discrete:
        return None
    shown = parted(square, hunt(square, seed), seed, BOXES)
    return None if shown is None else _measured(*shown, seed)


def bounds(square: Square, seed: int) -> Claim | None:
    """Bounds over boxes; for decisions with the share that the margin leaves out."""
    claim = bounds_claim(square, BOXES)
    proved = claim is not None and claim.verdict == "proved" and square.target.output.discrete
    return _measured(square, claim, seed) if claim is not None and proved else claim


def _measured(square: Square, claim: Claim, seed: int) -> Claim:
    return replace(claim, left_out=sampling(square, seed + 1, MEASURED).left_out)


VERIFIERS: dict[str, Verifier] = {
    "exhaustive": lambda square, seed: exhaustive(square, 1 << 17),
    "relational": lambda square, seed: relational(square),
    "reals": within_reals,
    "bounds": bounds,
    "smt": lambda square, seed: smt_claim(square),
    "sampling": lambda square, seed: sampling(square, seed, DRAWS),
    "parted": in_parts,
    "ladder": lambda square, seed: verify(square, seed, EFFORT()),
}


def asked(kind: str, number: int) -> list[str]:
    """The verifiers that look at a trial, by its number."""
    seldom = {**SELDOM, **DECIDING} if kind == "decision" else SELDOM
    return [name for name in VERIFIERS if due(number, seldom.get(name, 1))]


def due(number: int, every: int) -> bool:
    """Whether a trial is one of every so many, planted or not."""
    return number // 3 % every == every - 1


def answered(
    name: str, ask: Callable[[], Claim | None], contradicted: Callable[[Claim], str | None]
) -> tuple[Claim | None, dict[str, Any]]:
    """A verifier's claim, and as plain data what it says, how long it took, why that is wrong."""
    begin = time.perf_counter()
    claim = ask()
    found: dict[str, Any] = {"by": name, "seconds": round(time.perf_counter() - begin, 4)}
    if claim is None:
        return None, found | {"verdict": None}
    found |= {"verdict": claim.verdict, "method": claim.method}
    false = contradicted(claim)
    return claim, found | ({"false": false} if false else {})
