"""Fits of c1 * a + c0 and c1 * a + c2 * b + c0 to a number target, over the whole bank.

Least squares in closed form picks the candidates: whoever can stay inside the box has a sum of
squares of at most that of the box's half widths, so none is missed. The constants are then
those of least largest error, found by a linear program.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from distill.synthesize.bank.check import box_error
from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.keys import Floats
from distill.synthesize.bank.matches import CONSTANT_COST, Match, total_cost
from distill.synthesize.bank.target import NumberTarget

_CHUNK = 1 << 14
_TRIALS = 64  # candidates of each kind that the linear program is asked for
_PARALLEL = 1e-10  # entries whose squared sine of angle is below this are one direction
_ROUNDING = 1e-12


def affine_fits(bank: Bank, target: NumberTarget, partners: int, limit: int) -> list[Match]:
    """Matches "affine" of one entry, and of two among the `partners` cheapest.

    Examples whose box has no two finite ends take no part in the fit, only in the check.
    """
    bounded = np.isfinite(target.low) & np.isfinite(target.high)
    if bounded.sum() < 2:
        return []
    low, high = target.low[bounded], target.high[bounded]
    middle, half = (high + low) / 2, (high - low) / 2
    centred = middle - middle.mean()
    slack = float((half**2).sum()) + _ROUNDING * float((middle**2).sum() + 1e-300)
    single = _singles(bank, bounded, centred, slack)
    double = _doubles(bank, bounded, centred, slack, partners)
    return [*_settle(bank, target, single, limit), *_settle(bank, target, double, limit)]


def _unit(values: Floats) -> Floats:
    """Rows minus their mean at length 1; rows of zeros where an entry is constant."""
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    constant = length <= 1e-9 * np.linalg.norm(values, axis=1, keepdims=True)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, length))


def _singles(
    bank: Bank, bounded: NDArray[np.bool_], centred: Floats, slack: float
) -> Iterator[tuple[int, ...]]:
    """Entries, or none at all for a constant, whose least squares fit is good enough."""
    whole = float(centred @ centred)
    if whole <= slack:
        yield ()
        return
    for start in range(0, len(bank.number.values), _CHUNK):
        unit = _unit(bank.number.values[start : start + _CHUNK][:, bounded])
        left = whole - (unit @ centred) ** 2
        yield from ((start + int(row),) for row in np.flatnonzero(left <= slack))


def _doubles(
    bank: Bank, bounded: NDArray[np.bool_], centred: Floats, slack: float, partners: int
) -> Iterator[tuple[int, ...]]:
    """Pairs of the cheapest entries, cheap ones first, by the Gram matrix of their directions."""
    unit = _unit(bank.number.values[:partners][:, bounded])
    whole, along = float(centred @ centred), unit @ centred
    pairs: list[NDArray[np.intp]] = []
    for start in range(0, len(unit), 256):
        cosine = unit[start : start + 256] @ unit.T
        one, other = along[start : start + 256, None], along[None]
        sine = 1.0 - cosine**2
        flat = sine <= _PARALLEL
        explained = (one**2 + other**2 - 2 * cosine * one * other) / np.where(flat, 1.0, sine)
        rows, columns = np.nonzero((whole - explained <= slack) & ~flat)
        pairs.append(np.stack([rows + start, columns], axis=1)[rows + start < columns])
    found = np.concatenate(pairs) if pairs else np.zeros((0, 2), dtype=np.intp)
    for pair in found[np.argsort(found.max(axis=1, initial=0), kind="stable")]:
        yield tuple(pair.tolist())


def _settle(
    bank: Bank, target: NumberTarget, candidates: Iterator[tuple[int, ...]], limit: int
) -> Iterator[Match]:
    """Constants for the first candidates, kept if the result stays inside the box."""
    found = 0
    for _, rows in zip(range(_TRIALS), candidates, strict=False):
        columns = [bank.number.values[row] for row in rows]
        design = np.stack([*columns, np.ones(bank.examples)], axis=1)
        constants = fit_inside(design, target)
        if constants is not None and found < limit:
            found += 1
            children = tuple(("number", row) for row in rows)
            cost = total_cost(bank, children) + CONSTANT_COST * len(constants)
            error = box_error(design @ constants, target)
            yield Match(cost, "affine", children, tuple(constants.tolist()), error=error)


def fit_inside(design: Floats, target: NumberTarget) -> Floats | None:
    """Constants c with design (E, k) @ c inside the box and far from its sides, if any."""
    bounded = np.isfinite(target.low) & np.isfinite(target.high)
    middle = (target.low[bounded] + target.high[bounded]) / 2
    constants = np.asarray(np.linalg.lstsq(design[bounded], middle, rcond=None)[0], np.float64)
    if target.accepts(design @ constants):
        return constants
    constants = _largest_error(design, target)
    return constants if constants is not None and target.accepts(design @ constants) else None


def _largest_error(design: Floats, target: NumberTarget) -> Floats | None:
    """Constants that keep the largest possible distance s from the box's sides."""
    size = np.abs(design).max(axis=0)
    scaled = design / np.where(size > 0, size, 1.0)
    below, above = np.isfinite(target.low), np.isfinite(target.high)
    sides = np.vstack([-scaled[below], scaled[above]])
    sides = np.hstack([sides, np.ones((len(sides), 1))])
    ends = np.concatenate([-target.low[below], target.high[above]])
    goal = np.zeros(design.shape[1] + 1)
    goal[-1] = -1.0
    bounds = [(None, None)] * design.shape[1] + [(0.0, None)]
    answer = linprog(goal, A_ub=sides, b_ub=ends, bounds=bounds, method="highs")
    return answer.x[:-1] / np.where(size > 0, size, 1.0) if answer.status == 0 else None
