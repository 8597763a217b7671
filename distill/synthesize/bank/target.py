"""What a last operation must give: a box of numbers, or truth values with don't-cares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.synthesize.bank.keys import Floats
from distill.synthesize.bank.packing import Bools, Words, pack


@dataclass(frozen=True, eq=False)
class NumberTarget:
    """Numbers v with low <= v <= high on every example, (E,) each; infinite where free."""

    low: Floats
    high: Floats

    def accepts(self, values: Floats) -> Bools:
        """Which rows of values (n, E) lie within the box."""
        inside = (values >= self.low) & (values <= self.high)
        return np.asarray(inside.all(axis=-1))

    def part(self, examples: NDArray[np.intp]) -> NumberTarget:
        """The box on some of the examples."""
        return NumberTarget(self.low[examples], self.high[examples])


@dataclass(frozen=True, eq=False)
class BoolTarget:
    """Truth values (E,) that matter where `care` (E,) is true.

    `weights` (E,) are the costs of errors, of which a threshold may make `allowed_errors` in all.
    """

    truth: Bools
    care: Bools
    weights: Floats
    allowed_errors: float = 0.0

    @property
    def wanted(self) -> Words:
        """Packed row (W,): true and of interest."""
        return pack((self.truth & self.care)[None])[0]

    @property
    def mask(self) -> Words:
        """Packed row (W,): of interest."""
        return pack(self.care[None])[0]

    def part(self, examples: NDArray[np.intp]) -> BoolTarget:
        """The target on some of the examples."""
        picked = (self.truth[examples], self.care[examples], self.weights[examples])
        return BoolTarget(*picked, self.allowed_errors)


Target = NumberTarget | BoolTarget


def number_target(
    values: NDArray[np.floating], tolerance: float | Floats, care: Bools | None = None
) -> NumberTarget:
    """Values (E,) within an absolute tolerance, free where `care` (E,) is false.

    Raises:
        BadInput: a negative tolerance.
    """
    if np.any(np.asarray(tolerance) < 0):
        raise BadInput(f"a tolerance must be 0 or more, not {np.min(tolerance)}")
    free = np.zeros(len(values), dtype=np.bool_) if care is None else ~care
    low, high = values - tolerance, values + tolerance
    return NumberTarget(np.where(free, -np.inf, low), np.where(free, np.inf, high))


def bool_target(
    truth: Bools,
    care: Bools | None = None,
    weights: Floats | None = None,
    allowed_errors: float = 0.0,
) -> BoolTarget:
    """Truth values (E,); all matter with weight 1 where nothing else is said."""
    count = len(truth)
    care = np.ones(count, dtype=np.bool_) if care is None else care
    weights = np.ones(count) if weights is None else weights
    return BoolTarget(truth, care, np.where(care, weights, 0.0), allowed_errors)
