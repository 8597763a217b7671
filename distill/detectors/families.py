"""What a filter is: the family of small pictures that it is most like, and whether that is chance.

Filters of any number of channels are compared with one picture times a free mix of channels: the
best such product has the correlation `|F T| / (|F| |T|)` with filter F (channels, cells) and
picture T (cells). A filter is called by its family only where that picture is half of it, and
filters of random numbers seldom come as close; all others are templates. The pictures are steps and
ramps (Prewitt, 1970; Sobel, 1968), second differences along lines, quadrants, and a centre against
what surrounds it (Marr and Hildreth, Theory of edge detection, 1980).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from distill.normal_form import Array

CHANCE = 0.05
"""A filter is of a family where at most this share of random filters is as much like any,"""

LIKE = 0.7
"""and where the picture is about half of it: this is the root of that part."""

_DRAWS = 2000
_DIRECTIONS = (
    ("vertical", 0, "right", "left"),
    ("horizontal", 90, "below", "above"),
    ("rising", 45, "lower right", "upper left"),
    ("falling", -45, "upper right", "lower left"),
)
"""Words for an edge or line: of its own direction, the angle across it (clockwise, in degrees, from
right), and where it is brighter."""

_QUADRANTS = (
    ("top_left", 1, 1),
    ("top_right", 1, -1),
    ("bottom_left", -1, 1),
    ("bottom_right", -1, -1),
)
"""Corners of shapes, and where the shape lies from there: down and to the right."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A member of a family: its name, what it is in words, positive and negative, its cells."""

    family: str
    name: str
    positive: str
    negative: str
    cells: Array


@dataclass(frozen=True)
class Kind:
    """What a filter is.

    family: edge, line, corner, blob, average or template; name: a word for it, such as
    `vertical_edge`; words: what it looks for; likeness: correlation with the family's nearest
    picture, from 0 to 1; chance: the share of random filters that are as much like any; nearest:
    that picture's name, also where the filter is a template; sign: 1 or -1 as it is that picture
    or its negative.
    """

    family: str
    name: str
    words: str
    likeness: float
    chance: float
    nearest: str
    sign: int


def classify(taps: Array) -> Kind:
    """The kind of a filter (channels, rows, columns), or of one channel (rows, columns)."""
    taps = taps[None] if taps.ndim == 2 else taps
    size = float(np.linalg.norm(taps))
    members = pictures(*taps.shape[1:])
    if size == 0.0 or not members:
        words = "nothing: all its weights are zero" if size == 0.0 else _TEMPLATE
        return Kind("template", "template", words, 0.0, 1.0, "", 1)
    likeness = _likeness(taps.reshape(1, len(taps), -1), members)[0]
    best = int(likeness.argmax())
    picture, found = members[best], float(likeness[best])
    chance = float((_by_chance(*taps.shape) >= found - 1e-9).mean())
    mixed = (taps.reshape(len(taps), -1) @ picture.cells.ravel()).sum()
    sign = -1 if mixed < 0 else 1
    if chance > CHANCE or found < LIKE:
        return Kind("template", "template", _TEMPLATE, found, chance, picture.name, sign)
    words = picture.positive if sign > 0 else picture.negative
    if len(taps) > 1:
        words += ", in a mix of channels"
    return Kind(picture.family, picture.name, words, found, chance, picture.name, sign)


_TEMPLATE = "a pattern of its own"


def _likeness(filters: Array, members: tuple[Picture, ...]) -> Array:
    """Correlations (n, members) of filters (n, channels, cells) with every picture."""
    cells = np.array([m.cells.ravel() for m in members])
    mixes = np.linalg.norm(filters @ cells.T, axis=1)
    sizes = np.linalg.norm(filters, axis=(1, 2))[:, None] * np.linalg.norm(cells, axis=1)
    return mixes / sizes


@cache
def _by_chance(channels: int, rows: int, columns: int) -> Array:
    """The best likenesses of filters of normal random numbers."""
    draws = np.random.default_rng(0).standard_normal((_DRAWS, channels, rows * columns))
    return _likeness(draws, pictures(rows, columns)).max(1)


@cache
def pictures(rows: int, columns: int) -> tuple[Picture, ...]:
    """The members of all families on a window of this size; none on a single cell."""
    if rows * columns < 2:
        return ()
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    y, x = y - (rows - 1) / 2, x - (columns - 1) / 2
    found = [Picture("average", "average", "brightness", "darkness", np.ones((rows, columns)))]
    for name, angle, ahead, behind in _DIRECTIONS:
        across = np.round(np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y, 9)
        along = np.round(np.cos(np.radians(angle)) * y - np.sin(np.radians(angle)) * x, 9)
        words = (name.replace("_", " "), ahead, behind)
        found += _edges(name, across, along, words)
        found += _lines(name, across, words[0])
    if rows > 2 and columns > 2:
        found += [
            c for name, down, right in _QUADRANTS for c in _corners(name, down * y, right * x)
        ]
        found += _blobs(y, x)
    return tuple(p for p in found if np.abs(p.cells).max() > 0)


def _edges(name: str, across: Array, along: Array, words: tuple[str, str, str]) -> list[Picture]:
    """Steps, ramps, and steps that fade away from the middle."""
    steps = (np.sign(across), across, across * (1 + np.abs(along).max() - np.abs(along)))
    way, ahead, behind = words
    texts = (f"{way} edges, brighter {ahead}", f"{way} edges, brighter {behind}")
    return [Picture("edge", f"{name}_edge", *texts, cells) for cells in steps]


def _lines(name: str, across: Array, way: str) -> list[Picture]:
    """A line at every place across the window, against what lies beside it."""
    found = []
    places = sorted(set(across.ravel().tolist()))
    for place in places if len(places) > 2 else ():
        line = (np.abs(across - place) < 0.6).astype(np.float64)
        if line.all() or line.sum() < 2:
            continue
        cells = line - line.mean()
        found.append(
            Picture("line", f"{name}_line", f"bright {way} lines", f"dark {way} lines", cells)
        )
    return found


def _corners(name: str, down: Array, right: Array) -> list[Picture]:
    """A shape that fills the quadrant away from its corner, and its two arms, against the rest."""
    inside = (down >= 0) & (right >= 0)
    arms = inside & ((down < 0.6) | (right < 0.6))
    where = name.replace("_", " ")
    return [
        Picture(
            "corner", f"{name}_corner", f"{where} corners of bright shapes",
            f"{where} corners of dark shapes", part - part.mean(),
        )
        for part in (inside.astype(np.float64), arms.astype(np.float64))
    ]  # fmt: skip


def _blobs(y: Array, x: Array) -> list[Picture]:
    """A centre against all that surrounds it, its neighbours, and smoothly."""
    distance = y**2 + x**2
    middle = (distance <= distance.min() + 1e-9).astype(np.float64)
    near = (distance <= distance.min() + 1 + 1e-9) & (middle == 0)
    smooth = np.exp(-distance / 0.6)
    parts = (middle - middle.mean(), middle / middle.sum() - near / max(near.sum(), 1),
             smooth - smooth.mean())  # fmt: skip
    return [Picture("blob", "blob", "bright spots", "dark spots", cells) for cells in parts]
