"""Names for registers and shared values: what they hold, as far as a step tells."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np

from distill.synthesize.tidy import linear
from dsl.loop import Loop, Register
from dsl.meanings.array import run_expression
from dsl.program import Const, Expression, Prim, Var, const, prim, substitute, transform, var, walk
from dsl.types import BOOL, INT, REAL, Type

GENERATED = ("r", "kept", "last", "before_last", "third_last", "value", "now", "state", "position")
"""Stems that the search gives where it knows no better."""

_GIVEN = (
    *("largest", "smallest", "second", "count", "total", "balance", "difference", "level", "run"),
    *("remainder", "product", "carry", "parity", "odd", "seen", "always", "latest", "on"),
)
"""Stems by a step's form, which may have changed since."""

_EXTREMES = {"max": "largest", "min": "smallest"}
_LONG = ("before_last", "third_last")


def named(loop: Loop) -> Loop:
    """Registers and lets named for what they hold, as far as their updates tell."""
    stems: dict[str, str] = {}
    for register in loop.registers:
        stems[register.name] = _register_stem(register, loop)
    for register in loop.registers:
        source = _delayed(register, loop)
        if source is not None and _is_ours(stems[register.name]):
            stems[register.name] = _before(stems[source])
    names = _different(stems, {name for name, _ in loop.inputs})
    taken = {name for name, _ in loop.inputs} | set(names.values())
    for name, value in loop.lets:
        stem = _let_stem(name, value, loop, names)
        names[name] = _free("added" if stem == "total" and stem in taken else stem, taken)
    return _renamed(loop, names)


def _different(stems: dict[str, str], taken: set[str]) -> dict[str, str]:
    """Every register with a name of its own: those with one stem are numbered from 0."""
    times = Counter(stems.values())
    numbered: Counter[str] = Counter()
    names: dict[str, str] = {}
    for register, stem in stems.items():
        wanted = stem
        if times[stem] > 1:
            wanted = f"{stem}{numbered[stem]}"
            numbered[stem] += 1
        names[register] = _free(wanted, taken)
    return names


def _free(stem: str, taken: set[str]) -> str:
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}{number}", number + 1
    taken.add(name)
    return name


def _stem(name: str) -> str:
    return name.rstrip("0123456789")


def _delayed(register: Register, loop: Loop) -> str | None:
    """The register whose value of one item ago this one holds, or None."""
    names = {r.name for r in loop.registers}
    update = register.update
    return update.name if isinstance(update, Var) and update.name in names else None


def _before(stem: str) -> str:
    if stem.startswith("previous"):
        return f"before_{stem}"
    return "before_last" if stem == "last" else f"previous_{stem}"


def _register_stem(register: Register, loop: Loop) -> str:
    stem = _stem(register.name)
    if stem not in GENERATED and stem not in _GIVEN:
        return stem if stem != register.name and _alone(stem, loop) else register.name
    update = register.update
    for name, value in reversed(loop.lets):
        update = substitute(update, {name: value})
    own = var(register.name, register.type)
    found = by_form(update, own, loop)
    if found is not None:
        return found
    if stem in _LONG or (stem == "last" and _feeds_delay(register, loop)):
        return stem
    if stem in _GIVEN or stem == "kept":
        return stem
    return "on" if register.type == BOOL else "state"


def _is_ours(stem: str) -> bool:
    """Whether the name of a delay says nothing, or what it was a delay of before."""
    return stem in GENERATED or stem in _GIVEN or stem.startswith("previous_")


def _alone(stem: str, loop: Loop) -> bool:
    return sum(_stem(r.name) == stem for r in loop.registers) == 1


def _feeds_delay(register: Register, loop: Loop) -> bool:
    return any(_delayed(other, loop) == register.name for other in loop.registers)


def by_form(update: Expression, own: Expression, loop: Loop) -> str | None:
    """largest, smallest, count, total, remainder, carry, parity: by the update's outermost form."""
    if not isinstance(update, Prim) or own not in set(walk(update)):
        return None
    if own.type == BOOL:
        return _of_truth(update, own)
    name, parts = update.primitive.name, update.children
    if name in _EXTREMES and own in parts:
        return _EXTREMES[name]
    if name in _EXTREMES and own.type == REAL:
        return "level"
    if name in _EXTREMES and any(isinstance(p, Const) for p in parts):
        return next((by_form(p, own, loop) for p in parts if isinstance(p, Prim)), None)
    if name == "clip":
        return _of_clipped(parts, own, loop)
    if name == "mod" and isinstance(parts[1], Const):
        return "remainder"
    if name == "floordiv" and isinstance(parts[1], Const):
        return "carry" if linear(parts[0])[0].get(own) == 1 else None
    if name == "put":
        return "counts"
    if name == "if_":
        return _of_branches(parts[1:], own, loop)
    if name == "mul" and own in parts:
        return "product"
    return _of_sum(update, own, loop) if update.type in (INT, REAL) else None


