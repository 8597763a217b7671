"""Simplification: equations from `dsl.rewrite_rules`, the laws of monoids, constant folding.

All of it keeps the denotation wherever the expression is defined, and its type. An
equation matches modulo the order of two arguments of a commutative primitive, and
among the many of a variadic one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from dsl.algebra import Exact, Undefined, Unsupported
from dsl.meanings.fold import evaluate, free_names
from dsl.program import (
    Const,
    Definition,
    Expression,
    Lambda,
    Let,
    Prim,
    Program,
    Var,
    const,
    prim,
    substitute,
    transform,
    walk,
)
from dsl.rewrite_rules import EQUATIONS
from dsl.text import parse
from dsl.types import (
    BOOL,
    INT,
    REAL,
    Category,
    Record,
    Type,
    TypeMismatch,
    Vector,
    accepts,
    element,
    is_numeric,
)

ANYTHING = Record(())
"""The type of pattern letters that stand for any value."""

LETTERS: Mapping[str, Type] = {
    **dict.fromkeys("pqr", BOOL),
    **dict.fromkeys("xyz", REAL),
    **dict.fromkeys("i", INT),
    **dict.fromkeys("de", Category(2)),
    **dict.fromkeys("uvw", ANYTHING),
}

_MANY = 12
"""Arguments of a variadic primitive above which pairs of them aren't tried."""

_PASSES = 200
"""Rules only shrink or order expressions; this bound is against a mistake among them."""

Bindings = dict[str, Expression]


@dataclass(frozen=True)
class Rule:
    """`left` may be replaced by `right`; `formula` is the equation as text."""

    formula: str
    left: Prim
    right: Expression


@dataclass(frozen=True)
class Monoid:
    """A variadic primitive with the values that vanish in it or swallow the rest.

    idempotent: an argument that stands twice counts once.
    cancelling: two equal arguments vanish.
    constant_first: where a constant is written.
    """

    name: str
    identity: Any = None
    absorbing: Any = None
    idempotent: bool = False
    cancelling: bool = False
    constant_first: bool = False


MONOIDS: dict[str, Monoid] = {
    m.name: m
    for m in (
        Monoid("add", identity=0),
        Monoid("mul", identity=1, absorbing=0, constant_first=True),
        Monoid("and_", identity=True, absorbing=False, idempotent=True),
        Monoid("or_", identity=False, absorbing=True, idempotent=True),
        Monoid("xor", identity=False, cancelling=True),
        Monoid("max", idempotent=True),
        Monoid("min", idempotent=True),
    )
}

OVER_VECTORS = {
    "sum": "add",
    "product": "mul",
    "largest": "max",
    "smallest": "min",
    "all": "and_",
    "any": "or_",
}
"""What a fold over a written-out vector is called on its items."""


def read_rule(equation: str) -> Rule:
    """A rule from `left = right` in the letters of `LETTERS`."""
    left, right = equation.split(" = ")
    scope = dict(LETTERS)
    pattern = parse(left, scope)
    assert isinstance(pattern, Prim)
    return Rule(equation, pattern, parse(right, scope))


RULES: tuple[Rule, ...] = tuple(map(read_rule, EQUATIONS))


def _by_root() -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in RULES:
        found.setdefault(rule.left.primitive.name, []).append(rule)
    return found


_RULES_AT = _by_root()


def simplify(expression: Expression) -> Expression:
    """The expression after all rules, to a fixpoint: same type, same value where it is defined."""
    for _ in range(_PASSES):
        simpler = transform(expression, _step)
        if simpler is expression:
            return simpler
        expression = simpler
    return expression


def simplify_program(program: Program) -> Program:
    """Every definition simplified."""
    return Program(
        tuple(
            Definition(d.name, d.parameters, simplify(d.body), d.result)
            for d in program.definitions
        )
    )


def _step(node: Expression) -> Expression | None:
    """One rewrite at the root that keeps the type, or None."""
    for rewrite in (_bound, _folded, _merged, _structural, _equated):
        found = rewrite(node)
        fitting = None if found is None else _fit(found, node.type)
        if fitting is not None and fitting is not node:
            return fitting
    return None


def _fit(expression: Expression, item: Type) -> Expression | None:
    """The expression at exactly this type, if it is of it or a literal that can be."""
    if expression.type == item:
        return expression
    if isinstance(expression, Const) and accepts(item, expression.type):
        return const(expression.value, item)
    return None


