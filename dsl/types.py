"""Types of the language: what a value is, without bounds.

Types are immutable and compare by structure. `int` values may stand where
`real` is asked for; nothing else converts by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class TypeMismatch(TypeError):
    """An expression was built from parts whose types don't fit."""


@dataclass(frozen=True)
class Bool:
    """True or false."""

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True)
class Int:
    """A whole number."""

    def __str__(self) -> str:
        return "int"


@dataclass(frozen=True)
class Real:
    """A real number."""

    def __str__(self) -> str:
        return "real"


@dataclass(frozen=True)
class Category:
    """One of `size` alternatives, held as its index; `labels` are for reading only."""

    size: int
    labels: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        if self.labels:
            return "category(" + ", ".join(quote(label) for label in self.labels) + ")"
        return f"category({self.size})"


@dataclass(frozen=True)
class Vector:
    """A tensor of `item` with a fixed shape; one axis for a plain vector."""

    item: Type
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.item}[{','.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Record:
    """Named fields in order."""

    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        return "(" + " * ".join(f"{name}: {item}" for name, item in self.fields) + ")"


@dataclass(frozen=True)
class Sequence:
    """Items of one type, of any length."""

    item: Type

    def __str__(self) -> str:
        return f"seq({self.item})"


@dataclass(frozen=True)
class Function:
    """What a lambda is: parameters and result. Only primitives take functions."""

    parameters: tuple[Type, ...]
    result: Type

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.parameters))} -> {self.result})"


@dataclass(frozen=True)
class Selector:
    """A Boolean relation between positions of a sequence, as attention computes it."""

    def __str__(self) -> str:
        return "selector"


Type = Bool | Int | Real | Category | Vector | Record | Sequence | Function | Selector

BOOL = Bool()
INT = Int()
REAL = Real()


def quote(text: str) -> str:
    """`text` as a quoted literal of the written form; any character is harmless inside."""
    body = "".join(
        c if c.isprintable() and c not in '"\\' and ord(c) < 0x2000 else _escape(c) for c in text
    )
    return f'"{body}"'


def _escape(char: str) -> str:
    return "\\" + char if char in '"\\' else f"\\u{{{ord(char):x}}}"


def is_numeric(item: Type) -> bool:
    """Whether values are numbers (int or real)."""
    return isinstance(item, Int | Real)


def element(item: Type) -> Type:
    """The type of the scalars inside: of a vector its item, else the type itself."""
    return item.item if isinstance(item, Vector) else item


def shape_of(item: Type) -> tuple[int, ...]:
    """The shape of a vector, `()` for everything else."""
    return item.shape if isinstance(item, Vector) else ()


def join(*items: Type) -> Type:
    """The smallest type that all of `items` convert to.

    Raises:
        TypeMismatch: there is none.
    """
    found = items[0]
    for item in items[1:]:
        if item == found:
            continue
        if is_numeric(item) and is_numeric(found):
            found = REAL
        elif isinstance(item, Vector) and isinstance(found, Vector) and item.shape == found.shape:
            found = Vector(join(item.item, found.item), item.shape)
        else:
            raise TypeMismatch(f"{found} and {item} have no common type")
    return found


def accepts(expected: Type, given: Type) -> bool:
    """Whether a value of type `given` may stand where `expected` is asked for."""
    try:
        return join(expected, given) == expected
    except TypeMismatch:
        return False


def broadcast(*items: Type) -> tuple[int, ...]:
    """The common shape of scalars and vectors that are combined number by number.

    Raises:
        TypeMismatch: two vectors have different shapes.
    """
    shapes = {shape_of(item) for item in items} - {()}
    if len(shapes) > 1:
        raise TypeMismatch("vectors of different shapes: " + " and ".join(map(str, items)))
    return shapes.pop() if shapes else ()


def lift(item: Type, shape: tuple[int, ...]) -> Type:
    """`item` itself for shape `()`, otherwise a vector of it."""
    return Vector(item, shape) if shape else item
