"""How far a run in floating point may be from the reals, given ranges of all wires.

The textbook bound (Higham, Accuracy and Stability of Numerical Algorithms, ch. 3), node by node:
|W| e + gamma_n |W| (|x| + e) for dot products in any order; a function moves its source's error by
at most its slope and adds its own. The network runs in float32, the program in float64. Inputs are
taken as exact, as the verifier's claim does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from distill.checker.exact import Exact
from distill.checker.lines import Interval
from distill.checker.slopes import floats
from distill.normal_form import ELEMENTWISE, Affine, Array, Elementwise, Node, NormalForm

_UNITS = {True: 2.0**-24, False: 2.0**-53}
_TINY = {True: 2.0**-126, False: 2.0**-1022}
_LARGEST = {True: 3.4e38, False: 1.7e308}
_LIBRARY_ULPS = 4
"""A library function is within so many units in the last place."""
_SLACK = 1.0 + 1e-6
"""Covers the rounding of this file's own arithmetic."""

Ends = tuple[Array, Array]


def float_errors(
    form: NormalForm, ranges: dict[int, Interval], start: int, inexact: int = 2
) -> dict[int, NDArray[np.float64]]:
    """Bounds (boxes, width) of |computed - real| on every wire with a range.

    Nodes before `start` are the network's, the others the program's; inf where there is no bound.
    `inexact`: roundings more in the program's sums, whose constants may be rounded rationals.
    """
    ends = {i: (floats(low), floats(high)) for i, (low, high) in ranges.items()}
    return errors_within(form, ends, start, inexact)


def errors_within(
    form: NormalForm, ends: dict[int, Ends], start: int, inexact: int = 2
) -> dict[int, NDArray[np.float64]]:
    """The same from ranges in floats."""
    errors: dict[int, Array] = {}
    least: dict[int, float] = {}
    noughts: dict[int, NDArray[np.bool_]] = {}
    with np.errstate(all="ignore"):
        for index in sorted(ends):
            node, single = form.nodes[index], index < start
            least[index] = _least(node, least)
            noughts[index] = _noughts(node, noughts, ends[index][0].shape[1])
            if isinstance(node, Affine):
                heard = _without(node, noughts)
                error = _affine(heard, ends, errors, single, 0 if single else inexact)
                error = error * ~noughts[index]
            elif isinstance(node, Elementwise):
                error = _function(node, ends, errors, single, ends[index], least)
            else:
                error = np.zeros_like(ends[index][0])
            error = np.where(np.isnan(error), np.inf, error * _SLACK)
            over = _size(ends[index]) + error > _LARGEST[single]
            errors[index] = np.where(over, np.inf, error)
    return errors


def total(values: Exact, error: Array) -> Exact:
    """Exact values plus an error (rounded up), where it is finite."""
    from distill.checker.exact import exact

    return values + exact(np.where(np.isfinite(error), error, 1e300))


def _size(ends: Ends) -> Array:
    return np.maximum(np.abs(ends[0]), np.abs(ends[1]))


def _noughts(node: Node, known: dict[int, NDArray[np.bool_]], width: int) -> NDArray[np.bool_]:
    """Which numbers of a wire are 0 whatever the input is, as starts of loops and what pads are."""
    if isinstance(node, Affine):
        heard = _without(node, known)
        weights = np.hstack([matrix for _, matrix in heard.terms] + [node.bias[:, None]])
        return (weights == 0).all(axis=1)
    if isinstance(node, Elementwise) and node.function == "relu":
        return known[node.sources[0]]
    return np.zeros(width, dtype=bool)


def _without(node: Affine, noughts: dict[int, NDArray[np.bool_]]) -> Affine:
    """The sums without numbers that are always 0: no product and no sum with one rounds."""
    return Affine(tuple((s, matrix * ~noughts[s]) for s, matrix in node.terms), node.bias)


def _affine(
    node: Affine, ends: dict[int, Ends], errors: dict[int, Array], single: bool, inexact: int
) -> Array:
    unit, tiny = _UNITS[single], _TINY[single]
    moved, size = np.zeros((1, len(node.bias))), np.abs(node.bias)[None]
    terms = passed(node, single) + float(inexact)
    flushed = np.zeros((1, len(node.bias)))
    for source, matrix in node.terms:
        weights, seen = np.abs(matrix).T, _size(ends[source]) + errors[source]
        stored = matrix.astype(np.float32).astype(np.float64) if single else matrix
        moved = moved + errors[source] @ weights + seen @ np.abs(matrix - stored).T
        size = size + seen @ weights
        flushed = flushed + weights.sum(0) + seen @ (weights > 0)
    if single:
        moved = moved + np.abs(node.bias - node.bias.astype(np.float32))
    loss = terms * unit
    return moved + loss / (1.0 - loss) * size + tiny * (flushed + terms + 1.0)


