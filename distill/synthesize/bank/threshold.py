"""Cuts of one number at a constant that give wanted truth values, with few errors if allowed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.keys import Floats
from distill.synthesize.bank.matches import CONSTANT_COST, Match
from distill.synthesize.bank.target import BoolTarget

_CHUNK = 1 << 14
_MARGIN = 1e-9  # a gap must exceed rounding, relative to the values beside it


def thresholds(bank: Bank, target: BoolTarget, limit: int) -> list[Match]:
    """The first `limit` entries x of each direction such that x > c or x < c is the target.

    Without errors c lies between the largest value that must be false and the smallest that
    must be true; else at the cut of least weight, if that is at most `allowed_errors`.
    """
    found: list[Match] = []
    for name, sign in (("above", 1.0), ("below", -1.0)):
        cuts = _cuts(bank, target, sign)
        for _, (row, low, high, error) in zip(range(limit), cuts, strict=False):
            interval = (low, high) if sign > 0 else (-high, -low)
            cost = int(bank.number.cost[row]) + CONSTANT_COST
            child = (("number", row),)
            found.append(Match(cost, name, child, (_middle(*interval),), interval, error))
    return found


def _cuts(bank: Bank, target: BoolTarget, sign: float) -> Iterator[tuple[int, float, float, float]]:
    """(row, low, high, weight of errors) of entries with sign * x > c for c in [low, high)."""
    care = np.flatnonzero(target.care)
    truth, weights = target.truth[care], target.weights[care]
    one = _separating if target.allowed_errors <= 0 else _least_wrong
    for start in range(0, len(bank.number.values), _CHUNK):
        values = sign * bank.number.values[start : start + _CHUNK][:, care]
        low, high, error = one(values, truth, weights)
        ok = (error <= target.allowed_errors) & _apart(low, high)
        for row in np.flatnonzero(ok):
            yield start + int(row), float(low[row]), float(high[row]), float(error[row])


def _separating(
    values: Floats, truth: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats, Floats]:
    low = values[:, ~truth].max(axis=1, initial=-np.inf)
    high = values[:, truth].min(axis=1, initial=np.inf)
    return low, high, np.zeros(len(values))


def _least_wrong(
    values: Floats, truth: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """The cut of least weight of errors; cuts inside a group of equal values don't count."""
    order = np.argsort(values, axis=1, kind="stable")
    ranked = np.take_along_axis(values, order, axis=1)
    edge = np.full((len(values), 1), np.inf)
    low, high = np.hstack([-edge, ranked]), np.hstack([ranked, edge])
    lost = np.where(truth, weights, 0.0)[order].cumsum(axis=1)
    kept = np.where(truth, 0.0, weights)[order].cumsum(axis=1)
    zero = np.zeros((len(values), 1))
    error = np.hstack([zero, lost]) + kept[:, -1:] - np.hstack([zero, kept])
    error = np.where(_apart(low, high), error, np.inf)
    at = error.argmin(axis=1)[:, None]
    low, high, error = (np.take_along_axis(part, at, axis=1)[:, 0] for part in (low, high, error))
    return low, high, error


def _apart(low: Floats, high: Floats) -> NDArray[np.bool_]:
    finite = np.where(np.isfinite(low), np.abs(low), 0.0)
    return high - low > _MARGIN * (1.0 + finite)


def _middle(low: float, high: float) -> float:
    """A constant within the interval: its middle, or 1 from its only finite end."""
    if np.isinf(low) and np.isinf(high):
        return 0.0
    if np.isinf(low):
        return high - 1.0
    return low + 1.0 if np.isinf(high) else (low + high) / 2
