"""Loops from what was found: names for registers, shared values, shift registers."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from fractions import Fraction

import numpy as np

from distill.synthesize.fit import nearest_simple
from distill.synthesize.loops.explain import as_number
from distill.synthesize.loops.linear import Recurrence
from distill.synthesize.loops.traces import PRIME
from distill.synthesize.tidy import weighted_sum
from dsl.loop import Loop, Register
from dsl.program import Expression, Prim, const, prim, var
from dsl.types import BOOL, INT, REAL, Type, Vector

_WINDOW_FROM = 3
"""Delays of one field from which a list holds them instead of one register each."""

_MARK = re.compile(r"(?<=kept)\d+$|(?<=stack)\d+$|_low$|_high$")

Fields = tuple[tuple[str, Type], ...]


def plain_names(own: Iterable[str], taken: Container[str]) -> dict[str, str]:
    """Names without the marks that tell memories apart in the search, where they are free."""
    found: dict[str, str] = {}
    for name in own:
        plain = _MARK.sub("", name)
        while plain in taken or plain in found.values():
            plain += "_"
        found[name] = plain
    return found


def linear_form(parts: Iterable[tuple[int, Expression]], constant: int) -> Expression:
    """The sum of whole multiples, positive ones first, and a constant."""
    terms = sorted(((Fraction(w), e) for w, e in parts if w), key=lambda p: p[0] < 0)
    total = weighted_sum(terms)
    if total is None:
        return const(constant)
    if constant:
        total = prim("add" if constant > 0 else "sub", total, const(abs(constant)))
    return total


def loop_of_recurrence(found: Recurrence, fields: Fields, truth: bool) -> Loop:
    """The loop of a linear recurrence; `truth`: outputs are 0 and 1, and true above 0."""
    q, p = found.orders
    k = found.constant.size
    registers: list[Register] = []
    delays, inputs = _delayed_inputs(found, fields, p)
    registers += delays
    earlier, outputs = _delayed_outputs(found, q, k)
    bodies = []
    for place in range(k):
        parts = [(int(found.inputs[place, 0, d]), as_number(var(*f))) for d, f in enumerate(fields)]
        parts += _merged([(w, inputs[d][j]) for d, j, w in _places(found.inputs[place, 1:])])
        parts += [(w, outputs[m][i]) for m, i, w in _places(found.outputs[place])]
        bodies.append(linear_form(parts, int(found.constant[place])))
    lets: tuple[tuple[str, Expression], ...] = ()
    if q:
        names = ["now"] if k == 1 else [f"now{m}" for m in range(k)]
        lets = tuple(zip(names, bodies, strict=True))
        registers += earlier(names)
        bodies = [var(name, INT) for name in names]
    output = bodies[0] if k == 1 else prim("vector", *bodies)
    if truth and k == 1:
        output = prim("greater", output, const(0))
    return Loop(fields, tuple(registers), lets, output)


def _places(weights: np.ndarray) -> list[tuple[int, int, int]]:
    """(component, delay, weight) of (delays, components) weights that aren't 0."""
    return [(int(c), int(i), int(weights[i, c])) for i, c in zip(*np.nonzero(weights), strict=True)]


def _merged(parts: list[tuple[int, Expression]]) -> list[tuple[int, Expression]]:
    """All items of one list with one weight are its sum."""
    lists: dict[Expression, list[int]] = {}
    for weight, value in parts:
        if isinstance(value, Prim) and value.primitive.name == "item":
            lists.setdefault(value.children[0], []).append(weight)
    for vector, weights in lists.items():
        assert isinstance(vector.type, Vector)
        if len(weights) == vector.type.shape[0] > 1 and len(set(weights)) == 1:
            parts = [
                (w, v) for w, v in parts if not (isinstance(v, Prim) and v.children[0] is vector)
            ]
            parts.append((weights[0], prim("sum", vector)))
    return parts


def _delayed_inputs(
    found: Recurrence, fields: Fields, p: int
) -> tuple[list[Register], list[list[Expression]]]:
    """Registers of the delayed inputs, and per field the expressions from the nearest back."""
    registers: list[Register] = []
    named: list[list[Expression]] = []
    for d, (name, item) in enumerate(fields):
        used = np.flatnonzero(found.inputs[:, 1:, d].any(0))
        depth = int(used.max()) + 1 if used.size else 0
        before = [int(v) for v in found.before_inputs[:depth, d]]
        made, values = delay_line(name, item, before, len(fields) > 1)
        registers += made
        named.append([as_number(v) for v in values])
    return registers, named


def delay_line(
    name: str, item: Type, before: Sequence[float], several: bool
) -> tuple[list[Register], list[Expression]]:
    """Registers for the last items of a field, and what they hold, nearest first."""
    depth = len(before)
    bits = item == BOOL and set(before) <= {0, 1}
    whole = item != REAL and all(float(b).is_integer() for b in before)
    held: Type = BOOL if bits else INT if whole else REAL
    now = var(name, item) if held == item else as_number(var(name, item))
    ending = f"_{name.rstrip(PRIME)}" if several else ""
    if depth >= _WINDOW_FROM:
        window = var(f"recent{ending}", Vector(held, (depth,)))
        start = const(tuple(_start(b, held) for b in before[::-1]), window.type)
        shifted = prim("concat", prim("slice", window, const(1), const(depth)), prim("vector", now))
        items = [prim("item", window, const(depth - 1 - i)) for i in range(depth)]
        return [Register(window.name, start, shifted)], items
    names = [f"previous{ending}", f"before{ending}"][:depth]
    values = [var(n, held) for n in names]
    updates = [now, *values[:-1]] if depth else []
    made = [
        Register(n, const(_start(b, held), held), u)
        for n, b, u in zip(names, before, updates, strict=True)
    ]
    return made, list(values)


def _start(value: float, held: Type) -> bool | int | Fraction:
    if held == BOOL:
        return bool(value)
    return int(value) if held == INT else nearest_simple(Fraction(value))


def _delayed_outputs(found: Recurrence, q: int, k: int):  # noqa: ANN202
    """Registers for the last outputs: a maker that takes the names of the new ones, and values."""
    stems = ["last", "before_last", "third_last"]
    names = [[stems[i] + ("" if k == 1 else str(m)) for i in range(q)] for m in range(k)]
    values = [[var(n, INT) for n in row] for row in names]

    def registers(new: Sequence[str]) -> list[Register]:
        made = []
        for m in range(k):
            updates = [var(new[m], INT), *values[m][:-1]]
            for i, name in enumerate(names[m]):
                made.append(Register(name, const(int(found.before_outputs[i, m])), updates[i]))
        return made

    return registers, values
