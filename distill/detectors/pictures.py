"""Drawings of filters and of what excites them, as SVG that is readable in black and white."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from distill.normal_form import Array

CELL = 14
"""Pixels of a cell's side."""

_GAP, _LINE = 6, 16


def grey(window: Array, low: float, high: float) -> str:
    """A window (channels, rows, columns) as greys, white for `low`, black for `high`; channels one
    below the other. A fragment of SVG, its left upper corner at 0, 0."""
    parts, spread = [], high - low if high > low else 1.0
    for top, left, value in _cells(window):
        share = min(max((value - low) / spread, 0.0), 1.0)
        level = round(255 * (1 - share))
        parts.append(_square(top, left, f"rgb({level},{level},{level})"))
    return "".join(parts)


def signed(taps: Array, largest: float) -> str:
    """Weights (channels, rows, columns) as squares by size, filled where positive, hollow where
    negative: signs stay readable without colour (Hinton diagrams)."""
    parts = []
    for top, left, value in _cells(taps):
        parts.append(_square(top, left, "white"))
        side = CELL * 0.9 * np.sqrt(min(abs(value) / largest, 1.0)) if largest > 0 else 0.0
        if side >= 0.5:
            inset, fill = (CELL - side) / 2, "black" if value > 0 else "white"
            parts.append(
                f'<rect x="{left + inset:.2f}" y="{top + inset:.2f}" width="{side:.2f}" '
                f'height="{side:.2f}" fill="{fill}" stroke="black"/>'
            )
    return "".join(parts)


def size_of(window: Array) -> tuple[int, int]:
    """Width and height in pixels of a drawn (channels, rows, columns)."""
    channels, rows, columns = window.shape
    return columns * CELL, channels * rows * CELL + (channels - 1) * _GAP


def sheet(title: str, entries: Sequence[tuple[str, str, tuple[int, int]]]) -> str:
    """A picture with a title over fragments side by side: caption, fragment, width and height."""
    left, tallest, parts = _GAP, 0, []
    for caption, fragment, (width, height) in entries:
        top = 2 * _LINE + _GAP
        parts.append(_text(caption, left, 2 * _LINE))
        parts.append(f'<g transform="translate({left},{top})">{fragment}</g>')
        left += max(width, 7 * len(caption)) + 3 * _GAP
        tallest = max(tallest, top + height + _GAP)
    whole = max(left, 7 * len(title) + 2 * _GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{tallest}" '
        f'viewBox="0 0 {whole} {tallest}"><title>{escape(title)}</title>'
        f'<rect width="{whole}" height="{tallest}" fill="white"/>'
        f"{_text(title, _GAP, _LINE)}{''.join(parts)}</svg>\n"
    )


def _cells(window: Array) -> list[tuple[float, float, float]]:
    """Top, left and value of every cell."""
    rows = window.shape[1]
    return [
        (channel * (rows * CELL + _GAP) + row * CELL, float(column * CELL), float(value))
        for channel, plane in enumerate(window)
        for row, line in enumerate(plane)
        for column, value in enumerate(line)
    ]


def _square(top: float, left: float, fill: str) -> str:
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{CELL}" height="{CELL}" fill="{fill}" '
        'stroke="silver" stroke-width="0.5"/>'
    )


def _text(text: str, left: float, top: float) -> str:
    style = 'font-family="monospace" font-size="11"'
    return f'<text x="{left:g}" y="{top:g}" {style}>{escape(text)}</text>'
