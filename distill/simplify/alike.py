"""Whether a changed network may still speak for its original, and where that has to be looked at.

The same measure as the claim that is made in the end (`distill.verify.deployed`), on other
points and stricter, so that the claim on fresh draws holds as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from distill.normal_form import Array, NormalForm
from distill.simplify.cloud import near
from distill.target import Target
from dsl.domain import DomainError

_POINTS = 50_000
_NUMBERS = 10_000_000
_AT_ONCE = 4096
"""Points at most, numbers that they hold at most, and how many are run at once."""

_LEFT_OUT = 0.004
_OF_TOLERANCE = 0.5
_CLOSE = 0.1


@dataclass(frozen=True, eq=False)
class Likeness:
    """Tests forms against a target's own on `points`, raw network inputs (n, width)."""

    target: Target
    points: Array

    @cached_property
    def raw(self) -> Array:
        """The original's outputs (n, m)."""
        return self.run(self.target.form)

    def run(self, form: NormalForm) -> Array:
        """A form's outputs on the points (n, m), run in parts so that wires stay small."""
        parts = range(0, len(self.points), _AT_ONCE)
        return np.concatenate([form.run(self.points[p : p + _AT_ONCE]) for p in parts])

    def __call__(self, form: NormalForm) -> bool:
        """Whether a form's outputs are within half of the tolerance, or its decisions the same.

        Decisions may differ close to the original's own: within a margin that at most 0.4 % of
        the points have.
        """
        ours, output = self.run(form), self.target.output
        if not output.discrete:
            return bool(np.abs(ours - self.raw).max() <= _OF_TOLERANCE * self.target.tolerance)
        differs = output.decode(ours) != output.decode(self.raw)
        differs = differs.reshape(len(self.raw), -1).any(1)
        margins = output.margin(self.raw)
        return not differs.any() or float(np.mean(margins <= margins[differs].max())) <= _LEFT_OUT


def likeness(target: Target, seed: int) -> Likeness | None:
    """On draws from the domain, or the user's data and points near them; None where none are."""
    rng = np.random.default_rng([seed, 8])
    count = int(np.clip(_NUMBERS // target.form.input_width, _AT_ONCE, _POINTS))
    if target.data is not None:
        x = target.domain.encode(target.data)
        return Likeness(target, np.concatenate([x, near(x, count, rng)]))
    try:
        return Likeness(target, target.domain.encode(target.domain.sample(rng, count)))
    except DomainError:
        return None


def decision_shares(target: Target, raw: Array) -> Array:
    """How much each of the outputs `raw` (n, m) counts: those near a decision most; mean 1."""
    if not target.output.discrete:
        return np.ones(len(raw))
    margins = target.output.margin(raw)
    typical = float(np.median(margins)) or 1.0
    shares = 1.0 / (margins + _CLOSE * typical)
    return shares / shares.mean()