def passed(node: Affine, as_run: bool = True) -> NDArray[np.int64]:
    """Roundings that a term passes: its product's and those of sums; of plain sums only those.

    A program's sums may be written otherwise than they are run, so that a 1 was a product.
    """
    joined = np.hstack([matrix for _, matrix in node.terms] + [node.bias[:, None]])
    inside = joined[:, :-1]
    whole = as_run & (node.bias == 0) & ((inside == 0) | (np.abs(inside) == 1)).all(axis=1)
    return np.maximum((joined != 0).sum(axis=1) - whole, 0)


def _function(
    node: Elementwise,
    ends: dict[int, Ends],
    errors: dict[int, Array],
    single: bool,
    found: Ends,
    least: dict[int, float],
) -> Array:
    moved = [errors[source] for source in node.sources]
    seen = [
        (np.maximum(ends[s][0] - e, least[s]), ends[s][1] + e)
        for s, e in zip(node.sources, moved, strict=True)
    ]
    name, most = node.function, np.maximum.reduce(moved)
    if name == "relu":  # both values are in [0, top]
        return np.minimum(most, np.maximum(np.nextafter(seen[0][1], np.inf), 0.0))
    if name in ("max", "min"):
        return _chosen(name, seen, moved)
    if name == "abs":
        return most
    if name in _STEPS:
        return np.where(most == 0, 0.0, _STEPS[name](seen))
    if name == "mul":
        carried = _size(seen[0]) * moved[1] + _size(seen[1]) * moved[0]
    elif name in _STEEPEST:
        carried = np.where(most == 0, 0.0, _STEEPEST[name](*seen[0]) * most)
        if name == "sqrt":  # the roots of two numbers >= 0 are no farther apart than this
            carried = np.where(seen[0][0] >= 0, np.fmin(carried, np.sqrt(most)), carried)
    else:
        return np.full_like(most, np.inf)
    own = 2.0 * _LIBRARY_ULPS * _UNITS[single] * (_size(found) + carried)
    return carried + own + 2.0 * _TINY[single]


def _chosen(name: str, seen: list[Ends], moved: list[Array]) -> Array:
    """The error of the source that is taken, where that is certain, else the larger one."""
    first, second = seen if name == "max" else [(-high, -low) for low, high in seen]
    other = np.where(second[0] > first[1], moved[1], np.maximum(*moved))
    return np.where(first[0] > second[1], moved[0], other)


def _least(node: Node, least: dict[int, float]) -> float:
    """0 for a wire whose computed values are never negative, as sums of squares; else -inf."""
    if isinstance(node, Affine):
        parts = [least[s] == 0 and (matrix >= 0).all() for s, matrix in node.terms]
        return 0.0 if all(parts) and (node.bias >= 0).all() else -np.inf
    rooted = isinstance(node, Elementwise) and node.function in ("square", "abs", "relu", "sqrt")
    return 0.0 if rooted else -np.inf


def _jump(name: str) -> Callable[[list[Ends]], Array]:
    return lambda seen: ELEMENTWISE[name](seen[0][1]) - ELEMENTWISE[name](seen[0][0])


def _order(seen: list[Ends]) -> Array:
    """0 where x > y is decided whatever the rounding, else 1."""
    (low_x, high_x), (low_y, high_y) = seen
    return np.where((low_x > high_y) | (high_x < low_y), 0.0, 1.0)


_STEPS: dict[str, Callable[[list[Ends]], Array]] = {
    "floor": _jump("floor"),
    "round": _jump("round"),
    "sign": _jump("sign"),
    "greater": _order,
    "equal": _order,
}


def _nearest(low: Array, high: Array) -> Array:
    """The smallest size in an interval."""
    return np.maximum(np.maximum(low, -high), 0.0)


def _bell(slope: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """Steepest slope of a function whose slope falls away from 0."""
    return lambda low, high: slope(_nearest(low, high)) + 1e-14


def _positive(slope: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda low, high: np.where(low > 0, slope(low), np.inf)


_STEEPEST: dict[str, Callable[[Array, Array], Array]] = {
    "tanh": _bell(lambda x: 1.0 - np.tanh(x) ** 2),
    "sigmoid": _bell(lambda x: 0.25 * (1.0 - np.tanh(0.5 * x) ** 2)),
    "erf": _bell(lambda x: 2.0 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "exp": lambda low, high: np.exp(high),
    "log": _positive(lambda x: 1.0 / x),
    "sqrt": _positive(lambda x: 0.5 / np.sqrt(x)),
    "square": lambda low, high: 2.0 * np.maximum(np.abs(low), np.abs(high)),
    "reciprocal": lambda low, high: 1.0 / _nearest(low, high) ** 2,
    "sin": lambda low, high: np.ones_like(low),
    "cos": lambda low, high: np.ones_like(low),
}
"""Largest size of the derivative on an interval."""
