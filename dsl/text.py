"""The written form: parser and printer, which undo each other.

    def carry(a: bool, b: bool) -> bool =
      a and b
    def predict(x: bool[3]) -> bool =
      let total = count(x) in
      total > 1 or carry(x[0], x[1])

Rationals are written `0.25` or `1/3` (no spaces), reals that are whole `2.0` or `2e0`,
alternative 1 of a category of 3 `@1/3`, functions `(v: real) -> v + 1`. Expressions may nest
as deeply as one likes; vectors, functions and types only `DEEPEST` times.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from dsl import primitives as _vocabulary  # noqa: F401 (fills the registry)
from dsl.primitive import REGISTRY, Primitive
from dsl.program import Definition, Expression, Program, call, const, function, let, prim, var
from dsl.recursion import Steps, unrolled
from dsl.text_show import (
    PREFIX_NEG,
    PREFIX_NOT,
    VARIADIC,
    show,
    show_number,
    show_program,
    show_rational,
)
from dsl.text_tokens import ParseError, Token, number_of, shortened, tokens, unquote
from dsl.types import BOOL, INT, REAL, Category, Record, Sequence, Type, TypeMismatch, Vector

__all__ = [
    "DEEPEST",
    "KEYWORDS",
    "ParseError",
    "Reader",
    "parse",
    "parse_program",
    "parse_type",
    "shortened",
    "show",
    "show_number",
    "show_program",
    "show_rational",
]

DEEPEST = 20
"""How often vectors, functions and types may be nested in each other."""

_COMPARISON = 5
_COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}
_SYMBOLS = {p.symbol: p for p in REGISTRY.values() if p.symbol and p.name != "neg"}
KEYWORDS = frozenset({"let", "in", "if", "then", "else", "and", "or", "xor", "not", "def"}) | {
    "true",
    "false",
    "where",
    "as",
}
Scope = dict[str, Type]


class Reader:
    """Steps through tokens and parses types and expressions."""

    def __init__(self, text: str, definitions: dict[str, Definition] | None = None) -> None:
        self.tokens = tokens(text)
        self.place = 0
        self.depth = 0
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
        return ParseError(f"expected {wanted} at {self.next.start}, found {self.next.shown()}")

    def number(self, wanted: str = "a number") -> int | Fraction:
        """Read a number without a sign."""
        if self.next.kind != "number":
            raise self.error(wanted)
        return number_of(self.take())

    def name(self) -> str:
        """Read a name that isn't a keyword."""
        if self.next.kind != "name" or self.next.text in KEYWORDS:
            raise self.error("a name")
        return self.take().text

    def integer(self) -> int:
        """Read an int with an optional sign."""
        sign = -1 if self.skip("-") else 1
        token = self.next
        value = self.number("an int")
        if not isinstance(value, int):
            raise ParseError(f"expected an int at {token.start}, found {token.shown()}")
        return sign * value

    def string(self) -> str:
        """Read a quoted text."""
        if self.next.kind != "string":
            raise self.error("a quoted text")
        return unquote(self.take())

    def size(self) -> int:
        """Read a length, which is at least 1."""
        token, size = self.next, self.integer()
        if size < 1:
            raise ParseError(f"a length is at least 1; got {size} at {token.start}")
        return size

    def deeper(self) -> None:
        """Count one more level of vectors, functions or types; `self.depth -= 1` ends it."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ParseError(
                f"vectors, functions and types are nested more than {DEEPEST} times at "
                f"{self.next.start}; name the inner ones"
            )

    # types

    def type(self) -> Type:
        """Read a type."""
        self.deeper()
        item = self._type_atom()
        while self.skip("["):
            if isinstance(item, Vector):
                raise ParseError("a vector of vectors is written with one bracket: real[2,3]")
            shape = [self.size()]
            while self.skip(","):
                shape.append(self.size())
            self.expect("]")
            item = Vector(item, tuple(shape))
        self.depth -= 1
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
        raise ParseError(
            f"there is no type {shortened(word, 40)!r}; known: bool, int, real, category(k), seq(T)"
        )

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
            if len(set(labels)) < len(labels):
                raise ParseError("two alternatives of a category have the same label")
            return Category(len(labels), tuple(labels))
        size = self.integer()
        self.expect(")")
        if size < 1:
            raise ParseError(f"a category has at least one alternative; got {size}")
        return Category(size)

    # expressions, on a stack of their own: see dsl.recursion

    def expression(self, scope: Scope) -> Expression:
        """Read an expression whose free names are in `scope`."""
        try:
            return unrolled(self._open(scope))
        except TypeMismatch as error:
            raise ParseError(str(error)) from None

    def _open(self, scope: Scope) -> Steps[Expression]:
        if self.next.text == "let":
            return (yield self._lets(dict(scope)))
        if self.skip("if"):
            condition = yield self._open(scope)
            self.expect("then")
            yes = yield self._open(scope)
            self.expect("else")
            return prim("if_", condition, yes, (yield self._open(scope)))
        if self._at_lambda():
            return (yield self._lambda(scope))
        return (yield self._chain(scope, 1))

    def _lets(self, scope: Scope) -> Steps[Expression]:
        """A chain of lets; `scope` is changed."""
        named: list[tuple[str, Expression]] = []
        while self.skip("let"):
            name = self.name()
            self.expect("=")
            value = yield self._open(scope)
            self.expect("in")
            named.append((name, value))
            scope[name] = value.type
        found = yield self._open(scope)
        for name, value in reversed(named):
            found = let(name, value, found)
        return found

    def _at_lambda(self) -> bool:
        ahead = self.tokens[self.place : self.place + 3]
        return [t.text for t in ahead[:1]] == ["("] and [t.text for t in ahead[2:]] == [":"]

    def _lambda(self, scope: Scope) -> Steps[Expression]:
        self.deeper()
        parameters = self.parameters()
        self.expect("->")
        body = yield self._open(scope | dict(parameters))
        self.depth -= 1
        return function(parameters, body)

    def parameters(self) -> tuple[tuple[str, Type], ...]:
        """Read `(x: real, y: int)`."""
        self.expect("(")
        found: list[tuple[str, Type]] = []
        while not self.skip(")"):
            name = self.name()
            if name in dict(found):
                raise ParseError(f"two parameters are named {name!r}; give each its own name")
            self.expect(":")
            found.append((name, self.type()))
            if self.next.text != ")":
                self.expect(",")
        return tuple(found)

    def _chain(self, scope: Scope, level: int) -> Steps[Expression]:
        """Operators that bind at least as tightly as `level`."""
        left = yield self._prefix(scope, level)
        while (operator := self._operator(level)) is not None:
            tighter = operator.precedence + 1
            items = [left, (yield self._chain(scope, tighter))]
            while operator.symbol in VARIADIC and self.skip(str(operator.symbol)):
                items.append((yield self._chain(scope, tighter)))
            left = prim(operator, *items)
            if self.next.text in _COMPARISONS and operator.precedence == _COMPARISON:
                raise self.error("brackets around one comparison")
        return left

    def _operator(self, level: int) -> Primitive | None:
        found = _SYMBOLS.get(self.next.text) if self.next.kind in ("symbol", "name") else None
        if found is None or found.precedence < level or self.next.text == "not":
            return None
        self.place += 1
        return found

    def _prefix(self, scope: Scope, level: int) -> Steps[Expression]:
        if level <= PREFIX_NOT and self.skip("not"):
            return prim("not_", (yield self._chain(scope, PREFIX_NOT)))
        if not self.skip("-"):
            return (yield self._postfix(scope))
        if self.next.kind == "number":
            return const(-self.number())
        return prim("neg", (yield self._prefix(scope, PREFIX_NEG)))

    def _postfix(self, scope: Scope) -> Steps[Expression]:
        found = yield self._atom(scope)
        while self.skip("["):
            index = yield self._open(scope)
            if self.skip(":"):
                found = prim("slice", found, index, (yield self._open(scope)))
            else:
                found = prim("item", found, index)
            self.expect("]")
        return found

    def _atom(self, scope: Scope) -> Steps[Expression]:
        if self.next.kind == "number":
            return const(self.number())
        if self.skip("("):
            found = yield self._open(scope)
            self.expect(")")
            return found
        if self.skip("["):
            self.deeper()
            items = yield self._arguments(scope, "]")
            self.depth -= 1
            return prim("vector", *items)
        if self.skip("@"):
            return self._alternative()
        if self.next.text in ("true", "false"):
            return const(self.take().text == "true")
        return (yield self._named(scope))

    def _alternative(self) -> Expression:
        """The `1/3` of `@1/3`: alternative 1 of 3."""
        token = self.take()
        index, slash, size = token.text.partition("/")
        if token.kind != "number" or not slash or not 0 <= int(index) < int(size):
            raise ParseError(
                f"expected an alternative such as '@1/3' (number 1 of 3, counted from 0) "
                f"at {token.start}, found {token.shown()}"
            )
        return const(int(index), Category(int(size)))

    def _named(self, scope: Scope) -> Steps[Expression]:
        name = self.name()
        if not self.skip("("):
            if name not in scope:
                known = shortened(", ".join(scope), 200) or "none"
                raise ParseError(
                    f"there is no {shortened(name, 40)!r} here; names in scope: {known}"
                )
            return var(name, scope[name])
        arguments = yield self._arguments(scope, ")")
        if name in self.definitions:
            return call(name, tuple(arguments), self.definitions[name].result)
        if name not in REGISTRY:
            raise ParseError(f"there is no primitive or definition {shortened(name, 40)!r}")
        return prim(name, *arguments)

    def _arguments(self, scope: Scope, end: str) -> Steps[list[Expression]]:
        found: list[Expression] = []
        while not self.skip(end):
            found.append((yield self._open(scope)))
            if self.next.text != end:
                self.expect(",")
        return found


def parse_type(text: str) -> Type:
    """Read a type.

    Raises:
        ParseError: it isn't one.
    """
    reader = Reader(text)
    found = reader.type()
    _finish(reader)
    return found


def parse(text: str, scope: dict[str, Type], functions: Iterable[Definition] = ()) -> Expression:
    """Read an expression whose free names have the types of `scope`, and that may call functions.

    Raises:
        ParseError: it isn't one, or its types don't fit.
    """
    reader = Reader(text, {d.name: d for d in functions})
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
        if name in known:
            raise ParseError(f"two definitions are named {name!r}; give each its own name")
        known[name] = Definition(name, parameters, reader.expression(dict(parameters)), result)
    if not known:
        raise ParseError("a program has at least one definition: def predict(x: real) -> real = x")
    try:
        return Program(tuple(known.values()))
    except TypeMismatch as error:
        raise ParseError(str(error)) from None


def _finish(reader: Reader) -> None:
    if reader.next.kind != "end":
        raise reader.error("the end")
