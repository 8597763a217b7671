"""Sound bounds of a program over batches of boxes, in outward-rounded float64 intervals.

A number is a `Range` of arrays, a truth value says per box whether it may hold and
whether it may fail. Ends may be infinite; NaN never appears. Every box is treated for
itself, and the result encloses every value the program's denotation takes there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.algebra import Unsupported
from dsl.meanings import rounding
from dsl.meanings.fold import Outcome, outcome
from dsl.meanings.mixed import Mixed
from dsl.program import Program
from dsl.types import BOOL, INT, Category, Type, TypeMismatch, element, shape_of

Array = NDArray[np.float64]
Boxes = Mapping[str, tuple[Any, Any]]
"""For every parameter its low and high ends, arrays (n, *shape); truth values are 0 and 1."""

_LIBM_STEPS = 8
"""Floats between a library function's result and the true value that we allow for (numpy
documents at most 4)."""


@dataclass(frozen=True, eq=False)
class Range:
    """All reals from `low` to `high`, arrays (n,); `whole` says that only ints are meant."""

    low: Array
    high: Array
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Truth:
    """Whether it may be true and whether it may be false, bool arrays (n,)."""

    may: NDArray[np.bool_]
    may_not: NDArray[np.bool_]


def _range(ends: tuple[Array, Array], whole: bool = False) -> Range:
    """A range without NaN; whole ones are tightened to ints."""
    low, high = ends
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    return Range(np.ceil(low), np.floor(high), True) if whole else Range(low, high)


def _hull(pairs: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    low = np.minimum.reduce(np.broadcast_arrays(*(p[0] for p in pairs)))
    high = np.maximum.reduce(np.broadcast_arrays(*(p[1] for p in pairs)))
    return low, high


def _corners(operation: Callable[..., tuple[Array, Array]], a: Range, b: Range) -> Any:
    return _hull([operation(x, y) for x in (a.low, a.high) for y in (b.low, b.high)])


def _enclose(value: Fraction | int) -> tuple[Array, Array]:
    """The floats around a rational; one and the same where it is a float."""
    try:
        nearest = float(value)
    except OverflowError:
        nearest = np.inf if value > 0 else -np.inf
    if np.isfinite(nearest) and Fraction(nearest) == value:
        return np.array([nearest]), np.array([nearest])
    return np.array([rounding.down(nearest)]), np.array([rounding.up(nearest)])


class Intervals(Mixed):
    """The algebra of intervals; arrays of length 1 stand for constants."""

    def __init__(self) -> None:
        self.spellings: dict[str, Callable[..., Any]] = {
            "abs": self._abs,
            "round": self._round,
            "sign": self._sign,
        }

    def term(self, value: Any) -> Any:
        """Plain bool, int or Fraction as bounds for all boxes."""
        if isinstance(value, bool):
            return Truth(np.array([value]), np.array([not value]))
        if isinstance(value, int | Fraction):
            return Range(*_enclose(value), whole=value == int(value) and abs(value) < 2**53)
        return value

    def is_truth(self, a: Any) -> bool:
        """Whether this is a truth value."""
        return isinstance(a, bool | Truth)

    def _add(self, a: Range, b: Range) -> Range:
        low, high = rounding.add(a.low, b.low)[0], rounding.add(a.high, b.high)[1]
        return _range((low, high), a.whole and b.whole)

    def _sub(self, a: Range, b: Range) -> Range:
        return self._add(a, self._neg(b))

    def _neg(self, a: Range) -> Range:
        return Range(-a.high, -a.low, a.whole)

    def _mul(self, a: Range, b: Range) -> Range:
        if a is b:
            return self._square(a)
        return _range(_corners(rounding.multiply, a, b), a.whole and b.whole)

    def _square(self, a: Range) -> Range:
        size = self._abs(a)
        low, high = rounding.multiply(size.low, size.low), rounding.multiply(size.high, size.high)
        return _range((np.maximum(low[0], 0), high[1]), a.whole)

    def _div(self, a: Range, b: Range) -> Range:
        """Everything where the divisor may be 0; the precondition tells of it."""
        through_zero = (b.low <= 0) & (b.high >= 0)
        low = np.where(through_zero, 1.0, b.low)
        high = np.where(through_zero, 1.0, b.high)
        ends = _corners(rounding.divide, a, Range(low, high))
        return _range(
            (np.where(through_zero, -np.inf, ends[0]), np.where(through_zero, np.inf, ends[1]))
        )

    def _floor(self, a: Range) -> Range:
        return Range(np.floor(a.low), np.floor(a.high), True)

    def _floordiv(self, a: Range, b: Range) -> Range:
        return self._floor(self._div(a, b))

    def _mod(self, a: Range, b: Range) -> Range:
        """`a - b * (a // b)`, which lies between 0 and the divisor."""
        rest = self._sub(a, self._mul(b, self._floordiv(a, b)))
        step = 1.0 if a.whole and b.whole else 0.0
        low, high = np.minimum(b.low + step, 0.0), np.maximum(b.high - step, 0.0)
        ends = np.maximum(rest.low, low), np.minimum(rest.high, high)
        zero = (b.low <= 0) & (b.high >= 0)
        return Range(
            np.where(zero, low, ends[0]), np.where(zero, high, ends[1]), a.whole and b.whole
        )

    def _abs(self, a: Any) -> Any:
        a = self.term(a)
        low = np.maximum(np.maximum(a.low, -a.high), 0.0)
        return Range(low, np.maximum(-a.low, a.high), a.whole)

    def _round(self, a: Any) -> Any:
        """Half to even, which is monotone."""
        a = self.term(a)
        return Range(np.round(a.low), np.round(a.high), True)

    def _sign(self, a: Any) -> Any:
        a = self.term(a)
        return Range(np.sign(a.low), np.sign(a.high), True)

    def _maximum(self, a: Range, b: Range) -> Range:
        low, high = np.maximum(a.low, b.low), np.maximum(a.high, b.high)
        return Range(low, high, a.whole and b.whole)

    def _minimum(self, a: Range, b: Range) -> Range:
        low, high = np.minimum(a.low, b.low), np.minimum(a.high, b.high)
        return Range(low, high, a.whole and b.whole)

    def _less(self, a: Range, b: Range) -> Truth:
        return Truth(a.low < b.high, a.high >= b.low)

    def _less_equal(self, a: Range, b: Range) -> Truth:
        return Truth(a.low <= b.high, a.high > b.low)

    def _equal(self, a: Any, b: Any) -> Truth:
        if isinstance(a, Truth):
            agree = (a.may & b.may) | (a.may_not & b.may_not)
            return Truth(agree, (a.may & b.may_not) | (a.may_not & b.may))
        points = (a.low == a.high) & (b.low == b.high) & (a.low == b.low)
        return Truth((a.low <= b.high) & (b.low <= a.high), ~points)

    def _both(self, a: Truth, b: Truth) -> Truth:
        return Truth(a.may & b.may, a.may_not | b.may_not)

    def _either(self, a: Truth, b: Truth) -> Truth:
        return Truth(a.may | b.may, a.may_not & b.may_not)

    def _negate(self, a: Truth) -> Truth:
        return Truth(a.may_not, a.may)

    def _choose(self, condition: Truth, a: Any, b: Any) -> Any:
        """The hull over the branches that may be taken."""
        yes, no = condition.may, condition.may_not
        if isinstance(a, Truth):
            return Truth((yes & a.may) | (no & b.may), (yes & a.may_not) | (no & b.may_not))
        low = np.minimum(np.where(yes, a.low, np.inf), np.where(no, b.low, np.inf))
        high = np.maximum(np.where(yes, a.high, -np.inf), np.where(no, b.high, -np.inf))
        return Range(low, high, a.whole and b.whole)

    def _function(self, name: str, a: Range) -> Range:
        if name not in _FUNCTIONS:
            raise Unsupported(f"intervals have no {name}")
        with np.errstate(all="ignore"):
            return _range(_FUNCTIONS[name](a.low, a.high))

    def _integer(self, name: str, *operands: Range) -> Range:
        if name == "isqrt":
            ends = _sqrt(operands[0].low, operands[0].high)
            return Range(np.floor(ends[0]), np.floor(ends[1]), True)
        if name == "gcd":
            return _gcd(self._abs(operands[0]), self._abs(operands[1]))
        raise Unsupported(f"intervals have no {name}")


def _sqrt(low: Array, high: Array) -> tuple[Array, Array]:
    below, above = rounding.root(np.maximum(low, 0.0)), rounding.root(np.maximum(high, 0.0))
    return np.maximum(below[0], 0.0), above[1]


def _exp(low: Array, high: Array) -> tuple[Array, Array]:
    ends = rounding.widen(np.exp(low), np.exp(high), _LIBM_STEPS)
    exact = low == 0, high == 0
    return np.where(exact[0], 1.0, np.maximum(ends[0], 0.0)), np.where(exact[1], 1.0, ends[1])


def _log(low: Array, high: Array) -> tuple[Array, Array]:
    """Where nothing is positive the logarithm is undefined, and anything is a bound."""
    ends = rounding.widen(np.log(np.maximum(low, 0.0)), np.log(high), _LIBM_STEPS)
    low_end, high_end = np.where(low == 1, 0.0, ends[0]), np.where(high == 1, 0.0, ends[1])
    return np.where(low <= 0, -np.inf, low_end), np.where(high <= 0, np.inf, high_end)


def _tanh(low: Array, high: Array) -> tuple[Array, Array]:
    ends = rounding.widen(np.tanh(low), np.tanh(high), _LIBM_STEPS)
    return (
        np.where(low == 0, 0.0, np.maximum(ends[0], -1.0)),
        np.where(high == 0, 0.0, np.minimum(ends[1], 1.0)),
    )


def _erf(low: Array, high: Array) -> tuple[Array, Array]:
    from scipy.special import erf

    ends = rounding.widen(erf(low), erf(high), _LIBM_STEPS)
    return (
        np.where(low == 0, 0.0, np.maximum(ends[0], -1.0)),
        np.where(high == 0, 0.0, np.minimum(ends[1], 1.0)),
    )


def _logistic(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1.0) / (1.0 + small)


def _sigmoid(low: Array, high: Array) -> tuple[Array, Array]:
    ends = rounding.widen(_logistic(low), _logistic(high), 2 * _LIBM_STEPS)
    return (
        np.where(low == 0, 0.5, np.maximum(ends[0], 0.0)),
        np.where(high == 0, 0.5, np.minimum(ends[1], 1.0)),
    )


def _cos(low: Array, high: Array) -> tuple[Array, Array]:
    return _wave(np.cos, 0.0, low, high)


def _sin(low: Array, high: Array) -> tuple[Array, Array]:
    low_end, high_end = _wave(np.sin, np.pi / 2, low, high)
    return np.where(_at_zero(low, high), 0.0, low_end), np.where(_at_zero(low, high), 0.0, high_end)


def _at_zero(low: Array, high: Array) -> NDArray[np.bool_]:
    return (low == 0) & (high == 0)


def _wave(
    function: Callable[[Any], Array], top: float, low: Array, high: Array
) -> tuple[Array, Array]:
    """Bounds of a sine or cosine with a maximum at `top`: its ends, and 1 or -1 where passed.

    The slack when looking for extrema covers the rounding of `low`, pi and the division for
    angles below 10^6; larger ones get [-1, 1].
    """
    large = (np.abs(low) > 1e6) | (np.abs(high) > 1e6)
    low, high = np.where(large, 0.0, low), np.where(large, 0.0, high)
    at_low, at_high = function(low), function(high)
    ends = rounding.widen(np.minimum(at_low, at_high), np.maximum(at_low, at_high), _LIBM_STEPS)
    peak = large | _passes(low - top, high - top)
    trough = large | _passes(low - top - np.pi, high - top - np.pi)
    slack = np.where(np.maximum(np.abs(low), np.abs(high)) > 1, 2.0**-50, 0.0)
    return (
        np.where(trough, -1.0, np.maximum(ends[0] - slack, -1.0)),
        np.where(peak, 1.0, np.minimum(ends[1] + slack, 1.0)),
    )


def _passes(low: Array, high: Array) -> NDArray[np.bool_]:
    """Whether a multiple of 2 pi may lie between the ends."""
    turn, slack = 2 * np.pi, 1e-9
    return np.floor(high / turn + slack) >= np.ceil(low / turn - slack)


def _gcd(a: Range, b: Range) -> Range:
    """At most the smaller of two numbers that aren't 0, else at most the larger."""
    points = (a.low == a.high) & (b.low == b.high) & (np.maximum(a.high, b.high) < 2**53)
    ints = [np.where(points, r.low, 1).astype(np.int64) for r in (a, b)]
    exact = np.gcd(*ints).astype(np.float64)
    nonzero = (a.low > 0) & (b.low > 0)
    most = np.where(nonzero, np.minimum(a.high, b.high), np.maximum(a.high, b.high))
    least = np.where((a.low > 0) | (b.low > 0), 1.0, 0.0)
    return Range(np.where(points, exact, least), np.where(points, exact, most), True)


