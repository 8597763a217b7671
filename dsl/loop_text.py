"""The written form of loops: printer and parser, which undo each other."""

from __future__ import annotations

from dsl.loop import Loop, Register
from dsl.program import Const, Expression
from dsl.text import ParseError, Reader, show
from dsl.types import REAL, Sequence, Type, TypeMismatch

_WORDS = ("start", "let", "out", "next")


def show_loop(loop: Loop) -> str:
    """A line for every register, let and next value."""
    inputs = ", ".join(f"{name}: {item}" for name, item in loop.inputs)
    result = loop.output.type if loop.at_end else Sequence(loop.output.type)
    lines = [f"loop {loop.name}({inputs}) -> {result}"]
    lines += [f"  start {r.name}: {r.type} = {show(r.start)}" for r in loop.registers]
    lines += [f"  let {name} = {show(value)}" for name, value in loop.lets]
    lines.append(f"  out {show(loop.output)}")
    lines += [f"  next {r.name} = {show(r.update)}" for r in loop.registers]
    return "\n".join(lines) + "\n"


def parse_loop(text: str) -> Loop:
    """Read a loop.

    Raises:
        ParseError: it isn't one, or its types don't fit.
    """
    head, *lines = [line for line in text.splitlines() if line.strip()] or [""]
    name, inputs, result = _head(head)
    at_end = not isinstance(result, Sequence)
    starts: dict[str, Const] = {}
    lets: list[tuple[str, Expression]] = []
    updates: dict[str, Expression] = {}
    outputs: list[Expression] = []
    scope = dict(inputs)
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "start":
            register, value = _start(rest)
            starts[register], scope[register] = value, value.type
        elif word == "out":
            outputs.append(_value(rest, scope))
        elif word in ("let", "next"):
            bound, value = _binding(rest, scope)
            if word == "let":
                lets.append((bound, value))
                scope[bound] = value.type
            else:
                updates[bound] = value
        else:
            raise ParseError(f"a line of a loop begins with {', '.join(_WORDS)}; got {word!r}")
    if len(outputs) != 1 or updates.keys() != starts.keys():
        raise ParseError("a loop has one 'out', and a 'start' and a 'next' for every register")
    registers = tuple(Register(r, starts[r], updates[r]) for r in starts)
    try:
        made = Loop(inputs, registers, tuple(lets), outputs[0], name, at_end)
    except TypeMismatch as error:
        raise ParseError(str(error)) from None
    if made.output.type != (result.item if isinstance(result, Sequence) else result):
        raise ParseError(
            f"{name} is declared to return {result}, and it returns {made.output.type}"
        )
    return made


def _head(line: str) -> tuple[str, tuple[tuple[str, Type], ...], Type]:
    reader = Reader(line)
    reader.expect("loop")
    name, inputs = reader.name(), reader.parameters()
    reader.expect("->")
    result = reader.type()
    _end(reader)
    return name, inputs, result


def _start(text: str) -> tuple[str, Const]:
    from dsl.program import const

    reader = Reader(text)
    name = reader.name()
    reader.expect(":")
    item = reader.type()
    reader.expect("=")
    value = reader.expression({})
    _end(reader)
    if not isinstance(value, Const):
        raise ParseError(f"the start of {name} must be a literal")
    try:
        return name, const(value.value, item) if item == REAL else _typed(value, item, name)
    except TypeMismatch as error:
        raise ParseError(str(error)) from None


def _typed(value: Const, item: Type, name: str) -> Const:
    if value.type != item:
        raise ParseError(f"{name} is {item}, and its start {value.type}")
    return value


def _binding(text: str, scope: dict[str, Type]) -> tuple[str, Expression]:
    reader = Reader(text)
    name = reader.name()
    reader.expect("=")
    value = reader.expression(scope)
    _end(reader)
    return name, value


def _value(text: str, scope: dict[str, Type]) -> Expression:
    reader = Reader(text)
    value = reader.expression(scope)
    _end(reader)
    return value


def _end(reader: Reader) -> None:
    if reader.next.kind != "end":
        raise reader.error("the end of the line")
