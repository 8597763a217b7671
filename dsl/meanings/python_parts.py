"""Expressions nested more deeply than Python's compiler takes, written as named parts.

Ordinary programs are left as they are. A part may be computed earlier than it is needed, so
one that isn't defined everywhere (a division, say) is named only where nothing guards it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from dsl.program import (
    Call,
    Const,
    Expression,
    Lambda,
    Let,
    Prim,
    Var,
    free_variables,
    let,
    prim,
    var,
    walk,
    with_children,
)
from dsl.recursion import Steps, unrolled

DEEPEST = 30
"""Levels of an expression that stay in one piece; CPython gives up at 200 open brackets."""

_GUARDING = {"if_": 1, "and_": 1, "or_": 1}
"""How many of their first arguments are always computed."""

Named = tuple[str, Expression]


def in_parts(body: Expression, taken: Iterable[str]) -> Expression:
    """The same function, as Lets over expressions of at most `DEEPEST` levels where possible."""
    used = {*taken, *(n.name for n in walk(body) if isinstance(n, Var | Let))}
    fresh = (name for i in itertools.count(1) if (name := f"part{i}") not in used)
    return unrolled(_body(body, lambda: next(fresh)))


def _body(body: Expression, fresh: Callable[[], str]) -> Steps[Expression]:
    """Along the statements that a body becomes: lets, and the branches of its last `if`."""
    named: list[Named] = []
    while isinstance(body, Let):
        found, value = _split(body.children[0], fresh)
        named += [*found, (body.name, value)]
        body = body.children[1]
    if isinstance(body, Prim) and body.primitive.name == "if_":
        found, condition = _split(body.children[0], fresh)
        yes = yield _body(body.children[1], fresh)
        rest = prim("if_", condition, yes, (yield _body(body.children[2], fresh)))
    else:
        found, rest = _split(body, fresh)
    for name, value in reversed([*named, *found]):
        rest = let(name, value, rest)
    return rest


def _split(expression: Expression, fresh: Callable[[], str]) -> tuple[list[Named], Expression]:
    """Parts in order, and the expression over their names."""
    if _depth(expression) <= DEEPEST:
        return [], expression
    always, bound = _always_computed(expression), _bound_names(expression)
    done: dict[Expression, Expression] = {}
    levels: dict[Expression, int] = {}
    partial: dict[Expression, bool] = {}
    named: list[Named] = []
    for node in walk(expression):
        done[node] = with_children(node, tuple(done[c] for c in node.children))
        levels[node] = 1 + max((levels[c] for c in node.children), default=0)
        partial[node] = _is_partial(node) or any(partial[c] for c in node.children)
        may = node in always or not partial[node]
        if levels[node] < DEEPEST or not may or isinstance(node, Const | Var | Lambda):
            continue
        if bound.isdisjoint(free_variables(done[node])):
            named.append((fresh(), done[node]))
            done[node], levels[node] = var(named[-1][0], node.type), 1
    return named, done[expression]


def _is_partial(node: Expression) -> bool:
    """Whether the node itself may be undefined; calls are not looked into."""
    if isinstance(node, Call):
        return True
    return isinstance(node, Prim) and node.primitive.precondition is not None


def _depth(expression: Expression) -> int:
    levels: dict[Expression, int] = {}
    for node in walk(expression):
        levels[node] = 1 + max((levels[c] for c in node.children), default=0)
    return levels[expression]


def _bound_names(expression: Expression) -> set[str]:
    found: set[str] = set()
    for node in walk(expression):
        if isinstance(node, Let):
            found.add(node.name)
        elif isinstance(node, Lambda):
            found |= dict(node.parameters).keys()
    return found


def _always_computed(expression: Expression) -> set[Expression]:
    """Nodes that are computed whatever the values are."""
    found: set[Expression] = set()
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if node in found or isinstance(node, Lambda):
            continue
        found.add(node)
        first = _GUARDING.get(node.primitive.name) if isinstance(node, Prim) else None
        waiting += node.children[:first]
    return found
