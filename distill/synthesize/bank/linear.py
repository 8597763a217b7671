"""Keys of sums, products and extremes of numbers, from projections of their arguments.

With h(v) = r . v: h(a + b) = h(a) + h(b); h(a * b) = (r * a) . b is a matrix product;
h(max(a, b)) takes a pass over the examples, which serves min and |a - b| too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.synthesize.bank.keys import OFFSETS, Floats, mix_projections, projection
from distill.synthesize.bank.tiles import Offer, Tile, spans
from distill.synthesize.bank.work import Work

_BLOCK = 512  # vectors of max(a, b) at a time: 256 KiB at 64 examples


def sums(work: Work, tile: Tile, named: dict[str, list[int]]) -> Iterator[Offer]:
    """a + b, a - b and b - a."""
    a = work.number.projections[slice(*tile.a)]
    b = work.number.projections[slice(*tile.b)]
    for number in named.get("add", ()):
        yield Offer(number, False, _outer(a + OFFSETS, b))
    for number in named.get("sub", ()):
        yield Offer(number, False, _outer(a + OFFSETS, -b))
        yield Offer(number, True, _outer(np.array(OFFSETS) - a, b))


def _outer(a: Floats, b: Floats) -> np.ndarray:
    first = np.add.outer(a[:, 0], np.ascontiguousarray(b[:, 0]))
    second = np.add.outer(a[:, 1], np.ascontiguousarray(b[:, 1]))
    return mix_projections(first, second)


def products(work: Work, tile: Tile, named: dict[str, list[int]]) -> Iterator[Offer]:
    """a * b, a / b and b / a; where a divisor is 0 no key comes out that is ever kept."""
    a = work.number.values[slice(*tile.a)]
    b = work.number.values[slice(*tile.b)]
    for number in named.get("mul", ()):
        yield Offer(number, False, _inner(a, b))
    for number in named.get("div", ()):
        yield Offer(number, False, _inner(a, _reciprocal(b)))
        yield Offer(number, True, _inner(_reciprocal(a), b))


def _reciprocal(values: Floats) -> Floats:
    """1 / values, and rows of NaN where a value is 0."""
    usable = (values != 0.0).all(axis=1, keepdims=True)
    return np.where(usable, 1.0, np.nan) / np.where(usable, values, 1.0)


def _inner(a: Floats, b: Floats) -> np.ndarray:
    lines = projection(a.shape[1])
    first = (a * lines[:, 0]) @ b.T
    second = (a * lines[:, 1]) @ b.T
    first += OFFSETS[0]
    second += OFFSETS[1]
    return mix_projections(first, second)


def extremes(work: Work, tile: Tile, named: dict[str, list[int]]) -> Iterator[Offer]:
    """max(a, b), min(a, b) = a + b - max(a, b) and |a - b| = 2 max(a, b) - (a + b)."""
    larger = _larger_projections(work, tile)
    a = work.number.projections[slice(*tile.a)]
    b = work.number.projections[slice(*tile.b)]
    for number in named.get("max", ()):
        shifted = [larger[line] + OFFSETS[line] for line in range(2)]
        yield Offer(number, False, mix_projections(*shifted))
    both = [np.add.outer(a[:, line], np.ascontiguousarray(b[:, line])) for line in range(2)]
    for number in named.get("min", ()):
        shifted = [both[line] + OFFSETS[line] - larger[line] for line in range(2)]
        yield Offer(number, False, mix_projections(*shifted))
    for number in named.get("abs_diff", ()):
        shifted = [2.0 * larger[line] - both[line] + OFFSETS[line] for line in range(2)]
        yield Offer(number, False, mix_projections(*shifted))


def _larger_projections(work: Work, tile: Tile) -> Floats:
    """Projections (2, rows, columns) of max(a, b)."""
    a = work.number.values[slice(*tile.a)]
    b = work.number.values[slice(*tile.b)]
    lines = np.ascontiguousarray(projection(work.examples).T)
    found = np.empty((2, len(a), len(b)))
    buffer = np.empty((min(_BLOCK, len(b)), work.examples))
    for start, stop in spans((0, len(b)), _BLOCK):
        piece, room = b[start:stop], buffer[: stop - start]
        for row in range(len(a)):
            np.maximum(piece, a[row], out=room)
            np.dot(room, lines[0], out=found[0, row, start:stop])
            np.dot(room, lines[1], out=found[1, row, start:stop])
    return found
