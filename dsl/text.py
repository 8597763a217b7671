"""The written form: printer and parser, which undo each other.

    def carry(a: bool, b: bool) -> bool =
      a and b
    def predict(x: bool[3]) -> bool =
      let total = count(x) in
      total > 1 or carry(x[0], x[1])

Rationals are written `0.25` or `1/3` (no spaces), reals that are whole `2.0`,
alternative 1 of a category of 3 `@1/3`, functions `(v: real) -> v + 1`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dsl import primitives as _vocabulary  # noqa: F401 (fills the registry)
from dsl.primitive import REGISTRY, Primitive
from dsl.program import (
    Call,
    Const,
    Definition,
    Expression,
    Lambda,
    Let,
    Prim,
    Program,
    Var,
    call,
    const,
    function,
    let,
    prim,
    var,
)
from dsl.types import (
    BOOL,
    INT,
    REAL,
    Category,
    Record,
    Sequence,
    Type,
    TypeMismatch,
    Vector,
)

_ATOM, _PREFIX_NOT, _PREFIX_NEG, _OPEN = 100, 4, 8, 0
_VARIADIC = frozenset({"and", "or", "xor", "+", "*"})


class ParseError(ValueError):
    """The text isn't well formed; the message says where and what was expected."""


# --- printing -------------------------------------------------------------------------------


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
    from dsl.program import walk

    done: dict[Expression, _Text] = {}
    for node in walk(expression):
        done[node] = _show_node(node, [done[c] for c in node.children])
    return done[expression].text


def _show_node(node: Expression, parts: list[_Text]) -> _Text:
    if isinstance(node, Const):
        text = _show_value(node.value, node.type)
        return _Text(text, _PREFIX_NEG if text.startswith("-") else _ATOM)
    if isinstance(node, Var):
        return _Text(node.name, _ATOM)
    if isinstance(node, Let):
        return _Text(f"let {node.name} = {parts[0].text} in {parts[1].text}", _OPEN)
    if isinstance(node, Lambda):
        names = ", ".join(f"{name}: {item}" for name, item in node.parameters)
        return _Text(f"({names}) -> {parts[0].text}", _OPEN)
    if isinstance(node, Call):
        return _Text(f"{node.name}({', '.join(p.text for p in parts)})", _ATOM)
    assert isinstance(node, Prim)
    return _show_prim(node, parts)


def _show_prim(node: Prim, parts: list[_Text]) -> _Text:
    primitive = node.primitive
    if primitive.name == "item":
        return _Text(f"{parts[0].within(_ATOM)}[{parts[1].text}]", _ATOM)
    if primitive.name == "slice":
        return _Text(f"{parts[0].within(_ATOM)}[{parts[1].text}:{parts[2].text}]", _ATOM)
    if primitive.name == "vector":
        return _Text("[" + ", ".join(p.text for p in parts) + "]", _ATOM)
    if primitive.name == "if_":
        condition, yes, no = (p.within(1) for p in parts)
        return _Text(f"if {condition} then {yes} else {no}", _OPEN)
    if primitive.symbol:
        return _show_operator(primitive, node, parts)
    return _Text(f"{primitive.name}({', '.join(p.text for p in parts)})", _ATOM)


def _show_operator(primitive: Primitive, node: Prim, parts: list[_Text]) -> _Text:
    level, symbol = primitive.precedence, primitive.symbol
    if len(parts) == 1:
        gap = " " if symbol == "not" else ""
        literal = isinstance(node.children[0], Const)
        inner = f"({parts[0].text})" if literal else parts[0].within(level)
        return _Text(f"{symbol}{gap}{inner}", level)
    first = node.children[0]
    nested = isinstance(first, Prim) and first.primitive is primitive and symbol in _VARIADIC
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


# --- parsing --------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+/\d+|\d+\.\d+(?:[eE][+-]?\d+)?|\d+)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<string>"(?:[^"\\\n]|\\u\{[0-9a-f]+\}|\\["\\])*")
    |(?P<symbol>->|\.\.|//|<=|>=|==|!=|[-+*/%<>()\[\],:=@]))""",
    re.VERBOSE,
)
_COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}
_SYMBOLS = {p.symbol: p for p in REGISTRY.values() if p.symbol and p.name != "neg"}
_KEYWORDS = frozenset({"let", "in", "if", "then", "else", "and", "or", "xor", "not", "def"}) | {
    "true",
    "false",
    "where",
    "as",
}


@dataclass(frozen=True)
class Token:
    """A piece of text with its kind and place."""

    kind: str
    text: str
    start: int


