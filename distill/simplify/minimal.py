"""Minimal realisation of an affine cell: no direction of its state unreachable or unobservable.

R. E. Kalman, "Mathematical description of linear dynamical systems" (1963), in exact fractions.
Directions are looked for modulo a prime first: a cell without superfluous ones, as nearly every
trained one is, has full rank there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from distill.normal_form import Affine, Input, NormalForm

Row = list[Fraction]
Matrix = list[Row]

_PRIME = (1 << 61) - 1
_LARGEST = 64
"""Numbers of the state up to which it is tried."""


@dataclass(frozen=True, eq=False)
class AffineCell:
    """(h', y) = maps @ (h, x) + bias in fractions: H + k rows of H + d, and the first state."""

    maps: Matrix
    bias: Row
    start: Row

    @property
    def hidden(self) -> int:
        """Numbers of the state."""
        return len(self.start)


def affine_cell(form: NormalForm, initial: Sequence[float]) -> AffineCell | None:
    """A cell as one exact affine map; None where it holds other functions, or too much."""
    if len(initial) > _LARGEST or not all(isinstance(n, Affine | Input) for n in form.nodes):
        return None
    width = form.input_width
    wires: list[tuple[Matrix, Row]] = []
    for node in form.nodes:
        if not isinstance(node, Affine):
            unit = [[Fraction(int(i == j)) for j in range(width)] for i in range(width)]
            wires.append((unit, [Fraction(0)] * width))
            continue
        maps = [[Fraction(0)] * width for _ in node.bias]
        bias = [Fraction(float(b)) for b in node.bias]
        for source, matrix in node.terms:
            below, shift = wires[source]
            for row, place in zip(*np.nonzero(matrix), strict=True):
                weight = Fraction(float(matrix[row, place]))
                bias[row] += weight * shift[place]
                maps[row] = [m + weight * b for m, b in zip(maps[row], below[place], strict=True)]
        wires.append((maps, bias))
    maps, bias = wires[form.output]
    return AffineCell(maps, bias, [Fraction(float(v)) for v in initial])


def minimal(cell: AffineCell) -> AffineCell:
    """The cell with the same outputs and the smallest state."""
    return _reachable(_observable(cell))


def _observable(cell: AffineCell) -> AffineCell:
    """States that no sequence of items tells apart are one."""
    wide = cell.hidden
    step = [row[:wide] for row in cell.maps[:wide]]
    rows = [row[:wide] for row in cell.maps[wide:]]
    basis = _closure(rows, lambda row: _times_left(row, step), wide)
    if basis is None:
        return cell
    places = [_pivot(row) for row in basis]
    kept = [[row[p] for p in places] + row[wide:] for row in cell.maps]
    maps = [_times_left(row, kept[:wide]) for row in basis] + kept[wide:]
    bias = [_dot(row, cell.bias[:wide]) for row in basis] + cell.bias[wide:]
    return AffineCell(maps, bias, [_dot(row, cell.start) for row in basis])


def _reachable(cell: AffineCell) -> AffineCell:
    """Directions that no state differs in from the first one are left out."""
    wide = cell.hidden
    step = [row[:wide] for row in cell.maps[:wide]]
    moved = [_dot(row[:wide], cell.start) + b for row, b in zip(cell.maps, cell.bias, strict=True)]
    first = [m - s for m, s in zip(moved, cell.start, strict=False)]
    items = [[row[k] for row in cell.maps[:wide]] for k in range(wide, len(cell.maps[0]))]
    basis = _closure([first, *items], lambda v: [_dot(row, v) for row in step], wide)
    if basis is None:
        return cell
    places = [_pivot(row) for row in basis]
    rows = [*places, *range(wide, len(cell.maps))]
    maps = [[_dot(cell.maps[r][:wide], v) for v in basis] + cell.maps[r][wide:] for r in rows]
    bias = [first[r] if r < wide else moved[r] for r in rows]
    return AffineCell(maps, bias, [Fraction(0)] * len(basis))


def _closure(rows: list[Row], step: Callable[[Row], Row], wide: int) -> Matrix | None:
    """A reduced basis of the least space that holds the rows and their steps; None where it is
    everything."""
    if _everything(rows, step, wide):
        return None
    basis: Matrix = []
    waiting = list(rows)
    while waiting:
        row = waiting.pop()
        rest = _reduced(row, basis)
        if not any(rest):
            continue
        lead = rest[_pivot(rest)]
        rest = [v / lead for v in rest]
        place = _pivot(rest)
        basis = [[a - b[place] * r for a, r in zip(b, rest, strict=True)] for b in basis]
        basis.append(rest)
        waiting.append(step(rest))
    return None if len(basis) == wide else sorted(basis, key=_pivot)


def _everything(rows: list[Row], step: Callable[[Row], Row], wide: int) -> bool:
    """Whether the space is everything modulo a prime, so that it is."""
    basis: dict[int, list[int]] = {}
    waiting = list(rows)
    while waiting and len(basis) < wide:
        rest = [_modulo(v) for v in waiting.pop()]
        for place, known in basis.items():
            if rest[place]:
                factor = rest[place]
                rest = [(a - factor * b) % _PRIME for a, b in zip(rest, known, strict=True)]
        place = next((i for i, v in enumerate(rest) if v), None)
        if place is None:
            continue
        inverse = pow(rest[place], -1, _PRIME)
        basis[place] = [v * inverse % _PRIME for v in rest]
        waiting.append(step([Fraction(v) for v in basis[place]]))
    return len(basis) == wide


def _modulo(value: Fraction) -> int:
    return value.numerator * pow(value.denominator, -1, _PRIME) % _PRIME


def _reduced(row: Row, basis: Matrix) -> Row:
    for known in basis:
        factor = row[_pivot(known)]
        if factor:
            row = [a - factor * b for a, b in zip(row, known, strict=True)]
    return row


def _pivot(row: Row) -> int:
    return next(i for i, v in enumerate(row) if v)


def _dot(first: Row, second: Row) -> Fraction:
    return sum((a * b for a, b in zip(first, second, strict=True) if a and b), Fraction(0))


def _times_left(row: Row, matrix: Matrix) -> Row:
    """The row times a matrix with as many rows."""
    width = len(matrix[0]) if matrix else 0
    total = [Fraction(0)] * width
    for weight, other in zip(row, matrix, strict=True):
        if weight:
            total = [t + weight * o for t, o in zip(total, other, strict=True)]
    return total