# --- equations ------------------------------------------------------------------------------


def _equated(node: Expression) -> Expression | None:
    if not isinstance(node, Prim):
        return None
    for rule in _RULES_AT.get(node.primitive.name, ()):
        for found in apply_rule(rule, node):
            if _fit(found, node.type) is not None:
                return found
    return None


def apply_rule(rule: Rule, node: Prim) -> Iterator[Expression]:
    """What the rule can make of the node, its types not yet checked against the node's."""
    for bindings in match(rule.left, node, {}):
        yield from _built(rule.right, bindings)
    if len(rule.left.children) == 2 < len(node.children) <= _MANY and _is_symmetric(node):
        yield from _apply_to_pairs(rule, node)


def _apply_to_pairs(rule: Rule, node: Prim) -> Iterator[Expression]:
    for i, j in permutations(range(len(node.children)), 2):
        pair = (node.children[i], node.children[j])
        rest = [c for k, c in enumerate(node.children) if k not in (i, j)]
        for bindings in _match_all(rule.left.children, pair, {}):
            for found in _built(rule.right, bindings):
                place = min(i, j)
                yield prim(node.primitive, *rest[:place], found, *rest[place:])


def _is_symmetric(node: Prim) -> bool:
    return node.primitive.laws >= {"commutative", "associative"}


def match(pattern: Expression, node: Expression, bindings: Bindings) -> Iterator[Bindings]:
    """Every way in which the pattern's letters can stand for parts of the node."""
    if isinstance(pattern, Var):
        bound = bindings.get(pattern.name)
        if bound is node or (bound is None and stands_for(pattern.type, node.type)):
            yield {**bindings, pattern.name: node}
    elif isinstance(pattern, Const):
        if isinstance(node, Const) and _same_literal(pattern, node):
            yield bindings
    elif isinstance(node, Prim) and isinstance(pattern, Prim):
        yield from _match_prim(pattern, node, bindings)


def _match_prim(pattern: Prim, node: Prim, bindings: Bindings) -> Iterator[Bindings]:
    same = pattern.primitive is node.primitive and len(pattern.children) == len(node.children)
    if not same:
        return
    yield from _match_all(pattern.children, node.children, bindings)
    if len(node.children) == 2 and "commutative" in node.primitive.laws:
        yield from _match_all(pattern.children, node.children[::-1], bindings)


def _match_all(
    patterns: tuple[Expression, ...], nodes: tuple[Expression, ...], bindings: Bindings
) -> Iterator[Bindings]:
    if not patterns:
        yield bindings
        return
    for found in match(patterns[0], nodes[0], bindings):
        yield from _match_all(patterns[1:], nodes[1:], found)


def stands_for(letter: Type, item: Type) -> bool:
    """Whether a pattern letter of type `letter` may stand for a value of type `item`."""
    if letter == ANYTHING:
        return True
    if isinstance(letter, Category):
        return isinstance(item, Category)
    return is_numeric(element(item)) if letter == REAL else element(item) == letter


def _same_literal(pattern: Const, node: Const) -> bool:
    if (pattern.type == BOOL) != (node.type == BOOL):
        return False
    scalar = not isinstance(node.type, Vector | Category)
    return scalar and bool(pattern.value == node.value)


def _built(right: Expression, bindings: Bindings) -> Iterator[Expression]:
    """The right side with its letters replaced, unless its parts don't fit."""
    try:
        yield substitute(right, bindings)
    except TypeMismatch:
        return


# --- literals, monoids, structure -----------------------------------------------------------


def _folded(node: Expression) -> Expression | None:
    """An exact primitive of literals is a literal."""
    if not isinstance(node, Prim) or not node.primitive.exact:
        return None
    if not all(isinstance(c, Const) for c in node.children):
        return None
    try:
        return const(evaluate(node, Exact(), {}, strict=True), node.type)
    except (Undefined, Unsupported, TypeMismatch):
        return None


def _merged(node: Expression) -> Expression | None:
    """Flatten a monoid, merge its literals, drop what its laws say vanishes."""
    monoid = MONOIDS.get(node.primitive.name) if isinstance(node, Prim) else None
    if monoid is None:
        return None
    parts = _flattened(node)
    literals = [p for p in parts if isinstance(p, Const) and not isinstance(p.type, Vector)]
    rest = _without_repetition(monoid, [p for p in parts if p not in literals])
    if monoid.absorbing is not None and _has_complements(rest):
        return const(monoid.absorbing)
    merged = _merge_literals(monoid, literals)
    if not merged:
        return _joined(monoid, rest)
    if monoid.absorbing is not None and merged[0].value == monoid.absorbing:
        return const(monoid.absorbing)
    return _with_literal(monoid, rest, merged[0])


