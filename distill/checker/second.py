"""The second square: the deployed network beside the original one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from distill.checker.draws import at_least
from distill.checker.finding import Finding, State, judged
from distill.checker.sides import decoded, side
from distill.checker.tally import draws, fresh
from distill.evidence import Claim
from distill.load.examples import NAME
from distill.target import Target
from dsl.domain import Columns, DomainError
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
    """Identity is checked by hash; a tested claim on the data of the folder, or by fresh draws."""
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
        uniform = _UNIFORM in claim.statement
        yield from (_uniform if uniform else _on_data)(found, deployed, claim)
    except DomainError as error:
        yield Finding("unknown", f"the domain can't be drawn from: {error}")


def _uniform(found: Distillation, deployed: Target, claim: Claim) -> Iterator[Finding]:
    blocks = draws(found.domain, fresh(found.evidence, "second"), _DRAWS)
    seen = _compared(found, deployed, claim, blocks)
    state: State = "holds" if not seen.wrong else "unknown"
    if at_least(seen.wrong, 3.0) < 1e-4:
        state = "refuted"
    yield seen.finding(state, "uniform draws")
    spread = math.sqrt(max(seen.left_out / _DRAWS, 1 / _DRAWS) * 2 / _DRAWS)
    if seen.left_out / _DRAWS > claim.left_out + 6 * spread:
        share = 100 * seen.left_out / _DRAWS
        yield Finding("refuted", f"{share:.3g} % is left out, more than evidence.json says")


def _on_data(found: Distillation, deployed: Target, claim: Claim) -> Iterator[Finding]:
    """The same examples again: nothing is left to chance."""
    if found.data is None:
        yield Finding("unknown", f"their claim is about data, and the folder holds no {NAME}")
        return
    seen = _compared(found, deployed, claim, [found.data])
    yield seen.finding("refuted" if seen.wrong else "holds", f"examples in {NAME}")
    told = claim.count, round(claim.left_out * claim.count)
    if seen.rows != told[0] or abs(seen.left_out - told[1]) > 1 + 1e-3 * seen.rows:
        yield Finding("refuted", "evidence.json gives other counts of them")


@dataclass
class _Seen:
    """Rows compared, rows apart, those of them outside the exempt margin, and rows within it."""

    discrete: bool
    rows: int = 0
    differs: int = 0
    wrong: int = 0
    left_out: int = 0
    worst: float = 0.0

    def finding(self, state: State, source: str) -> Finding:
        text = f"{self.rows - self.differs:,} of {self.rows:,} {source} agree"
        if not self.discrete:
            text += f" (largest difference {self.worst:.4g})"
        text = f"deployed and original network: {text}, {self.wrong:,} differ outside margins"
        return Finding(state, text)


def _compared(
    found: Distillation, deployed: Target, claim: Claim, blocks: Iterable[Columns]
) -> _Seen:
    original, margin = original_side(found), _margin(claim)
    seen = _Seen(original.output.discrete)
    for columns in blocks:
        inputs = found.domain.encode(columns)
        ours, margins = decoded(np.asarray(original.core.run(inputs), float), original.output)
        theirs, _ = decoded(np.asarray(deployed.core.run(inputs), float), deployed.output)
        gap = np.abs(ours - theirs).max(1)
        beyond = gap > (claim.tolerance or 0.0)
        seen.rows += len(inputs)
        seen.differs += int(beyond.sum())
        seen.wrong += int((beyond & (margins > margin)).sum())
        seen.left_out += int((margins <= margin).sum())
        seen.worst = max(seen.worst, float(gap.max()))
    return seen


def _margin(claim: Claim) -> float:
    """The exempt margin is in the claim's words, to four digits; the last is rounded up."""
    number = re.search(r"<= (\d[\d.e+-]*)$", claim.exempt or "")
    return float(number[1]) * 1.0005 if number else -1.0
