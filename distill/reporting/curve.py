"""A function of one number as a curve, with the network's output behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from distill.reporting.axes import BOTTOM, LEFT, RIGHT, TOP, Scale, drawing, frame, label
from distill.reporting.markup import Markup, number, tag

Array = NDArray[np.float64]
WIDTH, HEIGHT = 360.0, 250.0
_STYLES = 4
"""Lines that look different without colour."""


def curve(
    x: Array, program: Array, network: Array | None, names: tuple[str, str], parts: Sequence[str]
) -> Markup:
    """x (n,); values (n, k) of the program and, where there is one, of the network.

    names: of the number and of what is drawn over it; parts: of the k numbers.
    """
    shown = [program] if network is None else [program, network]
    finite = np.concatenate([v[np.isfinite(v)] for v in shown])
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    room = 0.06 * (high - low) or 0.5
    across = Scale(float(x[0]), float(x[-1]), LEFT, WIDTH - RIGHT)
    up = Scale(low - room, high + room, HEIGHT - BOTTOM, TOP + 12)
    lines: list[Markup] = frame(across, up, names[0], names[1])
    count = min(program.shape[1], 8)
    for place in range(count):
        if network is not None:
            path = _path(across, up, x, network[:, place])
            lines.append(tag("path", class_="network", d=path))
        style = f"program s{place % _STYLES}"
        lines.append(tag("path", class_=style, d=_path(across, up, x, program[:, place])))
        if count > 1:
            at = (0.9 - 0.8 * place / count) * (len(x) - 1)
            where = int(at)
            lines.append(
                label(
                    across.at(float(x[where])), up.at(float(program[where, place])) - 5,
                    parts[place], 14, class_="mark", text_anchor="middle",
                )
            )  # fmt: skip
    behind = "" if network is None else ", the network's output behind it"
    return drawing(WIDTH, HEIGHT, lines, says=f"{names[1]} over {names[0]}{behind}")


def _path(across: Scale, up: Scale, x: Array, y: Array) -> str:
    """Straight pieces; points in the middle of a straight run are left out, jumps aren't joined."""
    places = [(across.at(float(a)), up.at(float(b))) if np.isfinite(b) else None
              for a, b in zip(x, y, strict=True)]  # fmt: skip
    parts: list[str] = []
    before: tuple[float, float] | None = None
    for i, place in enumerate(places):
        if place is None:
            before = None
            continue
        after = places[i + 1] if i + 1 < len(places) else None
        if before is not None and after is not None and _straight(before, place, after):
            continue
        parts.append(f"{'L' if before else 'M'}{number(place[0])} {number(place[1])}")
        before = place
    return "".join(parts)


def _straight(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    run = c[0] - a[0]
    wanted = a[1] + (c[1] - a[1]) * ((b[0] - a[0]) / run) if run else a[1]
    return abs(wanted - b[1]) < 0.02
