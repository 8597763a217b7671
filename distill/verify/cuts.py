"""The cuts of a proof over boxes as text: what evidence.json holds of it.

Node by node, parents before children and left before right: `.` is a leaf; `a`, `b`, ... cut the
first, second, ... axis, `[26]` and so on those beyond `z`. A cut is at the middle of its box, on a
whole-numbered axis rounded down, unless `@place;` follows.
"""

from __future__ import annotations

import numpy as np

from distill.normal_form import Array
from distill.verify.rounding import Mask

_LETTERS = 26


def cuts_text(tree: dict[str, list], lower: Array, upper: Array, whole: Mask) -> str:
    """The text of a tree's columns (`split.Tree.columns`, one root) over the box (n,), (n,)."""
    low, high = np.where(whole, np.ceil(lower), lower), np.where(whole, np.floor(upper), upper)
    found, waiting = [], [(0, low.tolist(), high.tolist())]
    while waiting:
        node, low, high = waiting.pop()
        axis, place, child = (tree[column][node] for column in ("axis", "place", "child"))
        if axis < 0:
            found.append(".")
            continue
        middle = low[axis] + 0.5 * (high[axis] - low[axis])
        middle = float(np.floor(middle)) if whole[axis] else middle
        found.append(_axis(axis) if place == middle else f"{_axis(axis)}@{place!r};")
        left, right = list(high), list(low)
        left[axis], right[axis] = place, place + 1.0 if whole[axis] else place
        waiting += [(child + 1, right, high), (child, low, left)]
    return "".join(found)


def _axis(axis: int) -> str:
    return chr(ord("a") + axis) if axis < _LETTERS else f"[{axis}]"
