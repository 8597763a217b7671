"""The same loop as a person would write it: sums in order, shared values named, registers named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from distill.synthesize.tidy import linear, tidy
from dsl.cost import loop_bits
from dsl.loop import Loop, Register
from dsl.program import (
    Const,
    Expression,
    Prim,
    Var,
    const,
    free_variables,
    prim,
    size,
    substitute,
    transform,
    var,
    walk,
)
from dsl.rewrite import simplify
from dsl.types import BOOL, INT, Type, TypeMismatch, Vector

_SHARED_FROM = 4
"""Nodes from which an expression that occurs twice is worth a name."""


def readable(loop: Loop) -> Loop:
    """The loop with usual comparisons and sums, shared values, and names that say what they hold.

    Its outputs are those of the given loop; whoever relies on it checks them again.
    """
    try:
        plain = _each(_inlined(loop), lambda e: tidy(_ordered_sums(simplify(e), loop)))
        plain = _needed(plain)
        shared = _shared(plain)
        made = shared if loop_bits(shared) <= loop_bits(plain) + 6 else plain
        return named(made)
    except TypeMismatch:
        return named(loop)


def _needed(loop: Loop) -> Loop:
    """Without registers that neither the output nor what it needs reads."""
    updates = {r.name: r.update for r in loop.registers}
    needed: set[str] = set()
    waiting = list(free_variables(loop.output))
    while waiting:
        name = waiting.pop()
        if name in updates and name not in needed:
            needed.add(name)
            waiting += free_variables(updates[name])
    return replace(loop, registers=tuple(r for r in loop.registers if r.name in needed))


def _each(loop: Loop, change: Callable[[Expression], Expression]) -> Loop:
    registers = tuple(Register(r.name, r.start, change(r.update)) for r in loop.registers)
    lets = tuple((n, change(v)) for n, v in loop.lets)
    return replace(loop, registers=registers, lets=lets, output=change(loop.output))


def _inlined(loop: Loop) -> Loop:
    """Lets put in place; what occurs twice gets a name again later."""
    values: dict[str, Expression] = {}
    for name, value in loop.lets:
        values[name] = substitute(value, values)
    return replace(_each(loop, lambda e: substitute(e, values)), lets=())


def _ordered_sums(value: Expression, loop: Loop) -> Expression:
    """Sums of whole numbers with their terms in one order: fields, then registers."""
    order = {name: i for i, (name, _) in enumerate(loop.inputs)}
    order |= {r.name: len(order) + i for i, r in enumerate(loop.registers)}

    def rebuilt(node: Expression) -> Expression | None:
        if not isinstance(node, Prim) or node.type != INT:
            return None
        if node.primitive.name not in ("add", "sub", "neg", "sum"):
            return None
        terms, constant = linear(_spelled(node))
        if any(w.denominator != 1 for w in terms.values()) or constant.denominator != 1:
            return None
        ranked = sorted(terms.items(), key=lambda t: (t[1] < 0, _rank(t[0], order)))
        return _sum([(int(w), e) for e, w in ranked if w], int(constant))

    return transform(value, rebuilt)


def _spelled(node: Prim) -> Expression:
    """`sum([a, b])` as `a + b`."""
    inner = node.children[0]
    if node.primitive.name != "sum" or not isinstance(inner, Prim):
        return node
    if inner.primitive.name != "vector" or inner.type != Vector(INT, (len(inner.children),)):
        return node
    total = inner.children[0]
    for child in inner.children[1:]:
        total = prim("add", total, child)
    return total


def _rank(value: Expression, order: dict[str, int]) -> tuple[int, str]:
    places = [order.get(name, len(order)) for name in free_variables(value)]
    return min(places, default=len(order)), str(value)


def _sum(terms: list[tuple[int, Expression]], constant: int) -> Expression:
    scaled = [(w, e if abs(w) == 1 else prim("mul", const(abs(w)), e)) for w, e in terms]
    if constant:
        scaled.append((constant, const(abs(constant))))
    added = [e for w, e in scaled if w > 0]
    taken = [e for w, e in scaled if w < 0]
    if not added:
        added = [prim("neg", taken.pop(0))] if taken else [const(0)]
    total = added[0] if len(added) == 1 else prim("add", *added)
    for value in taken:
        total = prim("sub", total, value)
    return total


# --- shared values --------------------------------------------------------------------------


def _shared(loop: Loop) -> Loop:
    """What occurs more than once in a step is computed once, the largest first."""
    for number in range(6):
        repeated = _largest_repeated(loop)
        if repeated is None:
            return loop
        loop = _with_let(loop, repeated, f"value{number}")
    return loop


def _largest_repeated(loop: Loop) -> Expression | None:
    seen: Counter[Expression] = Counter()
    for value in _values(loop):
        for node in _occurrences(value):
            seen[node] += 1
    found = [n for n, c in seen.items() if c > 1 and size(n) >= _SHARED_FROM]
    return max(found, key=lambda n: (size(n), str(n)), default=None)


def _values(loop: Loop) -> Iterator[Expression]:
    yield from (v for _, v in loop.lets)
    yield loop.output
    yield from (r.update for r in loop.registers)


def _occurrences(value: Expression) -> Iterator[Expression]:
    """Every place of a value that isn't a name or literal, lambdas left alone."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Prim):
            yield node
            stack.extend(node.children)


