"""Numbers: + - * / // %, abs, min, max, powers, exponentials, rounding."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

from dsl.primitive import Example, Infer, Law, Primitive, declare
from dsl.primitives.arrays import as_real
from dsl.primitives.signatures import fixed, numeric
from dsl.types import BOOL, INT, REAL

_SYMMETRIC = frozenset({"commutative", "associative"})
_TIGHT = 100


def _folded(name: str) -> Callable[..., Any]:
    return lambda ops, *xs: reduce(getattr(ops, name), xs)


_ROUNDED_DOWN = re.compile(r"%|//")
_BRACKETS = re.compile(r"\([^()\[\]]*\)|\[[^()\[\]]*\]")


def _plus(left: str, right: str) -> str:
    """`a - b` for `a + -b`, but not for `a + -b % c`, whose sign belongs to b alone."""
    outside, inside = right, ""
    while outside != inside:
        outside, inside = _BRACKETS.sub("", outside), outside
    if right.startswith("-") and not _ROUNDED_DOWN.search(outside):
        return f"{left} - {right[1:]}"
    return f"{left} + {right}"


ADD = declare(
    Primitive(
        name="add",
        symbol="+",
        precedence=6,
        infer=numeric(2),
        elementwise=True,
        array=lambda xp, *xs: reduce(lambda a, b: a + b, xs),
        scalar=_folded("add"),
        python=lambda *texts: reduce(_plus, texts),
        english="{0} plus {1}",
        doc="The sum of the arguments.",
        examples=(Example((2, 3), 5), Example((1, 2, 3), 6)),
        laws=_SYMMETRIC,
    )
)
SUB = declare(
    Primitive(
        name="sub",
        symbol="-",
        precedence=6,
        infer=numeric(2, 2),
        elementwise=True,
        array=lambda xp, a, b: a - b,
        scalar=lambda ops, a, b: ops.sub(a, b),
        python="{0} - {1}",
        english="{0} minus {1}",
        doc="The difference of two numbers.",
        examples=(Example((2, 3), -1),),
    )
)
MUL = declare(
    Primitive(
        name="mul",
        symbol="*",
        precedence=7,
        infer=numeric(2),
        elementwise=True,
        array=lambda xp, *xs: reduce(lambda a, b: a * b, xs),
        scalar=_folded("mul"),
        python=lambda *texts: " * ".join(texts),
        english="{0} times {1}",
        doc="The product of the arguments.",
        examples=(Example((2, 3), 6),),
        laws=_SYMMETRIC,
    )
)


def _nonzero(ops: Any, _: Any, divisor: Any) -> Any:
    return ops.negate(ops.equal(divisor, ops.const(0)))


DIV = declare(
    Primitive(
        name="div",
        symbol="/",
        precedence=7,
        infer=numeric(2, 2, result=REAL),
        elementwise=True,
        array=lambda xp, a, b: as_real(xp, a) / as_real(xp, b),
        scalar=lambda ops, a, b: ops.div(a, b),
        python="{0} / {1}",
        english="{0} divided by {1}",
        doc="The quotient; the divisor must not be 0.",
        examples=(Example((1, 2), Fraction(1, 2)),),
        precondition=_nonzero,
    )
)


def _divisor(xp: Any, b: Any) -> Any:
    """Ints with 1 for 0: torch fails as a whole where one row, perhaps guarded, divides by 0."""
    return b if b.dtype in (xp.float32, xp.float64) else xp.where(b == 0, 1, b)


FLOORDIV = declare(
    Primitive(
        name="floordiv",
        symbol="//",
        precedence=7,
        infer=numeric(2, 2, result=INT),
        elementwise=True,
        array=lambda xp, a, b: as_int(xp, xp.floor_divide(a, _divisor(xp, b))),
        scalar=lambda ops, a, b: ops.floordiv(a, b),
        python="{0} // {1}",
        english="{0} divided by {1}, rounded down",
        doc="The quotient rounded down; the divisor must not be 0.",
        examples=(Example((7, 2), 3), Example((-7, 2), -4)),
        precondition=_nonzero,
    )
)
MOD = declare(
    Primitive(
        name="mod",
        symbol="%",
        precedence=7,
        infer=numeric(2, 2),
        elementwise=True,
        array=lambda xp, a, b: xp.remainder(a, _divisor(xp, b)),
        scalar=lambda ops, a, b: ops.mod(a, b),
        python="{0} % {1}",
        english="the remainder of {0} by {1}",
        doc="What the rounded-down quotient leaves; it has the divisor's sign.",
        examples=(Example((7, 3), 1), Example((-7, 3), 2)),
        precondition=_nonzero,
    )
)


def as_int(xp: Any, x: Any) -> Any:
    """Floats that are whole as int64; ints stay."""
    if x.dtype not in (xp.float32, xp.float64):
        return x
    return x.astype(xp.int64) if hasattr(x, "astype") else x.to(xp.int64)


def _unary(
    name: str,
    array: Callable[..., Any],
    scalar: Callable[..., Any],
    python: str,
    english: str,
    doc: str,
    examples: tuple[Example, ...],
    infer: Infer = numeric(1, 1),  # noqa: B008 (a pure value)
    laws: frozenset[Law] = frozenset(),
    precondition: Callable[..., Any] | None = None,
    exact: bool = True,
    symbol: str | None = None,
    precedence: int = 0,
    helper: str = "",
) -> Primitive:
    return declare(
        Primitive(
            name=name,
            infer=infer,
            elementwise=True,
            array=array,
            scalar=scalar,
            python=python,
            english=english,
            doc=doc,
            examples=examples,
            laws=laws,
            precondition=precondition,
            exact=exact,
            symbol=symbol,
            precedence=precedence,
            helper=helper,
        )
    )


_TO_REAL = numeric(1, 1, result=REAL)
_TO_INT = numeric(1, 1, result=INT)


def _smooth(
    name: str,
    doc: str,
    examples: tuple[Example, ...],
    python: str | None = None,
    english: str | None = None,
    precondition: Callable[..., Any] | None = None,
    laws: frozenset[Law] = frozenset(),
) -> Primitive:
    return _unary(
        name,
        lambda xp, x: getattr(xp, name)(as_real(xp, x)),
        lambda ops, x: ops.function(name, x),
        python or f"math.{name}({{0}})",
        english or f"the {name} of {{0}}",
        doc,
        examples,
        infer=_TO_REAL,
        precondition=precondition,
        exact=False,
        laws=laws,
    )


def _sigmoid(xp: Any, x: Any) -> Any:
    x = as_real(xp, x)
    small = xp.exp(-xp.abs(x))  # never overflows, and keeps the digits of small results
    return xp.where(x < 0, small, 1.0) / (1.0 + small)


NEG = _unary(
    "neg", lambda xp, x: -x, lambda ops, x: ops.neg(x), "-{0}", "minus {0}",
    "The number with its sign changed.", (Example((3,), -3),),
    laws=frozenset({"involution", "odd"}), symbol="-", precedence=8,
)  # fmt: skip
ABS = _unary(
    "abs", lambda xp, x: xp.abs(x), lambda ops, x: ops.maximum(x, ops.neg(x)), "abs({0})",
    "the size of {0}", "The number without its sign.", (Example((-3,), 3),),
    laws=frozenset({"idempotent", "even"}),
)  # fmt: skip
SQUARE = _unary(
    "square", lambda xp, x: x * x, lambda ops, x: ops.square(x), "{0}**2",
    "the square of {0}", "The number times itself.", (Example((-3,), 9),),
    laws=frozenset({"even"}),
    precedence=9,
)  # fmt: skip
RELU = _unary(
    "relu", lambda xp, x: xp.where(x > 0, x, xp.zeros_like(x)),
    lambda ops, x: ops.maximum(x, ops.const(0)), "max(0, {0})", "{0} or 0, whichever is larger",
    "The number where it is positive, else 0.", (Example((-3,), 0), Example((3,), 3)),
    laws=frozenset({"idempotent", "monotone"}),
)  # fmt: skip
FLOOR = _unary(
    "floor", lambda xp, x: as_int(xp, xp.floor(as_real(xp, x))), lambda ops, x: ops.floor(x),
    "math.floor({0})", "{0} rounded down", "The largest int that isn't larger.",
    (Example((Fraction(5, 2),), 2),), infer=_TO_INT, laws=frozenset({"idempotent", "monotone"}),
)  # fmt: skip
CEIL = _unary(
    "ceil", lambda xp, x: as_int(xp, xp.ceil(as_real(xp, x))),
    lambda ops, x: ops.neg(ops.floor(ops.neg(x))), "math.ceil({0})", "{0} rounded up",
    "The smallest int that isn't smaller.", (Example((Fraction(5, 2),), 3),), infer=_TO_INT,
    laws=frozenset({"idempotent", "monotone"}),
)  # fmt: skip


def _round_scalar(ops: Any, x: Any) -> Any:
    up = ops.floor(ops.add(x, ops.const(Fraction(1, 2))))
    tie = ops.equal(up, ops.add(x, ops.const(Fraction(1, 2))))
    odd = ops.equal(ops.mod(up, ops.const(2)), ops.const(1))
    return ops.choose(ops.both(tie, odd), ops.sub(up, ops.const(1)), up)


ROUND = _unary(
    "round", lambda xp, x: as_int(xp, xp.round(as_real(xp, x))), _round_scalar, "round({0})",
    "{0} rounded", "The nearest int, the even one of two.",
    (Example((Fraction(5, 2),), 2), Example((Fraction(7, 2),), 4)), infer=_TO_INT,
    laws=frozenset({"idempotent", "monotone"}),
)  # fmt: skip
SIGN = _unary(
    "sign", lambda xp, x: as_int(xp, xp.sign(x)),
    lambda ops, x: ops.choose(
        ops.less(ops.const(0), x), ops.const(1),
        ops.choose(ops.less(x, ops.const(0)), ops.const(-1), ops.const(0)),
    ),
    "sign({0})", "the sign of {0}", "1, 0 or -1 as the number is above, at or below 0.",
    (Example((-3,), -1),), infer=_TO_INT, laws=frozenset({"idempotent", "monotone", "odd"}),
    helper="""def sign(x: float) -> int:
    return (x > 0) - (x < 0)
