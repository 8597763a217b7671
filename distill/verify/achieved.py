"""What was proved where what was asked for wasn't: the smallest bound, told beside the claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from distill.evidence import Claim
from distill.verify.square import Square

_LOOSER = 4.0
"""So many times a default tolerance gives way to what can be proved."""


def ends(last: Sequence[Claim]) -> bool:
    """Whether the asking ends with this claim, if there is one: it proves or refutes."""
    return bool(last) and last[0].verdict in ("proved", "refuted")


def smallest(shown: Sequence[Claim]) -> Claim | None:
    """The claim that rigorously shows the smallest difference, though not what was asked."""
    known = [c for c in shown if c.verdict == "unknown" and c.achieved is not None]
    return min(known, key=lambda c: c.achieved or 0.0, default=None)


def near(bound: Claim | None, square: Square) -> bool:
    """Whether a default tolerance gives way to the bound."""
    most = _LOOSER * square.target.tolerance
    return bound is not None and bound.achieved is not None and bound.achieved <= most


def with_bound(claim: Claim, bound: Claim | None, square: Square) -> Claim:
    """The claim with a bound that was proved told beside it.

    Where the tolerance is only the default, a bound somewhat above it is the proof instead.
    """
    if bound is None or claim.verdict == "proved":
        return claim
    if square.target.soft and near(bound, square):
        return replace(bound, verdict="proved", tolerance=bound.achieved)
    told = f"{claim.statement}; proved for eps = {bound.achieved:.4g} ({bound.method})"
    return replace(claim, statement=told)
