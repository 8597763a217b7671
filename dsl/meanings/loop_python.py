"""Loops as plain Python: a `for` over the items, registers as local variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from dsl.loop import Loop, Register
from dsl.meanings.loop_statements import assigned, own_lists, value_text
from dsl.meanings.python import wrap
from dsl.meanings.python_words import (
    annotation,
    helper_names,
    helpers_called,
    imports,
    literal,
    python_name,
)
from dsl.program import (
    Expression,
    Var,
    const,
    free_variables,
    substitute,
    transform,
    var,
)
from dsl.types import Vector

CHECK = "check"
"""The function that refuses what isn't in the domain."""

_WIDEST = 92
"""Characters of a comprehension that stays on its line."""

_FEW_REGISTERS = 3

_OWN = ("items", "outputs", "result", CHECK)


def loop_python(loop: Loop) -> str:
    """Source of a loop and the helpers it calls; no checks, no docstring."""
    named = with_local_names(loop)
    function = "\n".join(loop_lines(named))
    blocks = [*helpers_called(loop_values(named), function), function]
    head = "\n".join(f"import {name}" for name in imports(blocks))
    return "\n\n\n".join([head, *blocks] if head else blocks) + "\n"


def loop_values(loop: Loop) -> list[Expression]:
    """All that a step computes."""
    return [v for _, v in loop.lets] + [loop.output, *(r.update for r in loop.registers)]


def loop_lines(loop: Loop, before: tuple[str, ...] = ()) -> list[str]:
    """The function's lines; `before` are lines that go ahead of its body."""
    names = [name for name, _ in loop.inputs]
    item = _item_type(loop)
    result = annotation(loop.output.type)
    result = result if loop.at_end else f"list[{result}]"
    lines = [f"def {loop.name}(items: list[{item}]) -> {result}:"]
    if not loop.registers and not loop.lets and not loop.at_end:
        listed = f"return [{value_text(loop.output, None)} for {', '.join(names)} in items]"
        if len(listed) <= _WIDEST:
            return lines + ["    " + line for line in (*before, listed)]
    body = [*before, *_starts(loop)]
    late = _read_at_end(loop) if loop.at_end else None
    emit = _APPEND if not loop.at_end else ("result = ", "") if late is None else ("", "")
    body += [] if loop.at_end else ["outputs = []"]
    step = list(_step(loop if late is None else _without_output(loop), emit))
    body += [f"for {', '.join(names)} in items:"] * bool(step)
    body += ["    " + line for line in step]
    if late is not None:
        body += wrap("return ", value_text(late, None))
    else:
        body.append("return result" if loop.at_end else "return outputs")
    return lines + ["    " + line for line in body]


def _starts(loop: Loop) -> list[str]:
    """What the registers hold at first; of many, those that start alike on one line."""
    values = [(r.name, literal(r.start.value, r.type), r.type) for r in loop.registers]
    if len(values) <= _FEW_REGISTERS:
        return [f"{name} = {value}" for name, value, _ in values]
    lines: list[str] = []
    for value, group in groupby(values, key=lambda v: v[1]):
        names = list(group)
        if any(isinstance(item, Vector) for _, _, item in names):  # a list must not be shared
            lines += [f"{name} = {value}" for name, _, _ in names]
        else:
            lines += wrap(" = ".join(name for name, _, _ in names) + " = ", value)
    return lines


def _read_at_end(loop: Loop) -> Expression | None:
    """The last output from what the registers hold after the last item; None where it isn't."""
    values: dict[str, Expression] = {}
    for name, value in loop.lets:
        values[name] = substitute(value, values)
    primed = {r.name: var(f"{r.name}'", r.type) for r in loop.registers}
    after = {
        substitute(r.update, values): primed[r.name]
        for r in loop.registers
        if r.update.type == r.type
    }
    output = transform(substitute(loop.output, values), after.get)
    if not free_variables(output).keys() <= {p.name for p in primed.values()}:
        return None
    return substitute(output, {p.name: var(n, p.type) for n, p in primed.items()})


_APPEND = ("outputs.append(", ")")


