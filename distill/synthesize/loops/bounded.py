"""Registers that grow without end though only their remainder is read, as that remainder.

A bounded register makes a finite state, and of a finite state every length can be proved.
"""

from __future__ import annotations

from dataclasses import replace

from dsl.loop import Loop, Register
from dsl.program import Const, Expression, Prim, const, free_variables, prim, transform, var
from dsl.types import INT

_COMPATIBLE = ("add", "sub", "neg", "mul")
"""Operations whose remainder depends on the remainders of their arguments only."""


def bounded(loop: Loop) -> Loop:
    """The same loop, its registers kept as remainders where that is all that is read of them."""
    for register in loop.registers:
        by = _read_by(loop, register)
        if by is not None and _compatible(register.update, register.name):
            loop = _kept(loop, register, by)
    return loop


def _read_by(loop: Loop, register: Register) -> int | None:
    """The modulus with which all else reads a whole-numbered register; None where there is none."""
    if register.type != INT:
        return None
    others = [r.update for r in loop.registers if r.name != register.name]
    readers = [*others, loop.output, *(value for _, value in loop.lets)]
    found: set[int] = set()
    for reader in readers:
        stripped = transform(reader, lambda node: _without(node, register.name, found))
        if register.name in free_variables(stripped):
            return None
    return found.pop() if len(found) == 1 else None


def _without(node: Expression, name: str, found: set[int]) -> Expression | None:
    """Zero for a remainder of the register by a positive number, which is noted."""
    by = _modulus(node, name)
    if by is None:
        return None
    found.add(by)
    return const(0)


def _modulus(node: Expression, name: str) -> int | None:
    if not isinstance(node, Prim) or node.primitive.name != "mod":
        return None
    value, by = node.children
    if value is not var(name, INT) or not isinstance(by, Const) or by.value <= 0:
        return None
    return int(by.value)


def _compatible(update: Expression, name: str) -> bool:
    """Whether the remainder of the new value depends on the remainder of the old one only."""
    if name not in free_variables(update) or update is var(name, INT):
        return True
    if not isinstance(update, Prim) or update.primitive.name not in _COMPATIBLE:
        return False
    return all(_compatible(c, name) for c in update.children)


def _kept(loop: Loop, register: Register, by: int) -> Loop:
    own = var(register.name, INT)

    def plain(value: Expression) -> Expression:
        return transform(value, lambda n: own if _modulus(n, register.name) == by else None)

    made = Register(
        register.name, const(register.start.value % by), prim("mod", register.update, const(by))
    )
    registers = tuple(
        made if r.name == register.name else replace(r, update=plain(r.update))
        for r in loop.registers
    )
    lets = tuple((name, plain(value)) for name, value in loop.lets)
    return replace(loop, registers=registers, lets=lets, output=plain(loop.output))