""",
)  # fmt: skip
SQRT = _smooth(
    "sqrt", "The square root of a number that isn't negative.", (Example((4,), 2),),
    english="the square root of {0}",
    precondition=lambda ops, x: ops.less_equal(ops.const(0), x), laws=frozenset({"monotone"}),
)  # fmt: skip
EXP = _smooth("exp", "e to the power of the number.", (Example((0,), 1),),
              laws=frozenset({"monotone"}))  # fmt: skip
LOG = _smooth(
    "log", "The natural logarithm of a positive number.", (Example((1,), 0),),
    english="the logarithm of {0}",
    precondition=lambda ops, x: ops.less(ops.const(0), x), laws=frozenset({"monotone"}),
)  # fmt: skip
SIN = _smooth("sin", "The sine of an angle in radians.", (Example((0,), 0),),
              english="the sine of {0}", laws=frozenset({"odd"}))  # fmt: skip
COS = _smooth("cos", "The cosine of an angle in radians.", (Example((0,), 1),),
              english="the cosine of {0}", laws=frozenset({"even"}))  # fmt: skip
TANH = _smooth("tanh", "The hyperbolic tangent.", (Example((0,), 0),),
               laws=frozenset({"odd", "monotone"}))  # fmt: skip
SIGMOID = _unary(
    "sigmoid", _sigmoid, lambda ops, x: ops.function("sigmoid", x),
    "sigmoid({0})", "the logistic function of {0}",
    "1 / (1 + exp(-x)).", (Example((0,), Fraction(1, 2)),), infer=_TO_REAL, exact=False,
    laws=frozenset({"monotone"}),
    helper="""def sigmoid(x: float) -> float:
    small = math.exp(-abs(x))
    return (small if x < 0 else 1.0) / (1.0 + small)
