"""Which relus are on: branch and bound over their phases, linear programs at the nodes.

In a node some relus are decided (on: the sum before them is >= 0, off: <= 0), the others lie
between lines. What a linear program in floats finds there is only taken for its multipliers: of
the sums that are decided, and for the lines below the relus that aren't. With any multipliers
>= 0, and slopes between 0 and 1, `leaf_top` bounds the output without rounding; a node whose bound
is small enough is a leaf. Sources: ReLU splitting as in Planet (Ehlers, ATVA 2017), multipliers of
decided relus as in beta-CROWN (Wang et al., NeurIPS 2021), safe bounds from inexact duals
(Neumaier and Shcherbina, Mathematical Programming 99, 2004).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from distill.normal_form import Array
from distill.verify.canonical import System
from distill.verify.layers import Row

Phases = dict[int, bool]
"""Relus that are decided: whether they are on."""

Ends = tuple[Fraction, Fraction]

_ZERO = Fraction(0)
_STEPS = 4096
"""Slopes are written as parts of this."""

_DIGITS = 24
"""Binary digits of a multiplier that are kept at first."""

_NEAR = 1e-9
"""Where the program's value, in units of the output's size, is so little above what is asked for,
the bound is taken without rounding."""

_PENALTIES = (1e3, 1e6, 1e9)
"""What breaking a decided sum costs, in units of the output's size: so that a program without
solutions has a bound as well."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """Decided relus, and a multiplier or slope for every relu and every output (outputs, relus)."""

    phases: Phases
    multipliers: Array


@dataclass(eq=False)
class Tree:
    """The nodes before their parts: number of the relu that is decided (on first), -1 for a leaf.

    trouble: why there is no proof; point: where an output seems to exceed its bound.
    """

    nodes: list[int] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    top: Fraction = Fraction(-1)
    programs: int = 0
    trouble: str = ""
    point: Array | None = None


def searched(system: System, lower: Array, upper: Array, goal: float, most: int) -> Tree:
    """Branch and bound for `outputs <= goal` on a box (n,), (n,), with at most `most` programs."""
    tree = Tree()
    box = [(Fraction(float(a)), Fraction(float(b))) for a, b in zip(lower, upper, strict=True)]
    waiting: list[Phases] = [{}]
    while waiting and not tree.trouble:
        phases = waiting.pop()
        node = _Node(system, phases, box)
        rows, worst = [], -1
        for output in range(len(system.outputs)):
            tree.programs += 1
            found = node.settled(output, Fraction(goal))
            if found.top is None:
                worst = found.worst
                tree.point = found.point if worst < 0 else None
                break
            rows.append(found.multipliers)
            tree.top = max(tree.top, found.top)
        if len(rows) == len(system.outputs):
            tree.nodes.append(-1)
            tree.leaves.append(Leaf(phases, np.array(rows)))
        elif worst < 0:
            tree.trouble = "exceeded"
        elif tree.programs >= most:
            tree.trouble = "too many cases"
        else:
            tree.nodes.append(worst)
            waiting += [{**phases, worst: False}, {**phases, worst: True}]
    return tree


@dataclass(frozen=True, eq=False)
class _Settled:
    """top: the bound without rounding, None where it is above the goal; multipliers (relus,);
    worst: the relu to decide next, -1 where all are decided; point: where the program ends."""

    top: Fraction | None
    multipliers: Array
    worst: int
    point: Array


@dataclass(frozen=True, eq=False)
class _Solved:
    """value: how large the output is at most, at the point; multipliers (relus,); pull: how much
    each undecided relu's lines count there; broken: whether a decided sum has the wrong sign."""

    value: float
    point: Array
    multipliers: Array
    pull: Array
    broken: bool


