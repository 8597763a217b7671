"""Loops as English sentences: what is kept, what a step returns, what is kept then."""

from __future__ import annotations

from dsl.loop import Loop, Register
from dsl.meanings.english import listed, phrase, says
from dsl.program import Expression


def loop_english(loop: Loop) -> str:
    """A sentence for what is kept, for the value of a step, and for what it leaves behind."""
    names = ", ".join(name for name, _ in loop.inputs)
    lines = [f"{loop.name} goes through a sequence of items {names}, one after the other."]
    if loop.registers:
        lines.append(f"Before the first item {listed(list(map(_start, loop.registers)), ' and ')}.")
    where = [f"{name} is {_words(value)}" for name, value in loop.lets]
    behind = f", where {listed(where, ', and ')}" if where else ""
    value = "The value" if loop.at_end else "The value for every item"
    late = ", read after the last item" if loop.at_end else ""
    lines.append(f"{value}{late} {says(loop.output.type)} {_words(loop.output)}{behind}.")
    changed = [f"{r.name} becomes {_words(r.update)}" for r in loop.registers]
    if changed:
        together = " at once" if len(changed) > 1 else ""
        lines.append(f"After every item{together} {listed(changed, ' and ')}.")
    return "\n".join(lines)


def _start(register: Register) -> str:
    return f"{register.name} is {_words(register.start)}"


def _words(value: Expression) -> str:
    return phrase(value).text
