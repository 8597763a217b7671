"""Claims about all inputs of a finite domain: every one is looked at again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from distill.checker.finding import Finding, judged
from distill.checker.sides import by_arrays, exactly
from distill.checker.tally import BLOCK, Tally, tally
from distill.evidence import Claim
from distill.target import Target
from dsl.algebra import Unsupported
from dsl.cost import program_bits
from dsl.program import Program

_EXACT_AT_MOST = 4096
_EXACT_WORK = 4e6
"""Most bits of program times inputs that are gone through by the exact meaning."""
_AT_MOST = 1 << 24
_CLOSE = 1e-5
"""Decisions closer than this share of the outputs' scale may fall otherwise in float32."""


def point_findings(target: Target, program: Program, claim: Claim) -> Iterator[Finding]:
    """Compare on all inputs, by the exact meaning where they are few."""
    domain = target.domain
    total = domain.count
    if total is None or total > _AT_MOST:
        size = "infinitely many" if total is None else f"{total:,}"
        yield Finding("refuted", f"the domain has {size} points, too many to have been listed")
        return
    found, how = _compared(target, program, claim, total)
    yield judged(
        found.wrong == 0,
        f"all {found.seen:,} inputs run again (program {how}, network in its own precision): "
        f"{'equal' if target.output.discrete else f'within {found.worst:.4g}'}",
        f"{found.wrong:,} of all {found.seen:,} inputs differ, {found.example} among them",
    )
    yield from _figures(found, target, claim)


def _compared(target: Target, program: Program, claim: Claim, total: int) -> tuple[Tally, str]:
    """By the exact meaning where that is cheap and stays rational, else in float64."""
    if total <= _EXACT_AT_MOST and total * program_bits(program) <= _EXACT_WORK:
        with suppress(Unsupported):
            return tally(target, program, claim, target.domain.blocks(BLOCK), exactly), "exact"
    return tally(target, program, claim, target.domain.blocks(BLOCK), by_arrays), "float64"


def _figures(found: Tally, target: Target, claim: Claim) -> Iterator[Finding]:
    same = found.seen == claim.count
    yield judged(
        same,
        f"{claim.count:,} inputs are what evidence.json counts",
        f"evidence.json counts {claim.count:,} inputs",
    )
    slack = _CLOSE * found.scale
    if found.worst > (claim.achieved or 0.0) + slack:
        yield Finding("refuted", f"evidence.json says within {claim.achieved}: {found.worst:.4g}")
    if found.share > claim.left_out + 1e-9:
        text = f"{100 * found.share:.3g} % of the inputs are left out"
        yield Finding("refuted", f"{text}, and evidence.json says {100 * claim.left_out:.3g} %")
    if target.output.discrete and claim.verdict == "proved":
        yield judged(
            found.closest > slack,
            f"the closest decision has a margin of {found.closest:.4g}, clear of float32 rounding",
            f"a decision is as close as {found.closest:.4g}: float32 rounding may turn it",
            "unknown",
        )
