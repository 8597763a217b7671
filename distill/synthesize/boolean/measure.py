"""How long an expression is to a reader: bits, with lookup tables counted more."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from dsl.cost import bits
from dsl.program import Const, Expression, walk
from dsl.types import BOOL, Vector

LOOKUP = 16
"""Entries of a Boolean table that a reader takes in at a glance."""

_SHORT, _LONG = 1.0, 3.0
"""Extra bits for every entry of a table of truth values: it is short in bits and explains little,
and a long one nothing."""


@lru_cache(maxsize=1 << 16)
def weigh(expression: Expression) -> float:
    """Bits of an expression, plus what makes a table of truth values hard to read."""
    return round(bits(expression) + sum(map(_unreadable, walk(expression))), 6)


def _unreadable(node: Expression) -> float:
    if not isinstance(node, Const) or not isinstance(node.type, Vector):
        return 0.0
    if node.type.item != BOOL:
        return 0.0
    count = node.type.shape[0]
    return count * (_SHORT if count <= LOOKUP else _LONG)


def lightest(expressions: Iterable[Expression]) -> Expression:
    """The expression that weighs least, the first of equals."""
    return min(expressions, key=weigh)


def ranked(expressions: Iterable[Expression]) -> list[Expression]:
    """Different expressions, the lightest first, of equals the earlier."""
    return sorted(dict.fromkeys(expressions), key=weigh)
