"""What all charts share: a frame, scales with round numbers, and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from distill.reporting.markup import Markup, cut, number, tag

LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 10.0, 38.0


@dataclass(frozen=True)
class Scale:
    """Values from low to high on the pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value; values far outside stay near the frame."""
        span = (self.high - self.low) or 1.0
        share = min(max((value - self.low) / span, -0.2), 1.2)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two ends."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low]
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, first + most + 3) if k * step <= high + 1e-9 * span]


def short(value: float) -> str:
    """A number on an axis."""
    return f"{value:.4g}" if abs(value) > 1e-12 else "0"


def label(x: float, y: float, text: str, most: int = 24, **attributes: object) -> Markup:
    """A text in a drawing, cut where it is long; all of it shows under the pointer."""
    told = tag("title", text) if len(text) > most else None
    return tag("text", cut(text, most), told, x=float(x), y=float(y), **attributes)


def frame(across: Scale, up: Scale, name: str, height_name: str) -> list[Markup]:
    """Grid, ticks and names of both axes."""
    parts: list[Markup] = []
    for value in ticks(across.low, across.high):
        x = across.at(value)
        parts.append(
            tag("path", class_="grid", d=f"M{number(x)} {number(up.end)}V{number(up.start)}")
        )
        parts.append(label(x, up.start + 14, short(value), class_="tick", text_anchor="middle"))
    for value in ticks(up.low, up.high):
        y = up.at(value)
        line = f"M{number(across.start)} {number(y)}H{number(across.end)}"
        parts.append(tag("path", class_="grid", d=line))
        parts.append(label(across.start - 6, y + 4, short(value), class_="tick", text_anchor="end"))
    middle = (across.start + across.end) / 2
    parts.append(label(middle, up.start + 31, name, 40, class_="axis", text_anchor="middle"))
    parts.append(label(across.start, up.end - 4, height_name, 40, class_="axis"))
    return parts


def drawing(width: float, height: float, *parts: object, says: str, **attributes: object) -> Markup:
    """An SVG drawing of so many units that says in words what it shows."""
    return tag(
        "svg",
        tag("title", says),
        parts,  # pyright: ignore[reportArgumentType]
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=float(width),
        height=float(height),
        role="img",
        **attributes,
    )


def figure(picture: Markup, *caption: object) -> Markup:
    """A drawing with words below it."""
    return tag(
        "figure",
        tag("div", picture, class_="scroll"),
        tag("figcaption", caption) if caption else None,  # pyright: ignore[reportArgumentType]
    )
