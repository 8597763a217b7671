"""The search for a variable's place: every site, cheap candidates first, then by gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.align.candidates import candidates, readable
from distill.align.decode import Coded, coded, decoded, owned
from distill.align.place import Array, Place, Site, spread_of
from distill.align.refine import refined
from distill.align.setting import Pairs, Setting, agrees, draw_pairs, mattering_pairs
from distill.errors import BadInput
from dsl.domain import joined

TRAINING = 512
"""Pairs that a place is chosen with; half of them with a change that matters where that can be."""
ROUNDS = 16
"""Draws of so many pairs again, in search of changes that matter."""
READ = 0.95
"""How well a variable must be decoded where it is said to live."""
FOLLOWED = 0.9
"""Accuracy, or explained share of a real change, from which an output follows a variable."""
_GOOD = 0.995
_EQUAL = 0.005
_GRADIENT_PAIRS = 192
_LARGEST = 6


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate with what the training pairs say.

    read: how well it is decoded; obeyed: how well the output follows when it is exchanged; owned:
    how far the place holds nothing else, asked only where exchanging the whole site would do too,
    for there interventions can't tell a place from more than it; else 1.
    """

    place: Place
    read: float
    obeyed: float
    owned: float

    @property
    def score(self) -> float:
        """The weakest of the three."""
        return min(self.read, self.obeyed, self.owned)


@dataclass(frozen=True, eq=False)
class _Scene:
    """Training pairs with the activations of their bases and sources, and the decoder's split."""

    setting: Setting
    pairs: Pairs
    sides: dict[str, tuple[Array, Array]]
    values: Coded
    context: Array
    fit: NDArray[np.int64]
    test: NDArray[np.int64]

    def stacked(self, site: Site) -> Array:
        """Activations (2n, d) of bases and sources, in the order of `values`."""
        return np.concatenate(self.sides[site.wire])

    def tried(self, place: Place, pure: bool) -> Trial:
        """What the training pairs say about a place; `pure` asks that it holds nothing else."""
        component = place.component(self.stacked(place.site))
        read = decoded(component, self.values, self.fit, self.test)
        obeyed = self.obeyed(place) if read > 0.5 else 0.0
        alone = owned(component @ place.write.T, self.values) if pure else 1.0
        return Trial(place, read, obeyed, alone)

    def obeyed(self, place: Place) -> float:
        """Share of the training pairs on which the network follows the program.

        The lower of the shares with and without a change that matters; of a real output the
        explained share of the change.
        """
        moved = place.exchanged(*self.sides[place.site.wire])
        found = self.setting.patched(self.pairs.base, place.site.wire, moved)
        if not self.setting.output.discrete:
            return explained(found, self.pairs)
        right, matters = agrees(self.setting, found, self.pairs.wanted), self.pairs.matters
        return min(float(right[kind].mean()) for kind in (matters, ~matters) if kind.any())


def explained(found: NDArray[np.float64], pairs: Pairs) -> float:
    """Share of the program's change of a real output that the network shows, at least 0."""
    which = pairs.matters
    wanted, own = pairs.wanted[which], pairs.own[which]
    change = ((wanted - own) ** 2).sum()
    return float(max(0.0, 1 - ((found[which] - wanted) ** 2).sum() / max(change, 1e-300)))


def training_pairs(setting: Setting, rng: np.random.Generator) -> Pairs:
    """Pairs to choose a place with."""
    drawn = draw_pairs(setting, rng, TRAINING)
    matter = mattering_pairs(setting, rng, TRAINING // 2, drawn, ROUNDS)
    rest = drawn.taken(np.flatnonzero(~drawn.matters)[: TRAINING // 2])
    return matter.joined(rest)


def located(setting: Setting, pairs: Pairs, rng: np.random.Generator) -> Trial | None:
    """The best place of a variable on training pairs; None where nothing there reads it.

    Of places that are equally good the one of the smallest dimension is taken, of those one of
    neurons, of those the first.
    """
    scene = _scene(setting, pairs, rng)
    if scene.values.constant or not pairs.matters.any():
        return None
    pure: dict[Site, bool] = {}
    trials: list[Trial] = []
    for site in setting.sites:
        stacked = scene.stacked(site)
        spread = spread_of(stacked)
        everything = scene.tried(readable(site, spread), False) if len(spread.scale) else None
        if everything is None or everything.read < READ:
            continue
        pure[site] = everything.obeyed >= FOLLOWED
        found = candidates(site, stacked, scene.values, scene.context)
        trials += [scene.tried(place, pure[site]) for place in found]
    best = _best(trials)
    if best is not None and best.score < _GOOD:
        best = _best(trials + _by_gradient(scene, trials, pure, rng))
    return best


def _scene(setting: Setting, pairs: Pairs, rng: np.random.Generator) -> _Scene:
    base, source = setting.activations(pairs.base), setting.activations(pairs.source)
    sides = {site.wire: (base[site.wire], source[site.wire]) for site in setting.sites}
    values = np.concatenate([setting.values(pairs.base), pairs.values])
    order = rng.permutation(len(values))
    half = len(values) // 2
    known = coded(values, setting.type)
    context = setting.context(joined(pairs.base, pairs.source))
    return _Scene(setting, pairs, sides, known, context, order[:half], order[half:])


def _best(trials: list[Trial]) -> Trial | None:
    if not trials:
        return None
    good = max(t.score for t in trials) - _EQUAL
    equal = [t for t in trials if t.score >= good]
    return min(equal, key=lambda t: (t.place.dimension, not t.place.neurons))


def _by_gradient(
    scene: _Scene, trials: list[Trial], pure: dict[Site, bool], rng: np.random.Generator
) -> list[Trial]:
    """Candidates turned by gradient, at the site that looks best; smaller ones first."""
    ranked: dict[Site, float] = {}
    for trial in trials:
        site = trial.place.site
        ranked[site] = max(ranked.get(site, 0.0), trial.score + 0.1 * trial.read)
    site = max(ranked, key=lambda s: ranked[s])
    try:
        return _turned(scene, site, pure[site], rng)
    except BadInput:
        return []


def _turned(scene: _Scene, site: Site, pure: bool, rng: np.random.Generator) -> list[Trial]:
    chosen = rng.permutation(len(scene.pairs))[:_GRADIENT_PAIRS]
    pairs = scene.pairs.taken(chosen)
    sides = tuple(side[chosen] for side in scene.sides[site.wire])
    stacked = scene.stacked(site)
    spread = spread_of(stacked)
    features = scene.values.features - scene.values.features.mean(0)
    white = spread.whiten(stacked - stacked.mean(0))
    leading = np.linalg.svd(white.T @ features, full_matrices=False)[0]
    found: list[Trial] = []
    before = 0.0
    for dimension in range(1, min(_LARGEST, len(spread.scale)) + 1):
        more = rng.normal(size=(len(spread.scale), dimension))
        start = np.column_stack([leading, more])[:, :dimension]
        for whitened in (True, False):
            own = start if whitened else start * (1 / spread.scale)[:, None]
            place = refined(scene.setting, site, pairs, (sides[0], sides[1]), spread, own, whitened)
            found.append(scene.tried(place, pure))
        score = max(t.score for t in found)
        if score >= _GOOD or (dimension > 2 and score < before + _EQUAL):
            break
        before = score
    return found
