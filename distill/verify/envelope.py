"""How far a network or program run in floating point is from the same one over the reals.

Model of evaluation: every node is one operation; an affine node is dot products in any
order, with or without FMA, subnormals kept or flushed; relu, abs, max, min, comparisons and
steps are exact; a library function is within `LIBRARY_ULPS` units in the last place. Not
covered: TF32, bfloat16, Strassen-like matrix products, quantised arithmetic, and weights that
were folded out of several operations.
Source: the gamma_n analysis of Higham, Accuracy and Stability of Numerical Algorithms, ch. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, Array, Elementwise, Input, Node, NormalForm
from distill.verify.crown import enclose
from distill.verify.image import LIBRARY_ULPS, image, sigmoid
from distill.verify.rounding import SLACK, Interval, Mask


@dataclass(frozen=True)
class Arithmetic:
    """A binary floating-point format; `unit_roundoff` is half the distance from 1 to the next."""

    unit_roundoff: float
    smallest_normal: float
    largest: float
    dtype: type[np.floating]


FLOAT32 = Arithmetic(2.0**-24, 2.0**-126, 3.4e38, np.float32)
FLOAT64 = Arithmetic(2.0**-53, 2.0**-1022, 1.7e308, np.float64)

PROGRAM = 2
"""A program's constants are rationals that are rounded, and may have been computed with."""

SPARE = 1.0 + 1e-8
"""Above what rounding may add, so that a checker that rounds elsewhere still confirms it."""

_EXACT = frozenset({"relu", "abs", "max", "min", "floor", "round", "sign", "greater", "equal"})
_STEPS = frozenset({"floor", "round", "sign", "greater", "equal", "pow"})


def float_error(
    form: NormalForm,
    lower: Array,
    upper: Array,
    arithmetic: Arithmetic = FLOAT32,
    inexact: int = 0,
) -> Array:
    """Bound of |computed - real| per box and output, (b, m), over boxes `lower`, `upper` (b, n).

    inexact: roundings that a term of a sum passes beyond those of the sum, `PROGRAM` for programs.
    Inputs are numbers of the format. inf where no bound is known: an undefined value, an
    overflow. A step that rounding may flip counts with the height of its jump.
    """
    return error_within(form, enclose(form, lower, upper).ranges, arithmetic, inexact)


def error_within(
    form: NormalForm,
    ranges: dict[int, Interval],
    arithmetic: Arithmetic = FLOAT32,
    inexact: int = 0,
) -> Array:
    """The same from ranges (b, width) of all wires that the output needs."""
    errors: dict[int, Array] = {}
    signless: dict[int, Mask] = {}
    with np.errstate(all="ignore"):
        for index in sorted(ranges):
            node = form.nodes[index]
            if isinstance(node, Input):
                errors[index] = np.zeros_like(ranges[index][0])
            elif isinstance(node, Affine):
                errors[index] = _affine_error(node, ranges, errors, arithmetic, inexact)
            else:
                errors[index] = _function_error(
                    node.function,
                    [ranges[source] for source in node.sources],
                    [errors[source] for source in node.sources],
                    [signless[source] for source in node.sources],
                    arithmetic,
                )
            errors[index] = _checked(errors[index], ranges[index], arithmetic)
            plain = ranges[index][0] - errors[index] >= 0
            signless[index] = plain | _never_negative(node, signless)
    return errors[form.output]


def _never_negative(node: Node, signless: dict[int, Mask]) -> Mask:
    """Values that no rounding makes negative: rounding keeps the order, and 0 is a number."""
    if isinstance(node, Affine):
        terms = [((~signless[s]) @ (m != 0).T) | (m < 0).any(1) for s, m in node.terms]
        return ~reduce(np.logical_or, terms, (node.bias < 0)[None, :])
    if isinstance(node, Elementwise) and node.function in ("relu", "abs", "square", "sqrt"):
        return np.ones((1, 1), dtype=bool)
    return np.zeros((1, 1), dtype=bool)


def _checked(error: Array, interval: Interval, arithmetic: Arithmetic) -> Array:
    """Error rounded up; inf where it is undefined or the value may overflow."""
    error = error * SLACK
    error = np.where(np.isnan(error), np.inf, error)
    return np.where(_largest(interval) + error > arithmetic.largest, np.inf, error)


def _largest(interval: Interval) -> Array:
    return np.maximum(np.abs(interval[0]), np.abs(interval[1]))