class _Node:
    """One node's linear program."""

    def __init__(self, system: System, phases: Phases, box: list[Ends]) -> None:
        self.system, self.phases, self.box = system, phases, box
        self.ranges = ranges_of(system, phases, box)
        self.between = [k for k, (low, high) in enumerate(self.ranges)
                        if k not in phases and low < 0 < high]  # fmt: skip
        self.places = {k: system.inputs + i for i, k in enumerate(self.between)}
        self.sums = self._sums()

    def _sums(self) -> list[tuple[Array, float]]:
        """The sums before the relus over inputs and undecided relus, in floats."""
        size = self.system.inputs + len(self.between)
        units = [np.eye(size)[i] for i in range(self.system.inputs)]
        constants = [0.0] * self.system.inputs
        found: list[tuple[Array, float]] = []
        for number, row in enumerate(self.system.rows):
            weights, constant = self._combined(row, units, constants, size)
            found.append((weights, constant))
            on = _state(self.phases.get(number), self.ranges[number])
            if on is None:
                weights, constant = np.eye(size)[self.places[number]], 0.0
            elif not on:
                weights, constant = np.zeros(size), 0.0
            units.append(weights)
            constants.append(constant)
        self.units, self.constants = units, constants
        return found

    def _combined(
        self, row: Row, units: list[Array], constants: list[float], size: int
    ) -> tuple[Array, float]:
        weights, constant = np.zeros(size), float(row.constant)
        for unit, weight in row.weights.items():
            weights = weights + float(weight) * units[unit]
            constant += float(weight) * constants[unit]
        return weights, constant

    def settled(self, output: int, goal: Fraction) -> _Settled:
        """The bound of an output, or which relu to decide to get a smaller one."""
        row = self.system.outputs[output]
        size = self.system.inputs + len(self.between)
        weights, constant = self._combined(row, self.units, self.constants, size)
        unit = float(np.abs(weights).max(initial=0.0)) + abs(constant) + float(abs(goal)) + 1e-300
        found = _Solved(np.inf, np.zeros(size), np.zeros(len(self.system.rows)), np.zeros(0), True)
        for penalty in _PENALTIES:
            found = self._solved(weights, penalty * unit)
            point, multipliers = found.point, found.multipliers
            near = constant + found.value <= float(goal) + _NEAR * unit
            for digits in (_DIGITS, 53) if near else ():
                kept = _rounded(multipliers, digits)
                top = leaf_top(self.system, self.phases, self.box, self.ranges, output, kept)
                if top <= goal:
                    return _Settled(top, kept, -1, point)
            if not found.broken:
                break
        worst = self._worst(found.point, found.pull)
        return _Settled(None, multipliers, worst, found.point[: self.system.inputs])

    def _solved(self, weights: Array, penalty: float) -> _Solved:
        """The largest output of the linear program."""
        from scipy.optimize import linprog

        decided = [k for k in self.phases if self.sums[k][0].any()]
        size, extra = len(weights), len(decided)
        matrix: list[Array] = []
        bounds: list[float] = []
        for place, number in enumerate(decided):
            sign = -1.0 if self.phases[number] else 1.0
            slack = -np.eye(extra)[place]
            matrix.append(np.concatenate([sign * self.sums[number][0], slack]))
            bounds.append(-sign * self.sums[number][1])
        for number in self.between:
            z, constant = self.sums[number]
            y, none = np.eye(size)[self.places[number]], np.zeros(extra)
            slope, shift = (float(v) for v in line_above(self.ranges[number]))
            matrix += [np.concatenate([z - y, none]), np.concatenate([y - slope * z, none])]
            bounds += [-constant, shift + slope * constant]
        limits = [(float(a), float(b)) for a, b in self.box]
        limits += [(0.0, float(self.ranges[k][1])) for k in self.between] + [(0.0, None)] * extra
        cost = np.concatenate([-weights, np.full(extra, penalty)])
        found = linprog(cost, np.array(matrix) if matrix else None, bounds or None, bounds=limits,
                        method="highs")  # fmt: skip
        multipliers = np.zeros(len(self.system.rows))
        if found.x is None or not np.isfinite(found.x).all():
            return _Solved(np.inf, np.zeros(size), multipliers, np.zeros(len(self.between)), True)
        marginals = -np.asarray(found.ineqlin.marginals) if matrix else np.zeros(0)
        pull = np.zeros(len(self.between))
        multipliers[decided] = np.maximum(marginals[:extra], 0.0)
        for place, number in enumerate(self.between):
            by_sum = max(marginals[extra + 2 * place], 0.0)
            by_zero = max(float(found.lower.marginals[self.places[number]]), 0.0)
            both = by_sum + by_zero
            pull[place] = both + max(marginals[extra + 2 * place + 1], 0.0)
            steep = float(sum(self.ranges[number]) > 0)
            share = by_sum / both if both > 0 else steep
            multipliers[number] = np.rint(share * _STEPS) / _STEPS
        broken = bool((found.x[size:] > 1e-9).any())
        return _Solved(-float(found.fun), found.x[:size], multipliers, pull, broken)

    def _worst(self, point: Array, pull: Array) -> int:
        """The undecided relu whose lines cost the most at a point; -1 where none is undecided."""
        best, worst = 0.0, -1
        for place, number in enumerate(self.between):
            z, constant = self.sums[number]
            before = float(z @ point) + constant
            off = abs(point[self.places[number]] - max(before, 0.0))
            off *= pull[place] if len(pull) else 1.0
            if off > best:
                best, worst = off, number
        return worst if worst >= 0 or not self.between else self.between[0]