def _without_output(loop: Loop) -> Loop:
    """The step without its output and what only that needs."""
    needed = {name for r in loop.registers for name in free_variables(r.update)}
    kept: list[tuple[str, Expression]] = []
    for name, value in reversed(loop.lets):
        if name in needed:
            kept.insert(0, (name, value))
            needed |= free_variables(value).keys()
    return replace(loop, lets=tuple(kept), output=const(0))


def _item_type(loop: Loop) -> str:
    types = [annotation(item) for _, item in loop.inputs]
    return types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"


def _step(loop: Loop, emit: tuple[str, str]) -> Iterator[str]:
    """Lets, output (`emit` around it) and next values.

    A let that only becomes a register's value is that register.
    """
    lists = own_lists(loop)
    loop, early = _assigned_early(loop)
    for name, value in loop.lets:
        yield from assigned(name, value, None, lists & early)
    if any(emit):
        yield from wrap(emit[0], value_text(loop.output, None) + emit[1])
    rest = [r for r in loop.registers if r.name not in early and r.update != var(r.name, r.type)]
    ordered = _in_order(rest)
    if ordered is None:
        left = ", ".join(r.name for r in rest)
        yield from wrap(f"{left} = ", ", ".join(value_text(r.update, r.type) for r in rest))
        return
    for register in ordered:
        yield from assigned(register.name, register.update, register.type, lists)


def _in_order(registers: list[Register]) -> list[Register] | None:
    """An order in which no next value reads a register that was already assigned, if any."""
    left, found = list(registers), []
    while left:
        free = [r for r in left if not any(r.name in _reads(o) for o in left if o is not r)]
        if not free:
            return None
        found.append(free[0])
        left.remove(free[0])
    return found


def _reads(register: Register) -> set[str]:
    return set(free_variables(register.update))


def _assigned_early(loop: Loop) -> tuple[Loop, set[str]]:
    """Lets renamed to the register that takes their value, where the old one isn't read later."""
    early: set[str] = set()
    for register in loop.registers:
        update = register.update
        place = next((i for i, (n, v) in enumerate(loop.lets) if update == var(n, v.type)), None)
        if place is None or loop.lets[place][1].type != register.type:
            continue
        later = [v for _, v in loop.lets[place + 1 :]] + [loop.output]
        later += [r.update for r in loop.registers if r is not register]
        if any(register.name in free_variables(v) for v in later):
            continue
        loop = _with_let_as(loop, place, register)
        early.add(register.name)
    return loop, early


def _with_let_as(loop: Loop, place: int, register: Register) -> Loop:
    """The same step with one let called as the register; only for printing."""
    old = loop.lets[place][0]
    new = {old: var(register.name, register.type)}
    lets = [
        (register.name if i == place else n, substitute(v, new) if i > place else v)
        for i, (n, v) in enumerate(loop.lets)
    ]
    registers = tuple(Register(r.name, r.start, substitute(r.update, new)) for r in loop.registers)
    return _unchecked(loop, registers, tuple(lets), substitute(loop.output, new))


def _unchecked(loop: Loop, registers: tuple, lets: tuple, output: Expression) -> Loop:
    """A loop whose lets may have registers' names: what is printed is Python, not a loop."""
    made = object.__new__(Loop)
    for name, value in (
        ("inputs", loop.inputs), ("registers", registers), ("lets", lets),
        ("output", output), ("name", loop.name), ("at_end", loop.at_end),
    ):  # fmt: skip
        object.__setattr__(made, name, value)
    return made


def with_local_names(loop: Loop) -> Loop:
    """The loop with names that are no keywords, builtins, or ours."""
    names: dict[str, Expression] = {}
    taken = {*_OWN, *(name for value in loop_values(loop) for name in helper_names(value))}
    for name, item in [*loop.scope().items(), *((n, v.type) for n, v in loop.lets)]:
        new = python_name(name, taken)
        taken.add(new)
        names[name] = var(new, item)

    def renamed(value: Expression) -> Expression:
        return substitute(value, names)

    def called(name: str) -> str:
        found = names[name]
        assert isinstance(found, Var)
        return found.name

    return Loop(
        tuple((called(n), t) for n, t in loop.inputs),
        tuple(
            Register(called(r.name), const(r.start.value, r.type), renamed(r.update))
            for r in loop.registers
        ),
        tuple((called(n), renamed(v)) for n, v in loop.lets),
        renamed(loop.output),
        python_name(loop.name),
        loop.at_end,
    )
