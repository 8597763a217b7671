"""The stages in order: target, candidates, choice, evidence.

Reads like a table of contents:
1. the user's hints are judged first;
2. whole truth tables go to the Boolean room, everything else to the search;
3. the literal program, simplified exactly, is always there;
4. the best is verified; counterexamples send it back and are judged by from then on, and where
   nothing holds on them the search goes on with them; where none stands and the tolerance is the
   default one, very short programs that are somewhat farther off are tried;
5. where nothing shorter explains the unchanged network and changes are allowed, smaller
   networks that do the same are tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np

from distill.errors import BadInput
from distill.evidence import IDENTICAL, Claim
from distill.literal import literal_program
from distill.load import network_from_normal_form
from distill.network import Network
from distill.normal_form import NormalForm
from distill.run.budget import Budget, Progress, silent
from distill.simplify import choose, simplify_keeping
from distill.simplify.alike import decision_shares, likeness
from distill.simplify.exact import simplify_exact
from distill.simplify.rounded import rounded_alike
from distill.synthesize.algebraic import offer_simplified
from distill.synthesize.candidate import Candidate, of_program
from distill.synthesize.judge import Judged, front, judging_points
from distill.synthesize.loop import Pool, Vocabulary, search_values
from distill.synthesize.tables import has_table, table_programs
from distill.synthesize.tidy import tidy
from distill.target import Target
from distill.verify.compose import better, in_a_row
from distill.verify.deployed import deployed_claim, differing_share
from distill.verify.ladder import Effort, verify
from distill.verify.refutation import finished as finished_claim
from distill.verify.relational import input_box
from distill.verify.sampling import hunt
from distill.verify.square import Square, compare
from dsl.cost import program_bits
from dsl.domain import Columns, DomainError
from dsl.program import Expression, Program
from dsl.types import BOOL, Category

_SEARCH_SHARE = 0.25
_SIMPLIFY_SHARE = 0.6
_ROUNDING_SHARE = 0.8
"""Shares of all steps by which these stages end; proofs have all that is left."""

_DIRECT = Effort(boxes=20_000, tuned_boxes=20_000, nodes=100, draws=50_000)
"""What a direct proof beside the original network may take."""

_FITTED = 4096
_TRIES = 4
_FORMS = 3
_SLACK = 1.25
_NEAR = 2.0
_FAR = 4.0
"""So many times the default tolerance may be taken by any program, and by a very short one."""

_VERY_SHORT = 0.02
"""Share of the literal program's bits: what is farther off has to save nearly all of them."""

_LEFT_OUT_AT_MOST = 0.1
_DIFFER_AT_MOST = 0.01
"""A simplified network may leave out so much of its claim, or decide so often otherwise."""

_PROGRAM_LEFT_OUT_AT_MOST = 0.3
"""And a found program: its band may be wide where the network itself wavers; it is printed."""


@dataclass(frozen=True)
class Settings:
    """What the user asked for, beside the target.

    exact: no change of weights; hints: bodies to judge first.
    """

    seed: int = 0
    exact: bool = False
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    hints: tuple[Expression, ...] = ()
    progress: Progress = silent


@dataclass(frozen=True, eq=False)
class Outcome:
    """The program with its claims, the network it explains, and what else was found.

    own: the explained network's arithmetic, matrix by matrix, as its bits are counted;
    finished: whether the search ran to its end; literal: whether the program is the network's
    own arithmetic because nothing shorter was found; loose: whether the program is farther off
    than twice the default tolerance, because nothing closer that is short was found.
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


def distil(target: Target, settings: Settings, budget: Budget) -> Outcome:
    """Find the shortest program for a target and say what is known about it."""
    points, forbidden = judging_points(target, settings.seed), settings.vocabulary.forbidden
    pool = Pool(target, points, forbidden=forbidden)
    finished = propose(pool, settings, budget)
    literal = exact_literal(target)
    pool.add(literal)
    own = own_arithmetic(target)
    standing = first_standing(pool, literal, settings, budget)
    if standing is None and pool.learned is not None and not has_table(target):
        finished = search_again(pool, settings, budget)
        standing = first_standing(pool, literal, settings, budget)
    if standing is None and not settings.exact:
        small = kept_behaviour(pool, literal, settings, budget)
        if small is not None:
            return replace(small, network_bits=program_bits(own, 32.0), finished=finished)
    if standing is None:
        standing = (*verified(pool.target, literal, settings, budget), literal, _NEAR)
    return _unchanged(pool, literal, standing, own, finished, settings.seed)


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
        program_bits(own, 32.0),
        tuple(front([j for j in pool.judged.values() if np.isfinite(j.relative)])),
        finished,
        chosen.route == literal.route,
        closest(pool, literal),
        reach > _NEAR,
    )


def propose(pool: Pool, settings: Settings, budget: Budget) -> bool:
    """Fill the pool: hints, then truth tables or search; True where it ran to its end."""
    for hint in settings.hints:
        pool.offer(hint, "hint")
    if has_table(pool.target):
        settings.progress("reading the truth table", None)
        for body in table_programs(pool.target):
            pool.offer(body, "truth table")
        return True
    settings.progress("searching", None)
    try:
        stage = budget.stage(_SEARCH_SHARE)
        ended = search_values(pool, settings.seed, settings.vocabulary, stage)
    except DomainError:
        return True
    offer_simplified(pool)
    return ended


def search_again(pool: Pool, settings: Settings, budget: Budget) -> bool:
    """Search on with the counterexamples among the examples, in what is left of its steps."""
    settings.progress("searching", None)
    try:
        stage = budget.stage(_SEARCH_SHARE)
        return search_values(pool, settings.seed, settings.vocabulary, stage)
    except DomainError:
        return True


def exact_literal(target: Target) -> Candidate:
    """The shorter of the literal programs of the network as it is and simplified exactly."""
    made = [of_program(literal_program(target.form, target.domain, target.output), "literal")]
    for form in _simplified(target):
        made.append(of_program(literal_program(form, target.domain, target.output), "literal"))
    return min(made, key=lambda c: c.bits)


def _simplified(target: Target) -> Iterator[NormalForm]:
    low, high = input_box(target.domain) or (None, None)
    yield simplify_exact(target.form, low, high)


def own_arithmetic(target: Target) -> Program:
    """The network's literal program as it is: a network's bits are its, at 32 bits a weight."""
    return literal_program(target.form, target.domain, target.output, plain_matrices=True)


Standing = tuple[Square, Claim, Candidate, float]
"""A program whose claim isn't refuted, and how many default tolerances it was allowed."""


