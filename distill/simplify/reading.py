"""How a network's raw outputs are read, and how far two sets of outputs disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput

Array = NDArray[np.float64]
Kind = Literal["category", "bool", "real"]
_SHARE_OF_RANGE = 0.01


@dataclass(frozen=True)
class Reading:
    """`category`: argmax of k outputs; `bool`: every output against `level`; `real`: as it is.

    tolerance: how far real outputs may differ and still agree, in the output's units.
    """

    kind: Kind
    level: float = 0.0
    tolerance: float = 0.0

    def disagree(self, first: Array, second: Array) -> NDArray[np.bool_]:
        """Which rows of two raw outputs (n, k) are read differently."""
        if self.kind == "category":
            return np.not_equal(first.argmax(axis=1), second.argmax(axis=1))
        if self.kind == "bool":
            return np.any((first > self.level) != (second > self.level), axis=1)
        return np.any(np.abs(first - second) > self.tolerance, axis=1)

    def centred(self, raw: Array) -> Array:
        """Raw outputs (n, k) less what no decision depends on."""
        if self.kind == "category":
            return raw - raw.mean(axis=1, keepdims=True)
        return raw - self.level if self.kind == "bool" else raw

    def margins(self, raw: Array) -> Array:
        """Distance (n,) of raw outputs to the nearest other decision; for reals their spread."""
        if self.kind == "category":
            top = np.sort(raw, axis=1)
            return top[:, -1] - top[:, -2]
        if self.kind == "bool":
            return np.abs(raw - self.level).min(axis=1)
        return np.full(len(raw), float(np.ptp(raw)))


def make_reading(kind: str, level: float, raw: Array) -> Reading:
    """The reading `kind` of outputs like `raw` (n, k); reals may differ by 1 % of their range.

    Raises:
        BadInput: an unknown kind, or a category read off a single output.
    """
    if kind not in ("category", "bool", "real"):
        raise BadInput(f"Outputs are read as 'category', 'bool' or 'real', not as {kind!r}.")
    if kind == "category" and raw.shape[1] < 2:
        raise BadInput("A category is the largest of at least two outputs; the network has one.")
    return Reading(kind, float(level), _SHARE_OF_RANGE * float(np.ptp(raw)))
