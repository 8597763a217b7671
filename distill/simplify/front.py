"""What a simplification is worth, which of several to keep and which one to take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from distill.normal_form import NormalForm
from distill.simplify.exam import Mark


@dataclass(frozen=True, eq=False)
class Simplified:
    """A smaller network that behaves like a given one on its data.

    bits: by the measure it was asked with; agreement_on_fit: share of the rows taught from;
    mark: disagreement on the rows held back while the recipe (size, price of a bit) was
    chosen, and near them. Where `note` says so, the weights were then taught once more from
    all rows by that recipe.
    """

    form: NormalForm
    bits: float
    agreement_on_fit: float
    mark: Mark
    note: str

    @property
    def agreement_on_validation(self) -> float:
        """Share of the held-back rows that are read as the network's."""
        return 1.0 - self.mark.on_data

    @property
    def agreement_near(self) -> float:
        """Share of points near the held-back rows that are read as the network's."""
        return 1.0 - self.mark.near


def front(found: Iterable[Simplified]) -> list[Simplified]:
    """Those that no other beats in both bits and agreement, fewest bits first."""
    kept: list[Simplified] = []
    for candidate in sorted(found, key=lambda s: (s.bits, -s.agreement_near)):
        if not kept or candidate.agreement_near > kept[-1].agreement_near:
            kept.append(candidate)
    return kept


def choose(found: Sequence[Simplified]) -> Simplified:
    """The fewest bits of those that agree near the data no worse than the best does."""
    best = max(found, key=lambda s: (s.agreement_near, -s.bits))
    return min((s for s in found if s.mark.no_worse(best.mark)), key=lambda s: s.bits)