def _rounded(values: Array, digits: int) -> Array:
    fraction, power = np.frexp(values)
    return np.ldexp(np.rint(np.ldexp(fraction, digits)), power - digits)


def _state(decided: bool | None, ends: Ends) -> bool | None:
    """Whether a relu is on, by its phase or the range of its sum; None where it may be either."""
    if decided is not None:
        return decided
    return True if ends[0] >= 0 else False if ends[1] <= 0 else None


def ranges_of(system: System, phases: Phases, box: list[Ends]) -> list[Ends]:
    """Least and largest sums before the relus, by intervals."""
    units: list[Ends] = list(box)
    found: list[Ends] = []
    for number, row in enumerate(system.rows):
        low = high = row.constant
        for unit, weight in row.weights.items():
            ends = (weight * units[unit][0], weight * units[unit][1])
            low, high = low + min(ends), high + max(ends)
        found.append((low, high))
        off = phases.get(number) is False
        units.append((_ZERO, _ZERO) if off else (max(low, _ZERO), max(high, _ZERO)))
    return found


def line_above(ends: Ends) -> tuple[Fraction, Fraction]:
    """Slope and shift of a line above the relu of a sum that may have either sign."""
    low, high = ends
    slope = Fraction(round(high / (high - low) * _STEPS), _STEPS)
    return slope, max(-slope * low, high - slope * high)


def leaf_top(
    system: System,
    phases: Phases,
    box: list[Ends],
    ranges: list[Ends],
    output: int,
    multipliers: Array,
) -> Fraction:
    """An upper bound of an output where relus are decided so, without rounding.

    `multipliers` (relus,): of the sum of a decided relu (>= 0), the slope of the line below an
    undecided one (0 to 1). From the last relu to the first each gives way to its sum or a line.
    `ranges`: of the sums (`ranges_of`).
    """
    total = system.outputs[output]
    for number in range(len(system.rows) - 1, -1, -1):
        unit, row = system.inputs + number, system.rows[number]
        weight = total.weights.get(unit, _ZERO)
        total = total.plus(Row({unit: Fraction(1)}), -weight)
        factor = Fraction(float(multipliers[number]))
        on = _state(phases.get(number), ranges[number])
        if number in phases:
            total = total.plus(row, (weight + factor) if on else -factor)
        elif on is None and weight > 0:
            slope, shift = line_above(ranges[number])
            total = total.plus(row, weight * slope).plus(Row({}, shift), weight)
        elif on is None:
            total = total.plus(row, weight * factor)
        elif on:
            total = total.plus(row, weight)
    ends = (max(weight * a for a in box[unit]) for unit, weight in total.weights.items())
    return total.constant + sum(ends, _ZERO)
