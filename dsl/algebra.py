"""Scalar algebras: the few operations in which a primitive's generic meaning is written.

`scalar(ops, *args)` of a primitive calls only the methods below, so one text gives
the exact meaning (`Exact`), z3's (`dsl.meanings.z3_`), sympy's, and the bounds
(`dsl.meanings.interval`). Vectors are nested tuples; categories are integers.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Protocol


class Unsupported(Exception):
    """This algebra has no such function, e.g. z3 has no sin."""


class Undefined(ArithmeticError):
    """A partial operation outside its precondition, e.g. a division by zero."""


class Algebra(Protocol):
    """What an algebra provides; numbers and truth values are whatever it likes."""

    def const(self, value: Any) -> Any: ...
    def add(self, a: Any, b: Any) -> Any: ...
    def sub(self, a: Any, b: Any) -> Any: ...
    def mul(self, a: Any, b: Any) -> Any: ...
    def div(self, a: Any, b: Any) -> Any: ...
    def neg(self, a: Any) -> Any: ...
    def floor(self, a: Any) -> Any: ...
    def less(self, a: Any, b: Any) -> Any: ...
    def less_equal(self, a: Any, b: Any) -> Any: ...
    def equal(self, a: Any, b: Any) -> Any: ...
    def both(self, a: Any, b: Any) -> Any: ...
    def either(self, a: Any, b: Any) -> Any: ...
    def negate(self, a: Any) -> Any: ...
    def choose(self, condition: Any, a: Any, b: Any) -> Any: ...
    def maximum(self, a: Any, b: Any) -> Any: ...
    def minimum(self, a: Any, b: Any) -> Any: ...
    def square(self, a: Any) -> Any: ...
    def floordiv(self, a: Any, b: Any) -> Any: ...
    def mod(self, a: Any, b: Any) -> Any: ...
    def function(self, name: str, a: Any) -> Any: ...
    def integer(self, name: str, *arguments: Any) -> Any: ...
    def is_truth(self, a: Any) -> bool: ...


class Exact:
    """Fractions, ints and bools: the denotation itself. `function` covers what stays rational."""

    def const(self, value: Any) -> Any:
        return value

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def sub(self, a: Any, b: Any) -> Any:
        return a - b

    def mul(self, a: Any, b: Any) -> Any:
        return a * b

    def div(self, a: Any, b: Any) -> Any:
        if b == 0:
            raise Undefined("division by zero")
        return Fraction(a) / b

    def neg(self, a: Any) -> Any:
        return -a

    def floor(self, a: Any) -> Any:
        return math.floor(a)

    def less(self, a: Any, b: Any) -> Any:
        return a < b

    def less_equal(self, a: Any, b: Any) -> Any:
        return a <= b

    def equal(self, a: Any, b: Any) -> Any:
        return a == b

    def both(self, a: Any, b: Any) -> Any:
        return a and b

    def either(self, a: Any, b: Any) -> Any:
        return a or b

    def negate(self, a: Any) -> Any:
        return not a

    def choose(self, condition: Any, a: Any, b: Any) -> Any:
        return a if condition else b

    def maximum(self, a: Any, b: Any) -> Any:
        return max(a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return min(a, b)

    def square(self, a: Any) -> Any:
        return a * a

    def floordiv(self, a: Any, b: Any) -> Any:
        if b == 0:
            raise Undefined("division by zero")
        return a // b

    def mod(self, a: Any, b: Any) -> Any:
        if b == 0:
            raise Undefined("division by zero")
        return a % b

    def function(self, name: str, a: Any) -> Any:
        if name == "sqrt":
            return _exact_root(a)
        raise Unsupported(f"{name} isn't rational")

    def integer(self, name: str, *arguments: Any) -> Any:
        return getattr(math, name)(*arguments)

    def is_truth(self, a: Any) -> bool:
        return isinstance(a, bool)


def _exact_root(a: Any) -> Fraction:
    value = Fraction(a)
    if value < 0:
        raise Undefined("square root of a negative number")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top != value.numerator or bottom * bottom != value.denominator:
        raise Unsupported(f"the square root of {value} isn't rational")
    return Fraction(top, bottom)


def choose(ops: Any, condition: Any, a: Any, b: Any) -> Any:
    """`ops.choose`, carried into nested tuples."""
    if isinstance(a, tuple):
        return tuple(choose(ops, condition, x, y) for x, y in zip(a, b, strict=True))
    return ops.choose(condition, a, b)


def leaves(value: Any) -> list[Any]:
    """The scalars of nested tuples, in order."""
    if not isinstance(value, tuple):
        return [value]
    return [leaf for item in value for leaf in leaves(item)]


def lift(function: Any, *arguments: Any) -> Any:
    """Apply a scalar function over nested tuples, repeating scalars."""
    vectors = [a for a in arguments if isinstance(a, tuple)]
    if not vectors:
        return function(*arguments)
    rows = zip(
        *(a if isinstance(a, tuple) else (a,) * len(vectors[0]) for a in arguments), strict=True
    )
    return tuple(lift(function, *row) for row in rows)
