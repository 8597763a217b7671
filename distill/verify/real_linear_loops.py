"""Affine cells beside linear loops of real outputs: how far apart they are, at most.

As for whole outputs (`linear_loops`) the distance is a sum over delays of |response difference|
times the largest item, what both do without items, and float32 rounding; items are rounded to
float32 as well. Where powers of both state matrices shrink, what later delays add is bounded by a
geometric series: with r = |A^N| < 1 and G the sum of |A^i| below N, the sum of all from N on is at
most r G / (1 - r) in the largest row sum (Neumann series; Higham, Functions of Matrices, 2008,
section 4.3). The bound then holds for every length.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from distill.evidence import Claim
from distill.recurrent_target import Oracle
from distill.verify.linear_loops import FIXED, Cell, Dyadic, affine_cell, is_linear
from dsl.algebra import Undefined, Unsupported, leaves
from dsl.domain import DomainError
from dsl.loop import Loop
from dsl.meanings.loop_exact import exact_start, step_loop_exact
from dsl.types import BOOL, REAL

Exact = Any
"""An array of Fractions."""

_SHRUNK = Fraction(1, 4)
"""What the norm of a power of both state matrices must be below for the series to be summed."""

_ROOM = Fraction(63, 64)
"""Part of the tolerance that is used: a checker that rounds elsewhere has the rest."""

_FOLLOWED = 40
"""Items that are followed before a bound for every length is good enough."""

_LONGEST = 200
_SINGLE = Fraction(1, 1 << 24)
_TINY = Fraction(1, 1 << 149)


@dataclass(frozen=True, eq=False)
class Space:
    """h' = a h + b x + c, y = read h + direct x + plain, from `start`; all exact."""

    a: Exact
    b: Exact
    c: Exact
    read: Exact
    direct: Exact
    plain: Exact
    start: Exact


def real_linear_claim(loop: Loop, oracle: Oracle) -> Claim | None:
    """The distance of an affine cell and a linear loop, for every length or up to the longest
    that the tolerance allows; None where either is something else, or nothing is shown up to the
    network's own length."""
    begin = time.perf_counter()
    if oracle.network.cell.opaque or not oracle.real or not is_linear(loop, reals=True):
        return None
    cell = affine_cell(oracle)
    if cell is None or not oracle.plain or not oracle.representable(np.zeros(0)):
        return None
    try:
        sizes, rounded = _sizes(oracle)
        program = _program(loop)
    except (DomainError, Undefined, Unsupported):
        return None
    if len(program.plain) != oracle.network.output_width:
        return None
    allowed = _ROOM * Fraction(oracle.tolerance)
    length, worst, ever = 0, Fraction(0), None
    for bound, tail in _bounds(cell, program, sizes, rounded):
        if bound > allowed:
            break
        length, worst = length + 1, max(worst, bound)
        if tail is not None and max(tail, worst) <= allowed:
            ever = max(tail, worst) if ever is None else min(ever, max(tail, worst))
        if ever is not None and length >= _FOLLOWED:
            return _claim(None, max(ever, worst), oracle, begin)
    return _claim(length, worst, oracle, begin) if length >= oracle.length else None


