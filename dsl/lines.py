"""A program or loop laid out line by line: each let, each branch of a choice on a line of its own.

The lines read as the written form of `dsl.text`; each knows what stands on it, so that what is
known of a node can be printed beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsl.loop import Loop
from dsl.program import Definition, Expression, Let, Prim, Program
from dsl.text_show import show

WIDE = 60
"""Characters up to which a choice stays on one line."""


@dataclass(frozen=True)
class Line:
    """owner: the definition's name; depth: of indentation; node: what is written on it, the
    condition for `if` lines; decides: the choice whose condition it is; branch: the choice and
    side (0 or 1) that lead here; heads: whether it begins a definition."""

    owner: str
    depth: int
    text: str
    node: Expression | None = None
    decides: Expression | None = None
    branch: tuple[Expression, int] | None = None
    heads: bool = False


def lines_of(program: Program | Loop) -> tuple[Line, ...]:
    """All lines, definition after definition."""
    if isinstance(program, Loop):
        return tuple(_of_loop(program))
    return tuple(line for d in program.definitions for line in _of_definition(d))


def _of_definition(definition: Definition) -> Iterator[Line]:
    names = ", ".join(f"{name}: {item}" for name, item in definition.parameters)
    head = f"def {definition.name}({names}) -> {definition.result} ="
    yield Line(definition.name, 0, head, heads=True)
    yield from _laid_out(definition.name, definition.body, 1)


def _of_loop(loop: Loop) -> Iterator[Line]:
    head, *rest = str(loop).rstrip().splitlines()
    yield Line(loop.name, 0, head, heads=True)
    for register, text in zip(loop.registers, rest, strict=False):
        yield Line(loop.name, 1, text.strip(), register.start)
    for name, value in loop.lets:
        yield from _laid_out(loop.name, value, 1, f"let {name} = ")
    yield from _laid_out(loop.name, loop.output, 1, "out ")
    for register in loop.registers:
        yield from _laid_out(loop.name, register.update, 1, f"next {register.name} = ")


def _laid_out(
    owner: str,
    body: Expression,
    depth: int,
    before: str = "",
    branch: tuple[Expression, int] | None = None,
) -> Iterator[Line]:
    waiting = [(body, depth, before, branch)]
    while waiting:
        node, depth, before, branch = waiting.pop()
        if isinstance(node, Let):
            value, rest = node.children
            text = f"{before}let {node.name} = {show(value)} in"
            yield Line(owner, depth, text, value, branch=branch)
            waiting.append((rest, depth, "", branch))
        elif _broken(node):
            condition, yes, no = node.children
            text = f"{before}if {show(condition)}"
            yield Line(owner, depth, text, condition, decides=node, branch=branch)
            further = depth if _broken(no) else depth + 1
            waiting.append((no, further, "else ", (node, 1)))
            waiting.append((yes, depth + 1, "then ", (node, 0)))
        else:
            yield Line(owner, depth, before + show(node), node, branch=branch)


def _broken(node: Expression) -> bool:
    """Whether a choice is written on several lines."""
    chosen = isinstance(node, Prim) and node.primitive.name == "if_"
    return chosen and (len(show(node)) > WIDE or any(map(_is_choice, node.children)))


def _is_choice(node: Expression) -> bool:
    return isinstance(node, Prim) and node.primitive.name == "if_"
