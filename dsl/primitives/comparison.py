"""Comparisons of two values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsl.primitive import Example, Infer, Primitive, declare
from dsl.primitives.signatures import comparable, numeric
from dsl.types import BOOL

_ORDER = numeric(2, 2, result=BOOL)


def _comparison(
    name: str,
    symbol: str,
    infer: Infer,
    array: Callable[..., Any],
    scalar: Callable[..., Any],
    words: str,
    example: Example,
    symmetric: bool = False,
) -> Primitive:
    return declare(
        Primitive(
            name=name,
            symbol=symbol,
            precedence=5,
            infer=infer,
            elementwise=True,
            array=array,
            scalar=scalar,
            python="{0} " + symbol + " {1}",
            english="{0} " + words + " {1}",
            doc=f"True when the first argument {words} the second.",
            examples=(example,),
            laws=frozenset({"commutative"}) if symmetric else frozenset(),
        )
    )


LESS = _comparison(
    "less", "<", _ORDER, lambda xp, a, b: a < b, lambda ops, a, b: ops.less(a, b),
    "is less than", Example((1, 2), True),
)  # fmt: skip
LESS_EQUAL = _comparison(
    "less_equal", "<=", _ORDER, lambda xp, a, b: a <= b, lambda ops, a, b: ops.less_equal(a, b),
    "is at most", Example((2, 2), True),
)  # fmt: skip
GREATER = _comparison(
    "greater", ">", _ORDER, lambda xp, a, b: a > b, lambda ops, a, b: ops.less(b, a),
    "is greater than", Example((1, 2), False),
)  # fmt: skip
GREATER_EQUAL = _comparison(
    "greater_equal", ">=", _ORDER, lambda xp, a, b: a >= b,
    lambda ops, a, b: ops.less_equal(b, a), "is at least", Example((2, 2), True),
)  # fmt: skip
EQUAL = _comparison(
    "equal", "==", comparable, lambda xp, a, b: a == b, lambda ops, a, b: ops.equal(a, b),
    "equals", Example((2, 2), True), symmetric=True,
)  # fmt: skip
NOT_EQUAL = _comparison(
    "not_equal", "!=", comparable, lambda xp, a, b: a != b,
    lambda ops, a, b: ops.negate(ops.equal(a, b)), "differs from", Example((2, 2), False),
    symmetric=True,
)  # fmt: skip
