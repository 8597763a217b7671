"""Constants of a loop over real numbers: fitted by following it, then made simple.

A constant in a step acts on all items after it, so the loop is run over whole sequences: least
squares on its own outputs (output error, not one-step error; Ljung, System Identification, 1999,
section 3.2). Near the fit the outputs are linear in the constants, and the simplest constants
within the tolerance are looked for there as for any other linear fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend
from distill.synthesize.fit import nearest_simple, simplest_coefficients
from distill.synthesize.loops.explain import Stop
from distill.synthesize.loops.traces import Traces
from dsl.cost import loop_bits
from dsl.loop import Loop, Register
from dsl.meanings.loop_array import run_loop
from dsl.program import Const, Expression, const, transform, walk
from dsl.types import REAL, TypeMismatch

_FITTED_ON = 200
"""Sequences on which constants are fitted; all are looked at afterwards."""

_FEW_RUNS, _RUNS = 3, 12
_HOPELESS, _NEAR, _MOSTLY = 30.0, 4.0, 0.9
"""Times the tolerance that most outputs may be off at the start, and after a few turns."""

_MOST = 14
_FAR = 1e6
_IDLE = 1e-9
_SLACK = 0.98
"""Part of the tolerance that is used on the traces: fresh sequences go a little beyond them."""

_PER_HALVING, _FLOOR = 12.0, 1e-2
"""Bits that halving the error is worth, down to this part of the tolerance (`judge`)."""

Floats = NDArray[np.float64]
Make = Callable[[Floats], Loop]
"""A loop from its constants."""

Residual = Callable[[Floats], Floats]
"""What the outputs are off (rows,), from the constants."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A loop within the tolerance on the traces: its largest error there, bits and score."""

    loop: Loop
    error: float
    bits: float
    score: float


def settled(
    make: Make,
    start: Sequence[float] | Floats,
    traces: Traces,
    tolerance: float,
    stop: Stop,
    residual: Residual | None = None,
) -> Fitted | None:
    """The best-scored loop of a form with simple constants; None where none is within tolerance.

    start: constants to begin with; residual: what the constants leave, where that is known by
    something cheaper than running the loop.
    """
    allowed = _SLACK * tolerance
    best: Fitted | None = None
    left = residual or _followed(make, traces, stop)
    for constants in _tried(left, np.asarray(start, dtype=np.float64), allowed):
        found = judged(make, constants, traces, tolerance)
        if found is not None and (best is None or found.score < best.score):
            best = found
    return best


def judged(make: Make, constants: Floats, traces: Traces, tolerance: float) -> Fitted | None:
    """The loop with these constants where it is within the tolerance on all traces."""
    try:
        loop = make(constants)
    except (TypeMismatch, ValueError, OverflowError):
        return None
    error = largest_error(loop, traces)
    if not error <= _SLACK * tolerance:
        return None
    bits = loop_bits(loop)
    return Fitted(loop, error, bits, score(bits, error, tolerance))


def score(bits: float, error: float, tolerance: float) -> float:
    """Bits of a loop and of what it leaves unsaid; smaller is better."""
    relative = error / tolerance if tolerance > 0 else 0.0
    return bits + _PER_HALVING * math.log2(max(relative, _FLOOR))


def largest_error(loop: Loop, traces: Traces) -> float:
    """The most that outputs which matter are apart."""
    return float(np.abs(_errors(loop, traces)).max(initial=0.0))


def _errors(loop: Loop, traces: Traces) -> Floats:
    with np.errstate(all="ignore"):
        found = run_loop(loop, traces.columns)
    found = (found if found.ndim == 3 else found[:, :, None]).astype(np.float64)
    gap = (found - traces.outputs)[traces.care]
    return bounded(gap)


def bounded(gap: Floats) -> Floats:
    """Differences that least squares can go on with."""
    return np.clip(np.where(np.isfinite(gap), gap, _FAR), -_FAR, _FAR)


def some_of(traces: Traces, count: int = _FITTED_ON) -> Traces:
    """Sequences from all over the traces."""
    rows = np.linspace(0, len(traces.care) - 1, min(count, len(traces.care))).astype(int)
    return replace(
        traces,
        columns=tuple(c[rows] for c in traces.columns),
        items=tuple(c[rows] for c in traces.items),
        outputs=traces.outputs[rows],
        care=traces.care[rows],
    )


