"""The operations and inputs that the search benchmarks share."""

from __future__ import annotations

import numpy as np

from distill.synthesize.bank import Leaf, Operation

_PAIR = ("number", "number")
_BITS = ("bool", "bool")

MIX: tuple[Operation, ...] = (
    Operation("+", _PAIR, "number", lambda xp, a, b: a + b, 1, True, kind="add"),
    Operation("-", _PAIR, "number", lambda xp, a, b: a - b, kind="sub"),
    Operation("*", _PAIR, "number", lambda xp, a, b: a * b, 1, True, kind="mul"),
    Operation(
        "/", _PAIR, "number", lambda xp, a, b: a / b, 1, False, lambda xp, a, b: b != 0, "div"
    ),
    Operation("max", _PAIR, "number", lambda xp, a, b: xp.maximum(a, b), 1, True, kind="max"),
    Operation("min", _PAIR, "number", lambda xp, a, b: xp.minimum(a, b), 1, True, kind="min"),
    Operation(
        "absdiff", _PAIR, "number", lambda xp, a, b: xp.abs(a - b), 1, True, None, "abs_diff"
    ),
    Operation("<", _PAIR, "bool", lambda xp, a, b: a < b, kind="less"),
    Operation("<=", _PAIR, "bool", lambda xp, a, b: a <= b, kind="less_equal"),
    Operation(
        "neg", ("number",), "number", lambda xp, a: -a, inverse=lambda xp, low, high: (-high, -low)
    ),
    Operation("abs", ("number",), "number", lambda xp, a: xp.abs(a)),
    Operation(
        "square",
        ("number",),
        "number",
        lambda xp, a: a * a,
        inverse=lambda xp, low, high: (xp.sqrt(xp.maximum(low, 0.0)), xp.sqrt(high)),
    ),
)
"""The real mix: arithmetic, extremes, comparisons and unary functions."""

NUMERIC = tuple(operation for operation in MIX if operation.result == "number")

BOOLEAN: tuple[Operation, ...] = (
    Operation("and", _BITS, "bool", lambda xp, a, b: a & b, 1, True, kind="and"),
    Operation("or", _BITS, "bool", lambda xp, a, b: a | b, 1, True, kind="or"),
    Operation("xor", _BITS, "bool", lambda xp, a, b: a ^ b, 1, True, kind="xor"),
    Operation("not", ("bool",), "bool", lambda xp, a: ~a, kind="not"),
)

INPUTS = ("x", "y", "z")
CONSTANTS = {"1": 1.0, "2": 2.0}


def leaves(examples: int, seed: int = 0) -> list[Leaf]:
    """x, y, z on random examples, and the constants 1 and 2."""
    random = np.random.default_rng(seed)
    named = [Leaf(name, "number", random.normal(size=examples) * 2) for name in INPUTS]
    return named + [
        Leaf(name, "number", np.full(examples, value)) for name, value in CONSTANTS.items()
    ]
