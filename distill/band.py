"""A band in parts: where near a decision nothing is claimed, with its own width in every part.

An input is left out where, in some part that it lies in,

    network's decision margin + weight * program's guard <= margin.

Where network and program decide differently, the two sides' signed distances have opposite signs,
so the sum is exactly how far they disagree; away from the decision it grows twice as fast as
either alone, and a band in it is never much wider than the disagreement that it has to cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.program import Program

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A box of the domain's scalars, ends included, and the band's width in it."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    weight: float
    margin: float

    def holds(self, scalars: Array) -> NDArray[np.bool_]:
        """Which rows (n, s) lie in the box."""
        inside = (scalars >= np.array(self.lower)) & (scalars <= np.array(self.upper))
        return np.asarray(inside.all(1))

    def wider(self, margin: float) -> Part:
        """The same part with another margin."""
        return replace(self, margin=margin)

    def to_json(self) -> dict[str, Any]:
        """Plain data; infinities don't occur."""
        data = asdict(self)
        return data | {"lower": list(self.lower), "upper": list(self.upper)}


def beyond(parts: Sequence[Part], scalars: Array, margin: Array, guard: Array) -> Array:
    """How far each of n rows is outside of the band, (n,): 0 and less is left out.

    `scalars`: (n, s) values of the domain; `margin`, `guard`: (n,) of network and program.
    """
    found = np.full(len(margin), np.inf)
    for part in parts:
        distance = margin + part.weight * guard - part.margin
        distance = np.where(part.holds(scalars) & ~np.isnan(distance), distance, np.inf)
        found = np.minimum(found, distance)
    return found


def words(parts: Sequence[Part], guard: Program) -> str:
    """The exception in words."""
    sum_of = f"network's decision margin + {{}} * program's {guard.main.body} <= {{}}"
    if len(parts) == 1:
        return sum_of.format(f"{parts[0].weight:.4g}", f"{parts[0].margin:.4g}")
    return f"{sum_of.format('weight', 'width')}, both listed for {len(parts)} parts of the domain"
