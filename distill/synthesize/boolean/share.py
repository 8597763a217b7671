"""Repeated pieces of an expression under one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dsl.cost import bits
from dsl.program import (
    Const,
    Expression,
    Lambda,
    Let,
    Var,
    free_variables,
    let,
    size,
    transform,
    var,
    walk,
)

_NAMES = "tuvwpqrs"
_ROUNDS = 6


def shared(expression: Expression) -> Expression:
    """The expression with `let` for repeated pieces, where that takes fewer bits."""
    if any(isinstance(n, Let | Lambda) for n in walk(expression)):
        return expression
    bound: list[tuple[str, Expression]] = []
    body = expression
    for _ in range(_ROUNDS):
        found = _best(body, bound, _fresh(expression, bound))
        if found is None:
            break
        body, bound = found
    return _wrapped(body, bound)


def _fresh(expression: Expression, bound: Iterable[tuple[str, Expression]]) -> str:
    taken = {*free_variables(expression), *(name for name, _ in bound)}
    options = [*_NAMES, *(f"t{i}" for i in range(1, 99))]
    return next(name for name in options if name not in taken)


def _wrapped(body: Expression, bound: list[tuple[str, Expression]]) -> Expression:
    """Definitions around a body; the last one made is the innermost piece, so it comes first."""
    for name, value in bound:
        body = let(name, value, body)
    return body


def _best(
    body: Expression, bound: list[tuple[str, Expression]], name: str
) -> tuple[Expression, list[tuple[str, Expression]]] | None:
    before = bits(_wrapped(body, bound))
    options = []
    names = {n for n, _ in bound}
    for piece in _repeated([body, *(value for _, value in bound)]):
        if names & set(free_variables(piece)):
            continue
        fresh = var(name, piece.type)
        changed = _replaced(body, piece, fresh)
        values = [(n, _replaced(v, piece, fresh)) for n, v in bound]
        trial = [*values, (name, piece)]
        options.append((bits(_wrapped(changed, trial)), changed, trial))
    if not options:
        return None
    after, changed, trial = min(options, key=lambda o: o[0])
    return (changed, trial) if after < before else None


def _replaced(expression: Expression, piece: Expression, name: Expression) -> Expression:
    return transform(expression, lambda node: name if node is piece else None)


def _repeated(expressions: list[Expression]) -> list[Expression]:
    """Pieces that occur more than once and aren't just a leaf."""
    times: Counter[Expression] = Counter()
    for expression in expressions:
        stack = [expression]
        while stack:
            node = stack.pop()
            times[node] += 1
            stack.extend(node.children)
    whole = set(expressions)
    return [n for n, k in times.items() if k > 1 and n not in whole and not _plain(n)]


def _plain(node: Expression) -> bool:
    """Whether a piece is too short to deserve a name: a leaf or its negation."""
    return isinstance(node, Var | Const) or size(node) < 5
