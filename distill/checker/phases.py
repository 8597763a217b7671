"""Proofs by cases of which relus are on: every case is bounded again, in rationals.

The tree of decisions is walked from the whole box, so its cases cover it. In a case, from the last
relu to the first, a decided one gives way to its sum (on) or to nothing (off), an undecided one to
a line; multiples of the decided sums, which have a known sign there, may be added. What is left is
linear in the inputs. Any multipliers that aren't negative give a bound, so those of the certificate
need not be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from distill.checker.packed import unpacked_floats
from distill.checker.relus import Relus, Sum, canonical, digest
from distill.checker.tree import Refused
from distill.normal_form import Array

Ends = tuple[Fraction, Fraction]

_STEPS = 4096
_NONE = Fraction(0)


@dataclass(frozen=True, eq=False)
class Case:
    """Which relus are on or off, and a multiplier for each relu and output (outputs, relus)."""

    decided: dict[int, bool]
    multipliers: Array


def cases_top(relus: Relus, part: dict[str, Any], lower: Array, upper: Array) -> Fraction:
    """The largest upper bound of an output over all cases of a certificate's part.

    relus: as they come from the graph; `lower`, `upper`: (n,). Raises: Refused, what bad JSON
    raises.
    """
    relus = canonical(relus)
    if part["relus"] != digest(relus):
        raise Refused("It is about other relus.")
    negatives = [Sum({}).plus(z, -1) for z in relus.outputs]
    both = Relus(relus.inputs, relus.before, relus.depth, [*relus.outputs, *negatives])
    box = [(Fraction(float(a)), Fraction(float(b))) for a, b in zip(lower, upper, strict=True)]
    return max(_case_top(both, case, box) for case in _cases(both, part))


def _cases(relus: Relus, part: dict[str, Any]) -> list[Case]:
    """The cases at the leaves of the tree, which is listed nodes first, on before off."""
    count, width = len(relus.before), len(relus.outputs)
    rows = unpacked_floats(part["multipliers"], count) if count else np.zeros((width, 0))
    nodes, waiting, found = list(part["nodes"]), [dict[int, bool]()], list[Case]()
    for node in nodes:
        if not waiting:
            raise Refused("There are cases that belong to no decision.")
        decided = waiting.pop()
        if node == -1:
            found.append(Case(decided, rows[len(found) * width : (len(found) + 1) * width]))
        elif node in range(count) and node not in decided:
            waiting += [{**decided, node: False}, {**decided, node: True}]
        else:
            raise Refused("A decision is about no relu, or about one that is decided.")
    if waiting or len(rows) != len(found) * width or (rows < 0).any():
        raise Refused("The cases end early, or have other numbers of multipliers.")
    return found


def _case_top(relus: Relus, case: Case, box: list[Ends]) -> Fraction:
    ranges = _ranges(relus, case, box)
    return max(
        _top(relus, case, box, ranges, z, row)
        for z, row in zip(relus.outputs, case.multipliers, strict=True)
    )


def _ranges(relus: Relus, case: Case, box: list[Ends]) -> list[Ends]:
    """Least and largest of what goes into each relu."""
    units, found = list(box), []
    for number, z in enumerate(relus.before):
        products = [(w * units[u][0], w * units[u][1]) for u, w in z.weights.items()]
        low = z.constant + sum((min(p) for p in products), _NONE)
        high = z.constant + sum((max(p) for p in products), _NONE)
        found.append((low, high))
        some = case.decided.get(number, True)
        units.append((max(low, _NONE), max(high, _NONE)) if some else (_NONE, _NONE))
    return found


def _top(
    relus: Relus, case: Case, box: list[Ends], ranges: list[Ends], output: Sum, row: Array
) -> Fraction:
    total = output
    for number in reversed(range(len(relus.before))):
        unit, z = relus.inputs + number, relus.before[number]
        weight, factor = total.weights.get(unit, _NONE), Fraction(float(row[number]))
        total = total.plus(Sum({unit: Fraction(1)}), -weight)
        low, high = ranges[number]
        if number in case.decided:
            total = total.plus(z, weight + factor if case.decided[number] else -factor)
        elif low >= 0:
            total = total.plus(z, weight)
        elif high > 0 and weight < 0:
            if factor > 1:
                raise Refused("A line below a relu is steeper than the relu.")
            total = total.plus(z, weight * factor)
        elif high > 0:
            slope = Fraction(round(high / (high - low) * _STEPS), _STEPS)
            shift = max(-slope * low, high - slope * high)
            total = total.plus(z, weight * slope).plus(Sum({}, shift), weight)
    ends = (max(w * box[u][0], w * box[u][1]) for u, w in total.weights.items())
    return total.constant + sum(ends, _NONE)
