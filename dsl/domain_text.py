"""The written form of domains: parser and printer.

domain = field { "*" field } [ "where" CONDITION ]
field  = [name ":"] item
item   = atom { "[" n {"," n} "]" } [ "as" encoding ]
"""

from __future__ import annotations

import keyword
import sys
from dataclasses import replace
from fractions import Fraction

from dsl.domain import Domain, DomainError, Encoding, Field
from dsl.program import Expression
from dsl.text import ParseError, Reader, shortened, show, show_rational
from dsl.types import BOOL, INT, REAL, Bool, Category, Int, Real, quote

_MOST_SCALARS = 1 << 24
_MOST_BITS = 62
_LARGEST_INT = Fraction(1 << 53)  # networks see floats, in which larger ints coincide
_LARGEST_REAL = Fraction(sys.float_info.max)


def parse_domain(text: str) -> Domain:
    """Read a domain; unnamed fields are called x, or x0, x1, ... when there are several.

    Raises:
        DomainError: what is wrong, where, and what would be right.
    """
    try:
        return _read_domain(text)
    except ParseError as error:
        raise DomainError(
            f"can't read the domain {shortened(text, 200)!r}: {error}; "
            "an example is 'x: real(-1,1)[2] * b: bool'"
        ) from None


def _read_domain(text: str) -> Domain:
    reader = Reader(text)
    fields = [_read_field(reader)]
    while reader.skip("*"):
        fields.append(_read_field(reader))
    named = _with_names(fields)
    where: Expression | None = None
    if reader.skip("where"):
        where = reader.expression({f.name: f.type for f in named})
        if where.type != BOOL:
            raise DomainError(f"the condition after 'where' must be bool, not {where.type}")
    if reader.next.kind != "end":
        raise reader.error("'*', 'where' or the end")
    return Domain(tuple(named), where)


def _with_names(fields: list[Field]) -> list[Field]:
    single = len(fields) == 1
    named = [
        f if f.name else replace(f, name="x" if single else f"x{i}") for i, f in enumerate(fields)
    ]
    for field in named:
        if sum(f.name == field.name for f in named) > 1:
            raise DomainError(f"two fields are named {field.name!r}; give each its own name")
        if keyword.iskeyword(field.name):
            raise DomainError(f"{field.name!r} is a Python keyword; choose another field name")
    return named


def _read_field(reader: Reader) -> Field:
    name = ""
    if reader.tokens[reader.place + 1 : reader.place + 2] and (
        reader.tokens[reader.place + 1].text == ":"
    ):
        name = reader.name()
        reader.expect(":")
    field = _read_atom(reader)
    shape = list(field.shape)
    while reader.skip("["):
        shape.append(_size(reader))
        while reader.skip(","):
            shape.append(_size(reader))
        reader.expect("]")
    field = replace(field, name=name, shape=tuple(shape))
    if field.scalars > _MOST_SCALARS:
        raise DomainError(f"a field holds at most {_MOST_SCALARS} scalars; got {field.scalars}")
    return replace(field, encoding=_read_encoding(reader, field))


def _size(reader: Reader) -> int:
    size = reader.integer()
    if not 1 <= size <= _MOST_SCALARS:
        raise DomainError(f"a length must be from 1 to {_MOST_SCALARS}; got {size}")
    return size


def _read_atom(reader: Reader) -> Field:
    word = reader.name()
    if word == "bool":
        return Field("", BOOL)
    if word in ("int", "real"):
        low, high = _read_bounds(reader, whole=word == "int")
        return Field("", INT if word == "int" else REAL, low, high)
    if word == "category":
        return Field("", reader.category(), encoding=Encoding("onehot"))
    if word == "image":
        return _read_image(reader)
    if word == "seq":
        raise DomainError(
            "a sequence is for recurrent networks, which this version can't distil; "
            "use a vector such as int(0,9)[5] for a fixed length"
        )
    raise ParseError(f"there is no type {word!r}; known: bool, int, real, category, image")


def _read_bounds(reader: Reader, whole: bool) -> tuple[Fraction | None, Fraction | None]:
    if not reader.skip("("):
        return None, None
    low = _bound(reader, whole)
    reader.expect(",")
    high = _bound(reader, whole)
    reader.expect(")")
    if low > high:
        raise DomainError(f"the bounds ({low}, {high}) hold nothing; write the smaller one first")
    return low, high


