"""What Python calls things: type hints, literals, names, helper functions, modules."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from dsl.primitive import Primitive
from dsl.program import Expression, Prim, walk
from dsl.types import BOOL, INT, REAL, Category, Type, Vector


def annotation(item: Type) -> str:
    """The type hint of values of a type."""
    if isinstance(item, Vector):
        inner = Vector(item.item, item.shape[1:]) if len(item.shape) > 1 else item.item
        return f"list[{annotation(inner)}]"
    if isinstance(item, Category):
        return "int"
    return {BOOL: "bool", INT: "int", REAL: "float"}.get(item, "object")


def literal(value: Any, item: Type) -> str:
    """A literal of a type."""
    if isinstance(item, Vector):
        inner = Vector(item.item, item.shape[1:]) if len(item.shape) > 1 else item.item
        return "[" + ", ".join(literal(v, inner) for v in value) + "]"
    if item == REAL:
        return _real(Fraction(value))
    return repr(value)


def _real(value: Fraction) -> str:
    short = repr(float(value))
    if Fraction(short) == value or value.denominator > 1000:
        return short
    return f"{value.numerator} / {value.denominator}"


def python_name(name: str, taken: Iterable[str] = ()) -> str:
    """`name`, changed where it is a Python keyword, a builtin or taken."""
    found = name
    while keyword.iskeyword(found) or hasattr(builtins, found) or found in set(taken):
        found += "_"
    return found


def helper_names(body: Expression) -> list[str]:
    """Names of the helper functions that an expression's Python text calls."""
    return [_defined(p.helper) for p in used_primitives(body) if p.helper]


def _defined(source: str) -> str:
    match = re.match(r"def (\w+)", source)
    assert match is not None
    return match.group(1)


def used_primitives(body: Expression) -> list[Primitive]:
    """The primitives of an expression, in order of first use."""
    return list(dict.fromkeys(n.primitive for n in walk(body) if isinstance(n, Prim)))


def imports(texts: Iterable[str]) -> list[str]:
    """The standard modules that the source refers to."""
    source = "\n".join(texts)
    names = ("functools", "itertools", "math", "operator", "statistics")
    return [name for name in names if re.search(rf"\b{name}\.", source)]


def helpers_called(bodies: Iterable[Expression], source: str) -> list[str]:
    """The helper functions of some expressions that their Python text calls."""
    found = dict.fromkeys(p.helper for b in bodies for p in used_primitives(b) if p.helper)
    return [h.rstrip() for h in found if re.search(rf"\b{_defined(h)}\(", source)]