def _followed(make: Make, traces: Traces, stop: Stop) -> Residual:
    """What constants leave on some sequences that the loop is run over."""
    few = some_of(traces)

    def residual(constants: Floats) -> Floats:
        spend(stop, few.outputs.size * _MOST // 1000)
        try:
            return _errors(make(constants), few).ravel()
        except (TypeMismatch, ValueError, OverflowError):
            return np.full(int(few.care.sum()) * few.outputs.shape[2], _FAR)

    return residual


def _tried(residual: Residual, start: Floats, allowed: float) -> Iterator[Floats]:
    """Constants worth trying: simple ones that the linear model allows, then the fit."""
    if not len(start):
        yield start
        return
    if np.quantile(np.abs(residual(start)), _MOSTLY) > _HOPELESS * allowed:
        return
    fitted, residuals, slopes = _least_squares(residual, start, _FEW_RUNS)
    if np.abs(residuals).max(initial=0.0) > allowed:
        if np.quantile(np.abs(residuals), _MOSTLY) > _NEAR * allowed:
            return
        fitted, residuals, slopes = _least_squares(residual, fitted, _RUNS)
    if np.abs(residuals).max(initial=0.0) > _NEAR * allowed:
        return
    # what changes nothing stays as it was
    idle = np.abs(slopes).max(0) <= _IDLE
    fitted = np.where(idle, start, fitted)
    values = slopes @ fitted - residuals
    for most in (1, 2, 3, 4, 6, 10):
        yield _snapped(slopes, values, fitted, most)
    yield from simplest_coefficients(slopes, values, fitted, allowed)
    yield fitted


def _least_squares(
    residual: Callable[[Floats], Floats], start: Floats, runs: int
) -> tuple[Floats, Floats, Floats]:
    """Constants, residuals and slopes (rows, constants) at the smallest sum of squares near."""
    from scipy.optimize import least_squares

    found = least_squares(residual, start, x_scale="jac", max_nfev=runs)
    if not np.all(np.isfinite(found.x)):
        return start, residual(start), np.zeros((len(residual(start)), len(start)))
    return found.x, found.fun, found.jac


def _snapped(slopes: Floats, values: Floats, base: Floats, most: int) -> Floats:
    """Constants moved to fractions of denominators up to `most`, the nearest first.

    Those left open are fitted again each time.
    """
    found, left = base.copy(), list(range(len(base)))
    while left:
        near = {i: float(Fraction(found[i]).limit_denominator(most)) for i in left}
        chosen = min(left, key=lambda i: abs(near[i] - found[i]))
        found[chosen] = near[chosen]
        left.remove(chosen)
        if left:
            fixed = [i for i in range(len(base)) if i not in left]
            rest = values - slopes[:, fixed] @ found[fixed]
            found[left] = solved(slopes[:, left], rest)
    return found


def solved(design: Floats, wanted: Floats) -> Floats:
    """The least squares solution of design @ c = wanted."""
    return np.linalg.lstsq(design, wanted, rcond=None)[0].astype(np.float64)


# --- constants that stand in a loop ------------------------------------------------------------


def opened_value(value: Expression) -> tuple[Callable[[Floats], Expression], Floats]:
    """An expression as a form whose real constants are left open."""
    found = (n for n in walk(value) if isinstance(n, Const) and n.type == REAL)
    places = list(dict.fromkeys(found))

    def make(constants: Floats) -> Expression:
        new: dict[Expression, Expression] = {
            c: real(v) for c, v in zip(places, constants, strict=True)
        }
        return transform(value, new.get)

    return make, np.array([float(c.value) for c in places])


def opened(registers: Sequence[Register]) -> tuple[Callable[[Floats], list[Register]], Floats]:
    """Registers as a form: their real constants, then their real starts, are what is left open."""
    forms = [opened_value(r.update) for r in registers]
    first = np.concatenate([*(f for _, f in forms), np.zeros(0)])
    starts = [float(r.start.value) for r in registers if r.type == REAL]

    def make(constants: Floats) -> list[Register]:
        place, held = 0, iter(constants[len(first) :])
        made: list[Register] = []
        for register, (update, own) in zip(registers, forms, strict=True):
            value = update(constants[place : place + len(own)])
            start = real(next(held)) if register.type == REAL else register.start
            made.append(Register(register.name, start, value))
            place += len(own)
        return made

    return make, np.concatenate([first, starts])


def real(value: float) -> Const:
    """A real literal, the shortest decimal or fraction that is this float."""
    return const(nearest_simple(Fraction(float(value))), REAL)


def number(value: float) -> Const:
    """A literal, an int where the value is whole."""
    found = nearest_simple(Fraction(float(value)))
    return const(int(found)) if found.denominator == 1 else const(found, REAL)
