"""Expressions of a step as a person spells them: choices, saturation, chains of comparisons.

Every function proposes other expressions for one; whoever calls it compares the loops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.explain import Depth, explain
from dsl.meanings.array import run_expression
from dsl.program import (
    Const,
    Expression,
    Prim,
    Var,
    const,
    free_variables,
    prim,
    size,
    transform,
    var,
    walk,
)
from dsl.rewrite import Rule, apply_rule, read_rule
from dsl.types import BOOL, INT, TypeMismatch, Vector, element, lift

_CHOICES = """
as_int(p) == as_int(q) = p == q
as_int(p) != as_int(q) = p xor q
as_int(p) < as_int(q) = not p and q
(p == q) == r = p xor q xor r
as_int(p) * x = if p then x else 0
if p == false then u else v = if p then v else u
"""

_DEPTH = Depth(4, 15_000)
_RARE = Depth(4, 15_000, rare=True)
_TRUTHS = 5
_ROWS = 4_000
_TAKEN = 6
_EXTREMES = ("max", "min", "clip", "relu")
_COMPARED = ("less", "greater", "less_equal", "greater_equal", "equal", "not_equal")

Values = NDArray[Any]


def strange(value: Expression) -> int:
    """How many places of an expression a person would have put in another way."""
    return sum(_is_strange(n) for n in walk(value) if isinstance(n, Prim))


def _is_strange(node: Prim) -> bool:
    name, parts = node.primitive.name, node.children
    inner = [_name(p) for p in parts]
    if name == "floordiv":
        return inner[0] == "mul"
    if name in ("sub", "add"):
        return sum(i in _EXTREMES for i in inner) > 1
    if name in ("mod", "floordiv"):
        return inner[0] in _EXTREMES
    if name == "mul":
        return "as_int" in inner and not any(isinstance(p, Const) for p in parts)
    if name in _COMPARED:
        return "as_int" in inner
    if name in ("max", "min") and "as_int" in inner:
        return True
    if name == "as_int":
        return inner[0] == "not_"
    if name == "item":
        return isinstance(parts[0], Const)
    if name == "if_":
        return node.type == BOOL and not all(isinstance(p, Var) for p in parts)
    return name in ("not_", "and_", "or_") and any(_is_choice(p) for p in parts)


def _name(node: Expression) -> str:
    return node.primitive.name if isinstance(node, Prim) else ""


def _is_choice(node: Expression) -> bool:
    return _name(node) == "if_" and node.type == BOOL


@cache
def _rules() -> tuple[Rule, ...]:
    return tuple(map(read_rule, _CHOICES.strip().splitlines()))


def choices(value: Expression) -> Expression:
    """A product with a truth as a choice, and comparisons of truths as such."""

    def rewritten(node: Expression) -> Expression | None:
        if not isinstance(node, Prim) or (node.primitive.name == "mul" and node is not value):
            return None
        for rule in _rules():
            if rule.left.primitive is not node.primitive:
                continue
            for found in apply_rule(rule, node):
                if found.type == node.type:
                    return found
        return None

    return transform(value, rewritten)


def relations(value: Expression, order: Sequence[str]) -> Iterator[Expression]:
    """A truth as a chain of equal and different neighbours, where that is what it is.

    order: names in the order in which they are neighbours.
    """
    names = [n for n in order if n in free_variables(value)]
    kinds = set(free_variables(value).values())
    if value.type != BOOL or kinds != {BOOL} or not 2 <= len(names) <= _TRUTHS:
        return
    rows = np.array(list(product((False, True), repeat=len(names))))
    wanted = run_expression(value, dict(zip(names, rows.T, strict=True)))
    if not wanted.any() or wanted.all():
        return
    same = {
        (a, b): (rows[wanted, a] == rows[wanted, b]) for a, b in combinations(range(len(names)), 2)
    }
    told = {pair: bool(s[0]) for pair, s in same.items() if s.all() or not s.any()}
    chain = [pair for pair in pairwise(range(len(names))) if pair in told]
    holds = np.all([(rows[:, a] == rows[:, b]) == told[a, b] for a, b in chain], axis=0)
    if len(chain) >= 2 and (holds == wanted).all():
        parts = [
            prim("equal" if told[a, b] else "xor", var(names[a], BOOL), var(names[b], BOOL))
            for a, b in chain
        ]
        yield prim("and_", *parts)


def retold(value: Expression, rows: dict[str, Values], own: str | None) -> Iterator[Expression]:
    """Expressions with the same values on rows of registers and fields, (n,) each.

    own: the register that takes the value, if one does: steps of it are worth building on.
    """
    if not strange(value):
        return
    yield from _untabled(value)
    used = {n: rows[n] for n in sorted(free_variables(value)) if n in rows}
    if not used or any(c.ndim > 1 for c in used.values()):
        return
    wanted = run_expression(value, used)
    if wanted.ndim != 1 or isinstance(value.type, Vector) or wanted.dtype.kind not in "bi":
        return
    few = np.linspace(0, len(wanted) - 1, min(len(wanted), _ROWS)).astype(np.intp)
    used, wanted = {n: c[few] for n, c in used.items()}, wanted[few]
    literals = {n.value for n in walk(value) if isinstance(n, Const) and n.type == INT}
    ends = {int(c) for c in (wanted.min(), wanted.max())} if wanted.dtype != np.bool_ else set()
    constants = sorted({*literals, *ends, 1, 2})
    try:
        found = explain(used, wanted, constants, _DEPTH, None, list(_steps(used, own)))
    except TypeMismatch:
        return
    yield from found[:_TAKEN]


def _steps(used: dict[str, Values], own: str | None) -> Iterator[Expression]:
    """What a register is often stepped by: up or down by a truth, by a number about its middle."""
    if own is None or own not in used or used[own].dtype == np.bool_:
        return
    held = var(own, INT)
    for name, values in used.items():
        if name == own:
            continue
        if values.dtype == np.bool_:
            field = var(name, BOOL)
            yield prim("add", held, prim("if_", field, const(1), const(-1)))
            continue
        field, middle = var(name, INT), int(values.min() + values.max())
        yield prim("add", held, field)
        if middle and middle % 2 == 0:
            yield prim("sub", prim("add", held, field), const(middle // 2))


def _untabled(value: Expression) -> Iterator[Expression]:
    """The expression with a table of literals as a formula of its index, where one is found."""
    for node in walk(value):
        if _name(node) != "item":
            continue
        table, index = node.children
        if not isinstance(table, Const) or not isinstance(index, Var):
            continue
        if table.type != lift(element(table.type), (len(table.value),)):
            continue
        wanted = np.array(table.value)
        found = explain({index.name: np.arange(len(wanted))}, wanted, (), _RARE)
        for formula in found[:2]:
            if size(formula) > 1:
                yield transform(value, lambda n, node=node, f=formula: f if n is node else None)
