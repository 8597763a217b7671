"""Registers that hold less or something simpler: truths for two values, remainders, differences.

Every function proposes loops; whoever calls it compares them with the one given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from distill.synthesize.loops.explain import Depth, explain
from distill.synthesize.loops.same import Sight
from distill.synthesize.tidy import linear, weighted_sum
from dsl.loop import Loop, Register
from dsl.meanings.array import run_expression
from dsl.program import (
    Const,
    Expression,
    Prim,
    Var,
    const,
    free_variables,
    prim,
    substitute,
    transform,
    var,
)
from dsl.rewrite import simplify
from dsl.types import BOOL, INT

_DEPTH = Depth(4, 10_000)
_SCALARS = (BOOL, INT)


def mapped(loop: Loop, values: dict[str, Expression], registers: tuple[Register, ...]) -> Loop:
    """A loop without lets with other registers; `values`: what the old ones are in the new ones."""
    return replace(
        loop, registers=registers, output=simplify(substitute(loop.output, values)), lets=()
    )


# --- two values are a truth -----------------------------------------------------------------


def truths(loop: Loop, sight: Sight) -> Iterator[Loop]:
    """Loops in which a number that only ever has two values is a truth, either way round."""
    rows = sight.rows(loop)
    for register in loop.registers:
        if register.type != INT:
            continue
        ends = np.unique(rows[register.name])
        if len(ends) == 2:
            for low, high in (ends, ends[::-1]):
                made = _as_truth(loop, register, int(low), int(high), rows)
                if made is not None:
                    yield made


def _as_truth(
    loop: Loop, register: Register, low: int, high: int, rows: dict[str, Any]
) -> Loop | None:
    """The register as whether it is `high`."""
    own = var(register.name, BOOL)
    held: Expression = prim("as_int", own)
    if (low, high) == (1, 0):
        held = prim("as_int", prim("not_", own))
    elif (low, high) != (0, 1):
        held = prim("if_", own, const(high), const(low))
    values = {register.name: held}
    others = tuple(
        replace(r, update=simplify(substitute(r.update, values)))
        for r in loop.registers
        if r is not register
    )
    columns = rows | {register.name: rows[register.name] == high}
    update = _told(register.update, rows, columns, high)
    if update is None:
        return None
    new = Register(register.name, const(register.start.value == high), update)
    place = loop.registers.index(register)
    return mapped(loop, values, (*others[:place], new, *others[place:]))


def _told(
    update: Expression, rows: dict[str, Any], columns: dict[str, Any], high: int
) -> Expression | None:
    """Whether the next value is `high`, as an expression of the columns."""
    used = {n: c for n, c in columns.items() if n in free_variables(update)}
    if any(c.ndim > 1 for c in used.values()) or not used:
        return None
    wanted = run_expression(update, rows) == high
    if wanted.ndim != 1 or len(wanted) != len(next(iter(used.values()))):
        return None
    found = explain(used, wanted, (0, 1, 2), _DEPTH)
    return found[0] if found else None


# --- what is only read modulo a number --------------------------------------------------------


def remainders(loop: Loop, sight: Sight) -> Iterator[Loop]:
    """Loops in which a total that is only read modulo k is kept modulo k."""
    for register in loop.registers:
        if register.type != INT:
            continue
        own = var(register.name, INT)
        base = _base(loop, register, own)
        if base is None or not _is_polynomial(register.update, own):
            continue
        kept = Register(
            register.name,
            const(register.start.value % base),
            simplify(prim("mod", register.update, const(base))),
        )
        bare = prim("mod", own, const(base))
        registers = tuple(
            kept if r is register else replace(r, update=_replaced(r.update, bare, own))
            for r in loop.registers
        )
        yield replace(loop, registers=registers, output=simplify(_replaced(loop.output, bare, own)))


def _replaced(value: Expression, old: Expression, new: Expression) -> Expression:
    return transform(value, lambda n: new if n is old else None)


def _base(loop: Loop, register: Register, own: Var) -> int | None:
    """The k modulo which everything but its own next value reads the register, if there is one."""
    found: set[int] = set()
    stack = [loop.output, *(r.update for r in loop.registers if r is not register)]
    while stack:
        node = stack.pop()
        if node is own:
            return None
        if not isinstance(node, Prim):
            continue
        if node.primitive.name == "mod" and own.name in free_variables(node.children[0]):
            divisor = node.children[1]
            if not isinstance(divisor, Const) or not _is_polynomial(node.children[0], own):
                return None
            found.add(int(divisor.value))
            continue
        stack.extend(node.children)
    base = found.pop() if len(found) == 1 else 0
    return base if base > 1 else None


def _is_polynomial(value: Expression, own: Var) -> bool:
    """Whether a whole number is built from the register by +, - and * only."""
    if value is own or own.name not in free_variables(value):
        return value.type == INT
    if not isinstance(value, Prim) or value.primitive.name not in ("add", "sub", "neg", "mul"):
        return False
    return all(_is_polynomial(c, own) for c in value.children)


# --- the change of a number instead of its last value -------------------------------------------


def changes(loop: Loop, sight: Sight) -> Iterator[Loop]:
    """The loop with a number's last change where it kept the number before the last one.

    Of `next a = 2 * a - b + e` and `next b = a` comes `change += e` and `a += change`.
    """
    pairs = {a.name: b for a, b in _pairs(loop)}
    if not pairs:
        return
    changed = {b.name: var(f"change{n}", INT) for n, b in enumerate(pairs.values())}
    if len(changed) == 1:
        changed = {name: var("change", INT) for name in changed}
    values: dict[str, Expression] = {
        b.name: prim("sub", var(a, INT), changed[b.name]) for a, b in pairs.items()
    }
    lets: list[tuple[str, Expression]] = []
    registers: list[Register] = []
    new: dict[Expression, Expression] = {}
    for register in loop.registers:
        if register.name in changed:
            continue
        if register.name not in pairs:
            registers.append(replace(register, update=substitute(register.update, values)))
            continue
        before = pairs[register.name]
        own, change = var(register.name, INT), changed[before.name]
        terms, constant = linear(substitute(register.update, values))
        terms[own] = terms.get(own, Fraction(0)) - 1
        step = _whole(terms, constant)
        if step is None:
            return
        name = f"now_{change.name}"
        lets.append((name, step))
        new[register.update] = prim("add", own, var(name, INT))
        start = const(register.start.value - before.start.value)
        registers.append(replace(register, update=new[register.update]))
        registers.append(Register(change.name, start, var(name, INT)))
    output = substitute(transform(loop.output, new.get), values)
    yield replace(loop, registers=tuple(registers), lets=tuple(lets), output=output)


def _pairs(loop: Loop) -> Iterator[tuple[Register, Register]]:
    """A number that is stepped by more than itself, and the register of its value before."""
    for before in loop.registers:
        if not isinstance(before.update, Var) or before.type != INT:
            continue
        a = next((r for r in loop.registers if r.name == before.update.name), None)
        if a is None or a is before or a.type != INT:
            continue
        terms, _ = linear(a.update)
        if terms.get(before.update, 0) == 2 and terms.get(var(before.name, INT), 0) == -1:
            yield a, before


def _whole(terms: dict[Expression, Fraction], constant: Fraction) -> Expression | None:
    """The sum of whole multiples."""
    if constant.denominator != 1 or any(w.denominator != 1 for w in terms.values()):
        return None
    parts = sorted(((w, e) for e, w in terms.items() if w), key=lambda p: p[0] < 0)
    total = weighted_sum(parts)
    if total is None:
        return const(int(constant))
    if not constant:
        return total
    return prim("add" if constant > 0 else "sub", total, const(abs(int(constant))))