_FUNCTIONS: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "sqrt": _sqrt,
    "exp": _exp,
    "log": _log,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "erf": _erf,
    "sin": _sin,
    "cos": _cos,
}


def evaluate_boxes(program: Program, boxes: Boxes) -> tuple[Array, Array]:
    """Bounds of a program's value over every box.

    Arguments:
        boxes: for every parameter its low and high ends, arrays (n, *shape), NaN-free and
            low <= high; of a bool, 0 and 1; infinite ends are fine.

    Returns:
        low and high, arrays (n, *result shape); a truth value that is the same all over a box has
        low == high, 0 or 1.

    Raises:
        Unsupported: the program uses a function without interval meaning.
        TypeMismatch: a box doesn't fit its parameter.
    """
    found, count = _outcome(program, boxes)
    ends = _stacked(found.value, count)
    shape = (count, *shape_of(program.main.body.type))
    return ends[0].reshape(shape), ends[1].reshape(shape)


def well_defined(program: Program, boxes: Boxes) -> NDArray[np.bool_]:
    """Per box, whether every precondition that the program reaches surely holds all over it."""
    found, count = _outcome(program, boxes)
    if isinstance(found.defined, bool):
        return np.full(count, found.defined)
    return np.array(np.broadcast_to(~found.defined.may_not, (count,)))


