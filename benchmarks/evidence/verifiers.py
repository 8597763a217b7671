"""The verifiers of feed-forward squares, each as a function of a square and a seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.evidence.judge import REALS
from benchmarks.evidence.solvers import in_forks
from distill.evidence import Claim
from distill.run.budget import Budget, Stop
from distill.verify.bounds import Limit, prove_within
from distill.verify.boxes import bounds_claim, pieces_of
from distill.verify.exhaustive import exhaustive
from distill.verify.gap import lockstep_claim, tuned_claim
from distill.verify.ladder import Effort, verify
from distill.verify.lower import difference
from distill.verify.milp_claim import milp_claim, milp_may
from distill.verify.parted import parted
from distill.verify.phases_claim import phases_claim
from distill.verify.relational import relational
from distill.verify.sampling import sampling
from distill.verify.smt import smt_claim, smt_may
from distill.verify.square import Square
from dsl.algebra import Unsupported

Verifier = Callable[[Square, int], Claim | None]
BOXES, PROGRAMS, NODES, DRAWS, MEASURED = 64, 30, 200, 3_000, 6_000
_SOLVING, _CLIMBING = 300_000, 400_000
"""Steps of a solver's question, and of the whole ladder (`distill.run.budget`)."""

_WITH_REALS = ("missed", "pyramid", "wild", "rounding", "smooth", "literal", "copy")
SELDOM: dict[str, dict[str, int]] = {
    "bounds": {"missed": 3, "pyramid": 3, "smooth": 3, "wild": 2},
    "reals": dict.fromkeys(_WITH_REALS, 4),
    "lockstep": {"copy": 1, "missed": 2, "pyramid": 3, "wild": 5},
    "tuned": {"copy": 1, "missed": 3, "pyramid": 3},
    "phases": {"copy": 2, "missed": 4, "pyramid": 4, "wild": 3, "rounding": 3, "literal": 4},
    "smt": {"missed": 4, "pyramid": 6, "wild": 3, "rounding": 3, "literal": 4, "copy": 2},
    "milp": {"missed": 4, "pyramid": 6, "wild": 4, "rounding": 4, "copy": 2, "finite": 8},
    "parted": {"decision": 1},
    "ladder": {"finite": 1, "decision": 8} | dict.fromkeys(_WITH_REALS, 9),
}
"""Verifiers that don't end within a tenth of a second, or have something to say about some kinds
alone: asked in every so many trials of a kind, and (but for `bounds`) not about others, so that
each is asked in 2,000 of 20,000 trials at least."""


def limited(steps: int) -> Stop:
    """Ends work after so many steps, by no clock."""
    return Budget(steps, float("inf")).stage(1.0)


def effort() -> Effort:
    """That of the whole ladder."""
    return Effort(
        points=1 << 17, boxes=BOXES, parted_boxes=BOXES, tuned_boxes=BOXES,
        programs=PROGRAMS, nodes=NODES, draws=2 * MEASURED, should_stop=limited(_CLIMBING),
    )  # fmt: skip


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
    """A band in parts, laid by what draws show: a difference that they miss is for it to find."""
    if not square.target.output.discrete:
        return None
    drawn = square.target.domain.sample(np.random.default_rng([seed, 3]), DRAWS)
    shown = parted(replace(square, margin=0.0), drawn, seed, BOXES // 4)
    return None if shown is None else _measured(*shown, seed)


def bounds(square: Square, seed: int) -> Claim | None:
    """Bounds over boxes; for decisions with the share that the margin leaves out."""
    claim = bounds_claim(square, BOXES)
    proved = claim is not None and claim.verdict == "proved" and square.target.output.discrete
    return _measured(square, claim, seed) if claim is not None and proved else claim


def _measured(square: Square, claim: Claim, seed: int) -> Claim:
    return replace(claim, left_out=sampling(square, seed + 1, MEASURED).left_out)


def by_smt(square: Square, seed: int) -> Claim | None:
    """z3, where it can be asked."""
    return smt_claim(square, limited(4 * _SOLVING)) if smt_may(square) else None


def by_milp(square: Square, seed: int) -> Claim | None:
    """Mixed-integer programs, where they can be asked."""
    return milp_claim(square, NODES, limited(2 * _SOLVING)) if milp_may(square) else None


def on_reals(claim: Callable[[Square, int], Claim | None]) -> Verifier:
    """A verifier of real outputs alone."""
    return lambda square, _: None if square.target.output.discrete else claim(square, BOXES)


VERIFIERS: dict[str, Verifier] = {
    "exhaustive": lambda square, seed: exhaustive(square, 1 << 17),
    "relational": lambda square, seed: relational(square),
    "sampling": lambda square, seed: sampling(square, seed, DRAWS),
    "reals": within_reals,
    "bounds": bounds,
    "lockstep": on_reals(lockstep_claim),
    "tuned": on_reals(tuned_claim),
    "phases": on_reals(lambda square, _: phases_claim(square, PROGRAMS, limited(2 * _SOLVING))),
    "smt": by_smt,
    "milp": by_milp,
    "parted": in_parts,
    "ladder": lambda square, seed: verify(square, seed, effort()),
}


def asked(kind: str, number: int) -> list[str]:
    """The verifiers that look at a trial, by its number."""
    everywhere = ("exhaustive", "relational", "sampling", "bounds")
    often = {
        name: SELDOM.get(name, {}).get(kind, 1 if name in everywhere else 0) for name in VERIFIERS
    }
    if number % 3 == 0 and kind != "decision":  # what is planted is to be refuted
        often["ladder"] = (often["ladder"] + 2) // 3
    return [name for name, every in often.items() if every and due(number, every)]


def due(number: int, every: int) -> bool:
    """Whether a trial is one of every so many, planted or not."""
    return number // 3 % every == every - 1


def answered(
    name: str, ask: Callable[[], Claim | None], contradicted: Callable[[Claim], str | None]
) -> tuple[Claim | None, dict[str, Any]]:
    """A verifier's claim, and as plain data what it says, how long it took, why that is wrong."""
    begin = time.perf_counter()
    with in_forks():
        claim = ask()
    found: dict[str, Any] = {"by": name, "seconds": round(time.perf_counter() - begin, 4)}
    if claim is None:
        return None, found | {"verdict": None}
    found |= {"verdict": claim.verdict, "method": claim.method}
    false = contradicted(claim)
    return claim, found | ({"false": false} if false else {})
