"""Outputs that are whole-numbered linear forms of delayed inputs and delayed outputs.

The output sequence of an affine cell satisfies y[t] = sum a_i y[t-i] + sum b_j x[t-j] + c
(Cayley-Hamilton). The shortest such form is found by least squares on the traces, rounded
and checked on every row; what the delays hold before the first item is solved for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.traces import Traces

_NEAR = 0.02
"""Coefficients this near to whole numbers are rounded; the check is exact."""

_USUAL = 0.4
_OFF = 0.01
_LONGEST = 8

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recurrence:
    """y = sum outputs[i][m] * y_m[t-1-i] + sum inputs[j][d] * x_d[t-j] + constant, per output.

    outputs: (k, q, k), inputs: (k, p + 1, d), constant: (k,), all whole. before_outputs (q, k)
    and before_inputs (p, d): what the delays hold at the start, the nearest first.
    """

    outputs: NDArray[np.int64]
    inputs: NDArray[np.int64]
    constant: NDArray[np.int64]
    before_outputs: NDArray[np.int64]
    before_inputs: NDArray[np.int64]

    @property
    def orders(self) -> tuple[int, int]:
        """How many delayed outputs and delayed inputs it reads."""
        return self.outputs.shape[1], self.inputs.shape[1] - 1


def recurrence(traces: Traces, tolerance: float = 0.0) -> Recurrence | None:
    """The whole-numbered linear recurrence with the fewest delays that gives every output.

    tolerance: share of the outputs that may be others, for networks that err now and then.
    """
    x = np.stack([c.astype(np.float64) for c in traces.columns], axis=2)
    y = traces.outputs.astype(np.float64)
    for q, p in _orders(min(_LONGEST, traces.length - 2), y.shape[2], x.shape[2]):
        found = _fit(x, y, traces.care, q, p, tolerance)
        if found is not None:
            return found
    return None


def _orders(longest: int, outputs: int, inputs: int) -> Iterator[tuple[int, int]]:
    pairs = [(q, p) for q in range(4) for p in range(longest + 1) if q + p <= longest]
    yield from sorted(pairs, key=lambda o: (o[0] * outputs + o[1] * inputs, o[0]))


def _fit(
    x: Floats, y: Floats, care: NDArray[np.bool_], q: int, p: int, tolerance: float
) -> Recurrence | None:
    lag, (_, length, k) = max(q, p), y.shape
    steps = range(lag, length)
    if len(steps) < 2:
        return None
    rows = [_row(x, y, t, q, p) for t in steps]
    matters = np.concatenate([care[:, t] for t in steps])
    design = np.concatenate(rows)[matters]
    wanted = np.concatenate([y[:, t] for t in steps])[matters]
    if len(design) < 2 * design.shape[1]:
        return None
    some = np.linspace(0, len(design) - 1, min(len(design), 2000)).astype(int)
    weights = np.linalg.lstsq(design[some], wanted[some], rcond=None)[0]
    if tolerance:
        usual = (np.abs(design @ weights - wanted) < _USUAL).all(1)
        if usual.mean() < 1 - 2 * tolerance:
            return None
        weights = np.linalg.lstsq(design[usual], wanted[usual], rcond=None)[0]
    whole = np.rint(weights)
    wrong = (np.abs(design @ whole - wanted) > 1e-6).any(1)
    if np.abs(weights - whole).max() > _NEAR or wrong.mean() > tolerance:
        return None
    before = _before(x, y, care, q, p, whole)
    if before is None:
        return None
    d = x.shape[2]
    coefficients = whole.astype(np.int64)
    return Recurrence(
        coefficients[: q * k].T.reshape(k, q, k),
        coefficients[q * k : -1].T.reshape(k, p + 1, d),
        coefficients[-1],
        before[: q * k].reshape(q, k),
        before[q * k :].reshape(p, d),
    )


def _row(x: Floats, y: Floats, t: int, q: int, p: int) -> Floats:
    """Delayed outputs, then inputs from now backwards, then 1; before the start all is 0."""
    nothing_x, nothing_y = np.zeros_like(x[:, 0]), np.zeros_like(y[:, 0])
    parts = [y[:, t - i] if t >= i else nothing_y for i in range(1, q + 1)]
    parts += [x[:, t - j] if t >= j else nothing_x for j in range(p + 1)]
    return np.concatenate([*parts, np.ones((len(x), 1))], axis=1)


def _before(
    x: Floats, y: Floats, care: NDArray[np.bool_], q: int, p: int, weights: Floats
) -> NDArray[np.int64] | None:
    """What the delays must hold at the start, from the first outputs; None where nothing fits."""
    k, d, lag = y.shape[2], x.shape[2], max(q, p)
    unknowns = q * k + p * d
    equations: list[Floats] = []
    values: list[Floats] = []
    for t in range(lag):
        rest = (y[:, t] - _row(x, y, t, q, p) @ weights)[care[:, t]]
        if not len(rest):
            continue
        usual = np.median(rest, axis=0)
        if (np.abs(rest - usual) > 1e-6).any(1).mean() > _OFF:
            return None
        equations.append(_unknown_row(t, q, p, k, d, weights).T)
        values.append(usual)
    if not unknowns:
        return np.zeros(0, dtype=np.int64)
    if not equations:
        return np.zeros(unknowns, dtype=np.int64)
    system, right = np.concatenate(equations), np.concatenate(values)
    found = np.rint(np.linalg.lstsq(system, right, rcond=None)[0])
    return found.astype(np.int64) if np.abs(system @ found - right).max() < 1e-6 else None


def _unknown_row(t: int, q: int, p: int, k: int, d: int, weights: Floats) -> Floats:
    """Weights (unknowns, k) with which what the delays hold at the start enters step t."""
    row = np.zeros((q * k + p * d, k))
    for i in range(t + 1, q + 1):  # y[t - i] is number i - t - 1 before the start
        place = (i - t - 1) * k
        row[place : place + k] += weights[(i - 1) * k : i * k]
    for j in range(t + 1, p + 1):
        place = q * k + (j - t - 1) * d
        row[place : place + d] += weights[q * k + j * d : q * k + (j + 1) * d]
    return row