def _sizes(oracle: Oracle) -> tuple[Exact, Exact]:
    """The largest items, and what rounding to float32 moves them by."""
    low, high = oracle.domain.item.value_box()
    ends = [max(abs(a), abs(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    sizes = _array([float(np.nextafter(e, np.inf)) if e else 0.0 for e in ends])
    real = _array([float(f.item == REAL) for f in oracle.domain.item.fields])
    return sizes, real * (sizes * _SINGLE + _TINY)


def _program(loop: Loop) -> Space:
    """The loop's step as matrices: what it does from nothing, and from one of each number."""
    names = [(r.name, r.start.value, r.type == BOOL) for r in loop.registers]
    kinds = [item == BOOL for _, item in loop.inputs]
    counts = [len(list(leaves(value))) for _, value, _ in names]
    h, d = sum(counts), len(kinds)

    def step(place: int) -> list[Fraction]:
        numbers = iter([int(place == i) for i in range(h)])
        state = {n: _shaped(value, numbers, truth) for n, value, truth in names}
        item = [int(place == h + i) for i in range(d)]
        values = tuple(bool(v) if truth else v for v, truth in zip(item, kinds, strict=True))
        output, after = step_loop_exact(loop, state, values)
        return [Fraction(v) for part in (*after.values(), output) for v in leaves(part)]

    nothing = step(-1)
    columns = [[a - b for a, b in zip(step(i), nothing, strict=True)] for i in range(h + d)]
    matrix = _array(columns).reshape(h + d, len(nothing)).T
    start = [Fraction(v) for value in exact_start(loop).values() for v in leaves(value)]
    return _space(matrix, _array(nothing), _array(start))


def _shaped(value: Any, numbers: Iterator[int], truth: bool) -> Any:
    if isinstance(value, tuple):
        return tuple(_shaped(v, numbers, isinstance(v, bool)) for v in value)
    found = next(numbers)
    return bool(found) if truth else found


def _space(matrix: Exact, constant: Exact, start: Exact) -> Space:
    h = len(start)
    return Space(
        matrix[:h, :h], matrix[:h, h:], constant[:h],
        matrix[h:, :h], matrix[h:, h:], constant[h:], start,
    )  # fmt: skip


def _bounds(
    cell: Cell, theirs: Space, sizes: Exact, rounded: Exact
) -> Iterator[tuple[Fraction, Fraction | None]]:
    """After each item the most that outputs are apart, and the most ever after, once known."""
    matrix, constant = (_fractions(part) for part in cell.maps[cell.form.output])
    ours = _space(matrix, constant, _fractions(cell.initial))
    first, second = _Run(ours, sizes + rounded), _Run(theirs, sizes)
    spread, worst = _zeros(cell.hidden), _zeros(cell.hidden)
    apart, read = _zeros(len(ours.plain)), abs(ours.read)
    for _ in range(_LONGEST):
        response, other = first.response, second.response
        apart = apart + abs(response - other) @ sizes + abs(response) @ rounded
        slack = _slack(cell, first.reach + abs(first.state) + spread, sizes + rounded)
        offset = abs(first.output - second.output)
        bound = max(_up(apart + offset + read @ spread + slack[cell.hidden :]))
        worst = np.maximum(worst, slack[: cell.hidden])
        first.go_on()
        second.go_on()
        more = apart + abs(first.response - second.response) @ sizes
        more = more + abs(first.response) @ rounded
        yield bound, _ever_after(cell, first, second, more, worst, sizes + rounded)
        spread = _up(first.sums @ worst)
        apart = _up(apart)


class _Run:
    """A linear system item by item: its response, its state without items, sums of powers."""

    def __init__(self, space: Space, sizes: Exact) -> None:
        h = len(space.start)
        self.space, self.sizes, self.count = space, sizes, 0
        self.power = _array(np.eye(h)).reshape(h, h)
        self.state, self.largest = space.start, abs(space.start)
        self.sums, self.norms, self.reach = self.power * 0, Fraction(0), space.start * 0
        self.response = space.direct

    @property
    def output(self) -> Exact:
        """What is answered without any items."""
        return self.space.read @ self.state + self.space.plain

    def go_on(self) -> None:
        """One item later."""
        space = self.space
        pushed = self.power @ space.b
        self.response = space.read @ pushed
        self.reach = _up(self.reach + abs(pushed) @ self.sizes)
        self.sums, self.norms = _up(self.sums + abs(self.power)), self.norms + _norm(self.power)
        self.state = space.a @ self.state + space.c
        self.largest = np.maximum(self.largest, abs(self.state))
        self.power = space.a @ self.power

    def left(self) -> Fraction | None:
        """A bound of the sum of norms of all powers from here on."""
        norm = _norm(self.power)
        return None if norm >= _SHRUNK else norm * self.norms / (1 - norm)

    def later(self, left: Fraction) -> tuple[Fraction, Fraction]:
        """How far the state without items may move from here on, and what later items add."""
        space = self.space
        moved = left * (2 * _largest(space.start) + _largest(space.c))
        return moved, left * _largest(abs(space.b) @ self.sizes)


def _ever_after(
    cell: Cell,
    first: _Run,
    second: _Run,
    apart: Exact,
    worst: Exact,
    sizes: Exact,
) -> Fraction | None:
    """The most that outputs are ever apart from here on; None where the powers aren't small yet.

    apart: what all responses so far add, the one of this item included.
    """
    left, other = first.left(), second.left()
    if left is None or other is None:
        return None
    read, wide = abs(first.space.read), abs(second.space.read)
    moved, added = first.later(left)
    drifted, came = second.later(other)
    # every step's own rounding is at most `most`: checked for sizes that no step goes beyond
    most = 2 * worst + Fraction(1, 1 << (FIXED - 2))
    spread = first.sums @ most + left * _largest(most)
    slack = _slack(cell, first.reach + added + first.largest + moved + spread, sizes)
    if (slack[: cell.hidden] > most).any():
        return None
    tails = _rows(read) * (moved + added) + _rows(wide) * (drifted + came)
    bound = apart + abs(first.output - second.output)
    return max(_up(bound + tails + read @ spread + slack[cell.hidden :]))


def _slack(cell: Cell, state: Exact, sizes: Exact) -> Exact:
    """Bounds of a step's float32 rounding from (h, x) of these sizes."""
    units = np.array([_units(v) for v in np.concatenate([state, sizes])], dtype=object)
    return _array([Fraction(int(v), 1 << FIXED) for v in cell.slack(units)])


def _units(value: Fraction) -> int:
    return -((-value.numerator << FIXED) // value.denominator)


def _norm(matrix: Exact) -> Fraction:
    return max((sum(map(abs, row), Fraction(0)) for row in matrix), default=Fraction(0))


def _rows(matrix: Exact) -> Exact:
    return matrix.sum(1) if matrix.shape[1] else _zeros(len(matrix))


def _largest(values: Exact) -> Fraction:
    return max((abs(v) for v in values), default=Fraction(0))


def _fractions(values: Dyadic) -> Exact:
    flat = [Fraction(int(v), 1 << values.exponent) for v in values.whole.ravel()]
    return _array(flat).reshape(values.whole.shape)


def _array(values: Any) -> Exact:
    plain = np.asarray(values, dtype=object)
    found = np.empty(plain.shape, dtype=object)
    for place, value in np.ndenumerate(plain):
        found[place] = Fraction(value)
    return found


def _zeros(count: int) -> Exact:
    return np.full(count, Fraction(0), dtype=object)


_each_up = np.frompyfunc(lambda v: Fraction(_units(v), 1 << FIXED), 1, 1)


def _up(values: Exact) -> Exact:
    """Bounds rounded up to fewer digits."""
    return _each_up(values)


def _claim(length: int | None, worst: Fraction, oracle: Oracle, begin: float) -> Claim:
    reach = "of any length" if length is None else f"up to length {length}"
    far = float(np.nextafter(float(worst), np.inf))
    return Claim(
        "proved" if length is None else "proved_to_length",
        "relational",
        f"both are linear; by their responses the outputs are at most {far:.3g} apart on every "
        f"sequence {reach} (asked for: {oracle.tolerance:.3g})",
        tolerance=oracle.tolerance,
        achieved=far,
        arithmetic="network in float32 in any order of summation, items rounded to float32; "
        "program in exact numbers",
        count=_LONGEST if length is None else length,
        seconds=time.perf_counter() - begin,
        length_bound=length,
    )
