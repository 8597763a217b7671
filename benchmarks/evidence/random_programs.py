"""Random well-typed programs: any primitive on whatever fits, with named values and functions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from dsl import primitives as _vocabulary  # noqa: F401 (fills the registry)
from dsl.primitive import REGISTRY
from dsl.program import (
    Definition,
    Expression,
    Program,
    call,
    const,
    free_variables,
    function,
    let,
    prim,
    var,
)
from dsl.types import BOOL, INT, REAL, Category, Function, Type, TypeMismatch, Vector, element
from dsl.types import shape_of as shape

PARAMETERS: tuple[Type, ...] = (
    BOOL, INT, REAL, Category(3), Vector(REAL, (3,)), Vector(INT, (3,)), Vector(BOOL, (3,)),
    Vector(REAL, (2, 2)),
)  # fmt: skip
_LARGEST = 12
"""Scalars in a value, at most."""

_TRIES = 30
_NUMBER, _SO_FAR = var("v", REAL), var("s", REAL)
_FUNCTIONS = (
    function((("v", REAL),), prim("sub", prim("mul", _NUMBER, _NUMBER), const(1))),
    function((("v", REAL),), prim("less", _NUMBER, const(Fraction(1, 2)))),
    function((("s", REAL), ("v", REAL)), prim("max", prim("sub", _SO_FAR, const(1)), _NUMBER)),
)
_NAMES = tuple(sorted(REGISTRY))


def random_program(seed: int, number: int) -> Program:
    """The program of that number: up to 3 parameters, 2 functions, 3 named values, 10 nodes."""
    rng = np.random.default_rng([seed, number])
    helpers: list[Definition] = []
    for place in range(int(rng.integers(0, 3))):
        helpers.append(_definition(rng, f"f{place}", tuple(helpers)))
    return Program((*helpers, _definition(rng, "predict", tuple(helpers))))


def _definition(rng: np.random.Generator, name: str, helpers: tuple[Definition, ...]) -> Definition:
    chosen = [PARAMETERS[i] for i in rng.integers(0, len(PARAMETERS), rng.integers(1, 4))]
    parameters = tuple((f"x{i}", item) for i, item in enumerate(chosen))
    pool: list[Expression] = [var(n, item) for n, item in parameters]
    named: list[tuple[str, Expression]] = []
    for _ in range(int(rng.integers(2, 11))):
        found = _applied(rng, pool, helpers)
        if found is None:
            continue
        if rng.random() < 0.2 and len(named) < 3:
            named.append((f"n{len(named)}", found))
            found = var(named[-1][0], found.type)
        pool.append(found)
    body = pool[-1]
    for label, value in reversed(named):
        if label in free_variables(body):
            body = let(label, value, body)
    return Definition(name, parameters, body, body.type)


def _applied(
    rng: np.random.Generator, pool: list[Expression], helpers: tuple[Definition, ...]
) -> Expression | None:
    """A primitive or a function on things of the pool and constants; None where nothing fits."""
    for _ in range(_TRIES):
        if helpers and rng.random() < 0.1:
            callee = helpers[rng.integers(len(helpers))]
            arguments = [_of_type(rng, pool, item) for _, item in callee.parameters]
            if any(a is None for a in arguments):
                continue
            given = tuple(a for a in arguments if a is not None)
            return call(callee.name, given, callee.body.type)
        name = _NAMES[rng.integers(len(_NAMES))]
        arguments = [_argument(rng, pool) for _ in range(int(rng.integers(1, 4)))]
        try:
            found = prim(name, *arguments)
        except (TypeMismatch, ValueError):
            continue
        if _is_value(found.type) and free_variables(found):
            return found
    return None


def _argument(rng: np.random.Generator, pool: list[Expression]) -> Expression:
    kind = rng.random()
    if kind < 0.7:
        return pool[rng.integers(len(pool), size=2).max()]
    if kind < 0.85:
        return const(int(rng.integers(-2, 5)))
    if kind < 0.95:
        return const(Fraction(int(rng.integers(-12, 13)), 8))
    return _FUNCTIONS[rng.integers(len(_FUNCTIONS))]


def _of_type(rng: np.random.Generator, pool: list[Expression], item: Type) -> Expression | None:
    fitting = [e for e in pool if e.type == item]
    return fitting[rng.integers(len(fitting))] if fitting else None


def _is_value(item: Type) -> bool:
    return not isinstance(item, Function) and int(np.prod(shape(item))) <= _LARGEST


def random_column(item: Type, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Values (rows, ...) of a type: truths, small ints, eighths, so that ties and zeros occur."""
    scalar, size = element(item), (rows, *shape(item))
    if scalar == BOOL:
        return rng.integers(0, 2, size).astype(bool)
    if scalar == INT:
        return rng.integers(-7, 8, size)
    if isinstance(scalar, Category):
        return rng.integers(0, scalar.size, size)
    return rng.integers(-24, 25, size) / 8.0


def plain(column: Any) -> Any:
    """An array's values as nested tuples."""
    return _tuples(np.asarray(column).tolist())


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
