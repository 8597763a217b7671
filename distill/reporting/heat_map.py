"""A function of two numbers as a map: shades with their numbers, or patterns with their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from distill.reporting.axes import Scale, drawing, frame, label
from distill.reporting.markup import Markup, number, tag

Array = NDArray[np.float64]
SIZE, LEFT, TOP = 236.0, 46.0, 24.0
LEVELS = 9
"""Shades of a real output."""
PATTERNS = 8
"""Patterns of a discrete one."""


def heat_map(
    ends: tuple[float, float, float, float], values: Array, span: tuple[float, float],
    names: tuple[str, str], title: str, points: Sequence[tuple[float, float, str]] = (),
) -> Markup:  # fmt: skip
    """values (m, n): real outputs, rows upwards; span: the values of the palest and darkest shade.

    ends: of the first number, then of the second; points: where counterexamples lie, with the id
    of what they link to.
    """
    low, high = span
    steps = np.clip((values - low) / ((high - low) or 1.0) * LEVELS, 0, LEVELS - 1)
    placed = np.where(np.isfinite(values), np.floor(steps), -1).astype(int)
    cells = _cells(placed, "shade", LEVELS)
    return _map(ends, cells, names, title, [*_ramp(low, high)], points)


def region_map(
    ends: tuple[float, float, float, float], values: NDArray[np.int64], alternatives: list[str],
    names: tuple[str, str], title: str, points: Sequence[tuple[float, float, str]] = (),
) -> Markup:  # fmt: skip
    """values (m, n): numbers of alternatives, each with a pattern and its name where it lies."""
    cells = _cells(values % PATTERNS, "pattern", PATTERNS)
    marks: list[Markup] = []
    m, n = values.shape
    for kind in np.unique(values).tolist():
        row, column = _middle(values == kind)
        x, y = LEFT + (column + 0.5) * SIZE / n, TOP + SIZE - (row + 0.5) * SIZE / m
        marks.append(label(x, y + 4, alternatives[kind], 16, class_="name", text_anchor="middle"))
    return _map(ends, cells, names, title, marks, points)


def _map(
    ends: tuple[float, float, float, float], cells: list[Markup], names: tuple[str, str],
    title: str, marks: list[Markup], points: Sequence[tuple[float, float, str]],
) -> Markup:  # fmt: skip
    across = Scale(ends[0], ends[1], LEFT, LEFT + SIZE)
    up = Scale(ends[2], ends[3], TOP + SIZE, TOP)
    dots = [
        tag("a", tag("circle", cx=across.at(x), cy=up.at(y), r=5, class_="bad"),
            href=f"#{link}", aria_label="counterexample")
        for x, y, link in points
    ]  # fmt: skip
    axes = frame(across, up, names[0], f"{names[1]} ↑")
    heading = label(LEFT + SIZE, TOP - 4, title, 24, class_="axis", text_anchor="end")
    says = f"{title}: its values over {names[0]} and {names[1]}"
    return drawing(
        LEFT + SIZE + 78, TOP + SIZE + 40, tag("g", axes), cells, marks, dots, heading, says=says
    )


def _cells(values: NDArray[np.int64], kind: str, count: int) -> list[Markup]:
    """One path for each shade: runs of equal cells as rectangles."""
    m, n = values.shape
    width, height = SIZE / n, SIZE / m
    found: list[Markup] = []
    for level in range(count):
        pieces: list[str] = []
        for row in range(m):
            for start, end in _runs(values[row] == level):
                x, y = LEFT + start * width, TOP + SIZE - (row + 1) * height
                across = number((end - start) * width)
                pieces.append(f"M{number(x)} {number(y)}h{across}v{number(height)}h-{across}z")
        if pieces:
            found.append(tag("path", class_=f"{kind} {kind}{level}", d="".join(pieces)))
    return found


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _middle(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """The cell of a region that is farthest from its edge, so that a name stands inside."""
    inside, last = flags, flags
    while inside.any():
        last = inside
        padded = np.pad(inside, 1)
        inside = (
            inside & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        )
    places = np.argwhere(last)
    row, column = places[len(places) // 2]
    return int(row), int(column)


def _ramp(low: float, high: float) -> list[Markup]:
    """The shades beside their numbers."""
    x, step = LEFT + SIZE + 10, SIZE / LEVELS
    parts = [
        tag("rect", class_=f"shade shade{i}", x=x, y=TOP + SIZE - (i + 1) * step, width=12.0,
            height=step)
        for i in range(LEVELS)
    ]  # fmt: skip
    for share in (0.0, 0.5, 1.0):
        y = TOP + SIZE - share * SIZE
        parts.append(label(x + 15, y + 4, f"{low + share * (high - low):.3g}", class_="tick"))
    return parts


def patterns() -> Markup:
    """The patterns that region maps are filled with; once a page."""
    lines = (
        "", "M0 8L8 0", "M0 0L8 8", "M0 4H8", "M4 0V8", "M0 8L8 0M0 0L8 8", "M0 4H8M4 0V8",
        "M3 4h2",
    )  # fmt: skip
    found = [
        tag("pattern", tag("rect", width=8, height=8, class_=f"ground{i}"),
            tag("path", d=d, class_="hatch") if d else None,
            id=f"pattern{i}", width=8, height=8, patternUnits="userSpaceOnUse")
        for i, d in enumerate(lines)
    ]  # fmt: skip
    return tag("svg", tag("defs", found), width=0, height=0, aria_hidden="true", class_="defs")
