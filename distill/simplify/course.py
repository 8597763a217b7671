"""How long students are taught, and how fast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from distill.simplify.layers import Single
from distill.simplify.lesson import Lesson

_BATCH = 256
_STEP_OVERHEAD, _STEPS_A_WEIGHT = 90, 0.15


@dataclass(frozen=True)
class Course:
    """Steps with real weights, then `stages` times `steps` with whole ones.

    prices: nats for all the bits at the start of the second phase, in the first and last stage;
    largest: size of the largest whole weights to begin with; feature_bits: what an input costs.
    """

    float_steps: int
    stages: int
    steps: int
    prices: tuple[float, float] = (0.01, 0.4)
    largest: float = 4.0
    feature_bits: float = 0.0

    @property
    def total(self) -> int:
        """Training steps in all."""
        return self.float_steps + self.stages * self.steps

    def price(self, stage: int) -> float:
        """The price of a stage; it grows by the same factor from each to the next."""
        first, last = self.prices
        return first * (last / first) ** (stage / max(self.stages - 1, 1))


def step_price(widths: tuple[int, int], hidden: tuple[int, ...]) -> int:
    """Steps of work (see `distill.run.budget`) that a training step takes; widths: in, out."""
    inputs, outputs = widths
    below, above = (inputs, *hidden), (*hidden, outputs)
    weights = sum((b + 1) * a for b, a in zip(below, above, strict=True))
    return _STEP_OVERHEAD + int(_STEPS_A_WEIGHT * weights)


def falling(share: float, first: float, last: float) -> float:
    """From `first` to `last` along half a cosine, `share` of the way."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))


def batch(lesson: Lesson, rng: np.random.Generator) -> tuple[Single, Single]:
    """Some inputs and targets of a lesson, drawn at random."""
    chosen = rng.integers(len(lesson.inputs), size=_BATCH)
    return lesson.inputs[chosen], lesson.targets[chosen]
