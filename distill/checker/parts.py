"""Decisions outside a band in parts, box by box, bounded again from the program and the network.

Program and network choose between classes (true and false are two) by what is largest. On a box
the program chooses i and the network j, two different ones, only where i is ahead of all others in
the program and j in the network. Such a box is in the band where an upper bound of what the band
measures is at most the part's margin; sums of positive multiples of both leads are such bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from sys import float_info

import numpy as np
from numpy.typing import NDArray

from distill.checker.exact import exact
from distill.checker.float_error import Ends, errors_within
from distill.checker.leaf import Weights, exact_weights, wire_ranges
from distill.checker.lower import Sides, both_sides, with_output
from distill.checker.quick import boxes_at_once, quick_ranges, small
from distill.checker.slopes import floats, own_slopes
from distill.checker.smooth import NoBound
from distill.guard import scores_of
from distill.normal_form import Array, NormalForm
from distill.target import Target
from dsl.algebra import Unsupported
from dsl.program import Program

Mask = NDArray[np.bool_]
Confirm = Callable[[Array, Array], Mask]
_SUMS = ((1, 1), (2, 1), (1, 2), (8, 1), (1, 8))
"""Multiples of the program's lead and of the network's."""
_SLACK = 1.0 + 1e-6


@dataclass(frozen=True, eq=False)
class Sums:
    """All leads and sums for a part's weight as outputs of one form.

    Rows: for every ordered pair (i, j) the program's lead of i over j times the weight, the
    network's of j over i, and the sums of multiples of the two.
    """

    form: NormalForm
    weights: dict[int, Weights]
    sides: Sides
    multiples: Array


def in_parts(
    target: Target, program: Program, widths: list[dict]
) -> Callable[[Array, Array], Mask]:
    """Which boxes (b, n), (b, n) lie in one part and show the claim there. Raises: Unsupported."""
    scored = scores_of(program)
    if scored is None:
        raise Unsupported("the program compares nothing that a band could be laid around")
    sides = both_sides(target.form, scored, target.domain)
    level = target.output.level if len(sides.program) == 1 else 0.0
    known: dict[float, Sums] = {}

    def ask(lower: Array, upper: Array) -> Mask:
        found = np.zeros(len(lower), dtype=bool)
        for part in widths:
            inside = (lower >= part["lower"]).all(1) & (upper <= part["upper"]).all(1) & ~found
            if inside.any():
                weight = float(part["weight"])
                sums = known.setdefault(weight, _sums(sides, weight, level))
                found[inside] = _shown(sums, float(part["margin"]), lower[inside], upper[inside])
        return found

    return ask


def _sums(sides: Sides, weight: float, level: float) -> Sums:
    width = len(sides.program)
    unit = np.eye(width) if width > 1 else np.array([[1.0], [0.0]])
    rows, bias, multiples = [], [], []
    for i, j in permutations(range(len(unit)), 2):
        lead = unit[i] - unit[j]
        for a, b in ((1, 0), (0, 1), *_SUMS):
            rows.append(np.concatenate([-b * lead, a * weight * lead]))
            bias.append(b * level * lead[0] if width == 1 else 0.0)
            multiples.append((2.0 * b, 2.0 * a * weight))
    form = with_output(sides, np.array(rows), np.array(bias))
    return Sums(form, exact_weights(form), sides, np.array(multiples))


def _shown(sums: Sums, margin: float, lower: Array, upper: Array) -> Mask:
    classes = max(len(sums.sides.program), 2)
    highest = _highest(sums, lower, upper).reshape(len(lower), -1, 2 + len(_SUMS))
    pairs = list(permutations(range(classes), 2))
    good = np.ones(len(lower), dtype=bool)
    for place, (i, j) in enumerate(pairs):
        ahead = _least(highest[:, [k for k, (one, _) in enumerate(pairs) if one == i], 0])
        chosen = _least(highest[:, [k for k, (_, one) in enumerate(pairs) if one == j], 1])
        reach = np.minimum(np.nextafter(ahead + chosen, np.inf), _least(highest[:, place, 2:]))
        good &= (ahead < 0) | (chosen < 0) | (reach <= margin)
    return good


def _least(values: Array) -> Array:
    return values.min(axis=1)


def _highest(sums: Sums, lower: Array, upper: Array) -> Array:
    """Upper bounds (b, rows) of all sums as computed, both runs' rounding added."""
    size, count = boxes_at_once(sums.form), len(lower)
    if count > size:
        parts = [slice(start, start + size) for start in range(0, count, size)]
        return np.concatenate([_highest(sums, lower[part], upper[part]) for part in parts])
    ends = _ends(sums, lower, upper)
    errors = errors_within(sums.form, ends, sums.sides.start)
    network = errors[sums.sides.form.output].max(axis=1)
    program = np.maximum.reduce([errors[wire].max(axis=1) for wire in sums.sides.program])
    rounding = np.stack([network, program], axis=1) @ sums.multiples.T * _SLACK
    value = np.nextafter(ends[sums.form.output][1], np.inf)
    found = np.nextafter(value + np.nextafter(rounding, np.inf), np.inf)
    return np.where(np.isnan(found), np.inf, found)


def _ends(sums: Sums, lower: Array, upper: Array) -> dict[int, Ends]:
    """Ranges of all wires: in floats that are rounded outward, or exactly where those fail."""
    try:
        quick = quick_ranges(sums.form, lower, upper)
        if small(quick).all():
            return quick
    except NoBound:
        pass
    box = exact(lower), exact(upper)
    ranges = wire_ranges(sums.form, sums.weights, box, own_slopes)
    return {index: (floats(low), floats(high)) for index, (low, high) in ranges.items()}


def beyond(widths: list[dict], scalars: Array, margin: Array, guard: Array) -> Array:
    """How far each row (n,) is outside of all parts' bands; 0 and less is left out."""
    found = np.full(len(margin), np.inf)
    for part in widths:
        inside = np.ones(len(margin), dtype=bool)
        for column, low, high in zip(scalars.T, part["lower"], part["upper"], strict=True):
            inside &= (column >= low) & (column <= high)
        found[inside] = np.fmin(
            found[inside], (margin + part["weight"] * guard)[inside] - part["margin"]
        )
    return found


def _is_box(part: dict, scalars: int) -> bool:
    """Ends in order, of the domain's size, and a weight and a margin from 0 up."""
    lower, upper = part["lower"], part["upper"]
    if not all(isinstance(e, list) and len(e) == scalars for e in (lower, upper)):
        return False
    numbers = [part["weight"], part["margin"], *lower, *upper]
    if not all(isinstance(v, int | float) and abs(v) <= float_info.max for v in numbers):
        return False
    ordered = all(a <= b for a, b in zip(lower, upper, strict=True))
    return ordered and part["weight"] >= 0 and part["margin"] >= 0


def faults(widths: list[dict], scalars: int) -> Iterator[str]:
    """What is wrong with a list of parts."""
    for part in widths:
        named = isinstance(part, dict) and part.keys() == {"lower", "upper", "weight", "margin"}
        if not named or not _is_box(part, scalars):
            yield "a part of the band isn't a box with a weight and a margin"
            return
