"""The network drawn: units in columns, links by their weights, modules as named groups, and the
program's variables where they live."""

from __future__ import annotations

from collections import defaultdict

from distill.reporting.axes import drawing, label
from distill.reporting.markup import Markup, cut, number, tag
from distill.reporting.network_view import Column, Held, NetworkView

GAP, STEP, RADIUS, SIDE = 150.0, 21.0, 7.5, 96.0
_LETTERS = "ABCDEFGH"
_WIDTHS = (0.5, 1.0, 1.8, 2.8)
"""Of lines, by the size of a weight."""


def network_picture(view: NetworkView) -> Markup:
    """The whole drawing."""
    notes = defaultdict(list)
    for held in view.held:
        notes[held.column].append(held)
    top = 46.0 + 17 * max((len(v) for v in notes.values()), default=0)
    tallest = max(len(c.drawn) for c in view.columns)
    height = top + STEP * tallest + 40
    width = 2 * SIDE + GAP * (len(view.columns) - 1)
    places = _places(view.columns, top, tallest)
    parts = [
        _boxes(view, places),
        _links(view, places),
        _units(view, places),
        *(_heading(view, c, column, height) for c, column in enumerate(view.columns)),
        *(_notes(c, found, places, top) for c, found in sorted(notes.items())),
    ]
    return drawing(width, height, parts, says=_says(view), class_="network-picture")


def _says(view: NetworkView) -> str:
    sizes = ", ".join(f"{c.width} {c.title}" for c in view.columns)
    return f"the network: {sizes}"


def _places(
    columns: tuple[Column, ...], top: float, tallest: int
) -> dict[tuple[int, int], tuple[float, float]]:
    found = {}
    for c, column in enumerate(columns):
        start = top + STEP * (tallest - len(column.drawn)) / 2
        for row, unit in enumerate(column.drawn):
            found[c, unit] = (SIDE + GAP * c, start + STEP * (row + 0.5))
    return found


def _boxes(view: NetworkView, places: dict[tuple[int, int], tuple[float, float]]) -> list[Markup]:
    """A rounded box round the units of a module in a column."""
    members: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for unit, group in view.groups.items():
        if unit in places:
            members[group, unit[0]].append(places[unit])
    parts = []
    for (group, _), spots in sorted(members.items()):
        x, low, high = spots[0][0], min(y for _, y in spots), max(y for _, y in spots)
        box = tag("rect", x=x - 15, y=low - 10, width=30.0, height=high - low + 20, rx=10,
                  class_=f"group group{group}")  # fmt: skip
        parts.append(tag("g", tag("title", f"{view.kind} {_LETTERS[group]}"), box))
    return parts


def _links(view: NetworkView, places: dict[tuple[int, int], tuple[float, float]]) -> list[Markup]:
    """One path for each width and sign: dashed ones are negative."""
    drawn: dict[tuple[int, bool], list[str]] = defaultdict(list)
    for a, unit, b, other, weight in view.links:
        (x, y), (u, v) = places[a, unit], places[b, other]
        level = min(int(abs(weight) * len(_WIDTHS)), len(_WIDTHS) - 1)
        drawn[level, weight < 0].append(
            f"M{number(x + RADIUS)} {number(y)}L{number(u - RADIUS)} {number(v)}"
        )
    return [
        tag("path", d="".join(lines), stroke_width=_WIDTHS[level],
            class_=f"link link{level}" + (" negative" if negative else ""))
        for (level, negative), lines in sorted(drawn.items())
    ]  # fmt: skip


def _units(view: NetworkView, places: dict[tuple[int, int], tuple[float, float]]) -> list[Markup]:
    rings = {(h.column, unit) for h in view.held for unit in h.units}
    parts = []
    last = len(view.columns) - 1
    for c, column in enumerate(view.columns):
        for unit, name in zip(column.drawn, column.names, strict=True):
            x, y = places[c, unit]
            told = tag("title", f"{column.title}: {name}" if c not in (0, last) else name)
            parts.append(tag("circle", told, cx=x, cy=y, r=RADIUS, class_="unit"))
            if (c, unit) in view.groups:
                letter = _LETTERS[view.groups[c, unit]]
                parts.append(label(x, y + 3.5, letter, class_="letter", text_anchor="middle"))
            if (c, unit) in rings:
                parts.append(tag("circle", cx=x, cy=y, r=RADIUS + 4, class_="ring"))
            if c == 0:
                parts.append(label(x - 14, y + 4, name, 13, class_="tick", text_anchor="end"))
            elif c == last:
                parts.append(label(x + 14, y + 4, name, 13, class_="tick"))
    return parts


def _heading(view: NetworkView, c: int, column: Column, height: float) -> list[Markup]:
    x = SIDE + GAP * c
    parts = [label(x, 16, column.title, 20, class_="axis strong", text_anchor="middle"),
             label(x, 30, f"{column.width:,}", class_="tick", text_anchor="middle")]  # fmt: skip
    more = column.width - len(column.drawn)
    if more:
        parts.append(label(x, height - 14, f"+ {more:,} more", class_="tick", text_anchor="middle"))
    return parts


def _notes(
    c: int, found: list[Held], places: dict[tuple[int, int], tuple[float, float]], top: float
) -> list[Markup]:
    """Variables above the column that holds them, with lines to the units that do."""
    x = SIDE + GAP * c
    parts = []
    for row, held in enumerate(found):
        y = 47.0 + 17 * row
        text = cut(held.variable, 18)
        wide = 6.4 * len(text) + 12
        parts.append(
            tag("g", tag("title", held.variable),
                tag("rect", x=x - wide / 2, y=y - 12, width=wide, height=16.0, rx=8, class_="chip"),
                label(x, y, text, class_="chip-text", text_anchor="middle"))
        )  # fmt: skip
        spots = [places[c, unit] for unit in held.units if (c, unit) in places]
        for spot in spots[:8]:
            side = 1 if row % 2 or c == 0 else -1
            pulls = (x, y + 4), (x + side * 34, y + 20), (x + side * 30, spot[1] - 6)
            start, first, second = (f"{number(a)} {number(b)}" for a, b in pulls)
            end = f"{number(x + side * (RADIUS + 4))} {number(spot[1])}"
            line = f"M{start}C{first} {second} {end}"
            parts.append(tag("path", class_="lead", d=line))
        if not spots:
            line = f"M{number(x)} {number(y + 4)}V{number(top - 4)}"
            parts.append(tag("path", class_="lead", d=line))
    return parts
