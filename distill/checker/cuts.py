"""Reads the cuts of a proof from their text: leaf boxes that tile the domain, or a refusal.

`.` is a leaf; `a`, `b`, ... cut the first, second, ... axis, `[26]` and so on those beyond `z`; at
the middle of the box (on a whole-numbered axis rounded down) unless `@place;` follows.
"""

from __future__ import annotations

import math
import re

import numpy as np

from distill.checker.tree import Leaves, Refused, Roots, halves

_TOKEN = re.compile(r"(\.)|(?:([a-z])|\[([0-9]{1,6})\])(?:@([-+.0-9e]{1,40});)?")


def leaves_of(text: str, roots: Roots) -> Leaves:
    """Leaf boxes, numbered in the order of the text. Raises: Refused."""
    waiting = list(zip(roots.lower.tolist(), roots.upper.tolist(), strict=True))[::-1]
    leaves: list[tuple[list[float], list[float]]] = []
    at = 0
    while waiting:
        found = _TOKEN.match(text, at)
        if found is None:
            raise Refused("The cuts end early, or hold what is no cut.")
        low, high = waiting.pop()
        at = found.end()
        if found[1]:
            leaves.append((low, high))
            continue
        axis = int(found[3]) if found[3] else ord(found[2]) - ord("a")
        place = _place(found[4], low, high, axis, roots)
        waiting += halves(low, high, axis, place, roots.integral)[::-1]
    if at != len(text):
        raise Refused("There are cuts that belong to no box.")
    lows, highs = zip(*leaves, strict=True)
    return Leaves(np.array(lows), np.array(highs), np.arange(len(leaves)))


def _place(
    written: str | None, low: list[float], high: list[float], axis: int, roots: Roots
) -> float:
    """Where a cut is: as written, or in the middle."""
    if axis >= len(low):
        raise Refused("A cut is along an axis that there isn't.")
    if written is not None:
        return float(written)
    middle = low[axis] + 0.5 * (high[axis] - low[axis])
    return float(math.floor(middle)) if roots.integral[axis] else middle
