"""The stages in order: target, candidates, choice, evidence.

Reads like a table of contents:
1. the user's hints are judged first;
2. whole truth tables go to the Boolean room, everything else to the search;
3. the literal program, simplified exactly, is always there, and beside it that of a network of
   convolutions, with its filters as functions;
4. the best is verified; counterexamples send it back and are judged by from then on; where none
   stands and the tolerance is the default one, very short programs that are somewhat farther off
   are tried;
5. where that isn't very short, programs of a network's parts are put together, if it falls apart
   and they are shorter; where nothing stands on the counterexamples the search goes on with them;
6. where nothing shorter explains the unchanged network and changes are allowed, smaller
   networks that do the same are tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from distill.detectors.program import detector_program
from distill.errors import BadInput
from distill.evidence import IDENTICAL, Claim
from distill.hierarchy.composed import composed
from distill.literal import literal_program
from distill.load import network_from_normal_form
from distill.network import Network
from distill.normal_form import NormalForm
from distill.piece import Piece
from distill.remembered import claim_recalled, forms_recalled, joined, target_content
from distill.run.budget import Budget
from distill.simplify import choose, simplify_keeping
from distill.simplify.alike import decision_shares, likeness
from distill.simplify.rounded import rounded_alike
from distill.standing import (
    NEAR,
    Settings,
    Standing,
    closest,
    exact_literal,
    first_standing,
    own_arithmetic,
    propose,
    said_once,
    search_again,
    stands,
    verified,
)
from distill.synthesize.candidate import Candidate, of_program
from distill.synthesize.judge import Judged, front, judging_points
from distill.synthesize.loop import Pool
from distill.synthesize.tables import has_table
from distill.target import Target
from distill.verify.compose import better, in_a_row
from distill.verify.deployed import deployed_claim, differing_share
from distill.verify.ladder import Effort, verify
from distill.verify.refutation import finished as finished_claim
from distill.verify.square import Square
from dsl.cost import program_bits
from dsl.domain import DomainError
from dsl.program import Program
from dsl.types import BOOL, Category

_SIMPLIFY_SHARE = 0.6
_ROUNDING_SHARE = 0.8
"""Shares of all steps by which these stages end; proofs have all that is left."""

_DIRECT = Effort(boxes=20_000, tuned_boxes=20_000, nodes=100, draws=50_000)
"""What a direct proof beside the original network may take."""

_SHORT = 0.05
"""Share of the network's bits: a program below it isn't taken apart to find a shorter one."""

_FITTED = 4096
_FORMS = 3
_LEFT_OUT_AT_MOST = 0.1
_DIFFER_AT_MOST = 0.01
"""A simplified network may leave out so much of its claim, or decide so often otherwise."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The program with its claims, the network it explains, and what else was found.

    own: the explained network's arithmetic, matrix by matrix, as its bits are counted;
    finished: whether the search ran to its end; literal: whether the program is the network's
    own arithmetic because nothing shorter was found; loose: whether the program is farther off
    than twice the default tolerance, because nothing closer that is short was found; pieces: what
    the program was put together from, where it was.
    """

    target: Target
    chosen: Candidate
    own: Program
    deployed: Network
    program_vs_deployed: Claim
    deployed_vs_original: Claim
    network_bits: float
    others: tuple[Judged, ...]
    finished: bool
    literal: bool
    closest: Judged | None
    loose: bool = False
    program_vs_original: Claim | None = None
    pieces: tuple[Piece, ...] = ()


def distil(target: Target, settings: Settings, budget: Budget) -> Outcome:
    """Find the shortest program for a target and say what is known about it."""
    points, forbidden = judging_points(target, settings.seed), settings.vocabulary.forbidden
    pool = Pool(target, points, forbidden=forbidden, functions=settings.vocabulary.usable)
    finished = propose(pool, settings, budget)
    literal = said_once(exact_literal(target), settings)
    pool.add(literal)
    detecting = detector_program(target)
    if detecting is not None:
        pool.add(of_program(detecting, "detectors"))
    own = own_arithmetic(target)
    network_bits = program_bits(own, 32.0)
    standing = first_standing(pool, literal, settings, budget)
    pieces: tuple[Piece, ...] = ()
    if standing is None or standing[2].bits > _SHORT * network_bits:
        better_one = from_parts(pool, standing, literal, settings, budget)
        if better_one is not None:
            standing, pieces = better_one
    if standing is None and pool.learned is not None and not has_table(target):
        finished = search_again(pool, settings, budget)
        standing = first_standing(pool, literal, settings, budget)
    if standing is None and not settings.exact:
        small = kept_behaviour(pool, literal, settings, budget)
        if small is not None:
            return replace(small, network_bits=network_bits, finished=finished)
    if standing is None:
        standing = (*verified(pool.target, literal, settings, budget), literal, NEAR)
    found = _unchanged(pool, literal, standing, own, finished, settings.seed)
    return replace(found, network_bits=network_bits, pieces=pieces)


def from_parts(
    pool: Pool, standing: Standing | None, literal: Candidate, settings: Settings, budget: Budget
) -> tuple[Standing, tuple[Piece, ...]] | None:
    """A program put together from parts of the network, where it is shorter than what stands."""
    limit = (literal if standing is None else standing[2]).bits
    for one in composed(pool.target, settings, budget):
        made = one.candidate
        if made.bits >= limit or not pool.add(made).holds:
            continue
        settings.progress("verifying", None)
        square, claim = verified(pool.target, made, settings, budget)
        if stands(claim):
            return (square, claim, made, NEAR), one.pieces
    return None


def _unchanged(
    pool: Pool, literal: Candidate, standing: Standing, own: Program, finished: bool, seed: int
) -> Outcome:
    """The outcome for a program of the network as it is."""
    square, claim, chosen, reach = standing
    claim = finished_claim(square, claim, seed)
    return Outcome(
        square.target,
        chosen,
        own,
        pool.target.network,
        claim,
        IDENTICAL,
        0.0,
        tuple(front([j for j in pool.judged.values() if np.isfinite(j.relative)])),
        finished,
        chosen.route == literal.route,
        closest(pool, literal),
        reach > NEAR,
    )


def kept_behaviour(
    pool: Pool, literal: Candidate, settings: Settings, budget: Budget
) -> Outcome | None:
    """The shortest smaller network that decides the same, as a program; None where none is."""
    target = pool.target
    inputs = _fit_inputs(target, settings.seed)
    if inputs is None:
        return None
    settings.progress("simplifying", None)
    literal_of = lru_cache(maxsize=64)(partial(_literal_of, target))
    stage = budget.stage(_SIMPLIFY_SHARE)

    def taught() -> list[NormalForm]:
        kind, level = _kind(target), target.output.level
        found = simplify_keeping(
            target.form,
            inputs,
            kind,
            level,
            settings.seed,
            should_stop=stage,
            bits=lambda form: literal_of(form).bits,
        )
        return [s.form for s in found if s.bits >= choose(found).bits][:_FORMS]

    content = joined(target_content(target), (inputs, settings.seed, stage.left))
    forms = forms_recalled(settings.memory, content, budget, taught)
    for form in itertools.chain(forms, _rounded(target, settings, budget)):
        made = literal_of(form)
        if made.bits < literal.bits:
            outcome = _of_simplified(pool, made, form, settings, budget)
            if _keeps(target, outcome, settings.seed):
                return outcome
    return None


def _rounded(target: Target, settings: Settings, budget: Budget) -> Iterator[NormalForm]:
    """The network with its weights rounded, as far as that keeps what it does."""
    alike = likeness(target, settings.seed)
    if alike is None or not np.isfinite(alike.raw).all():
        return
    x, raw = alike.points[-_FITTED:], alike.raw[-_FITTED:]
    stop = budget.stage(_ROUNDING_SHARE)
    yield from rounded_alike(target.form, x, decision_shares(target, raw), alike, stop)


def _keeps(target: Target, outcome: Outcome, seed: int) -> bool:
    """Whether a simplified network is close enough to be offered in the original's place."""
    claim = outcome.deployed_vs_original
    if claim.verdict == "refuted":
        return False
    if not target.output.discrete or claim.left_out <= _LEFT_OUT_AT_MOST:
        return True
    return differing_share(target, outcome.target, seed) <= _DIFFER_AT_MOST


