"""The tokens of the written form: numbers, names, quoted texts and symbols, with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+/\d+|(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<string>"(?:[^"\\\n]|\\u\{[0-9a-f]+\}|\\["\\])*")
    |(?P<symbol>->|\.\.|//|<=|>=|==|!=|[-+*/%<>()\[\],:=@]))""",
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r'\\(?:u\{([0-9a-f]+)\}|(["\\]))')
_MOST_DIGITS = 4000


class ParseError(ValueError):
    """The text isn't well formed; the message says where and what was expected."""


@dataclass(frozen=True)
class Token:
    """A piece of text with its kind and place."""

    kind: str
    text: str
    start: int

    def shown(self) -> str:
        """The text as a message quotes it, long ones cut."""
        return repr(shortened(self.text or "the end", 40))


def shortened(text: str, most: int) -> str:
    """The text, with its middle left out where it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 4 :]}"


def tokens(text: str) -> list[Token]:
    """Split a text; the last token is of kind `end`.

    Raises:
        ParseError: a character that starts no token, or a number too long to compute with.
    """
    found: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            raise ParseError(f"unexpected {rest[:1]!r} at {len(text) - len(rest)}")
        kind = match.lastgroup or ""
        found.append(Token(kind, match.group(kind), match.start(kind)))
        if kind == "number":
            _check_length(found[-1])
        position = match.end()
    return [*found, Token("end", "", end)]


def _check_length(token: Token) -> None:
    exponent = re.split("[eE]", token.text)[1:]
    if len(token.text) > _MOST_DIGITS or any(len(e.lstrip("+-0")) > 3 for e in exponent):
        raise ParseError(
            f"the number {token.shown()} at {token.start} is too long; "
            f"write at most {_MOST_DIGITS} digits, and exponents from -999 to 999"
        )


def number_of(token: Token) -> int | Fraction:
    """The number that a token of that kind stands for: an int where only digits are written.

    Raises:
        ParseError: a division by zero.
    """
    if token.text.isdigit():
        return int(token.text)
    try:
        return Fraction(token.text)
    except ZeroDivisionError:
        raise ParseError(f"{token.shown()} at {token.start} divides by zero") from None


def unquote(token: Token) -> str:
    """Undo `dsl.types.quote`.

    Raises:
        ParseError: an escaped number that is no character.
    """

    def plain(match: re.Match[str]) -> str:
        code = int(match[1] or "0", 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ParseError(
                f"no character has the number {match[1]}, in the text at {token.start}"
            )
        return match[2] or chr(code)

    return _ESCAPE.sub(plain, token.text[1:-1])
