"""What the number on a wire means, by the values it takes: a truth, a whole number, a real one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from distill.normal_form import Array
from dsl.domain import Field
from dsl.types import BOOL, INT, REAL, Bool, Int, Real

_KINDS_AT_MOST = 64
_APART = 8.0
"""Gaps between kinds of values are so many times as wide as a kind."""
_UNEVEN = 0.1
"""How far from evenly spaced whole numbers may lie, as a part of their distance."""


@dataclass(frozen=True)
class Reading:
    """The number on a wire is `origin + step * value`; values lie between low and high."""

    item: Bool | Int | Real
    origin: float
    step: float
    low: Fraction
    high: Fraction

    def values(self, numbers: Array) -> Array:
        """The values (n,) that numbers (n,) stand for, whole ones rounded."""
        found = (numbers - self.origin) / self.step
        return found if self.item == REAL else np.rint(found)

    def field(self, name: str) -> Field:
        """A field of a domain for the value."""
        bounds = (None, None) if self.item == BOOL else (self.low, self.high)
        return Field(name, self.item, *bounds)

    def turned(self) -> Reading:
        """A truth, or a whole number from 0 up, counted from the other end."""
        origin = self.origin + self.step * float(self.high)
        return Reading(self.item, origin, -self.step, self.low, self.high)


def read(numbers: Array) -> Reading | None:
    """The reading of the numbers (n,) that a wire takes; None where it takes only one.

    Two kinds of numbers are a truth, the larger being true; more, evenly spaced, whole numbers from
    0 up; all else is a real number as it is.
    """
    kinds = _kinds(numbers)
    if kinds is not None and len(kinds) == 1:
        return None
    if kinds is not None and len(kinds) == 2:
        step = float(kinds[1] - kinds[0])
        return Reading(BOOL, float(kinds[0]), step, Fraction(0), Fraction(1))
    if kinds is not None:
        step = float(np.min(np.diff(kinds)))
        places = (kinds - kinds[0]) / step
        if np.abs(places - np.rint(places)).max() <= _UNEVEN and places[-1] < 2 * len(kinds):
            slope, origin = np.polyfit(np.rint(places), kinds, 1)
            top = Fraction(int(np.rint(places[-1])))
            return Reading(INT, float(origin), float(slope), Fraction(0), top)
    return real(float(numbers.min()), float(numbers.max()))


def real(low: float, high: float, origin: float = 0.0, step: float = 1.0) -> Reading:
    """A real number's reading: values are numbers less `origin`, over `step`."""
    ends = sorted(((low - origin) / step, (high - origin) / step))
    room = 1e-6 * (ends[1] - ends[0])
    return Reading(REAL, origin, step, Fraction(ends[0] - room), Fraction(ends[1] + room))


def _kinds(numbers: Array) -> Array | None:
    """The middle of every bunch of numbers; None where they aren't bunches."""
    values = np.unique(numbers)
    spread = float(values[-1] - values[0])
    if spread <= 1e-6 * max(1.0, float(np.abs(values).max())):
        return values[:1]
    gaps = np.diff(values)
    wide = gaps > max(1e-3, 1.0 / (2 * _KINDS_AT_MOST)) * spread
    bunches = np.split(values, np.flatnonzero(wide) + 1)
    if len(bunches) > _KINDS_AT_MOST or len(bunches) == 1:
        return None
    within = max(float(b[-1] - b[0]) for b in bunches)
    if within * _APART > float(gaps[wide].min()):
        return None
    return np.array([float(np.mean(b)) for b in bunches])
