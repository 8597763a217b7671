"""The printer of the written form; `dsl.text` describes the form and reads it back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dsl.primitive import Primitive
from dsl.program import Call, Const, Definition, Expression, Lambda, Let, Prim, Program, Var, walk
from dsl.types import BOOL, INT, Category, Type, Vector

ATOM, PREFIX_NOT, PREFIX_NEG, OPEN = 100, 4, 8, 0
VARIADIC = frozenset({"and", "or", "xor", "+", "*"})


def show_number(value: Any, item: Type) -> str:
    """A scalar literal of type `item`."""
    if item == BOOL:
        return "true" if value else "false"
    if isinstance(item, Category):
        return f"@{value}/{item.size}"
    if item == INT:
        return str(value)
    return show_rational(Fraction(value))


def show_rational(value: Fraction) -> str:
    """`0.25`, `2.0` or `1/3`."""
    bottom, digits = value.denominator, 0
    while bottom % 10 == 0 or bottom % 5 == 0 or bottom % 2 == 0:
        bottom = bottom // 10 if bottom % 10 == 0 else bottom // (5 if bottom % 5 == 0 else 2)
        digits += 1
    if bottom != 1 or digits > 60:
        return f"{value.numerator}/{value.denominator}"
    scaled = abs(value.numerator) * 10**digits // value.denominator
    text = str(scaled).rjust(digits + 1, "0")
    whole, part = (text, "0") if digits == 0 else (text[:-digits], text[-digits:])
    return ("-" if value < 0 else "") + f"{whole}.{part}"


def _show_value(value: Any, item: Type) -> str:
    if isinstance(item, Vector):
        inner = Vector(item.item, item.shape[1:]) if len(item.shape) > 1 else item.item
        return "[" + ", ".join(_show_value(v, inner) for v in value) + "]"
    return show_number(value, item)


@dataclass(frozen=True)
class _Text:
    text: str
    precedence: int

    def within(self, precedence: int) -> str:
        return self.text if self.precedence >= precedence else f"({self.text})"


def show(expression: Expression) -> str:
    """The written form of an expression."""
    done: dict[Expression, _Text] = {}
    for node in walk(expression):
        done[node] = _show_node(node, [done[c] for c in node.children])
    return done[expression].text


def _show_node(node: Expression, parts: list[_Text]) -> _Text:
    if isinstance(node, Const):
        text = _show_value(node.value, node.type)
        return _Text(text, PREFIX_NEG if text.startswith("-") else ATOM)
    if isinstance(node, Var):
        return _Text(node.name, ATOM)
    if isinstance(node, Let):
        return _Text(f"let {node.name} = {parts[0].text} in {parts[1].text}", OPEN)
    if isinstance(node, Lambda):
        names = ", ".join(f"{name}: {item}" for name, item in node.parameters)
        return _Text(f"({names}) -> {parts[0].text}", OPEN)
    if isinstance(node, Call):
        return _Text(f"{node.name}({', '.join(p.text for p in parts)})", ATOM)
    assert isinstance(node, Prim)
    return _show_prim(node, parts)


def _show_prim(node: Prim, parts: list[_Text]) -> _Text:
    primitive = node.primitive
    if primitive.name == "item":
        return _Text(f"{parts[0].within(ATOM)}[{parts[1].text}]", ATOM)
    if primitive.name == "slice":
        return _Text(f"{parts[0].within(ATOM)}[{parts[1].text}:{parts[2].text}]", ATOM)
    if primitive.name == "vector":
        return _Text("[" + ", ".join(p.text for p in parts) + "]", ATOM)
    if primitive.name == "if_":
        condition, yes, no = (p.within(1) for p in parts)
        return _Text(f"if {condition} then {yes} else {no}", OPEN)
    if primitive.symbol:
        return _show_operator(primitive, node, parts)
    return _Text(f"{primitive.name}({', '.join(p.text for p in parts)})", ATOM)


def _show_operator(primitive: Primitive, node: Prim, parts: list[_Text]) -> _Text:
    level, symbol = primitive.precedence, primitive.symbol
    if len(parts) == 1:
        gap = " " if symbol == "not" else ""
        literal = isinstance(node.children[0], Const)
        inner = f"({parts[0].text})" if literal else parts[0].within(level)
        return _Text(f"{symbol}{gap}{inner}", level)
    first = node.children[0]
    nested = isinstance(first, Prim) and first.primitive is primitive and symbol in VARIADIC
    comparison = level == 5
    left = parts[0].within(level + 1 if nested or comparison else level)
    return _Text(f" {symbol} ".join([left, *(p.within(level + 1) for p in parts[1:])]), level)


def show_program(program: Program) -> str:
    """The written form of a program, a definition after the other."""
    return "\n".join(map(_show_definition, program.definitions)) + "\n"


def _show_definition(definition: Definition) -> str:
    names = ", ".join(f"{name}: {item}" for name, item in definition.parameters)
    lines = [f"def {definition.name}({names}) -> {definition.result} ="]
    body = definition.body
    while isinstance(body, Let):
        lines.append(f"  let {body.name} = {show(body.children[0])} in")
        body = body.children[1]
    return "\n".join([*lines, f"  {show(body)}"])