def _bound(reader: Reader, whole: bool) -> Fraction:
    sign = -1 if reader.skip("-") else 1
    token = reader.next
    value = sign * Fraction(reader.number())
    if whole and value.denominator != 1:
        raise DomainError(f"the bounds of an int are whole; got {token.shown()}")
    most = _LARGEST_INT if whole else _LARGEST_REAL
    if abs(value) > most:
        raise DomainError(
            f"the number {token.shown()} at {token.start} is too large; networks compute with "
            f"numbers up to {float(most):.3g}"
        )
    return value


def _read_image(reader: Reader) -> Field:
    reader.expect("(")
    sizes: list[int] = []
    while reader.next.kind == "number":
        sizes.append(_size(reader))
        reader.expect(",")
    item = _read_atom(reader)
    reader.expect(")")
    if len(sizes) not in (2, 3):
        raise DomainError("an image is image(height,width,item) or image(channels,h,w,item)")
    return replace(item, shape=tuple(sizes))


def _read_encoding(reader: Reader, field: Field) -> Encoding:
    if not reader.skip("as"):
        return field.encoding
    if isinstance(field.item, Bool):
        return _bool_encoding(reader)
    word = reader.name()
    if word == "index" and isinstance(field.item, Category):
        return Encoding("plain")
    if word == "onehot" and not isinstance(field.item, Real) and field.choices is not None:
        return Encoding("onehot")
    if word == "bits" and isinstance(field.item, Int):
        reader.expect("(")
        count = reader.integer()
        reader.expect(")")
        return _bits_encoding(field, count)
    if word == "affine" and not isinstance(field.item, Category):
        reader.expect("(")
        scale = _bound(reader, whole=False)
        reader.expect(",")
        shift = _bound(reader, whole=False)
        reader.expect(")")
        if scale == 0:
            raise DomainError("'as affine(a,b)' needs an a that isn't 0")
        return Encoding("affine", scale=scale, shift=shift)
    raise DomainError(f"a {field.type} can't enter the network as {word!r}; see the encodings")


def _bool_encoding(reader: Reader) -> Encoding:
    if reader.next.text == "0/1":
        reader.take()
        return Encoding("plain")
    if reader.skip("-") and reader.next.text == "1/1":
        reader.take()
        return Encoding("signed")
    raise reader.error("0/1 or -1/1")


def _bits_encoding(field: Field, count: int) -> Encoding:
    low, high = field.bounds
    if not 0 <= count <= _MOST_BITS:
        raise DomainError(f"'as bits(n)' takes from 1 to {_MOST_BITS} bits; got {count}")
    if low < 0 or high >= 1 << count:
        raise DomainError(f"int({low},{high}) doesn't fit into {count} bits")
    return Encoding("bits", bits=count)


def show_domain(domain: Domain) -> str:
    """The written form; every field has its name."""
    text = " * ".join(map(_show_field, domain.fields))
    return text if domain.where is None else f"{text} where {show(domain.where)}"


def _show_field(field: Field) -> str:
    shape = f"[{','.join(map(str, field.shape))}]" if field.shape else ""
    return f"{field.name}: {_show_item(field)}{shape}{_show_encoding(field)}"


def _show_item(field: Field) -> str:
    if isinstance(field.item, Category) and field.item.labels:
        return f"category({','.join(map(quote, field.item.labels))})"
    if field.low is None or field.high is None:
        return str(field.item)
    return f"{field.item}({_show_bound(field.low)},{_show_bound(field.high)})"


def _show_bound(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else show_rational(value)


def _show_encoding(field: Field) -> str:
    kind = field.encoding.kind
    if isinstance(field.item, Category):
        return "" if kind == "onehot" else " as index"
    if kind == "plain":
        return ""
    if kind == "bits":
        return f" as bits({field.encoding.bits})"
    if kind == "affine":
        scale, shift = map(_show_bound, (field.encoding.scale, field.encoding.shift))
        return f" as affine({scale},{shift})"
    return {"signed": " as -1/1", "onehot": " as onehot"}[kind]