def _outcome(program: Program, boxes: Boxes) -> tuple[Outcome, int]:
    count = max((len(low) for low, _ in boxes.values()), default=1)
    environment = {name: _boxed(name, item, boxes) for name, item in program.main.parameters}
    return outcome(program, Intervals(), environment), count


def _boxed(name: str, item: Type, boxes: Boxes) -> Any:
    if name not in boxes:
        raise TypeMismatch(f"there is no box for {name}: {item}")
    low, high = (np.asarray(end, dtype=np.float64) for end in boxes[name])
    if low.shape != high.shape or low.shape[1:] != shape_of(item):
        raise TypeMismatch(f"the box of {name}: {item} has shapes {low.shape} and {high.shape}")
    inner = element(item)
    if inner == INT or isinstance(inner, Category):
        low, high = np.ceil(low), np.floor(high)
    if not (low <= high).all():
        raise TypeMismatch(f"the box of {name}: {item} is empty somewhere, or has NaN")
    return _nested(low, high, inner)


def _nested(low: Array, high: Array, item: Type) -> Any:
    if low.ndim > 1:
        return tuple(_nested(low[:, i], high[:, i], item) for i in range(low.shape[1]))
    if item == BOOL:
        return Truth(high >= 1, low <= 0)
    return Range(low, high, item == INT or isinstance(item, Category))


def _stacked(value: Any, count: int) -> tuple[Array, Array]:
    """Nested tuples of bounds as two arrays, the batch first."""
    if isinstance(value, tuple):
        parts = [_stacked(v, count) for v in value]
        return np.stack([p[0] for p in parts], 1), np.stack([p[1] for p in parts], 1)
    found = Intervals().term(value)
    if isinstance(found, Truth):
        low, high = (~found.may_not).astype(np.float64), found.may.astype(np.float64)
    else:
        low, high = found.low, found.high
    return np.broadcast_to(low, (count,)), np.broadcast_to(high, (count,))
