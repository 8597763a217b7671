"""What a simplification is worth, which of several to keep and which one to take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from distill.normal_form import NormalForm

_ALWAYS_ALLOWED = 0.002


@dataclass(frozen=True, eq=False)
class Simplified:
    """A smaller network that behaves like a given one on its data.

    bits: by the measure it was asked with; agreement_on_fit: share of the rows taught from;
    agreement_on_validation: share of the rows held back while the recipe (size, price of a bit)
    was chosen; agreement_near, error: share of points near those rows, with its standard error.
    Where `note` says so, the weights were then taught once more from all rows by that recipe.
    """

    form: NormalForm
    bits: float
    agreement_on_fit: float
    agreement_on_validation: float
    agreement_near: float
    error: float
    note: str


def front(found: Iterable[Simplified]) -> list[Simplified]:
    """Those that no other beats in both bits and agreement, fewest bits first."""
    kept: list[Simplified] = []
    for candidate in sorted(found, key=lambda s: (s.bits, -s.agreement_near)):
        if not kept or candidate.agreement_near > kept[-1].agreement_near:
            kept.append(candidate)
    return kept


def choose(found: Sequence[Simplified]) -> Simplified:
    """The fewest bits whose agreement near the data is within one standard error of the best.

    This is the one-standard-error rule of Breiman et al. (1984); it needs no labels.
    """
    best = max(found, key=lambda s: (s.agreement_near, -s.bits))
    enough = best.agreement_near - max(best.error, _ALWAYS_ALLOWED)
    return min((s for s in found if s.agreement_near >= enough), key=lambda s: s.bits)
