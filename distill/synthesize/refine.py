"""Constants of a proposed program, fitted again on many points and kept simple.

A threshold is set where it gets the fewest points wrong; other constants by least
squares through a few Gauss-Newton steps, then shortened while the error hardly grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.fit import nearest_simple
from distill.synthesize.simplest import simplest_between
from distill.target import Target
from dsl.domain import Columns
from dsl.meanings.array import run_expression
from dsl.program import Const, Definition, Expression, Prim, const, prim, transform, walk
from dsl.types import BOOL, INT, REAL

_POINTS = 4096
_CONSTANTS_AT_MOST = 6
_GROWTH = 1.02
_GRIDS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01)


def refined(
    target: Target, body: Expression, points: Columns, functions: Sequence[Definition] = ()
) -> Iterator[Expression]:
    """Variants of a body with better or simpler constants; nothing where it has none.

    functions: those that it may call.
    """
    if target.finite:
        return
    if body.type == BOOL and isinstance(body, Prim) and body.primitive.name in _ORDERS:
        yield from _threshold(target, body, points, functions)
    elif body.type == REAL:
        yield from _numbers(target, body, points, functions)


_ORDERS = {"greater": 1.0, "greater_equal": 1.0, "less": -1.0, "less_equal": -1.0}


def _threshold(
    target: Target, body: Prim, points: Columns, functions: Sequence[Definition]
) -> Iterator[Expression]:
    left, right = body.children
    moving, sign = (left, 1.0) if isinstance(right, Const) else (right, -1.0)
    if isinstance(moving, Const) or not (isinstance(left, Const) or isinstance(right, Const)):
        return
    sign *= _ORDERS[body.primitive.name]
    values = sign * _evaluate(target, moving, points, functions)
    truth = target.values(points).astype(bool)
    low, high = _best_cut(values, truth)
    ends = sorted((sign * low, sign * high))
    name = "greater" if sign > 0 else "less"
    middle = sum(ends) / 2
    rounded = [float(f"{round(middle / g) * g:.6g}") for g in _GRIDS if np.isfinite(middle)]
    for constant in dict.fromkeys([simplest_between(*ends), *rounded]):
        yield prim(name, moving, _literal(constant))


def _best_cut(values: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """An interval of cuts c for which (value > c) == truth fails on the fewest points.

    Cuts that are nearly as good are allowed, so that a simple number may serve.
    """
    order = np.argsort(values, kind="stable")
    ordered, flags = values[order], truth[order]
    false_above = np.concatenate([[np.sum(~flags)], np.sum(~flags) - np.cumsum(~flags)])
    errors = false_above + np.concatenate([[0], np.cumsum(flags)])
    best = int(errors.argmin())
    allowed = errors[best] + max(1, 0.1 * errors[best])
    first, last = best, best
    while first > 1 and errors[first - 1] <= allowed:
        first -= 1
    while last < len(ordered) - 1 and errors[last + 1] <= allowed:
        last += 1
    low = ordered[first - 1] if first > 0 else ordered[0] - 1.0
    high = ordered[last] if last < len(ordered) else ordered[-1] + 1.0
    return float(low), float(high)


def _evaluate(
    target: Target, body: Expression, points: Columns, functions: Sequence[Definition]
) -> NDArray[np.float64]:
    named = dict(zip((f.name for f in target.domain.fields), points, strict=True))
    with np.errstate(all="ignore"):
        found = run_expression(body, named, functions=functions)
    return np.broadcast_to(found, (len(points[0]),)).astype(np.float64)


def _numbers(
    target: Target, body: Expression, points: Columns, functions: Sequence[Definition]
) -> Iterator[Expression]:
    constants = [n for n in walk(body) if isinstance(n, Const) and n.type == REAL]
    if not 1 <= len(constants) <= _CONSTANTS_AT_MOST:
        return
    some = tuple(c[:_POINTS] for c in points)
    wanted = target.raw(some)[:, 0]

    def residual(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _evaluate(target, _with(body, constants, values), some, functions) - wanted

    start = np.array([float(c.value) for c in constants])
    fitted = _gauss_newton(residual, start)
    best = float(np.abs(residual(fitted)).max())
    yield _with(body, constants, _shortened(residual, fitted, best * _GROWTH))
    yield _with(body, constants, _shortened(residual, fitted, max(best, 0.5 * target.tolerance)))


def _with(body: Expression, constants: list[Const], values: NDArray[np.float64]) -> Expression:
    replaced: dict[Expression, Expression] = {
        c: _literal(v) for c, v in zip(constants, values, strict=True)
    }
    return transform(body, lambda node: replaced.get(node))


def _literal(value: float) -> Const:
    found = nearest_simple(Fraction(float(value)))
    whole = found.denominator == 1
    return const(int(found), INT) if whole else const(found, REAL)


def _gauss_newton(residual: object, start: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.optimize import least_squares

    found = least_squares(residual, start, method="lm", max_nfev=60)  # type: ignore[arg-type]
    return found.x if np.all(np.isfinite(found.x)) else start


def _shortened(
    residual: object, values: NDArray[np.float64], allowed: float
) -> NDArray[np.float64]:
    """Round every constant in turn to the fewest digits that keep the largest error."""
    assert callable(residual)
    found = values.copy()
    for place in range(len(found)):
        for digits in range(0, 16):
            trial = found.copy()
            trial[place] = float(f"{values[place]:.{digits}f}")
            if np.abs(residual(trial)).max() <= allowed:
                found = trial
                break
    return found
