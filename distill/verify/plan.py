"""Which verifier is asked about which square, from cheap to dear: the list itself, as data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from distill.evidence import RANK, Attempt, Claim
from distill.run.budget import Stop
from distill.verify.boxes import bounds_claim
from distill.verify.exhaustive import LIMIT, exhaustive
from distill.verify.gap import lockstep_claim, tuned_claim
from distill.verify.milp_claim import milp_claim, milp_may
from distill.verify.phases_claim import phases_claim
from distill.verify.relational import relational
from distill.verify.sampling import DRAWS, sampling
from distill.verify.smt import smt_claim, smt_may
from distill.verify.square import Square
from dsl.types import Real

_MANY_KINKS = 24


@dataclass(frozen=True)
class Effort:
    """How far to go: points to list, boxes to split (in a band's parts, with tuned slopes), linear
    programs for cases, nodes of mixed-integer programs, draws, and when to stop."""

    points: int = LIMIT
    boxes: int = 120_000
    parted_boxes: int = 300_000
    tuned_boxes: int = 400_000
    programs: int = 600
    nodes: int = 2_000
    draws: int = DRAWS
    should_stop: Stop | None = None


@dataclass(frozen=True)
class Verifier:
    """`run` makes a claim about a square that `applies`, or None where it has nothing to say.

    rung: the strongest verdict that it may give; dear: not asked where a bound within what a
    default tolerance gives way to has been proved.
    """

    name: str
    rung: str
    applies: Callable[[Square], bool]
    run: Callable[[Square, int, Effort], Claim | None]
    dear: bool = False

    def __post_init__(self) -> None:
        if self.rung not in RANK:
            raise ValueError(f"there is no rung {self.rung!r}")


def _listable(square: Square) -> bool:
    return square.target.domain.count is not None


def _boxed(square: Square) -> bool:
    domain = square.target.domain
    return domain.where is None and any(isinstance(f.item, Real) for f in domain.fields)


def _boxed_reals(square: Square) -> bool:
    return _boxed(square) and not square.target.output.discrete


def _dear_boxes(square: Square) -> bool:
    """Whether a box costs so much that relus in lockstep are the cheaper question."""
    return _boxed_reals(square) and square.target.form.kinks > _MANY_KINKS


LISTING = Verifier(
    "exhaustive",
    "proved",
    _listable,
    lambda square, _, effort: exhaustive(square, effort.points, effort.should_stop),
)
CONSTRUCTION = Verifier(
    "relational", "proved", lambda _: True, lambda square, *_: relational(square)
)
_BOUNDS = Verifier(
    "bounds", "proved", _boxed, lambda square, _, e: bounds_claim(square, e.boxes, e.should_stop)
)
_LOCKSTEP = Verifier(
    "lockstep",
    "proved",
    _boxed_reals,
    lambda square, _, e: lockstep_claim(square, e.boxes // 4, e.should_stop),
)
PROOFS = (
    replace(_LOCKSTEP, applies=_dear_boxes),
    _BOUNDS,
    replace(_LOCKSTEP, applies=lambda square: _boxed_reals(square) and not _dear_boxes(square)),
    Verifier(
        "phases",
        "proved",
        _boxed_reals,
        lambda square, _, e: phases_claim(square, e.programs, e.should_stop),
    ),
    Verifier("smt", "proved", smt_may, lambda square, _, e: smt_claim(square, e.should_stop)),
    Verifier(
        "tuned",
        "proved",
        _boxed_reals,
        lambda square, _, e: tuned_claim(square, e.tuned_boxes, e.should_stop),
        dear=True,
    ),
    Verifier(
        "milp",
        "proved_to_solver_tolerance",
        milp_may,
        lambda square, _, e: milp_claim(square, e.nodes, e.should_stop),
        dear=True,
    ),
)
"""From cheap to dear; the first that proves or refutes ends the asking."""


@dataclass(frozen=True, eq=False)
class Asking:
    """Verifiers asked with a seed and an effort, and what they answered."""

    seed: int
    effort: Effort
    attempts: list[Attempt] = field(default_factory=list)

    def ask(self, verifier: Verifier, square: Square) -> Claim | None:
        """A verifier's claim, never above its rung; None where it has nothing to say."""
        if not verifier.applies(square):
            return None
        begin = time.perf_counter()
        claim = verifier.run(square, self.seed, self.effort)
        if claim is not None and RANK.index(claim.verdict) > RANK.index(verifier.rung):
            claim = replace(claim, verdict=verifier.rung)
        return self.noted(verifier.name, claim, begin)

    def noted(self, name: str, claim: Claim | None, begin: float) -> Claim | None:
        """The claim, written down as an attempt."""
        took = time.perf_counter() - begin
        if claim is None:
            self.attempts.append(Attempt(name, "unknown", seconds=took, note="nothing to say"))
        else:
            note = claim.statement if claim.verdict == "unknown" else ""
            made = Attempt(name, claim.verdict, claim.achieved, took, claim.count, note)
            self.attempts.append(made)
        return claim

    def draws(self, square: Square, seed: int, count: int) -> Claim:
        """Draws anew, written down."""
        begin = time.perf_counter()
        claim = sampling(square, seed, count)
        self.noted("sampling", claim, begin)
        return claim
