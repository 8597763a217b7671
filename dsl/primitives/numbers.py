"""Whole numbers: digits, bits, greatest common divisors, integer roots."""

from __future__ import annotations

from functools import reduce
from typing import Any

from dsl.primitive import Example, Primitive, declare
from dsl.primitives.arithmetic import as_int
from dsl.primitives.arrays import as_number, stack
from dsl.primitives.signatures import Statics, fixed, plain_vector, require, static_int
from dsl.types import BOOL, INT, Type, Vector


def _digits_type(types: tuple[Type, ...], statics: Statics) -> Type:
    require(len(types) == 3 and types[0] == INT, "takes an int, a base and a length")
    static_int(statics, 1, 2, 1 << 16)
    return Vector(INT, (static_int(statics, 2, 1, 64),))


def _constant(x: Any) -> int:
    return int(x.reshape(-1)[0])


def _digits_array(xp: Any, x: Any, base: Any, length: Any) -> Any:
    radix, count = _constant(base), _constant(length)
    return stack(xp, _digits(x, radix, count))


def _digits(x: Any, radix: int, count: int) -> list[Any]:
    """Digit by digit, so that no power leaves int64."""
    found = []
    for _ in range(count):
        found.append(x % radix)
        x = x // radix
    return found[::-1]


def _digits_scalar(ops: Any, x: Any, base: Any, length: Any) -> Any:
    return tuple(
        ops.mod(ops.floordiv(x, ops.const(base**i)), ops.const(base))
        for i in reversed(range(length))
    )


DIGITS = declare(
    Primitive(
        name="digits",
        infer=_digits_type,
        array=_digits_array,
        scalar=_digits_scalar,
        python="digits({0}, {1}, {2})",
        helper="""def digits(number: int, base: int, length: int) -> list:
    return [number // base**i % base for i in reversed(range(length))]
""",
        english="the last {2} digits of {0} in base {1}",
        doc="The last digits of an int in a constant base, most significant first.",
        examples=(Example((123, 10, 3), (1, 2, 3)), Example((6, 2, 4), (0, 1, 1, 0))),
        parameters=("x", "base", "length"),
    )
)


def _from_digits_type(types: tuple[Type, ...], statics: Statics) -> Type:
    item = plain_vector(types, 2).item
    require(item in (INT, BOOL) and types[1] == INT, "takes digits and a base")
    static_int(statics, 1, 2, 1 << 16)
    return INT


def _from_digits_array(xp: Any, x: Any, base: Any) -> Any:
    radix, numbers = _constant(base), as_number(xp, x)
    columns = [numbers[:, i] for i in range(x.shape[1])]
    return reduce(lambda total, digit: total * radix + digit, columns)


def _as_scalar(ops: Any, x: Any) -> Any:
    return ops.choose(x, ops.const(1), ops.const(0)) if ops.is_truth(x) else x


def _from_digits_scalar(ops: Any, x: Any, base: Any) -> Any:
    return reduce(
        lambda total, digit: ops.add(ops.mul(total, ops.const(base)), digit),
        [_as_scalar(ops, d) for d in x],
    )


NUMBER = declare(
    Primitive(
        name="number",
        infer=_from_digits_type,
        array=_from_digits_array,
        scalar=_from_digits_scalar,
        python="number({0}, {1})",
        helper="""def number(digits: list, base: int) -> int:
    total = 0
    for digit in digits:
        total = base * total + digit
    return total
""",
        english="the number with digits {0} in base {1}",
        doc="The number whose digits (or bits) these are, most significant first.",
        examples=(Example(((1, 2, 3), 10), 123), Example(((True, False), 2), 2)),
        parameters=("digits", "base"),
    )
)


def _bits_type(types: tuple[Type, ...], statics: Statics) -> Type:
    require(len(types) == 2 and types[0] == INT, "takes an int and a length")
    return Vector(BOOL, (static_int(statics, 1, 1, 64),))


def _bits_array(xp: Any, x: Any, length: Any) -> Any:
    return stack(xp, [digit == 1 for digit in _digits(x, 2, _constant(length))])


BITS = declare(
    Primitive(
        name="bits",
        infer=_bits_type,
        array=_bits_array,
        scalar=lambda ops, x, length: tuple(
            ops.equal(d, ops.const(1)) for d in _digits_scalar(ops, x, 2, length)
        ),
        python="bits({0}, {1})",
        helper="""def bits(number: int, length: int) -> list:
    return [number // 2**i % 2 == 1 for i in reversed(range(length))]
""",
        english="the last {1} bits of {0}",
        doc="The last bits of an int, most significant first.",
        examples=(Example((6, 4), (False, True, True, False)),),
        parameters=("x", "length"),
    )
)


def _gcd_array(xp: Any, a: Any, b: Any) -> Any:
    return as_int(xp, xp.gcd(a, b))


GCD = declare(
    Primitive(
        name="gcd",
        infer=fixed(INT, INT, result=INT),
        elementwise=True,
        array=_gcd_array,
        scalar=lambda ops, a, b: ops.integer("gcd", a, b),
        python="math.gcd({0}, {1})",
        english="the greatest common divisor of {0} and {1}",
        doc="The greatest common divisor; gcd(0, 0) is 0.",
        examples=(Example((12, 18), 6),),
        laws=frozenset({"commutative", "associative", "idempotent"}),
    )
)


def _isqrt_array(xp: Any, x: Any) -> Any:
    root = as_int(xp, xp.floor(xp.sqrt(x + xp.zeros((), dtype=xp.float64))))
    root = xp.where(root * root > x, root - 1, root)
    return xp.where((root + 1) * (root + 1) <= x, root + 1, root)


ISQRT = declare(
    Primitive(
        name="isqrt",
        infer=fixed(INT, result=INT),
        elementwise=True,
        array=_isqrt_array,
        scalar=lambda ops, x: ops.integer("isqrt", x),
        python="math.isqrt({0})",
        english="the whole part of the square root of {0}",
        doc="The largest int whose square isn't larger; the argument isn't negative.",
        examples=(Example((17,), 4),),
        precondition=lambda ops, x: ops.less_equal(ops.const(0), x),
    )
)