def _of_truth(update: Prim, own: Expression) -> str | None:
    name, parts = update.primitive.name, update.children
    if name == "not_" and parts[0] is own:
        return "odd"
    if name == "xor" or (name == "equal" and own in parts):
        return "parity"
    if name == "or_" and own in parts:
        return "seen"
    if name == "and_" and own in parts:
        return "always"
    if name in ("greater", "greater_equal"):
        return "carry" if linear(parts[0])[0].get(prim("as_int", own)) == 1 else None
    return "carry" if _is_majority(update) else None


def _is_majority(update: Expression) -> bool:
    """Whether it is the majority of three truths: what an addition carries."""
    names = sorted({n.name for n in walk(update) if isinstance(n, Var) and n.type == BOOL})
    if len(names) != 3 or any(isinstance(n, Var) and n.type != BOOL for n in walk(update)):
        return False
    rows = np.array(list(product((False, True), repeat=3)))
    values = run_expression(update, dict(zip(names, rows.T, strict=True)))
    return bool((values == (rows.sum(1) >= 2)).all())


def _of_branches(branches: tuple[Expression, ...], own: Expression, loop: Loop) -> str | None:
    """count: goes up by one or stays; run: goes up by one or starts again; else by what changes."""
    up = (prim("add", own, const(1)), prim("add", const(1), own))
    rest = [b for b in branches if b not in up]
    if len(rest) == 1:
        return "count" if rest[0] is own else "run" if isinstance(rest[0], Const) else None
    changing = [b for b in rest if b is not own]
    stems = {by_form(b, own, loop) for b in changing if own in set(walk(b))}
    if len(changing) == 1 and not stems:
        return "latest" if own in rest else None
    return stems.pop() if len(stems) == 1 else None


def _of_clipped(parts: tuple[Expression, ...], own: Expression, loop: Loop) -> str | None:
    """second: between itself and the largest; largest, smallest: pushed one way up to an end;
    count, level: a sum that stays within bounds."""
    inside, low, high = parts
    if low is own and isinstance(high, Var):
        other = next((r.update for r in loop.registers if r.name == high.name), high)
        return "second" if by_form(other, high, loop) == "largest" else None
    if inside is own and isinstance(low, Const) != isinstance(high, Const):
        return "smallest" if isinstance(low, Const) else "largest"
    if not isinstance(inside, Prim):
        return None
    found = _of_sum(inside, own, loop)
    if own.type == REAL:
        return found and "level"
    return {"total": "level", "balance": "count", "count": "count"}.get(found or "")


def _of_sum(update: Expression, own: Expression, loop: Loop) -> str | None:
    lifted = (prim("relu", own), prim("max", own, const(0)))
    terms, constant = linear(transform(update, lambda n: own if n in lifted else None))
    rest = [t for t in terms if t is not own]
    if terms.get(own) == -1 and rest:
        return "difference"
    delays = {r.name for r in loop.registers if _delayed(r, loop) is not None}
    if own.type == REAL and rest and 0 < terms.get(own, 0) < 1:
        return "level"
    if terms.get(own) != 1 or any(isinstance(t, Var) and t.name in delays for t in rest):
        return None
    if not rest:
        return "position" if constant == 1 else None
    if any(_is_amount(t, loop) for t in rest):
        return "total"
    if own.type == REAL:
        return "total"
    return "balance" if any(_is_signed(t) for t in rest) else "count"


def _is_amount(term: Expression, loop: Loop) -> bool:
    """Whether a term is a number of the item or a register, or its size."""
    if isinstance(term, Prim) and term.primitive.name in ("abs", "relu", "mul"):
        return all(isinstance(c, Const) or _is_amount(c, loop) for c in term.children)
    numbers = {n for n, item in (*loop.inputs, *((r.name, r.type) for r in loop.registers))
               if item in (INT, REAL)}  # fmt: skip
    return isinstance(term, Var) and term.name in numbers


def _is_signed(term: Expression) -> bool:
    if not isinstance(term, Prim) or term.primitive.name != "if_":
        return False
    ends = [c.value for c in term.children[1:] if isinstance(c, Const)]
    return sorted(ends) == [-1, 1]


def _let_stem(name: str, value: Expression, loop: Loop, names: dict[str, str]) -> str:
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
