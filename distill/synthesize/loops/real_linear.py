"""Outputs that are linear forms of delayed inputs and delayed outputs, with real coefficients.

y[t] = sum a_i y[t-i] + sum b_j x[t-j] + c holds for the outputs of every affine cell
(Cayley-Hamilton). Its coefficients are fitted to single steps by least squares for a start, then
to whole sequences; smoothing filters, moving averages and integrators are of this form.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend
from distill.synthesize.loops.assemble import delay_line
from distill.synthesize.loops.explain import Stop, as_number
from distill.synthesize.loops.real_constants import (
    Fitted,
    Floats,
    Residual,
    bounded,
    real,
    settled,
    solved,
    some_of,
)
from distill.synthesize.loops.real_forms import affine
from distill.synthesize.loops.traces import Traces
from dsl.loop import Loop, Register
from dsl.program import Expression, prim, var
from dsl.types import REAL

_LONGEST = 8
_OUTPUTS, _BESIDE = 3, 3
"""Delayed outputs, and beside them delayed items, at most."""

_ROWS = 4_000
_NEAR = 2.5
"""Times the tolerance that a step's fit may be off for whole sequences to be tried."""

_STEMS = ("last", "before_last", "third_last")


def real_recurrence(traces: Traces, tolerance: float, stop: Stop) -> Fitted | None:
    """The linear recurrence with the fewest delays within the tolerance, if there is one."""
    x = np.stack([c.astype(np.float64) for c in traces.columns], axis=2)
    for q, p in _orders(min(_LONGEST, traces.length - 2), traces.outputs.shape[2], x.shape[2]):
        if stop():
            return None
        weights = _one_step(traces, x, q, p, tolerance)
        if weights is None:
            continue
        start = np.concatenate([np.ravel(weights), np.zeros(_held(traces, q, p))])
        residual = _residual(some_of(traces), q, p, stop)
        make = lambda c, q=q, p=p: _loop(traces, q, p, c)  # noqa: E731
        found = settled(make, start, traces, tolerance, stop, residual)
        if found is not None:
            return found
    return None


def _orders(longest: int, outputs: int, inputs: int) -> Iterator[tuple[int, int]]:
    most = lambda q: min(_BESIDE, longest - q) if q else longest  # noqa: E731
    pairs = [(q, p) for q in range(_OUTPUTS + 1) for p in range(most(q) + 1)]
    yield from sorted(pairs, key=lambda o: (o[0] * outputs + o[1] * inputs, o[0]))


def _held(traces: Traces, q: int, p: int) -> int:
    """Numbers that the delays hold before the first item."""
    return q * traces.outputs.shape[2] + p * len(traces.columns)


def _one_step(
    traces: Traces, x: Floats, q: int, p: int, tolerance: float
) -> NDArray[np.float64] | None:
    """Weights (terms, k) of one step behind the first ones; None where it isn't linear at all."""
    y, lag = traces.outputs.astype(np.float64), max(q, p)
    steps = np.arange(lag, traces.length)
    parts = [y[:, steps - i] for i in range(1, q + 1)] + [x[:, steps - j] for j in range(p + 1)]
    design = np.concatenate([*parts, np.ones((*parts[0].shape[:2], 1))], axis=2)
    matters = traces.care[:, steps]
    rows, wanted = design[matters], y[:, steps][matters]
    if len(rows) < 2 * design.shape[2]:
        return None
    some = np.linspace(0, len(rows) - 1, min(len(rows), _ROWS)).astype(int)
    weights = solved(rows[some], wanted[some])
    usual = np.quantile(np.abs(rows @ weights - wanted), 0.99)
    reach = 1.0 + np.abs(weights[: q * y.shape[2]]).sum()
    return weights if usual <= _NEAR * reach * tolerance else None


def _residual(traces: Traces, q: int, p: int, stop: Stop) -> Residual:
    """What a recurrence's own outputs are off on sequences, from its constants."""
    x = np.stack([c.astype(np.float64) for c in traces.columns], axis=2)
    (count, length, d), k = x.shape, traces.outputs.shape[2]
    terms = q * k + (p + 1) * d + 1

    def residual(constants: Floats) -> Floats:
        spend(stop, x.size * terms * k // 1000)
        weights = constants[: terms * k].reshape(terms, k)
        before = constants[terms * k :]
        past_y = np.broadcast_to(before[: q * k].reshape(q, k)[::-1], (count, q, k))
        past_x = np.broadcast_to(before[q * k :].reshape(p, d)[::-1], (count, p, d))
        items = np.concatenate([past_x, x], axis=1)
        added = sum(
            items[:, p - j : p - j + length] @ weights[q * k + j * d : q * k + (j + 1) * d]
            for j in range(p + 1)
        )
        y = np.concatenate([past_y, added + weights[-1]], axis=1)
        with np.errstate(all="ignore"):
            for t in range(q, q + length) if q else ():
                for i in range(1, q + 1):
                    y[:, t] += y[:, t - i] @ weights[(i - 1) * k : i * k]
        return bounded((y[:, q:] - traces.outputs)[traces.care]).ravel()

    return residual


def _loop(traces: Traces, q: int, p: int, constants: Floats) -> Loop:
    """The loop of weights (terms, k) and of what the delays hold at the start."""
    k, fields = traces.outputs.shape[2], traces.inputs
    terms = q * k + (p + 1) * len(fields) + 1
    weights = constants[: terms * k].reshape(terms, k)
    before = constants[terms * k :]
    earlier = [[f"{_STEMS[i]}{'' if k == 1 else m}" for m in range(k)] for i in range(q)]
    registers: list[Register] = []
    delays: list[list[Expression]] = []
    for place, (name, item) in enumerate(fields):
        held = [float(v) for v in before[q * k + place :: len(fields)]][:p]
        made, values = delay_line(name, item, held, len(fields) > 1)
        registers += made
        delays.append([as_number(v) for v in values])
    now: list[Expression] = [as_number(var(*f)) for f in fields]
    leaves: list[Expression] = [var(n, REAL) for row in earlier for n in row] + now
    leaves += [delays[d][j] for j in range(p) for d in range(len(fields))]
    bodies = [affine(leaves, weights[:, m]) for m in range(k)]
    lets: tuple[tuple[str, Expression], ...] = ()
    if q:
        names = ["now"] if k == 1 else [f"now{m}" for m in range(k)]
        lets = tuple(zip(names, bodies, strict=True))
        bodies = [var(n, b.type) for n, b in lets]
        for i, row in enumerate(earlier):
            updates = bodies if i == 0 else [var(n, REAL) for n in earlier[i - 1]]
            registers += [
                Register(n, real(before[i * k + m]), u)
                for m, (n, u) in enumerate(zip(row, updates, strict=True))
            ]
    output = bodies[0] if k == 1 else prim("vector", *bodies)
    return Loop(fields, tuple(registers), lets, output)
