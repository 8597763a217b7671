"""Claims about a loop beside a recurrent network, re-checked without the verifier.

Cells and boxes of a certificate must lead into each other (`induction`), listed states of float32
to each other (`float_states`), linear loops are compared by their responses again (`impulses`),
listed sequences are listed again and sampled ones drawn again (`sequences`). Beside every proof
fresh sequences are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from distill.checker.finding import Finding, verdict_of
from distill.checker.float_states import float_states_finding
from distill.checker.impulses import impulse_finding
from distill.checker.induction import induction_finding
from distill.checker.real_impulses import real_impulse_finding
from distill.checker.sequences import CLOSE, drawn_finding, listed_findings, replayed
from distill.checker.unrolled import literal_findings
from distill.evidence import Claim
from distill.recurrent_target import Oracle
from dsl.loop import Loop

METHODS = {
    "induction": ("proved", "proved_to_length"),
    "relational": ("proved", "proved_to_length", "unknown"),
    "exhaustive": ("proved", "proved_to_length", "refuted"),
    "sampling": ("tested",),
}
"""The verdicts that a method can give."""


def loop_findings(
    oracle: Oracle, loop: Loop, claim: Claim, rng: np.random.Generator
) -> Iterator[Finding]:
    """A line for every step of the check.

    oracle: the network on its domain; rng: draws that no run makes.
    """
    if tuple(loop.inputs) != oracle.domain.item.parameters:
        yield Finding("refuted", "the program's items aren't those of the domain")
        return
    if claim.verdict not in METHODS.get(claim.method, ()):
        yield Finding("refuted", f"{claim.method} can't give the verdict {claim.verdict}")
        return
    if claim.verdict == "unknown":
        yield Finding("unknown", f"nothing is claimed of the program: {claim.statement}"[:300])
        return
    if (claim.verdict == "proved") != (claim.length_bound is None):
        yield Finding("refuted", "only what is proved for every length has no length")
        return
    if claim.length_bound is not None and not _is_length(claim.length_bound):
        yield Finding("refuted", f"{claim.length_bound} is no length of sequences")
        return
    if not oracle.output.discrete and not _is_tolerance(claim.tolerance):
        yield Finding("refuted", "real outputs need a tolerance, a number from 0 up")
        return
    if not _exception_is_named(claim):
        yield Finding("refuted", "a margin is left out that the claim can't have, or unnamed")
        return
    if claim.verdict == "refuted":
        yield replayed(oracle, loop, claim)
        return
    drawn = drawn_finding(oracle, loop, claim, rng)
    yield drawn
    if verdict_of([drawn]) == "refuted":
        return
    if claim.method == "induction":
        yield induction_finding(oracle, loop, claim)
    elif claim.method == "relational" and claim.margin > 0:
        yield from literal_findings(oracle, loop, claim)
    elif claim.method == "relational":
        compared = impulse_finding if oracle.output.discrete else real_impulse_finding
        yield compared(oracle, loop, claim)
    elif claim.method == "exhaustive" and claim.verdict == "proved":
        yield float_states_finding(oracle, loop, claim)
    elif claim.method == "exhaustive":
        yield from listed_findings(oracle, loop, claim)


def _exception_is_named(claim: Claim) -> bool:
    """Whether what is left out is said in the words of its kind."""
    if claim.band != "network":
        return False
    if claim.margin > 0:
        if claim.method == "relational":  # a literal loop, whose rounding grows with the length
            return (
                claim.verdict != "proved"
                and claim.exempt == f"network's decision margin <= {claim.margin:.4g}"
            )
        return claim.method in ("exhaustive", "sampling") and claim.exempt == CLOSE.format(
            claim.margin
        )
    return claim.exempt is None and claim.left_out == 0


def _is_tolerance(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < float("inf")


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
