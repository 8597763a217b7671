"""Another program in the place of a found one: edited by hand, or chosen from the front."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from distill.align.variables import has_inner
from distill.distillation import Alternative, Distillation, Distilled
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.evidence import IDENTICAL, NOT_LOOKED_FOR, Claim, Evidence
from distill.export.place import shown
from distill.loops import claim_of
from distill.run.budget import Budget
from distill.run.versions import versions
from distill.target import make_target
from distill.verify.ladder import Effort, verify
from distill.verify.refutation import finished
from distill.verify.square import Square
from dsl.cost import VERSION, loop_bits, program_bits
from dsl.loop import Loop
from dsl.loop_text import parse_loop
from dsl.program import Program
from dsl.text import ParseError, parse_program
from dsl.types import Type, TypeMismatch, accepts

_SLACK = 1.25
"""A chosen program may be farther off by so much than the search saw it be."""


def ranked(front: Iterable[Alternative]) -> list[Alternative]:
    """The programs of a front as they are numbered, from 1: shortest first."""
    return sorted(front, key=lambda a: (a.bits, a.error))


def read_for(found: Distilled, text: str) -> Program | Loop:
    """A program or loop of the same inputs and outputs as a result's.

    Raises:
        BadInput: it can't be read, or takes or returns something else.
    """
    loop = isinstance(found.program, Loop)
    try:
        program = parse_loop(text) if loop else parse_program(text)
    except (ParseError, TypeMismatch) as error:
        raise BadInput(f"can't read the program: {error}") from None
    _check_fits(found.program, program)
    return program


def _check_fits(found: Program | Loop, given: Program | Loop) -> None:
    (takes, gives), (wanted, result) = _signature(given), _signature(found)
    if takes != wanted:
        raise BadInput(
            f"the program takes ({_named(takes)}), and it has to take ({_named(wanted)})"
        )
    if not accepts(result, gives):
        raise BadInput(f"the program returns {gives}, and it has to return {result}")
    if isinstance(found, Loop) and isinstance(given, Loop) and found.at_end != given.at_end:
        kind = "at the end only" if found.at_end else "for every item"
        raise BadInput(f"the loop has to return a value {kind}")


def _signature(program: Program | Loop) -> tuple[tuple[tuple[str, Type], ...], Type]:
    if isinstance(program, Loop):
        return program.inputs, program.output.type
    return program.main.parameters, program.main.result


def _named(parameters: Sequence[tuple[str, Type]]) -> str:
    return ", ".join(f"{name}: {item}" for name, item in parameters)


def beside(
    found: Distilled,
    program: Program | Loop,
    tolerance: float | None = None,
    budget: float = 60.0,
    seed: int = 0,
) -> Distilled:
    """The result with another program in its place and its evidence made anew.

    It is put beside the network that was given, also where the result's own program explains a
    simplified one. tolerance: that of the result if left out; budget: seconds for proofs.

    Raises:
        BadInput: it takes or returns something else than the result's program.
    """
    _check_fits(found.program, program)
    spent = Budget(seconds=budget)
    if isinstance(found, LoopDistillation) and isinstance(program, Loop):
        return _loop_beside(found, program, tolerance, seed, spent)
    if isinstance(found, Distillation) and isinstance(program, Program):
        return _program_beside(found, program, tolerance, seed, spent)
    raise BadInput("a loop goes with a recurrent network, a program with another one")


def _program_beside(
    found: Distillation, program: Program, tolerance: float | None, seed: int, budget: Budget
) -> Distillation:
    claims = found.evidence
    before = claims.program_vs_original or claims.program_vs_deployed
    allowed = before.tolerance if tolerance is None else tolerance
    target = make_target(found.original, found.domain, found.output, allowed, data=found.data)
    square = Square(target, program, target.margin)
    claim = finished(square, verify(square, seed, Effort(should_stop=budget.stage(1.0))), seed)
    told = replace(
        _with_claim(claims, program, claim, budget, seed),
        deployed_vs_original=IDENTICAL,
        parts=(),
        program_vs_original=None,
    )
    hashes = {**told.hashes, "network": claims.hashes["original"]}
    evidence = replace(told, hashes=hashes)
    return replace(found, program=program, evidence=evidence, network=found.original, found=True,
                   located=None, pieces=(), note="")  # fmt: skip


def _loop_beside(
    found: LoopDistillation, program: Loop, tolerance: float | None, seed: int, budget: Budget
) -> LoopDistillation:
    oracle = found.oracle
    if tolerance is not None:
        oracle = replace(oracle, tolerance=tolerance)
    claim = claim_of(program, oracle, seed)
    evidence = _with_claim(found.evidence, program, claim, budget, seed)
    return replace(found, program=program, evidence=evidence, found=True, located=None, note="")


def _with_claim(
    evidence: Evidence, program: Program | Loop, claim: Claim, budget: Budget, seed: int
) -> Evidence:
    """Evidence with the claim about another program in the place of the one that it was about."""
    bits = loop_bits(program) if isinstance(program, Loop) else program_bits(program)
    return replace(
        evidence,
        program_vs_deployed=claim,
        bits={**evidence.bits, "program": bits, "version": VERSION},
        seconds=budget.elapsed,
        steps=budget.spent,
        seed=seed,
        versions=versions(),
        hashes={**evidence.hashes, "program": hashlib.sha256(str(program).encode()).hexdigest()},
        attempts=claim.attempts,
        variables=NOT_LOOKED_FOR if has_inner(program) else "",
    )


@dataclass(frozen=True)
class Shorter:
    """The closest of the shorter programs that a search kept: its number in the front, itself, and
    the claim about it at the tolerance of the result."""

    number: int
    program: Alternative
    claim: Claim


def closest_shorter(found: Distilled, budget: float = 60.0, seed: int = 0) -> Shorter | None:
    """Why nothing shorter was found: what came closest, and an input on which it differs.

    None where no shorter program was kept: whatever was shorter gave no finite number.
    """
    bits = found.evidence.bits["program"]
    shorter = [
        (number, one)
        for number, one in enumerate(ranked(found.front), 1)
        if one.bits < bits and one.program != found.program
    ]
    if not shorter:
        return None
    number, one = min(shorter, key=lambda pair: (pair[1].error, pair[1].bits))
    claim = beside(found, one.program, None, budget, seed).evidence.program_vs_deployed
    return Shorter(number, one, claim)


def chosen(
    found: Distilled,
    which: str,
    tolerance: float | None = None,
    budget: float = 60.0,
    seed: int = 0,
) -> Distilled:
    """The result with a program of its front, by number, or one from a file in its place.

    A program of the front may be as far off as the search saw it be, and a quarter more.

    Raises:
        BadInput: there is no such program, or the file can't be used.
    """
    if not which.isdecimal():
        return beside(found, read_for(found, read_program_file(which)), tolerance, budget, seed)
    front = ranked(found.front)
    if not 1 <= int(which) <= len(front):
        kept = f"1 to {len(front)}" if front else "none"
        raise BadInput(f"there is no program {which} in the front; known: {kept} (show --front)")
    one = front[int(which) - 1]
    before = found.evidence.program_vs_original or found.evidence.program_vs_deployed
    if tolerance is None and before.tolerance is not None:
        tolerance = max(before.tolerance, _SLACK * one.error)
    return beside(found, one.program, tolerance, budget, seed)


def read_program_file(path: str) -> str:
    """The text of a program file.

    Raises:
        BadInput: there is none, or it isn't text.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{shown(Path(path))} isn't a text of the language") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"can't read {shown(Path(path))} ({reason})") from None
