"""Signatures shared by the families: small functions from argument types to the result type."""

from __future__ import annotations

from typing import Any

from dsl.primitive import Infer
from dsl.types import (
    BOOL,
    INT,
    REAL,
    Category,
    Function,
    Type,
    TypeMismatch,
    Vector,
    is_numeric,
    join,
)

Statics = tuple[Any, ...]


def require(condition: bool, sentence: str) -> None:
    """Refuse an application.

    Raises:
        TypeMismatch: with `sentence`, if the condition doesn't hold.
    """
    if not condition:
        raise TypeMismatch(sentence)


def fixed(*parameters: Type, result: Type) -> Infer:
    """Exactly these argument types (an int may stand for a real)."""

    def infer(types: tuple[Type, ...], _: Statics) -> Type:
        require(len(types) == len(parameters), f"takes {len(parameters)} arguments")
        for expected, given in zip(parameters, types, strict=True):
            fits = expected == given or (expected == REAL and is_numeric(given))
            require(fits, f"takes {expected} where {given} is given")
        return result

    return infer


def all_bool(least: int) -> Infer:
    """At least `least` Booleans to a Boolean."""

    def infer(types: tuple[Type, ...], _: Statics) -> Type:
        require(len(types) >= least, f"takes at least {least} arguments")
        require(all(t == BOOL for t in types), "takes bool")
        return BOOL

    return infer


def numeric(least: int, most: int | None = None, result: Type | None = None) -> Infer:
    """Numbers to a number: int if all are ints, else real; or to `result`."""

    def infer(types: tuple[Type, ...], _: Statics) -> Type:
        enough = len(types) >= least and (most is None or len(types) <= most)
        require(enough, f"takes {least} to {most or 'any number of'} arguments")
        require(all(map(is_numeric, types)), "takes numbers")
        return result or join(*types)

    return infer


def comparable(types: tuple[Type, ...], _: Statics) -> Type:
    """Two values of one type (numbers mix) to a Boolean."""
    require(len(types) == 2, "takes 2 arguments")
    require(
        isinstance(join(*types), type(BOOL) | type(INT) | type(REAL) | Category), "no such kind"
    )
    return BOOL


def vector_argument(types: tuple[Type, ...], count: int, position: int = 0) -> Vector:
    """The vector at `position` among `count` arguments.

    Raises:
        TypeMismatch: another number of arguments, or no vector there.
    """
    require(len(types) == count, f"takes {count} arguments")
    found = types[position]
    require(isinstance(found, Vector), "takes a vector")
    assert isinstance(found, Vector)
    return found


def plain_vector(types: tuple[Type, ...], count: int = 1) -> Vector:
    """The first argument, which must be a vector with one axis; `flatten` makes one."""
    found = vector_argument(types, count)
    require(len(found.shape) == 1, "takes a plain vector")
    return found


def numeric_vector(types: tuple[Type, ...], count: int = 1) -> Vector:
    """The first argument, which must be a vector of numbers with one axis."""
    found = plain_vector(types, count)
    require(is_numeric(found.item), "takes a plain vector of numbers")
    return found


def static_int(statics: Statics, position: int, low: int, high: int) -> int:
    """A constant int argument within bounds.

    Raises:
        TypeMismatch: it isn't a constant, or is out of bounds.
    """
    value = statics[position]
    require(isinstance(value, int), "needs a constant here")
    require(low <= value <= high, f"needs a constant from {low} to {high} here")
    return value


def function_argument(item: Type, parameters: tuple[Type, ...]) -> Function:
    """A function argument that takes these parameters."""
    require(isinstance(item, Function), "takes a function first")
    assert isinstance(item, Function)
    require(item.parameters == parameters, f"needs a function of {parameters}")
    return item
