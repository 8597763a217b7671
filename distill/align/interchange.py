"""Interchange interventions on fresh pairs, beside two controls.

Geiger et al., Causal Abstractions of Neural Networks (NeurIPS 2021): take the variable's component
from a source input, write it into the run on a base input, and the output must be the program's
with the variable forced to its source value. The share of pairs where it is: interchange
intervention accuracy. Where the program's output does not change anything passes that does
nothing, so the headline is the accuracy on pairs where it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.align.locate import ROUNDS, explained
from distill.align.place import Array, Place, spread_of
from distill.align.setting import Pairs, Setting, agrees, draw_pairs, draw_shuffled, mattering_pairs

_RANDOM = 8
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """How many of n trials passed; low, high: the exact 95 % interval (Clopper and Pearson)."""

    passed: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, 0 of no trials."""
        return self.passed / self.trials if self.trials else 0.0


def share(passed: int, trials: int) -> Share:
    """A share with its interval."""
    from scipy.stats import binomtest

    if trials == 0:
        return Share(0, 0, 0.0, 1.0)
    interval = binomtest(passed, trials).proportion_ci(_CONFIDENCE, method="exact")
    return Share(passed, trials, float(interval.low), float(interval.high))


@dataclass(frozen=True)
class Interchange:
    """What fresh pairs say about a place.

    everywhere: accuracy on independent pairs; where_it_matters: on pairs whose forced output
    differs from the base's own. random: the same with random subspaces of the same size at the
    same site (None where the place is all that varies there); shuffled: beside the program with
    another source's value. explained: for real outputs the share of the program's change that
    the network shows, likewise for the controls.
    """

    everywhere: Share
    where_it_matters: Share
    random: Share | None
    shuffled: Share
    explained: float | None = None
    random_explained: float | None = None
    shuffled_explained: float | None = None


def fresh_pairs(setting: Setting, rng: np.random.Generator, samples: int) -> tuple[Pairs, Pairs]:
    """Independent pairs, and as many whose change matters, if that many can be found."""
    drawn = draw_pairs(setting, rng, samples)
    return drawn, mattering_pairs(setting, rng, samples, drawn, ROUNDS)


def interchanged(
    setting: Setting, place: Place, pairs: tuple[Pairs, Pairs], rng: np.random.Generator
) -> Interchange:
    """Accuracies of a place and its controls on pairs that it was not chosen with."""
    drawn, matter = pairs
    bases, sources = _sides(setting, place, matter)
    found = setting.patched(matter.base, place.site.wire, place.exchanged(bases, sources))
    control = _random(setting, place, matter, (bases, sources), rng)
    other, told = _shuffled(setting, place, len(drawn), rng)
    real = not setting.output.discrete
    return Interchange(
        everywhere=_whole(setting, place, drawn),
        where_it_matters=_share(setting, found, matter),
        random=None if control is None else _share(setting, control, matter),
        shuffled=_share(setting, told, other),
        explained=explained(found, matter) if real else None,
        random_explained=explained(control, matter) if real and control is not None else None,
        shuffled_explained=explained(told, other) if real else None,
    )


def _sides(setting: Setting, place: Place, pairs: Pairs) -> tuple[Array, Array]:
    wire = place.site.wire
    return setting.activations(pairs.base)[wire], setting.activations(pairs.source)[wire]


def _whole(setting: Setting, place: Place, pairs: Pairs) -> Share:
    moved = place.exchanged(*_sides(setting, place, pairs))
    right = agrees(setting, setting.patched(pairs.base, place.site.wire, moved), pairs.wanted)
    return share(int(right.sum()), len(right))


def _share(setting: Setting, found: Array, pairs: Pairs) -> Share:
    """Accuracy where it matters."""
    right = agrees(setting, found, pairs.wanted)[pairs.matters]
    return share(int(right.sum()), len(right))


def _shuffled(
    setting: Setting, place: Place, count: int, rng: np.random.Generator
) -> tuple[Pairs, Array]:
    """Pairs with another source's value in the program, and the network's outputs on them."""
    drawn = draw_shuffled(setting, rng, count)
    pairs = mattering_pairs(setting, rng, count, drawn, ROUNDS, draw_shuffled)
    moved = place.exchanged(*_sides(setting, place, pairs))
    return pairs, setting.patched(pairs.base, place.site.wire, moved)


def _random(
    setting: Setting, place: Place, pairs: Pairs, sides: tuple[Array, Array],
    rng: np.random.Generator,
) -> Array | None:  # fmt: skip
    """Outputs with components of random subspaces, several of them in turn."""
    spread = spread_of(np.concatenate(sides))
    if place.dimension >= len(spread.scale):
        return None
    moved = np.empty_like(sides[0])
    for turn in range(_RANDOM):
        some = spread.random(place.site, place.dimension, rng)
        moved[turn::_RANDOM] = some.exchanged(sides[0][turn::_RANDOM], sides[1][turn::_RANDOM])
    return setting.patched(pairs.base, place.site.wire, moved)
