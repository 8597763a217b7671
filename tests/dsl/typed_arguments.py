"""Well-typed random arguments for any primitive: signatures are found by trying types out."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np

from dsl import primitives as _vocabulary  # noqa: F401 (fills the registry)
from dsl.primitive import REGISTRY, Primitive
from dsl.program import Program, const, function, prim, program, var
from dsl.types import BOOL, INT, REAL, Category, Function, TypeMismatch, Vector, element, shape_of

VECTORS = (Vector(REAL, (3,)), Vector(INT, (3,)), Vector(BOOL, (3,)), Vector(BOOL, (2,)))
TENSORS = (Vector(REAL, (2, 3)), Vector(REAL, (2,)), Vector(REAL, (2, 3, 3)))
KERNEL = Vector(REAL, (2, 2, 2, 2))
TYPES = (BOOL, INT, REAL, Category(3), *VECTORS, *TENSORS)
STATICS = (const(2), const(0))

v, s = var("v", REAL), var("s", REAL)
FUNCTIONS = (
    function((("v", REAL),), prim("add", prim("mul", v, v), const(1))),
    function((("s", REAL), ("v", REAL)), prim("max", prim("mul", s, const(Fraction(1, 2))), v)),
    function((("v", REAL),), prim("less", v, const(1))),
)
STRIDED = (
    (KERNEL, TENSORS[2], const(1)),
    (KERNEL, TENSORS[2], const(2)),
    (VECTORS[0], const((2, 0, 0, 1))),
    (VECTORS[2], const((1,))),
    (Vector(INT, (6,)), const(1), const(3)),
    (TENSORS[2], const(1), const(0)),
)
MOST_SIGNATURES = 4


@dataclass(frozen=True)
class Case:
    """A primitive applied to parameters `a0`, `a1` ...; literals and functions stand in place."""

    program: Program

    @property
    def name(self):
        return " ".join(str(item) for _, item in self.program.main.parameters)


def _expression(primitive, arguments):
    return prim(
        primitive,
        *(a if hasattr(a, "children") else var(f"a{i}", a) for i, a in enumerate(arguments)),
    )


def _fits(primitive, arguments):
    types = tuple(a.type if hasattr(a, "children") else a for a in arguments)
    statics = tuple(getattr(a, "value", None) for a in arguments)
    try:
        primitive.result_type(types, statics)
    except TypeMismatch:
        return False
    by_zero = primitive.name in ("div", "floordiv", "mod") and arguments[1] is STATICS[1]
    return any(not hasattr(a, "children") for a in arguments) and not by_zero


@cache
def cases(name: str) -> tuple[Case, ...]:
    """Up to `MOST_SIGNATURES` signatures, spread over all that fit."""
    primitive = REGISTRY[name]
    choices = (*TYPES, *STATICS, *FUNCTIONS)
    found = [c for c in STRIDED if _fits(primitive, c)]
    for count in (1, 2, 3):
        found += [c for c in product(choices, repeat=count) if _fits(primitive, c)]
    step = max(1, len(found) // MOST_SIGNATURES)
    return tuple(_case(primitive, a) for a in found[::step][: MOST_SIGNATURES + 1])


def _case(primitive: Primitive, arguments) -> Case:
    body = _expression(primitive, arguments)
    parameters = tuple((f"a{i}", a) for i, a in enumerate(arguments) if not hasattr(a, "children"))
    assert not any(isinstance(item, Function) for _, item in parameters)
    return Case(program(parameters, body))


def draw_column(item, rows: int, random: np.random.Generator):
    """Values of a type, batch first: small ints, eighths (so that ties and zeros occur)."""
    shape = (rows, *shape_of(item))
    scalar = element(item)
    if scalar == BOOL:
        return random.integers(0, 2, shape).astype(bool)
    if scalar == INT:
        return random.integers(-7, 8, shape)
    if isinstance(scalar, Category):
        return random.integers(0, scalar.size, shape)
    return random.integers(-24, 25, shape) / 8.0


def draw_columns(case: Case, rows: int, seed: int):
    random = np.random.default_rng(seed)
    return tuple(draw_column(item, rows, random) for _, item in case.program.main.parameters)


def values(columns, row: int):
    """One example as plain values, for the exact meaning."""
    return tuple(nested(column[row]) for column in columns)


def nested(array):
    found = array.tolist()
    return _tuples(found)


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
