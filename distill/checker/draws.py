"""Statistical claims: the same number of draws again, with seeds that no run uses."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from distill.checker.finding import Finding, State
from distill.checker.sides import by_arrays
from distill.checker.tally import Tally, draws, tally
from distill.evidence import Claim
from distill.target import Target
from dsl.domain import DomainError
from dsl.program import Program

DRAWS = 100_000
_MEASURED = 25_000
"""Draws with which a run measures what a proof leaves out, at least."""
_FEWEST, _MOST = 1_000, 1_000_000
_SURPRISE = 1e-4
"""Chance below which what the draws show contradicts a statistical claim."""
_EXCEEDED = 20
"""So many draws beyond the largest of as many earlier ones have a chance of 2**-20."""


def draw_findings(
    target: Target, program: Program, claim: Claim, rng: np.random.Generator
) -> Iterator[Finding]:
    """Differences, largest distance and share left out, in draws of `rng`, which no run makes."""
    sampled = claim.method == "sampling"
    count = min(max(claim.count, _FEWEST), _MOST) if sampled else DRAWS
    try:
        blocks = draws(target.domain, rng, count)
        found = tally(target, program, claim, blocks, by_arrays)
    except DomainError as error:
        yield Finding("unknown", f"the domain can't be drawn from: {error}")
        return
    yield _differences(found, sampled)
    if not target.output.discrete and claim.achieved is not None:
        yield _largest(found, claim, sampled)
    yield _share(found, claim, count, count if sampled else _MEASURED)


def _differences(found: Tally, sampled: bool) -> Finding:
    counted = found.seen - found.left_out
    if not found.wrong:
        return Finding("holds", f"no difference in {counted:,} fresh uniform draws")
    state: State = "refuted"
    if sampled and at_least(found.wrong, 3.0) > _SURPRISE:
        state = "unknown"
    text = f"{found.wrong:,} of {counted:,} fresh uniform draws differ, {found.example} among them"
    return Finding(state, text)


def _largest(found: Tally, claim: Claim, sampled: bool) -> Finding:
    text = f"the largest difference in them is {found.worst:.4g}"
    told = f"evidence.json says {claim.achieved:.4g}"
    if found.above > (_EXCEEDED if sampled else 0):
        return Finding("refuted", f"{text}, above what {told} ({found.above:,} draws)")
    return Finding("note", f"{text}; {told}")


def _share(found: Tally, claim: Claim, count: int, measured: int) -> Finding:
    """Both shares are measured: 3 standard deviations apart is not confirmed, 6 contradicts."""
    spread = math.sqrt(max(found.share, 1.0 / count) * (1.0 / count + 1.0 / measured))
    apart = (found.share - claim.left_out) / spread
    text = f"{100 * found.share:.3g} % of the domain is left out, measured again"
    if apart > 3:
        state: State = "refuted" if apart > 6 else "unknown"
        return Finding(state, f"{text}; evidence.json says {100 * claim.left_out:.3g} %")
    return Finding("holds", text)


def at_least(count: int, mean: float) -> float:
    """Chance that a Poisson variable of this mean is `count` or more."""
    below = sum(mean**k / math.factorial(k) for k in range(min(count, 100)))
    return max(1.0 - math.exp(-mean) * below, 0.0)
