"""Filters and weights over images as pictures: the size of a square is the size of a weight, a
filled one is positive, a hollow one negative (a Hinton diagram), so that no colour is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from distill.reporting.axes import drawing, label
from distill.reporting.markup import Markup, number, tag

Array = NDArray[np.float64]
MOST = 16
"""Pictures that are shown of a layer."""
_LARGEST = 128.0


def pictures(filters: Array, names: Sequence[str]) -> Markup:
    """Pictures (k, height, width) beside each other, all on one scale."""
    shown = filters[:MOST]
    size = float(np.abs(shown).max(initial=0.0)) or 1.0
    return tag(
        "div", (_picture(f, size, n) for f, n in zip(shown, names, strict=False)), class_="row"
    )


def _picture(weights: Array, largest: float, name: str) -> Markup:
    height, width = weights.shape
    cell = min(16.0, _LARGEST / max(height, width))
    filled: list[str] = []
    hollow: list[str] = []
    for row in range(height):
        for column in range(width):
            share = float(np.sqrt(abs(weights[row, column]) / largest))
            half = share * cell * 0.46
            if half < 0.25:
                continue
            x, y, side = (column + 0.5) * cell - half, (row + 0.5) * cell - half, number(2 * half)
            square = f"M{number(x)} {number(y)}h{side}v{side}h-{side}z"
            (filled if weights[row, column] > 0 else hollow).append(square)
    parts = [
        tag("rect", width=width * cell, height=height * cell, class_="paper"),
        tag("path", d="".join(filled), class_="filled") if filled else None,
        tag("path", d="".join(hollow), class_="hollow") if hollow else None,
        label(0, height * cell + 14, name, 18, class_="tick"),
    ]
    says = f"weights of {name}: filled squares are positive, hollow ones negative"
    return drawing(max(width * cell, 60), height * cell + 20, parts, says=says)