def _flattened(node: Expression) -> list[Expression]:
    assert isinstance(node, Prim)
    found: list[Expression] = []
    for child in node.children:
        nested = isinstance(child, Prim) and child.primitive is node.primitive
        found.extend(child.children if nested else (child,))
    return found


def _without_repetition(monoid: Monoid, parts: list[Expression]) -> list[Expression]:
    if monoid.idempotent:
        return list(dict.fromkeys(parts))
    if monoid.cancelling:
        return [p for p in dict.fromkeys(parts) if parts.count(p) % 2]
    return parts


def _has_complements(parts: list[Expression]) -> bool:
    """Whether a truth value stands beside its negation."""
    return any(
        isinstance(p, Prim) and p.primitive.name == "not_" and p.children[0] in parts for p in parts
    )


def _merge_literals(monoid: Monoid, literals: list[Const]) -> list[Const]:
    """At most one literal, none if it is the identity."""
    if not literals:
        return []
    merged = literals[0] if len(literals) == 1 else _folded(prim(monoid.name, *literals))
    assert isinstance(merged, Const)
    return [] if monoid.identity is not None and merged.value == monoid.identity else [merged]


def _with_literal(monoid: Monoid, rest: list[Expression], literal: Const) -> Expression:
    if monoid.cancelling and rest:
        return prim("not_", _joined(monoid, rest))
    return _joined(monoid, [literal, *rest] if monoid.constant_first else [*rest, literal])


def _joined(monoid: Monoid, parts: list[Expression]) -> Expression:
    if not parts:
        return const(monoid.identity)
    return parts[0] if len(parts) == 1 else prim(monoid.name, *parts)


def _structural(node: Expression) -> Expression | None:
    """Taking apart what was just built."""
    if not isinstance(node, Prim) or not node.children:
        return None
    first = node.children[0]
    if not isinstance(first, Prim):
        return None
    rewrite = _TAKEN_APART.get((node.primitive.name, first.primitive.name))
    return rewrite(node, first) if rewrite is not None else None


def _item_of_vector(node: Prim, vector: Prim) -> Expression | None:
    index = node.children[1]
    return vector.children[index.value] if isinstance(index, Const) else None


def _slice_of_vector(node: Prim, vector: Prim) -> Expression | None:
    start, stop = node.children[1:]
    assert isinstance(start, Const) and isinstance(stop, Const)
    return prim("vector", *vector.children[start.value : stop.value])


def _fold_of_vector(node: Prim, vector: Prim) -> Expression | None:
    monoid = MONOIDS[OVER_VECTORS[node.primitive.name]]
    return _joined(monoid, list(vector.children))


def _inner(node: Prim, inside: Prim) -> Expression | None:
    return inside.children[0]


_TAKEN_APART: dict[tuple[str, str], Callable[[Prim, Prim], Expression | None]] = {
    ("item", "vector"): _item_of_vector,
    ("slice", "vector"): _slice_of_vector,
    ("reverse", "reverse"): _inner,
    ("category", "index"): _inner,
    ("index", "category"): _inner,
    ("sort", "sort"): lambda node, inside: inside,
    ("sum", "vector"): _fold_of_vector,
    ("product", "vector"): _fold_of_vector,
    ("largest", "vector"): _fold_of_vector,
    ("smallest", "vector"): _fold_of_vector,
    ("all", "vector"): _fold_of_vector,
    ("any", "vector"): _fold_of_vector,
}


def _bound(node: Expression) -> Expression | None:
    """A let of a literal or a name, or one that its body doesn't use, goes away."""
    if not isinstance(node, Let):
        return None
    value, body = node.children
    if node.name not in free_names(body):
        return body
    if not isinstance(value, Const | Var) or _rebinds(body, {node.name, *free_names(value)}):
        return None
    return substitute(body, {node.name: value})


def _rebinds(body: Expression, names: set[str]) -> bool:
    return any(
        (isinstance(n, Let) and n.name in names)
        or (isinstance(n, Lambda) and names & dict(n.parameters).keys())
        for n in walk(body)
    )
