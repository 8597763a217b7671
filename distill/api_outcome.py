"""An outcome of the pipeline as what the user gets back."""

from __future__ import annotations

import hashlib

from distill.align.variables import has_inner
from distill.distillation import Alternative, Distillation
from distill.evidence import NOT_LOOKED_FOR, Evidence
from distill.load.examples import examples_hash
from distill.network import Network
from distill.pipeline import Outcome
from distill.run.budget import Budget
from distill.run.versions import versions
from dsl.cost import VERSION, program_bits
from dsl.domain import Domain
from dsl.domain_text import show_domain
from dsl.program import Program


def distillation_of(
    outcome: Outcome, network: Network, domain: Domain, budget: Budget, seed: int
) -> Distillation:
    """The program with its evidence, and what else was found."""
    program = outcome.chosen.program
    data = outcome.target.data if outcome.deployed is not network else None
    evidence = Evidence(
        outcome.program_vs_deployed,
        outcome.deployed_vs_original,
        show_domain(domain),
        str(outcome.target.reading),
        {"program": program_bits(program), "network": outcome.network_bits, "version": VERSION},
        budget.elapsed,
        budget.spent,
        seed,
        versions(),
        {
            "program": program_hash(program),
            "network": outcome.deployed.sha256(),
            "original": network.sha256(),
            **({} if data is None else {"data": examples_hash(domain, data)}),
        },
        attempts=outcome.program_vs_deployed.attempts,
        variables="" if outcome.literal or not has_inner(program) else NOT_LOOKED_FOR,
        program_vs_original=outcome.program_vs_original,
        parts=tuple(piece.claim for piece in outcome.pieces),
    )
    alternatives = tuple(
        Alternative(j.candidate.program, j.candidate.bits, j.error, j.candidate.route)
        for j in outcome.others
    )
    target = outcome.target
    return Distillation(
        program,
        evidence,
        outcome.deployed,
        network,
        domain,
        target.reading,
        alternatives,
        found=outcome.finished or not outcome.literal,
        literal=outcome.own,
        note=_note(outcome, budget),
        interrupted=budget.interrupted,
        timed_out=budget.timed_out,
        data=data,
        pieces=outcome.pieces,
    )


def _note(outcome: Outcome, budget: Budget) -> str:
    late = (
        f"time ended this run after {budget.spent:,} of {budget.steps:,} steps; "
        "with more seconds it may end otherwise"
    )
    return "; ".join([late] * budget.timed_out + [_near(outcome)] * bool(_near(outcome)))


def _near(outcome: Outcome) -> str:
    if outcome.loose:
        return (
            f"off by up to {outcome.program_vs_deployed.achieved:.3g}, more than 2 % of the "
            "output's range: nothing closer that is short was found; give a tolerance for a "
            "closer program, however long"
        )
    if not outcome.literal or outcome.closest is None:
        return ""
    near = outcome.closest
    return (
        f"nothing shorter was found; the closest was {near.candidate.program.main.body} "
        f"({near.candidate.bits:.0f} bits), with an error of {near.error:.4g}"
    )


def program_hash(program: Program) -> str:
    """sha256 of the written form."""
    return hashlib.sha256(str(program).encode()).hexdigest()