def tokens(text: str) -> list[Token]:
    """Split a text; the last token is of kind `end`.

    Raises:
        ParseError: a character that starts no token.
    """
    found: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ParseError(f"unexpected {text[position:].lstrip()[:1]!r} at {position}")
        kind = match.lastgroup or ""
        found.append(Token(kind, match.group(kind), match.start(kind)))
        position = match.end()
    return [*found, Token("end", "", end)]


class Reader:
    """Steps through tokens and parses types and expressions."""

    def __init__(self, text: str, definitions: dict[str, Definition] | None = None) -> None:
        self.tokens = tokens(text)
        self.place = 0
        self.definitions = {} if definitions is None else definitions

    @property
    def next(self) -> Token:
        """The token not yet read."""
        return self.tokens[self.place]

    def take(self) -> Token:
        """Read a token."""
        token = self.next
        self.place += 1
        return token

    def skip(self, text: str) -> bool:
        """Read the next token if it is `text`."""
        if self.next.kind in ("symbol", "name") and self.next.text == text:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Read exactly `text`.

        Raises:
            ParseError: something else stands there.
        """
        if not self.skip(text):
            raise self.error(f"{text!r}")

    def error(self, wanted: str) -> ParseError:
        """What was expected, and what stands there."""
        found = self.next.text or "the end"
        return ParseError(f"expected {wanted} at {self.next.start}, found {found!r}")

    def name(self) -> str:
        """Read a name that isn't a keyword."""
        if self.next.kind != "name" or self.next.text in _KEYWORDS:
            raise self.error("a name")
        return self.take().text

    def integer(self) -> int:
        """Read an int with an optional sign."""
        sign = -1 if self.skip("-") else 1
        if self.next.kind != "number" or not self.next.text.isdigit():
            raise self.error("an int")
        return sign * int(self.take().text)

    def string(self) -> str:
        """Read a quoted text."""
        if self.next.kind != "string":
            raise self.error("a quoted text")
        return unquote(self.take().text)

    # types

    def type(self) -> Type:
        """Read a type."""
        item = self._type_atom()
        while self.skip("["):
            shape = [self.integer()]
            while self.skip(","):
                shape.append(self.integer())
            self.expect("]")
            item = Vector(item, tuple(shape))
        return item

    def _type_atom(self) -> Type:
        if self.skip("("):
            return self._record()
        word = self.name()
        if word in ("bool", "int", "real"):
            return {"bool": BOOL, "int": INT, "real": REAL}[word]
        if word == "category":
            return self.category()
        if word == "seq":
            self.expect("(")
            item = self.type()
            self.expect(")")
            return Sequence(item)
        raise ParseError(f"there is no type {word!r}; known: bool, int, real, category(k), seq(T)")

    def _record(self) -> Type:
        fields: list[tuple[str, Type]] = []
        while True:
            name = self.name()
            self.expect(":")
            fields.append((name, self.type()))
            if not self.skip("*"):
                break
        self.expect(")")
        return Record(tuple(fields))

    def category(self) -> Category:
        """Read `(3)` or `("a", "b")` after the word category."""
        self.expect("(")
        if self.next.kind == "string":
            labels = [self.string()]
            while self.skip(","):
                labels.append(self.string())
            self.expect(")")
            return Category(len(labels), tuple(labels))
        size = self.integer()
        self.expect(")")
        if size < 1:
            raise ParseError(f"a category has at least one alternative; got {size}")
        return Category(size)

    # expressions

    def expression(self, scope: dict[str, Type]) -> Expression:
        """Read an expression whose free names are in `scope`."""
        try:
            return self._open(scope)
        except TypeMismatch as error:
            raise ParseError(str(error)) from None

    def _open(self, scope: dict[str, Type]) -> Expression:
        if self.skip("let"):
            name = self.name()
            self.expect("=")
            value = self._open(scope)
            self.expect("in")
            return let(name, value, self._open(scope | {name: value.type}))
        if self.skip("if"):
            condition = self._open(scope)
            self.expect("then")
            yes = self._open(scope)
            self.expect("else")
            return prim("if_", condition, yes, self._open(scope))
        if self._at_lambda():
            return self._lambda(scope)
        return self._chain(scope, 1)

    def _at_lambda(self) -> bool:
        ahead = self.tokens[self.place : self.place + 3]
        return [t.text for t in ahead[:1]] == ["("] and [t.text for t in ahead[2:]] == [":"]

    def _lambda(self, scope: dict[str, Type]) -> Expression:
        parameters = self.parameters()
        self.expect("->")
        return function(parameters, self._open(scope | dict(parameters)))

    def parameters(self) -> tuple[tuple[str, Type], ...]:
        """Read `(x: real, y: int)`."""
        self.expect("(")
        found: list[tuple[str, Type]] = []
        while not self.skip(")"):
            name = self.name()
            self.expect(":")
            found.append((name, self.type()))
            if self.next.text != ")":
                self.expect(",")
        return tuple(found)

    def _chain(self, scope: dict[str, Type], level: int) -> Expression:
        if level == _PREFIX_NOT:
            if self.skip("not"):
                return prim("not_", self._chain(scope, level))
            return self._chain(scope, level + 1)
        if level == _PREFIX_NEG:
            return self._negation(scope)
        left = self._chain(scope, level + 1)
        while (operator := self._operator(level)) is not None:
            items = [left, self._chain(scope, level + 1)]
            while operator.symbol in _VARIADIC and self.skip(str(operator.symbol)):
                items.append(self._chain(scope, level + 1))
            left = prim(operator, *items)
            if self.next.text in _COMPARISONS and level == 5:
                raise self.error("brackets around one comparison")
        return left

    def _operator(self, level: int) -> Primitive | None:
        found = _SYMBOLS.get(self.next.text) if self.next.kind in ("symbol", "name") else None
        if found is None or found.precedence != level or self.next.text == "not":
            return None
        self.place += 1
        return found

    def _negation(self, scope: dict[str, Type]) -> Expression:
        if not self.skip("-"):
            return self._postfix(scope)
        if self.next.kind == "number":
            number = self._number()
            return const(-number.value, number.type)
        return prim("neg", self._negation(scope))

    def _postfix(self, scope: dict[str, Type]) -> Expression:
        found = self._atom(scope)
        while self.skip("["):
            index = self._open(scope)
            if self.skip(":"):
                found = prim("slice", found, index, self._open(scope))
            else:
                found = prim("item", found, index)
            self.expect("]")
        return found

    def _number(self) -> Const:
        text = self.take().text
        return const(int(text)) if text.isdigit() else const(Fraction(text))

    def _atom(self, scope: dict[str, Type]) -> Expression:
        if self.next.kind == "number":
            return self._number()
        if self.skip("("):
            found = self._open(scope)
            self.expect(")")
            return found
        if self.skip("["):
            return prim("vector", *self._arguments(scope, "]"))
        if self.skip("@"):
            index, size = self.take().text.split("/")
            return const(int(index), Category(int(size)))
        if self.next.text in ("true", "false"):
            return const(self.take().text == "true")
        return self._named(scope)

    def _named(self, scope: dict[str, Type]) -> Expression:
        name = self.name()
        if not self.skip("("):
            if name not in scope:
                known = ", ".join(scope) or "none"
                raise ParseError(f"there is no {name!r} here; names in scope: {known}")
            return var(name, scope[name])
        arguments = self._arguments(scope, ")")
        if name in self.definitions:
            return call(name, tuple(arguments), self.definitions[name].result)
        if name not in REGISTRY:
            raise ParseError(f"there is no primitive or definition {name!r}")
        return prim(name, *arguments)

    def _arguments(self, scope: dict[str, Type], end: str) -> list[Expression]:
        found: list[Expression] = []
        while not self.skip(end):
            found.append(self._open(scope))
            if self.next.text != end:
                self.expect(",")
        return found


