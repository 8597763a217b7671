"""The search for one target and the best program that stands: what its claim doesn't refute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from distill.evidence import Claim
from distill.literal import literal_program
from distill.normal_form import NormalForm
from distill.remembered import (
    Content,
    joined,
    judgement_recalled,
    search_recalled,
    target_content,
    vocabulary_content,
)
from distill.run.budget import Budget, Progress, silent
from distill.run.memory import NOTHING, Memory
from distill.simplify.exact import simplify_exact
from distill.synthesize.algebraic import offer_simplified
from distill.synthesize.called import applied
from distill.synthesize.candidate import Candidate, of_program
from distill.synthesize.judge import Judged
from distill.synthesize.loop import Pool, Vocabulary, search_values
from distill.synthesize.tables import has_table, table_programs
from distill.synthesize.tidy import tidy
from distill.target import Target
from distill.verify.ladder import Effort, verify
from distill.verify.relational import input_box
from distill.verify.sampling import hunt
from distill.verify.square import Square, compare
from dsl.abstraction import abstracted, calling
from dsl.domain import Columns, DomainError
from dsl.program import Expression, Program

_SEARCH_SHARE = 0.25
"""Share of all steps by which the search ends."""

_TRIES = 4
_SLACK = 1.25
NEAR = 2.0
_FAR = 4.0
"""So many times the default tolerance may be taken by any program, and by a very short one."""

VERY_SHORT = 0.02
"""Share of the literal program's bits: what is farther off has to save nearly all of them."""

_PROGRAM_LEFT_OUT_AT_MOST = 0.3
"""And a found program: its band may be wide where the network itself wavers; it is printed."""


@dataclass(frozen=True)
class Settings:
    """What the user asked for, beside the target.

    exact: no change of weights; hints: bodies to judge first; once: what a found program says
    several times is written as functions; memory: results found before.
    """

    seed: int = 0
    exact: bool = False
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    hints: tuple[Expression, ...] = ()
    progress: Progress = silent
    once: bool = True
    memory: Memory = NOTHING


def propose(pool: Pool, settings: Settings, budget: Budget) -> bool:
    """Fill the pool: hints, then truth tables or search; True where it ran to its end."""
    settings.progress("searching", None)
    content = _asked(settings, budget, "first")
    make = partial(_proposed, pool, settings, budget)
    return search_recalled(settings.memory, pool, content, budget, make)


def _asked(settings: Settings, budget: Budget, which: str) -> Content | None:
    """All that a search follows from beside its pool."""
    hints, left = [str(h) for h in settings.hints], budget.stage(_SEARCH_SHARE).left
    words = vocabulary_content(settings.vocabulary)
    return joined((which, settings.seed, hints, left), words)


def _proposed(pool: Pool, settings: Settings, budget: Budget) -> bool:
    for hint in settings.hints:
        pool.offer(hint, "hint")
    for body in applied(pool.target, pool.functions, pool.points):
        pool.offer(body, "the library")
    if has_table(pool.target):
        settings.progress("reading the truth table", None)
        for body in table_programs(pool.target):
            pool.offer(body, "truth table")
        return True
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
    content = _asked(settings, budget, "again")
    make = partial(_searched_again, pool, settings, budget)
    return search_recalled(settings.memory, pool, content, budget, make)


def _searched_again(pool: Pool, settings: Settings, budget: Budget) -> bool:
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
    for reach in (NEAR, _FAR) if pool.target.soft else (NEAR,):
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
            best = tidied(min(found, key=lambda j: (j.score, j.candidate.bits)).candidate)
            made = said_once(best, settings) if settings.once else best
            square, claim = verified(pool.target, made, settings, budget, reach)
            if stands(claim):
                return square, claim, made, reach
            refuted.add(best.program.main.body)
            if claim.verdict == "refuted":
                pool.learn(counterexamples(pool.target, claim))
    return None


def stands(claim: Claim) -> bool:
    """Whether a program may be offered with this claim."""
    return claim.verdict != "refuted" and claim.left_out <= _PROGRAM_LEFT_OUT_AT_MOST


def counterexamples(target: Target, claim: Claim) -> Columns:
    """The inputs that a refuted claim shows, as columns."""
    names = [field.name for field in target.domain.fields]
    return target.domain.column(
        *(tuple(one["inputs"][n] for n in names) for one in claim.counterexamples)
    )


def shorter_ones(pool: Pool, literal: Candidate, reach: float) -> list[Judged]:
    """Programs shorter than the literal one that hold; beyond that reach only very short ones."""
    if reach <= NEAR:
        return [j for j in pool.judged.values() if j.holds and j.candidate.bits < literal.bits]
    short = VERY_SHORT * literal.bits
    return [j for j in pool.judged.values() if j.relative <= reach and j.candidate.bits <= short]


def tidied(made: Candidate) -> Candidate:
    """The same program with its comparisons in their usual form."""
    main = made.program.main
    body = tidy(main.body)
    if body is main.body:
        return made
    last = replace(main, body=body)
    return of_program(Program((*made.program.definitions[:-1], last)), made.route, made.known)


def said_once(made: Candidate, settings: Settings) -> Candidate:
    """The same program with calls of the user's functions, and with what it says several times in
    functions, where that is shorter."""
    library = settings.vocabulary.usable
    names = frozenset(d.name for d in library)
    found = abstracted(calling(made.program, library), names)
    return made if found is made.program else of_program(found, made.route, names)


def verified(
    target: Target, made: Candidate, settings: Settings, budget: Budget, reach: float = NEAR
) -> tuple[Square, Claim]:
    """The claim about a candidate; a default tolerance gives way to what the hunt found.

    Above twice the default the whole of `reach` is taken, and no bound beyond it. What the claim
    says was achieved counts what the hunt found, not only draws.
    """
    left = budget.stage(1.0).left
    asked = ("standing", str(made.program), settings.seed, left, reach)
    content = joined(target_content(target), asked)
    make = partial(_claimed, target, made, settings, budget, reach)
    beside, claim = judgement_recalled(settings.memory, content, budget, target, make)
    return Square(beside, made.program, target.margin), claim


def _claimed(
    target: Target, made: Candidate, settings: Settings, budget: Budget, reach: float
) -> tuple[Target, Claim]:
    """The claim, and the target with the tolerance that it is about."""
    square, worst = Square(target, made.program, target.margin), 0.0
    if target.soft:
        found = hunt(square, settings.seed)
        worst = float(compare(target, made.program, found).distance.max(initial=0.0))
        square = replace(square, target=_loosened(target, worst, reach))
    effort = Effort(should_stop=budget.stage(1.0))
    claim = verify(square, settings.seed, effort)
    if claim.achieved is not None and claim.verdict != "refuted":
        claim = replace(claim, achieved=max(claim.achieved, worst))
    return square.target, claim


def _loosened(target: Target, worst: float, reach: float) -> Target:
    if target.tolerance < worst <= NEAR * target.tolerance:
        return replace(target, tolerance=_SLACK * worst)
    if NEAR * target.tolerance < worst <= reach * target.tolerance:
        return replace(target, tolerance=reach * target.tolerance, soft=False)
    return target


def closest(pool: Pool, literal: Candidate) -> Judged | None:
    """Of the shorter programs that don't hold, the one least far off."""
    failed = [j for j in pool.judged.values() if not j.holds and j.candidate.bits < literal.bits]
    return min(failed, key=lambda j: j.relative, default=None)