def first_standing(
    pool: Pool, literal: Candidate, settings: Settings, budget: Budget
) -> Standing | None:
    """The best program shorter than the literal one whose claim isn't refuted; None for none.

    Programs close to the network come first; very short ones farther off only where none of
    those stands and the tolerance is the default one.
    """
    for reach in (_NEAR, _FAR) if pool.target.soft else (_NEAR,):
        refuted: set[Expression] = set()
        for _ in range(_TRIES):
            found = [
                j
                for j in shorter_ones(pool, literal, reach)
                if tidied(j.candidate).program.main.body not in refuted
            ]
            if not found:
                break
            settings.progress("verifying", None)
            made = tidied(min(found, key=lambda j: (j.score, j.candidate.bits)).candidate)
            square, claim = verified(pool.target, made, settings, budget, reach)
            if claim.verdict != "refuted" and claim.left_out <= _PROGRAM_LEFT_OUT_AT_MOST:
                return square, claim, made, reach
            refuted.add(made.program.main.body)
            if claim.verdict == "refuted":
                pool.learn(counterexamples(pool.target, claim))
    return None


def counterexamples(target: Target, claim: Claim) -> Columns:
    """The inputs that a refuted claim shows, as columns."""
    names = [field.name for field in target.domain.fields]
    return target.domain.column(
        *(tuple(one["inputs"][n] for n in names) for one in claim.counterexamples)
    )


def shorter_ones(pool: Pool, literal: Candidate, reach: float) -> list[Judged]:
    """Programs shorter than the literal one that hold; beyond that reach only very short ones."""
    if reach <= _NEAR:
        return [j for j in pool.judged.values() if j.holds and j.candidate.bits < literal.bits]
    short = _VERY_SHORT * literal.bits
    return [j for j in pool.judged.values() if j.relative <= reach and j.candidate.bits <= short]


def tidied(made: Candidate) -> Candidate:
    """The same program with its comparisons in their usual form."""
    main = made.program.main
    body = tidy(main.body)
    if body is main.body:
        return made
    last = replace(main, body=body)
    return of_program(Program((*made.program.definitions[:-1], last)), made.route)


def verified(
    target: Target, made: Candidate, settings: Settings, budget: Budget, reach: float = _NEAR
) -> tuple[Square, Claim]:
    """The claim about a candidate; a default tolerance gives way to what the hunt found.

    Above twice the default the whole of `reach` is taken, and no bound beyond it. What the claim
    says was achieved counts what the hunt found, not only draws.
    """
    square, worst = Square(target, made.program, target.margin), 0.0
    if target.soft:
        found = hunt(square, settings.seed)
        worst = float(compare(target, made.program, found).distance.max(initial=0.0))
        square = replace(square, target=_loosened(target, worst, reach))
    effort = Effort(should_stop=budget.stage(1.0))
    claim = verify(square, settings.seed, effort)
    if claim.achieved is not None and claim.verdict != "refuted":
        claim = replace(claim, achieved=max(claim.achieved, worst))
    return square, claim


def _loosened(target: Target, worst: float, reach: float) -> Target:
    if target.tolerance < worst <= _NEAR * target.tolerance:
        return replace(target, tolerance=_SLACK * worst)
    if _NEAR * target.tolerance < worst <= reach * target.tolerance:
        return replace(target, tolerance=reach * target.tolerance, soft=False)
    return target


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
    found = simplify_keeping(
        target.form,
        inputs,
        _kind(target),
        target.output.level,
        settings.seed,
        should_stop=budget.stage(_SIMPLIFY_SHARE),
        bits=lambda form: literal_of(form).bits,
    )
    forms = [s.form for s in found if s.bits >= choose(found).bits][:_FORMS]
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
    direct = finished_claim(square, verify(square, settings.seed, effort), settings.seed)
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


def closest(pool: Pool, literal: Candidate) -> Judged | None:
    """Of the shorter programs that don't hold, the one least far off."""
    failed = [j for j in pool.judged.values() if not j.holds and j.candidate.bits < literal.bits]
    return min(failed, key=lambda j: j.relative, default=None)