def unquote(text: str) -> str:
    """Undo `dsl.types.quote`."""
    body = re.sub(r"\\u\{([0-9a-f]+)\}", lambda m: chr(int(m.group(1), 16)), text[1:-1])
    return body.replace('\\"', '"').replace("\\\\", "\\")


def parse_type(text: str) -> Type:
    """Read a type.

    Raises:
        ParseError: it isn't one.
    """
    reader = Reader(text)
    found = reader.type()
    _finish(reader)
    return found


def parse(text: str, scope: dict[str, Type]) -> Expression:
    """Read an expression whose free names have the types of `scope`.

    Raises:
        ParseError: it isn't one, or its types don't fit.
    """
    reader = Reader(text)
    found = reader.expression(scope)
    _finish(reader)
    return found


def parse_program(text: str) -> Program:
    """Read a program.

    Raises:
        ParseError: it isn't one, or its types don't fit.
    """
    known: dict[str, Definition] = {}
    reader = Reader(text, known)
    while reader.next.kind != "end":
        reader.expect("def")
        name = reader.name()
        parameters = reader.parameters()
        reader.expect("->")
        result = reader.type()
        reader.expect("=")
        known[name] = Definition(name, parameters, reader.expression(dict(parameters)), result)
    try:
        return Program(tuple(known.values()))
    except TypeMismatch as error:
        raise ParseError(str(error)) from None


def _finish(reader: Reader) -> None:
    if reader.next.kind != "end":
        raise reader.error("the end")