def _with_let(loop: Loop, value: Expression, name: str) -> Loop:
    stands = var(name, value.type)

    def put(node: Expression) -> Expression | None:
        return stands if node is value else None

    registers = tuple(Register(r.name, r.start, transform(r.update, put)) for r in loop.registers)
    lets = tuple((n, transform(v, put)) for n, v in loop.lets)
    place = next((i for i, (n, v) in enumerate(loop.lets) if value in set(walk(v))), len(lets))
    lets = (*lets[:place], (name, value), *lets[place:])
    return replace(loop, registers=registers, lets=lets, output=transform(loop.output, put))


# --- names ----------------------------------------------------------------------------------


def named(loop: Loop) -> Loop:
    """Registers and lets named for what they hold, as far as their updates tell."""
    taken = {name for name, _ in loop.inputs}
    names: dict[str, str] = {}
    values = dict(loop.lets)
    for register in loop.registers:
        names[register.name] = _free(_register_name(register, loop, values), taken)
    for name, value in loop.lets:
        names[name] = _free(_let_name(name, value, loop, names), taken)
    return _renamed(loop, names)


def _free(stem: str, taken: set[str]) -> str:
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}{number}", number + 1
    taken.add(name)
    return name


_GENERATED = ("r", "last", "value", "now")


def _register_name(register: Register, loop: Loop, values: dict[str, Expression]) -> str:
    stem = register.name.rstrip("0123456789")
    if stem not in _GENERATED:
        return register.name
    update = register.update
    for name in reversed(values):
        update = substitute(update, {name: values[name]})
    own = var(register.name, register.type)
    return _by_form(update, own, loop) or ("state" if stem == "r" else register.name)


def _by_form(update: Expression, own: Expression, loop: Loop) -> str | None:
    """largest, smallest, count, total, remainder, carry, parity: by the update's outermost form."""
    if not isinstance(update, Prim) or own not in set(walk(update)):
        return None
    name, parts = update.primitive.name, update.children
    if name in ("max", "min") and own in parts:
        return {"max": "largest", "min": "smallest"}[name]
    if name == "mod" and isinstance(parts[1], Const):
        return "remainder"
    if name == "floordiv" and isinstance(parts[1], Const):
        return "carry"
    if name == "xor" or (name == "equal" and own in parts and own.type == BOOL):
        return "parity"
    if name == "put":
        return "counts"
    if name == "if_" and own.type == INT:
        return _by_branches(parts[1:], own)
    if name == "not_":
        return "odd" if update.children[0] is own else None
    if update.type != INT:
        return None
    terms, _ = linear(update)
    if terms.get(own) != 1:
        return None
    rest = [t for t in terms if t is not own]
    fields = {n for n, item in loop.inputs if item == INT}
    if any(isinstance(t, Var) and t.name in fields for t in rest):
        return "total"
    return "balance" if any(_is_signed(t) for t in rest) else "count"


def _by_branches(branches: tuple[Expression, ...], own: Expression) -> str | None:
    """count: goes up by one or stays; run: goes up by one or starts again."""
    up = prim("add", own, const(1))
    rest = [b for b in branches if b not in (up, prim("add", const(1), own))]
    if len(rest) != 1:
        return None
    if rest[0] is own:
        return "count"
    return "run" if isinstance(rest[0], Const) else None


def _is_signed(term: Expression) -> bool:
    if not isinstance(term, Prim) or term.primitive.name != "if_":
        return False
    ends = [c.value for c in term.children[1:] if isinstance(c, Const)]
    return sorted(ends) == [-1, 1]


def _let_name(name: str, value: Expression, loop: Loop, names: dict[str, str]) -> str:
    """A let that becomes a register's value is the new one; a sum is a total."""
    for register in loop.registers:
        if register.update == var(name, value.type):
            return f"new_{names[register.name]}"
    if isinstance(value, Prim) and value.primitive.name in ("add", "sub"):
        return "total"
    return "value"


def _renamed(loop: Loop, names: dict[str, str]) -> Loop:
    types: dict[str, Type] = loop.scope() | {n: v.type for n, v in loop.lets}
    new = {n: var(names[n], types[n]) for n in names}

    def change(value: Expression) -> Expression:
        return substitute(value, new)

    registers = tuple(Register(names[r.name], r.start, change(r.update)) for r in loop.registers)
    lets = tuple((names[n], change(v)) for n, v in loop.lets)
    return replace(loop, registers=registers, lets=lets, output=change(loop.output))
