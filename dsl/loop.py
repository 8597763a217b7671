"""Loops: one step repeated over a sequence, with named registers.

    loop predict(x: int, y: int) -> seq(int)
      start carry: int = 0
      let total = x + y + carry
      out total % 7
      next carry = total // 7

In every step the lets are computed in order over the registers and the fields of the
item, then the output; then all registers get their next values at once. What a loop
returns is its outputs, one per item, or the last one only (`-> int`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dsl.program import Const, Expression, free_variables
from dsl.types import Type, TypeMismatch, accepts


@dataclass(frozen=True)
class Register:
    """A named state variable: what it holds before the first item, and after each."""

    name: str
    start: Const
    update: Expression

    @property
    def type(self) -> Type:
        """The type of what it holds."""
        return self.start.type


@dataclass(frozen=True)
class Loop:
    """A program over sequences.

    inputs: names and types of the fields of an item; lets: values shared within a step, in
    order; output: the value returned for an item; at_end: only the last item's is returned.

    Raises:
        TypeMismatch: a name is used that isn't there, or used twice, or a register's next value
            isn't of its type.
    """

    inputs: tuple[tuple[str, Type], ...]
    registers: tuple[Register, ...]
    lets: tuple[tuple[str, Expression], ...]
    output: Expression
    name: str = "predict"
    at_end: bool = False

    def __post_init__(self) -> None:
        scope = self.scope()
        for name, value in self.lets:
            _check(value, scope, name)
            if name in scope:
                raise TypeMismatch(f"there are two values named {name}")
            scope[name] = value.type
        _check(self.output, scope, "the output")
        for register in self.registers:
            _check(register.update, scope, register.name)
            if not accepts(register.type, register.update.type):
                raise TypeMismatch(
                    f"{register.name} is {register.type}, and its next value {register.update.type}"
                )

    def scope(self) -> dict[str, Type]:
        """Names and types at the beginning of a step: registers, then fields."""
        found: dict[str, Type] = {r.name: r.type for r in self.registers} | dict(self.inputs)
        if len(found) != len(self.registers) + len(self.inputs):
            raise TypeMismatch("registers and fields of the item need different names")
        return found

    def __str__(self) -> str:
        from dsl.loop_text import show_loop

        return show_loop(self)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


def _check(value: Expression, scope: Mapping[str, Type], place: str) -> None:
    for name, item in free_variables(value).items():
        if scope.get(name) != item:
            raise TypeMismatch(f"{place} uses {name}: {item}, which isn't there")
