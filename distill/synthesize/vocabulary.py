"""The operations that enumeration may use, from the primitives' own declarations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from distill.synthesize.bank import BOOL, NUMBER, Operation
from dsl.domain import Domain
from dsl.meanings.array import run
from dsl.meanings.interval import well_defined
from dsl.primitive import REGISTRY, Primitive
from dsl.program import Definition, Expression, Prim, Program, call, const, prim, walk
from dsl.types import BOOL as TRUTH
from dsl.types import INT, REAL, TypeMismatch, accepts

_BINARY_NUMBERS = {"add": 1, "sub": 1, "mul": 1, "max": 1, "min": 1}
_REALS = {"square": 1, "sqrt": 2, "sin": 2, "cos": 2, "exp": 2, "tanh": 2, "relu": 1}
_EVERYWHERE = {"neg": 1, "abs": 1}
_WHOLE = {"floordiv": 1, "mod": 1, "gcd": 2, "square": 1}
_TRUTHS = {"and_": "and", "or_": "or", "xor": "xor", "not_": "not"}
_LARGE = 1e12
_ARGUMENTS_AT_MOST = 4
"""Of a user's function that the search tries."""
_NO_FUNCTIONS: Mapping[str, Definition] = MappingProxyType({})


def operations(
    domain: Domain,
    allowed: Collection[str] | None = None,
    forbidden: Collection[str] = (),
    own: Collection[Primitive] = (),
    functions: Collection[Definition] = (),
) -> tuple[Operation, ...]:
    """Operations for a domain: exact ones everywhere, smooth ones on reals, whole ones on ints.

    Equality is left out on reals, where it holds on next to nothing.

    allowed, forbidden: names of primitives; own: a user's primitives of numbers or truths;
    functions: a user's functions, those of numbers and truths are tried.
    """
    real = any(f.item == REAL for f in domain.fields)
    names = {**_BINARY_NUMBERS, **_EVERYWHERE, **({**_REALS, "div": 1} if real else _WHOLE)}
    if not real:
        names["isqrt"] = 2
    found = [_numbers(REGISTRY[n], cost) for n, cost in names.items()]
    found += [_comparison("less"), _comparison("less_equal")]
    found += [] if real else [_equality()]
    found += [_truth(name, kind) for name, kind in _TRUTHS.items()]
    found += [_choice("if_", NUMBER), _choice("if_bool", BOOL), _indicator()]
    found += [_own(p) for p in own]
    kept = [o for o in found if _permitted(_primitive_name(o.name), allowed, forbidden)]
    return tuple(kept + [called_operation(d) for d in functions if _callable(d, real)])


def _permitted(name: str, allowed: Collection[str] | None, forbidden: Collection[str]) -> bool:
    return name not in forbidden and (allowed is None or name in allowed)


def _primitive_name(name: str) -> str:
    return "if_" if name == "if_bool" else name


def apply(
    name: str, arguments: list[Expression], functions: Mapping[str, Definition] = _NO_FUNCTIONS
) -> Expression:
    """The expression of an operation of the search; `functions` by their operations' names.

    Raises:
        TypeMismatch: the arguments don't fit.
    """
    made = functions.get(name)
    if made is None:
        return prim(_primitive_name(name), *arguments)
    for (parameter, item), given in zip(made.parameters, arguments, strict=True):
        if not accepts(item, given.type):
            raise TypeMismatch(f"{parameter} of {made.name} is {item}; got {given.type}")
    return call(made.name, tuple(arguments), made.result)


def operation_name(definition: Definition) -> str:
    """The name that a function's operation has in the search: none of a primitive's."""
    return f"call {definition.name}"


def _callable(definition: Definition, real: bool) -> bool:
    """Whether the search may try a function: of few numbers and truths, whole ones only where all
    are."""
    kinds = [t for _, t in definition.parameters]
    if not 1 <= len(kinds) <= _ARGUMENTS_AT_MOST or (real and INT in kinds):
        return False
    return all(k in (TRUTH, INT, REAL) for k in (*kinds, definition.result))