def _literal_of(target: Target, form: NormalForm) -> Candidate:
    program = literal_program(form, target.domain, target.output)
    return of_program(program, "literal of a simplified network")


def _of_simplified(
    pool: Pool, made: Candidate, form: NormalForm, settings: Settings, budget: Budget
) -> Outcome:
    target = pool.target
    deployed = network_from_normal_form(form, "simplified")
    small = replace(
        target,
        network=deployed,
        core=deployed,
        reading=target.output,
        form=deployed.normal_form(),
    )
    made = said_once(made, settings)
    square, claim = verified(replace(small, soft=False), made, settings, budget)
    claim = finished_claim(square, claim, settings.seed)
    beside = deployed_claim(target, small, settings.seed)
    return Outcome(
        square.target,
        made,
        own_arithmetic(square.target),
        deployed,
        claim,
        beside,
        0.0,
        tuple(front([j for j in pool.judged.values() if np.isfinite(j.relative)])),
        True,
        True,
        closest(pool, made),
        program_vs_original=whole_claim(target, made, (claim, beside), settings, budget),
    )


def whole_claim(
    target: Target, made: Candidate, parts: tuple[Claim, Claim], settings: Settings, budget: Budget
) -> Claim | None:
    """The program beside the original network, from the claims about the simplified one between
    them or directly, whichever shows more; None for decisions and where a part shows nothing."""
    if target.output.discrete:
        return None
    try:
        composed = in_a_row(*parts)
    except BadInput:
        return None
    beside = replace(target, tolerance=composed.tolerance or 0.0, soft=False)
    effort = replace(_DIRECT, should_stop=budget.stage(1.0))
    square = Square(beside, made.program, target.margin)
    asked = ("direct", str(made.program), settings.seed, budget.stage(1.0).left)
    shown = claim_recalled(
        settings.memory,
        joined(target_content(beside), asked),
        budget,
        lambda: verify(square, settings.seed, effort),
    )
    direct = finished_claim(square, shown, settings.seed)
    return better(composed, replace(direct, attempts=()))


def _fit_inputs(target: Target, seed: int) -> np.ndarray | None:
    if target.data is not None:
        return target.domain.encode(target.data)
    try:
        return target.domain.encode(target.domain.sample(np.random.default_rng([seed, 6]), 4096))
    except DomainError:
        return None


def _kind(target: Target) -> str:
    if isinstance(target.output.type, Category):
        return "category"
    return "bool" if target.output.type == BOOL else "real"
