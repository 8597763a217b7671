"""The second square: the deployed network beside the original one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from distill.checker.draws import at_least
from distill.checker.finding import Finding, State, judged
from distill.checker.sides import decoded, side
from distill.checker.tally import draws, fresh
from distill.evidence import Claim
from distill.target import Target
from dsl.domain import DomainError
from dsl.types import BOOL

if TYPE_CHECKING:
    from distill.distillation import Distillation

_DRAWS = 50_000
_UNIFORM = "independent uniform draws"


def original_side(found: Distillation) -> Target:
    """The original network on the domain, read as the deployed one is.

    A sigmoid that the deployed network lacks changes the level, not the decision.
    """
    output = found.output
    if found.network is not found.original and output.scalar == BOOL:
        ends = found.original.last_operation, found.network.last_operation
        if ends[0] == "Sigmoid" != ends[1]:
            output = replace(output, level=1.0 / (1.0 + math.exp(-output.level)))
    return side(found.original, found.domain, output)


def second_findings(found: Distillation, deployed: Target) -> Iterator[Finding]:
    """Identity is checked by hash; a tested claim by uniform draws, as far as they can tell."""
    claim = found.evidence.deployed_vs_original
    if claim.method == "relational":
        hashes = found.network.sha256(), found.original.sha256()
        yield judged(
            hashes[0] == hashes[1],
            "the deployed network is the original one",
            "the deployed network isn't the original one, and the evidence says that it is",
        )
        return
    if claim.verdict in ("refuted", "unknown"):
        yield Finding(claim.verdict, f"deployed and original network: {claim.statement}")
        return
    try:
        yield from _drawn(found, deployed, claim)
    except DomainError as error:
        yield Finding("unknown", f"the domain can't be drawn from: {error}")


def _drawn(found: Distillation, deployed: Target, claim: Claim) -> Iterator[Finding]:
    original, margin = original_side(found), _margin(claim)
    differs = wrong = left_out = 0
    worst = 0.0
    for columns in draws(found.domain, fresh(found.evidence, "second"), _DRAWS):
        inputs = found.domain.encode(columns)
        ours, margins = decoded(np.asarray(original.core.run(inputs), float), original.output)
        theirs, _ = decoded(np.asarray(deployed.core.run(inputs), float), deployed.output)
        gap = np.abs(ours - theirs).max(1)
        beyond = gap > (claim.tolerance or 0.0)
        differs += int(beyond.sum())
        wrong += int((beyond & (margins > margin)).sum())
        left_out += int((margins <= margin).sum())
        worst = max(worst, float(gap.max()))
    text = f"{_DRAWS - differs:,} of {_DRAWS:,} uniform draws agree"
    if not original.output.discrete:
        text += f" (largest difference {worst:.4g})"
    if _UNIFORM not in claim.statement:
        yield Finding("note", f"deployed and original network: {text}")
        yield Finding("unknown", "their claim is about data that the folder doesn't hold")
        return
    state: State = "holds" if not wrong else "unknown"
    if at_least(wrong, 3.0) < 1e-4:
        state = "refuted"
    yield Finding(state, f"deployed and original network: {text}, {wrong:,} differ outside margins")
    spread = math.sqrt(max(left_out / _DRAWS, 1 / _DRAWS) * 2 / _DRAWS)
    if left_out / _DRAWS > claim.left_out + 6 * spread:
        share = 100 * left_out / _DRAWS
        yield Finding("refuted", f"{share:.3g} % is left out, more than evidence.json says")


def _margin(claim: Claim) -> float:
    """The exempt margin is in the claim's words, to four digits; the last is rounded up."""
    number = re.search(r"<= (\d[\d.e+-]*)$", claim.exempt or "")
    return float(number[1]) * 1.0005 if number else -1.0
