"""Programs as English sentences, from the primitives' templates; the same program, the same words.

Brackets stand where a reader could group the words in two ways. Long tables of
numbers are shortened, so the text is for reading only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

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
    walk,
)
from dsl.text import show_rational
from dsl.types import BOOL, Category, Type, Vector, quote

_ATOM, _WORDS, _COMPARISON, _CLAUSE = 100.0, 50.0, 5.0, 0.0
"""How tightly a phrase holds together: a name, words that end in their argument (`the sum of x`),
a comparison (looser are `and`, `or`), a clause with commas. Operators have their precedence."""

_CHAINS = (6.0, 7.0)
"""Levels of operators that are read from left to right: plus and minus, times and divided by."""

_LONG = 8
"""Items above which a vector of literals is shortened."""

_SHORT_DIGITS = 8
"""Characters up to which a decimal is written out."""

_PLURAL = {"larger": "largest", "smaller": "smallest"}


@dataclass(frozen=True)
class Phrase:
    """Words with how tightly they hold together."""

    text: str
    level: float = _ATOM

    def bracketed(self, wanted: bool) -> str:
        """The words, in brackets if wanted."""
        return f"({self.text})" if wanted else self.text


def to_english(program: Program) -> str:
    """A sentence per definition, a line each."""
    return "\n".join(map(_sentence, program.definitions))


def _sentence(definition: Definition) -> str:
    body, names = definition.body, []
    while isinstance(body, Let):
        names.append(f"{body.name} is {phrase(body.children[0]).text}")
        body = body.children[1]
    parameters = ", ".join(name for name, _ in definition.parameters)
    verb = says(definition.result)
    return f"{definition.name}({parameters}) {verb} {phrase(body).text}{_where(names)}."


def _where(names: list[str]) -> str:
    return f", where {listed(names, ', and ')}" if names else ""


def says(result: Type) -> str:
    """The verb between a value of a type and what it is."""
    return "is true exactly when" if result == BOOL else "is"


def listed(items: list[str], last: str) -> str:
    """Words with commas between them, and `last` before the last."""
    return last.join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else items[0]


def phrase(expression: Expression) -> Phrase:
    """An expression in words."""
    done: dict[Expression, Phrase] = {}
    for node in walk(expression):
        done[node] = _phrase(node, [done[c] for c in node.children])
    return done[expression]


def _phrase(node: Expression, parts: list[Phrase]) -> Phrase:
    if isinstance(node, Const):
        return Phrase(_literal(node.value, node.type))
    if isinstance(node, Var):
        return Phrase(node.name)
    if isinstance(node, Let):
        return Phrase(f"{parts[1].text}, where {node.name} is {parts[0].text}", _CLAUSE)
    if isinstance(node, Lambda):
        names = ", ".join(name for name, _ in node.parameters)
        return Phrase(f"({names} becoming {parts[0].text})")
    if isinstance(node, Call):
        return Phrase(f"{node.name}({', '.join(p.text for p in parts)})")
    assert isinstance(node, Prim)
    return _application(node, parts)


def _application(node: Prim, parts: list[Phrase]) -> Phrase:
    if node.primitive.name == "vector":
        shown = [p.text for p in parts]
        return Phrase("[" + ", ".join(shown) + "]")
    template = _template(node.primitive.english, len(parts))
    inside, outside = _levels(template, node.primitive.precedence)
    pieces = re.split(r"\{(\d+)\}", template)
    last = len(pieces) - 2 if pieces[-1] == "" else None
    words = [
        _placed(parts[int(piece)], inside, i == 1 and pieces[0] == "", i == last)
        if i % 2
        else piece
        for i, piece in enumerate(pieces)
    ]
    return Phrase("".join(words), outside)


def _template(english: str, count: int) -> str:
    """The template for `count` arguments, made longer where it has fewer places."""
    places = 1 + max((int(i) for i in re.findall(r"\{(\d+)\}", english)), default=-1)
    if places < 2 or count <= places:
        return english
    head, tail = english.split(f"{{{places - 2}}}")
    between, end = tail.split(f"{{{places - 1}}}")
    if head or end:
        head = re.sub("|".join(_PLURAL), lambda m: _PLURAL[m.group()], head)
        early = [f"{{{i}}}" for i in range(places - 2, count - 1)]
        return f"{head}{', '.join(early)}{between}{{{count - 1}}}{end}"
    return between.join(f"{{{i}}}" for i in range(count))


def _levels(template: str, precedence: int) -> tuple[float, float]:
    """How tightly the words hold their arguments, and how tightly the whole holds together."""
    clause = "," in template
    if template.startswith("{") and (precedence or not clause):
        inside = float(precedence or 1)
    else:
        inside = _CLAUSE if clause else _WORDS
    return inside, _CLAUSE if clause else inside


def _placed(part: Phrase, level: float, first: bool, last: bool) -> str:
    """A part inside a phrase of this level."""
    if level == _CLAUSE:
        return part.bracketed(part.level == _CLAUSE and not last)
    if part.level == _WORDS:
        return part.bracketed(not last and level > _COMPARISON)
    if part.level == _ATOM:
        return part.text
    if level == _WORDS or part.level < level or (part.level == level and not first):
        return part.bracketed(True)
    mixed = level < _COMPARISON and re.search(r" (and|or) ", part.text) is not None
    chained = level in _CHAINS
    return part.bracketed((part.level == level and not chained) or mixed)


def _literal(value: Any, item: Type) -> str:
    if isinstance(item, Vector):
        return _table(value, item)
    if item == BOOL:
        return "true" if value else "false"
    if isinstance(item, Category):
        return quote(item.labels[value]) if item.labels else f"alternative {value}"
    return _number(Fraction(value))


def _number(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    exact = show_rational(value)
    return exact if len(exact) <= _SHORT_DIGITS else f"about {float(value):.4g}"


def _table(value: Any, item: Vector) -> str:
    if len(item.shape) > 1:
        return f"a {'×'.join(map(str, item.shape))} table of constants"
    shown = [_literal(v, item.item) for v in value]
    if len(shown) > _LONG:
        shown = [*shown[: _LONG // 2], f"... {len(shown) - _LONG // 2} more"]
    return "[" + ", ".join(shown) + "]"
