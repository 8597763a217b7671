"""The simplest number in an interval: fewest bits as a decimal or a rational."""

from __future__ import annotations

import math
from fractions import Fraction

from dsl.cost import rational_bits


def simplest_between(low: float, high: float) -> float:
    """A number strictly inside (low, high): the cheapest of integers, decimals and rationals.

    Infinite ends are allowed; where nothing fits between them the middle is returned.
    """
    if math.isinf(low) and math.isinf(high):
        return 0.0
    if math.isinf(low):
        return float(math.ceil(high) - 1)
    if math.isinf(high):
        return float(math.floor(low) + 1)
    if not low < high:
        return low
    choices = [c for c in _candidates(low, high) if low < c < high and _readable(c)]
    if not choices:
        return (low + high) / 2
    return float(min(choices, key=lambda c: (rational_bits(c), abs(c))))


def _readable(value: Fraction) -> bool:
    """Whether a person would write it: a decimal, or a fraction with a small denominator."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 or value.denominator < 10


def _candidates(low: float, high: float) -> list[Fraction]:
    found = [_stern_brocot(Fraction(low), Fraction(high))]
    for digits in range(0, 17):
        scale = 10**digits
        middle = Fraction(round(Fraction((low + high) / 2) * scale), scale)
        lowest = Fraction(math.floor(Fraction(low) * scale) + 1, scale)
        found += [middle, lowest]
        if low < middle < high:
            break
    return found


def _stern_brocot(low: Fraction, high: Fraction) -> Fraction:
    """The rational with the smallest denominator strictly between two numbers."""
    if low < 0 < high:
        return Fraction(0)
    if high <= 0:
        return -_stern_brocot(-high, -low)
    whole = math.floor(low)
    if whole + 1 < high:
        return Fraction(whole + 1)
    rest_low, rest_high = low - whole, high - whole
    if rest_low == 0:
        return whole + Fraction(1, math.floor(1 / rest_high) + 1)
    return whole + 1 / _stern_brocot(1 / rest_high, 1 / rest_low)