def _affine_error(
    node: Affine,
    ranges: dict[int, Interval],
    errors: dict[int, Array],
    arithmetic: Arithmetic,
    inexact: int,
) -> Array:
    """|W| e + gamma (|W| (|x| + e) + |b|), weights rounded to the format, and underflow."""
    terms = roundings(node, arithmetic is FLOAT32) + inexact
    error, size = _lost(node.bias, arithmetic)[None, :], np.abs(node.bias)[None, :]
    flushed = np.zeros_like(error)
    for source, matrix in node.terms:
        seen = _largest(ranges[source]) + errors[source]
        weights = np.abs(matrix).T
        error = error + errors[source] @ weights + seen @ _lost(matrix, arithmetic).T
        size = size + seen @ weights
        flushed = flushed + weights.sum(axis=0) + (seen @ (weights > 0))
    size = np.where(size > arithmetic.largest, np.inf, size)
    loss = terms * arithmetic.unit_roundoff
    moved = arithmetic.smallest_normal * (flushed + terms + 1.0)
    boxes = len(ranges[0][0])
    return np.broadcast_to(error, (boxes, len(node.bias))) + loss / (1.0 - loss) * size + moved


def roundings(node: Affine, as_run: bool = True) -> NDArray[np.int64]:
    """How many roundings a term of each sum passes, at most: its product and all additions.

    In plain sums and differences the products are exact, and what is moved stays; not so where
    a sum isn't run as it is written, which programs, rewritten to normal form, needn't be.
    """
    terms = np.count_nonzero(node.bias[:, None], axis=1)
    plain = as_run & (node.bias == 0)
    for _, matrix in node.terms:
        terms = terms + np.count_nonzero(matrix, axis=1)
        plain &= np.isin(matrix, (-1.0, 0.0, 1.0)).all(1)
    return np.maximum(terms - plain, 0)


def _lost(weights: Array, arithmetic: Arithmetic) -> Array:
    """What weights lose when they are stored in the format (0 for the network's own)."""
    return np.abs(weights - weights.astype(arithmetic.dtype).astype(np.float64))


def _function_error(
    function: str,
    ranges: Sequence[Interval],
    errors: Sequence[Array],
    signless: Sequence[Mask],
    arithmetic: Arithmetic,
) -> Array:
    """How far the sources' errors move the function, plus its own rounding."""
    seen = [
        (np.where(never, np.maximum(low - e, 0.0), low - e), high + e)
        for (low, high), e, never in zip(ranges, errors, signless, strict=True)
    ]
    real, computed = image(function, ranges), image(function, seen)
    jump = np.maximum(computed[1] - real[0], real[1] - computed[0])
    same = np.logical_and.reduce([e == 0 for e in errors])
    moved = np.where(same, 0.0, np.minimum(jump, _moved(function, seen, errors)))
    if function in _EXACT:
        return moved
    own = 2.0 * LIBRARY_ULPS * arithmetic.unit_roundoff * _largest(computed)
    return moved + own + 2.0 * arithmetic.smallest_normal


def _moved(function: str, seen: Sequence[Interval], errors: Sequence[Array]) -> Array:
    if function in _STEPS:
        return np.full_like(errors[0], np.inf)
    if function == "mul":
        return _largest(seen[0]) * errors[1] + _largest(seen[1]) * errors[0]
    if function in ("max", "min"):
        return _chosen(function, seen, errors)
    steepest = _STEEPEST.get(function, lambda x: np.ones_like(x[0]))
    slope, most = steepest(seen[0]), np.maximum.reduce(errors)
    moved = np.where(np.isnan(slope), np.inf, slope) * most
    if function == "sqrt":  # steep at 0, but |sqrt(a) - sqrt(b)| <= sqrt(|a - b|)
        moved = np.where(seen[0][0] >= 0, np.fmin(moved, np.sqrt(most)), moved)
    return moved


def _chosen(function: str, seen: Sequence[Interval], errors: Sequence[Array]) -> Array:
    """The error of the source that is surely taken, computed or not, else the larger one."""
    first, second = seen if function == "max" else [(-high, -low) for low, high in seen]
    other = np.where(second[0] > first[1], errors[1], np.maximum(*errors))
    return np.where(first[0] > second[1], errors[0], other)


def _from_zero(x: Interval) -> Array:
    """Distance of the interval from 0."""
    return np.maximum(np.maximum(x[0], -x[1]), 0.0)


def _where_positive(slope: Callable[[Array], Array]) -> Callable[[Interval], Array]:
    return lambda x: np.where(x[0] > 0, slope(x[0]), np.inf)


def steepest(function: str, x: Interval) -> Array:
    """Largest |slope| on intervals (b, w), to a few units in the last place."""
    return _STEEPEST[function](x)


_STEEPEST: dict[str, Callable[[Interval], Array]] = {
    "tanh": lambda x: 1.0 - np.tanh(_from_zero(x)) ** 2 + 1e-14,
    "sigmoid": lambda x: sigmoid(_from_zero(x)) * sigmoid(-_from_zero(x)),
    "erf": lambda x: 2.0 / np.sqrt(np.pi) * np.exp(-(_from_zero(x) ** 2)),
    "exp": lambda x: np.exp(x[1]),
    "log": _where_positive(lambda low: 1.0 / low),
    "sqrt": _where_positive(lambda low: 0.5 / np.sqrt(low)),
    "square": lambda x: 2.0 * _largest(x),
    "reciprocal": lambda x: 1.0 / _from_zero(x) ** 2,
}
"""Largest |derivative| on an interval; 1 for the functions not listed."""
