"""How far an input is from a jump of a program: its guard, read off the program itself.

Where a program compares, `x**2 + y**2 < 6.25`, the guard is the distance of the two
sides; where it takes the largest of a vector, the lead of the first over the second.
An `except` band around the guard is what a claim leaves out near a jump.
"""

from __future__ import annotations

from dsl.expand import written_out
from dsl.program import Const, Expression, Let, Prim, Program, const, let, prim, program, size
from dsl.types import REAL, TypeMismatch, Vector, accepts

_COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal"})
_TOGETHER = frozenset({"and_", "or_", "xor"})
_LARGEST = 20_000
"""Nodes above which functions aren't written out."""


def guard_of(found: Program) -> Program | None:
    """The guard of a program, or None where its jumps can't be told."""
    whole = _opened(found)
    try:
        body = None if whole is None else _guard(whole)
    except TypeMismatch:
        return None
    if body is None or not accepts(REAL, body.type):
        return None
    return program(found.main.parameters, body, REAL, "guard")


def scores_of(found: Program) -> Program | None:
    """What a program compares: a number that is >= 0 where it says true (and <= 0 where it says
    false), or the vector whose largest it takes; None where it is neither.
    """
    whole = _opened(found)
    try:
        body = None if whole is None else _scores(whole, 1.0)
    except TypeMismatch:
        return None
    return None if body is None else program(found.main.parameters, body, body.type, "scores")


def _opened(found: Program) -> Expression | None:
    """A program's body with its functions written out; None where that would fill pages."""
    if len(found.definitions) == 1:
        return found.main.body
    body = written_out(found).main.body
    return body if size(body) <= _LARGEST else None


def _scores(body: Expression, sign: float) -> Expression | None:
    if isinstance(body, Let):
        inner = _scores(body.children[1], sign)
        return None if inner is None else let(body.name, body.children[0], inner)
    if not isinstance(body, Prim):
        return None
    name, parts = body.primitive.name, body.children
    if name in _COMPARISONS:
        rising = name.startswith("greater") == (sign > 0)
        return prim("sub", *(parts if rising else parts[::-1]))
    if name == "not_":
        return _scores(parts[0], -sign)
    if name == "argmax":
        return parts[0]
    return prim("neg", parts[0]) if name == "argmin" else None


def _guard(body: Expression) -> Expression | None:
    if isinstance(body, Let):
        inner = _guard(body.children[1])
        return None if inner is None else let(body.name, body.children[0], inner)
    if not isinstance(body, Prim):
        return None
    name = body.primitive.name
    if name in _COMPARISONS:
        return _distance(*body.children)
    if name == "not_":
        return _guard(body.children[0])
    if name in _TOGETHER:
        parts = [_guard(c) for c in body.children]
        known = [p for p in parts if p is not None]
        return prim("min", *known) if len(known) == len(parts) else None
    if name in ("argmax", "argmin"):
        return _lead(body.children[0], name == "argmax")
    return None


def _distance(left: Expression, right: Expression) -> Expression:
    if isinstance(right, Const) and right.value == 0:
        return prim("abs", left)
    return prim("abs", prim("sub", left, right))


def _lead(vector: Expression, largest: bool) -> Expression | None:
    assert isinstance(vector.type, Vector)
    size = vector.type.shape[0]
    if size < 2:
        return None
    first, second = (size - 1, size - 2) if largest else (1, 0)
    return prim("sub", prim("kth", vector, const(first)), prim("kth", vector, const(second)))