""",
)  # fmt: skip
AS_INT = _unary(
    "as_int", lambda xp, x: xp.where(x, 1, 0),
    lambda ops, x: ops.choose(x, ops.const(1), ops.const(0)), "int({0})", "1 if {0}, else 0",
    "1 for true, 0 for false.", (Example((True,), 1),), infer=fixed(BOOL, result=INT),
)  # fmt: skip

MAX = declare(
    Primitive(
        name="max",
        infer=numeric(2),
        elementwise=True,
        array=lambda xp, *xs: reduce(xp.maximum, xs),
        scalar=_folded("maximum"),
        python=lambda *texts: f"max({', '.join(texts)})",
        english="the larger of {0} and {1}",
        doc="The largest of the arguments.",
        examples=(Example((2, 3), 3), Example((2, 5, 3), 5)),
        laws=_SYMMETRIC | {"idempotent", "monotone"},
    )
)
MIN = declare(
    Primitive(
        name="min",
        infer=numeric(2),
        elementwise=True,
        array=lambda xp, *xs: reduce(xp.minimum, xs),
        scalar=_folded("minimum"),
        python=lambda *texts: f"min({', '.join(texts)})",
        english="the smaller of {0} and {1}",
        doc="The smallest of the arguments.",
        examples=(Example((2, 3), 2),),
        laws=_SYMMETRIC | {"idempotent", "monotone"},
    )
)
CLIP = declare(
    Primitive(
        name="clip",
        infer=numeric(3, 3),
        elementwise=True,
        array=lambda xp, x, low, high: xp.minimum(xp.maximum(x, low), high),
        scalar=lambda ops, x, low, high: ops.minimum(ops.maximum(x, low), high),
        python="min(max({0}, {1}), {2})",
        english="{0} kept between {1} and {2}",
        doc="The number kept between two bounds.",
        examples=(Example((7, 0, 5), 5),),
        parameters=("x", "low", "high"),
    )
)


def _error_function(xp: Any, x: Any) -> Any:
    if hasattr(xp, "erf"):
        return xp.erf(as_real(xp, x))
    from scipy.special import erf

    return erf(x)


ERF = _unary(
    "erf", _error_function, lambda ops, x: ops.function("erf", x), "math.erf({0})",
    "the error function of {0}", "The error function of statistics.", (Example((0,), 0),),
    infer=_TO_REAL, exact=False, laws=frozenset({"odd", "monotone"}),
)  # fmt: skip