def called_operation(definition: Definition) -> Operation:
    """A function as an operation: its meaning, and where it is defined, by its body."""
    kinds = [t for _, t in definition.parameters]
    whole = Program((definition,))

    def columns(arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        given = np.broadcast_arrays(*arguments)
        flat = [
            np.nan_to_num(a.ravel(), posinf=0, neginf=0).astype(np.int64) if k == INT else a.ravel()
            for a, k in zip(given, kinds, strict=True)
        ]
        return tuple(flat), given[0].shape

    def array(xp: Any, *arguments: Any) -> Any:
        flat, shape = columns(arguments)
        with np.errstate(all="ignore"):
            found = run(whole, flat).reshape(shape)
        return found if definition.result == TRUTH else found.astype(np.float64)

    def defined(xp: Any, *arguments: Any) -> Any:
        flat, shape = columns(arguments)
        named = zip((n for n, _ in definition.parameters), flat, strict=True)
        with np.errstate(all="ignore"):
            good = well_defined(whole, {n: (c.astype(float), c.astype(float)) for n, c in named})
        found = np.broadcast_to(good, flat[0].shape).reshape(shape)
        for one, kind in zip(arguments, kinds, strict=True):
            found = found & (_is_whole(one) if kind == INT else np.isfinite(one))
        return found

    return Operation(
        operation_name(definition),
        tuple(BOOL if k == TRUTH else NUMBER for k in kinds),
        BOOL if definition.result == TRUTH else NUMBER,
        array,
        2,
        precondition=defined if _may_fail(definition) or INT in kinds else None,
    )


def _may_fail(definition: Definition) -> bool:
    nodes = walk(definition.body)
    return any(isinstance(n, Prim) and n.primitive.precondition is not None for n in nodes)


def _meaning(primitive: Primitive) -> Callable[..., Any]:
    def array(xp: Any, *arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(primitive.array(xp, *arguments), dtype=np.float64)

    return array


def _defined(primitive: Primitive) -> Callable[..., Any]:
    """Rows on which a primitive may be applied and gives a number of a sensible size."""
    tests: dict[str, Callable[..., Any]] = {
        "sqrt": lambda x: x >= 0,
        "log": lambda x: x > 0,
        "exp": lambda x: x < 20,
        "div": lambda a, b: b != 0,
        "floordiv": lambda a, b: (b != 0) & _is_whole(a) & _is_whole(b),
        "mod": lambda a, b: (b != 0) & _is_whole(a) & _is_whole(b),
        "gcd": lambda a, b: _is_whole(a) & _is_whole(b),
        "isqrt": lambda x: (x >= 0) & _is_whole(x),
        "square": lambda x: np.abs(x) < _LARGE,
    }
    test = tests[primitive.name]
    return lambda xp, *arguments: test(*arguments)


def _is_whole(x: Any) -> Any:
    return (x == np.rint(x)) & (np.abs(x) < _LARGE)


def _numbers(primitive: Primitive, cost: int) -> Operation:
    name = primitive.name
    arity = 2 if name in _BINARY_NUMBERS or name in ("div", "floordiv", "mod", "gcd") else 1
    fast = name in _BINARY_NUMBERS or name == "div"
    partial = name in ("sqrt", "log", "exp", "div", "floordiv", "mod", "gcd", "isqrt", "square")
    array = _on_whole(primitive) if name in ("gcd", "isqrt") else _meaning(primitive)
    return Operation(
        name,
        (NUMBER,) * arity,
        NUMBER,
        array,
        cost,
        "commutative" in primitive.laws,
        _defined(primitive) if partial else None,
        name if fast else None,
    )


def _on_whole(primitive: Primitive) -> Callable[..., Any]:
    def array(xp: Any, *arguments: Any) -> Any:
        whole = [np.nan_to_num(a, posinf=0, neginf=0).astype(np.int64) for a in arguments]
        with np.errstate(all="ignore"):
            return np.asarray(primitive.array(xp, *whole), dtype=np.float64)

    return array


def _comparison(name: str) -> Operation:
    array = REGISTRY[name].array
    return Operation(name, (NUMBER, NUMBER), BOOL, array, kind=name)


def _equality() -> Operation:
    array = REGISTRY["equal"].array
    return Operation("equal", (NUMBER, NUMBER), BOOL, array, commutative=True)


def _truth(name: str, kind: str) -> Operation:
    arity = 1 if kind == "not" else 2
    return Operation(
        name, (BOOL,) * arity, BOOL, REGISTRY[name].array, commutative=arity == 2, kind=kind
    )


def _choice(name: str, item: str) -> Operation:
    def array(xp: Any, condition: Any, yes: Any, no: Any) -> Any:
        return xp.where(condition, yes, no)

    return Operation(name, (BOOL, item, item), item, array, kind="if")


def _indicator() -> Operation:
    array = lambda xp, x: np.asarray(x, dtype=np.float64)  # noqa: E731
    return Operation("as_int", (BOOL,), NUMBER, array)


def _own(primitive: Primitive) -> Operation:
    """A user's primitive, tried with as many numbers as its parameters or first example name."""
    arity = len(primitive.parameters) or (
        len(primitive.examples[0].arguments) if primitive.examples else 1
    )
    result = primitive.result_type((REAL,) * arity, (None,) * arity)
    kind = BOOL if str(result) == "bool" else NUMBER
    array = primitive.array if kind == BOOL else _meaning(primitive)
    return Operation(primitive.name, (NUMBER,) * arity, kind, array, 2)


def number_constant(value: float) -> Expression:
    """A fitted constant: an int where it is whole."""
    from fractions import Fraction

    if float(value).is_integer() and abs(value) < _LARGE:
        return const(int(value))
    return const(Fraction(repr(float(value))))
