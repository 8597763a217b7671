"""A loop with few states as a graph: circles are states, arrows items with the output they give."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from distill.reporting.axes import drawing, label
from distill.reporting.markup import Markup, cut, number, tag

STATES = 12
"""States up to which the graph is drawn."""
_ARROWS = 4
"""Items listed on an arrow."""


def machine(states: Sequence[str], edges: Sequence[tuple[int, int, str]], says: str) -> Markup:
    """states: what each is called, the first being the start; edges: from, to, `item / output`."""
    count = len(states)
    radius = 26.0
    ring = max(92.0, 34.0 * count) if count > 1 else 0.0
    centre_x, centre_y = ring + 150.0, (ring * 0.75 if count > 2 else 0.0) + 84.0
    places = [
        (centre_x - ring * math.cos(2 * math.pi * i / count),
         centre_y - ring * math.sin(2 * math.pi * i / count) * (0.75 if count > 2 else 1.0))
        for i in range(count)
    ]  # fmt: skip
    joined: dict[tuple[int, int], list[str]] = defaultdict(list)
    for start, end, text in edges:
        joined[start, end].append(text)
    parts = [_arrow_head()]
    for (start, end), texts in joined.items():
        if start == end:
            parts += _self_loop(places[start], (centre_x, centre_y), radius, texts, count)
        else:
            parts += _arrow(places[start], places[end], radius, texts)
    for i, (x, y) in enumerate(places):
        inner = tag("circle", cx=x, cy=y, r=radius - 4, class_="start") if not i else None
        name = label(x, y + 4, cut(states[i], 9), class_="name", text_anchor="middle")
        outer = tag("circle", cx=x, cy=y, r=radius, class_="state")
        parts.append(tag("g", tag("title", states[i]), outer, inner, name))
    return drawing(2 * centre_x, 2 * centre_y, parts, says=says)


def _arrow_head() -> Markup:
    head = tag("path", d="M0 0L8 4L0 8z", class_="head")
    return tag(
        "defs",
        tag("marker", head, id="arrow", viewBox="0 0 8 8", refX=7, refY=4, markerWidth=8,
            markerHeight=8, orient="auto-start-reverse"),
    )  # fmt: skip


def _arrow(
    start: tuple[float, float], end: tuple[float, float], radius: float, texts: list[str]
) -> list[Markup]:
    """A line bent to its left, so that the way back lies beside it."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    far = math.hypot(dx, dy)
    ux, uy = dx / far, dy / far
    bend = 0.18 * far + 10
    middle = ((start[0] + end[0]) / 2 + uy * bend, (start[1] + end[1]) / 2 - ux * bend)
    first = _towards(start, middle, radius)
    last = _towards(end, middle, radius + 2)
    path = f"M{_pair(first)}Q{_pair(middle)} {_pair(last)}"
    side = "start" if uy > 0.3 else "end" if uy < -0.3 else "middle"
    at = (middle[0] - uy * bend * 0.42 + uy * 6, middle[1] + ux * bend * 0.42 - ux * 8)
    if ux < 0 and side == "middle":
        at = (at[0], at[1] + 8)
    return [tag("path", d=path, class_="edge", marker_end="url(#arrow)"), *_texts(at, texts, side)]


def _self_loop(
    place: tuple[float, float], centre: tuple[float, float], radius: float, texts: list[str],
    count: int,
) -> list[Markup]:  # fmt: skip
    """A loop on the side that looks away from the others."""
    dx, dy = place[0] - centre[0], place[1] - centre[1]
    far = math.hypot(dx, dy)
    angle = math.atan2(dy, dx) if far > 1 and count > 1 else -math.pi / 2
    first, last = angle - 0.45, angle + 0.45
    out = radius * 2.5

    def at(turn: float, length: float) -> tuple[float, float]:
        return place[0] + length * math.cos(turn), place[1] + length * math.sin(turn)

    path = (
        f"M{_pair(at(first, radius))}C{_pair(at(first - 0.2, out))} {_pair(at(last + 0.2, out))} "
        f"{_pair(at(last, radius + 2))}"
    )
    where = at(angle, radius * 2.2)
    side = "start" if math.cos(angle) > 0.5 else "end" if math.cos(angle) < -0.5 else "middle"
    drawn = tag("path", d=path, class_="edge", marker_end="url(#arrow)")
    return [drawn, *_texts(where, texts, side)]


def _texts(at: tuple[float, float], texts: list[str], side: str) -> list[Markup]:
    shown = texts[:_ARROWS] + ([f"{len(texts) - _ARROWS} more"] if len(texts) > _ARROWS else [])
    top = at[1] - 6.5 * (len(shown) - 1) + 4
    return [
        label(at[0], top + 13 * i, text, 18, class_="mark", text_anchor=side)
        for i, text in enumerate(shown)
    ]


def _towards(
    start: tuple[float, float], end: tuple[float, float], length: float
) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    far = math.hypot(dx, dy) or 1.0
    return start[0] + dx / far * length, start[1] + dy / far * length


def _pair(place: tuple[float, float]) -> str:
    return f"{number(place[0])} {number(place[1])}"
