"""Description length of programs, in bits: a prefix code over the typed language.

A node costs log2 of the number of choices that are well typed at its place (the
primitives that yield such a value, a literal, a let, a call, a name if one fits);
a reference adds log2 of the names that fit; an integer its Elias gamma code (after
zigzag for the sign), a rational both parts, a float that isn't a short rational 32
bits; an index log2 of what it may be; tables entry by entry. What a Let or a named
definition holds is paid for once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

from dsl import primitives as _vocabulary  # noqa: F401 (fills the registry)
from dsl.loop import Loop
from dsl.primitive import REGISTRY, Primitive
from dsl.program import Const, Expression, Lambda, Let, Prim, Program, Var, walk
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
)

VERSION = 1
"""Version of the measure; evidence.json carries it."""

_PROBES: tuple[Type, ...] = (
    BOOL,
    INT,
    REAL,
    Category(3),
    Vector(BOOL, (3,)),
    Vector(REAL, (3,)),
    Function((REAL,), REAL),
)
INDEXED = {"item": 1, "slice": 1, "kth": 1, "gather": 1}
"""Primitives whose literals from that argument on are places in the first one."""


def gamma(value: int) -> float:
    """Elias gamma code length of an integer of any sign, by zigzag: 0 takes 1 bit, ±1 take 3."""
    zigzag = 2 * value + 1 if value >= 0 else -2 * value
    return 2 * (zigzag.bit_length() - 1) + 1


def kind(item: Type) -> str:
    """The class of a type that decides which nodes may stand somewhere."""
    if is_numeric(item):
        return "number"
    return type(item).__name__


@cache
def _result_kinds(primitive: Primitive) -> frozenset[str]:
    found: set[str] = set()
    for arity in (1, 2, 3):
        for types in product(_PROBES, repeat=arity):
            for statics in ((None,) * arity, (None, *(1,) * (arity - 1)), (None, 2, 2)[:arity]):
                try:
                    found.add(kind(primitive.result_type(types, statics)))
                except (TypeMismatch, AttributeError, TypeError, IndexError):
                    continue
    return frozenset(found) or frozenset({"Vector"})


@cache
def _variadic(primitive: Primitive) -> bool:
    return primitive.name in ("vector", "concat") or "associative" in primitive.laws


@cache
def _producers(wanted: str, vocabulary: int) -> int:
    return sum(wanted in _result_kinds(p) for p in REGISTRY.values())


def _choices(wanted: str, scope: Mapping[str, Type], calls: Mapping[str, Type]) -> float:
    names = any(kind(t) == wanted for t in scope.values())
    called = sum(kind(t) == wanted for t in calls.values())
    return _producers(wanted, len(REGISTRY)) + 2 + names + called


def number_bits(value: Any, item: Type, weight_bits: float | None = None) -> float:
    """Bits of one scalar literal."""
    if item == BOOL:
        return 1.0
    if isinstance(item, Category):
        return math.log2(item.size)
    if item == INT:
        return gamma(value)
    if weight_bits is not None:
        return weight_bits
    return 1 + min(32.0, rational_bits(Fraction(value)))


def rational_bits(value: Fraction) -> float:
    """Bits of numerator and denominator."""
    return gamma(value.numerator) + 2 * (value.denominator.bit_length() - 1) + 1


def _value_bits(value: Any, item: Type, weight_bits: float | None) -> float:
    if not isinstance(item, Vector):
        return number_bits(value, item, weight_bits)
    total = sum(gamma(n) for n in item.shape)
    return total + sum(number_bits(v, item.item, weight_bits) for v in _entries(value))


def _entries(value: Any) -> list[Any]:
    if not isinstance(value, tuple):
        return [value]
    return [e for part in value for e in _entries(part)]


class _Meter:
    """Bits of expressions in a scope."""

    def __init__(self, calls: Mapping[str, Type], weight_bits: float | None) -> None:
        self.calls = calls
        self.weight_bits = weight_bits

    def measure(self, node: Expression, scope: dict[str, Type]) -> float:
        stack: list[tuple[Expression, dict[str, Type]]] = [(node, scope)]
        total = 0.0
        while stack:
            current, names = stack.pop()
            total += self.own(current, names)
            stack.extend(self.below(current, names))
        return total

    def own(self, node: Expression, scope: Mapping[str, Type]) -> float:
        if isinstance(node, Lambda):
            return gamma(len(node.parameters))
        wanted = kind(node.type)
        bits = math.log2(_choices(wanted, scope, self.calls))
        if isinstance(node, Const):
            return bits + _value_bits(node.value, node.type, self.weight_bits)
        if isinstance(node, Var):
            fitting = sum(kind(t) == wanted for t in scope.values())
            return bits + math.log2(max(fitting, 1))
        if isinstance(node, Prim):
            return bits + self.arity_bits(node)
        return bits

    def arity_bits(self, node: Prim) -> float:
        index = INDEXED.get(node.primitive.name)
        if index is not None:
            first = node.children[0].type
            assert isinstance(first, Vector)
            fixed = [c for c in node.children[index:] if isinstance(c, Const)]
            listed = sum(len(_entries(c.value)) for c in fixed)
            length = gamma(listed) if node.primitive.name == "gather" else 0.0
            return math.log2(first.shape[0]) * listed + length + (node.primitive.name == "item")
        if not _variadic(node.primitive):
            return 0.0
        extra = len(node.children) - (1 if node.primitive.name == "vector" else 2)
        return 2 * ((extra + 1).bit_length() - 1) + 1

    def below(
        self, node: Expression, scope: dict[str, Type]
    ) -> list[tuple[Expression, dict[str, Type]]]:
        if isinstance(node, Let):
            value, body = node.children
            return [(value, scope), (body, scope | {node.name: value.type})]
        if isinstance(node, Lambda):
            return [(node.children[0], scope | dict(node.parameters))]
        index = INDEXED.get(node.primitive.name) if isinstance(node, Prim) else None
        if index is None:
            return [(c, scope) for c in node.children]
        kept = [c for i, c in enumerate(node.children) if i < index or not isinstance(c, Const)]
        return [(c, scope) for c in kept]


def bits(
    expression: Expression,
    scope: Mapping[str, Type] | None = None,
    weight_bits: float | None = None,
) -> float:
    """Description length of an expression; `scope` defaults to its free variables.

    `weight_bits` sets a fixed price for every real literal (a network's own bits: 32).
    """
    from dsl.program import free_variables

    names = dict(free_variables(expression) if scope is None else scope)
    return _Meter({}, weight_bits).measure(expression, names)


def bits_by_node(expression: Expression, scope: Mapping[str, Type]) -> dict[Expression, float]:
    """Bits of every node with all below it, every name bound inside counted as in scope."""
    names = dict(scope)
    for node in walk(expression):
        if isinstance(node, Let):
            names[node.name] = node.children[0].type
        elif isinstance(node, Lambda):
            names |= dict(node.parameters)
    meter, found = _Meter({}, None), dict[Expression, float]()
    for node in walk(expression):
        below = meter.below(node, {})
        found[node] = meter.own(node, names) + sum(found[child] for child, _ in below)
    return found


def program_bits(
    program: Program, weight_bits: float | None = None, known: frozenset[str] = frozenset()
) -> float:
    """Description length of a program: its definitions, helper signatures included.

    known: names of definitions that the reader has already, which take no bits.
    """
    calls: dict[str, Type] = {}
    total = gamma(len(program.definitions))
    for definition in program.definitions:
        if definition.name not in known:
            meter = _Meter(calls, weight_bits)
            total += meter.measure(definition.body, dict(definition.parameters))
            if definition is not program.main:
                total += sum(2.0 + gamma(1) for _ in definition.parameters)
        calls = calls | {definition.name: definition.result}
    return total


def loop_bits(loop: Loop, weight_bits: float | None = None) -> float:
    """Description length of a loop: start values, lets, output and next values."""
    meter, scope = _Meter({}, weight_bits), loop.scope()
    total = gamma(len(loop.registers)) + gamma(len(loop.lets))
    for register in loop.registers:
        total += 2.0 + _value_bits(register.start.value, register.type, weight_bits)
    for name, value in loop.lets:
        total += meter.measure(value, scope)
        scope = scope | {name: value.type}
    total += meter.measure(loop.output, scope)
    return total + sum(meter.measure(r.update, scope) for r in loop.registers)
