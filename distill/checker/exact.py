"""Arrays of exact binary fractions: integers of any size times one power of two.

Floats are such fractions, and sums, products, minima and floors of them stay such; so the
checker's arithmetic never rounds, and needs no greatest common divisors.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Exact:
    """`digits * 2**-power`, digits an object array of Python ints."""

    digits: NDArray[np.object_]
    power: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.digits.shape

    def at(self, power: int) -> NDArray[np.object_]:
        """Digits for a power that is not smaller."""
        return self.digits << (power - self.power) if power > self.power else self.digits

    def __add__(self, other: Exact) -> Exact:
        power = max(self.power, other.power)
        return Exact(self.at(power) + other.at(power), power)

    def __neg__(self) -> Exact:
        return Exact(-self.digits, self.power)

    def __sub__(self, other: Exact) -> Exact:
        return self + -other

    def __mul__(self, other: Exact) -> Exact:
        return Exact(self.digits * other.digits, self.power + other.power)

    def __matmul__(self, other: Exact) -> Exact:
        return Exact(np.matmul(self.digits, other.digits), self.power + other.power)

    def __getitem__(self, key: object) -> Exact:
        return Exact(self.digits[key], self.power)  # pyright: ignore

    def sum(self, axis: int) -> Exact:
        """Sum along an axis."""
        return Exact(self.digits.sum(axis=axis), self.power)

    def above(self, other: Exact) -> Mask:
        """Where self > other."""
        power = max(self.power, other.power)
        return np.asarray(self.at(power) > other.at(power), dtype=bool)

    def fractions(self) -> list[Fraction]:
        """The numbers, flattened."""
        return [Fraction(int(d), 1 << self.power) for d in self.digits.ravel()]


def exact(values: ArrayLike) -> Exact:
    """Finite floats without any rounding; raises ValueError for nan and infinities."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("numbers have to be finite")
    mantissas, exponents = np.frexp(array)
    whole = (mantissas * 2.0**53).astype(np.int64)
    shifts = np.where(whole == 0, 0, exponents - 53)
    least = int(shifts.min(initial=0))
    digits = whole.astype(object) << (shifts - least).astype(object)
    return Exact(np.asarray(digits, dtype=object), -least)


def from_fractions(values: list[Fraction], shape: tuple[int, ...]) -> Exact:
    """Binary fractions (their denominators powers of two) as an array."""
    power = max((value.denominator.bit_length() - 1 for value in values), default=0)
    digits = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        digits[place] = value.numerator << (power - value.denominator.bit_length() + 1)
    return Exact(digits.reshape(shape), power)


def where(mask: Mask, first: Exact, second: Exact) -> Exact:
    """Element by element `first` where the mask holds, else `second`."""
    power = max(first.power, second.power)
    return Exact(np.where(mask, first.at(power), second.at(power)), power)


def largest(first: Exact, *rest: Exact) -> Exact:
    """Element by element the largest."""
    for other in rest:
        first = where(other.above(first), other, first)
    return first


def least(first: Exact, *rest: Exact) -> Exact:
    """Element by element the least."""
    for other in rest:
        first = where(first.above(other), other, first)
    return first


def stack(parts: list[Exact], axis: int) -> Exact:
    """Arrays joined along an existing axis."""
    power = max(part.power for part in parts)
    return Exact(np.concatenate([part.at(power) for part in parts], axis=axis), power)
