"""What a primitive is: one declaration with its signature, laws and meanings.

Two meanings are written. `array(xp, *args)` works on whole batches (the batch is
the first axis; `xp` is numpy or torch). `scalar(ops, *args)` is the same function
on one example, written in the few operations of an algebra (`dsl.algebra`), with
vectors as nested tuples; run in fractions, z3 terms, sympy terms or intervals it
gives the exact meaning, the solver's, the formula and the bounds. `elementwise`
primitives are declared on scalars only: interpretations lift them over vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dsl.types import Type, TypeMismatch, broadcast, element, lift

Statics = tuple[Any, ...]
"""For every argument its value where it is a constant, else None."""

Infer = Callable[[tuple[Type, ...], Statics], Type]
"""A signature: argument types and static values to the result type, or TypeMismatch."""

Law = str
"""One of `commutative`, `associative`, `idempotent`, `involution`, `monotone`, `odd`, `even`."""


@dataclass(frozen=True)
class Example:
    """One line of documentation that is also a test: arguments and result."""

    arguments: tuple[Any, ...]
    result: Any


@dataclass(frozen=True, eq=False)
class Primitive:
    """A function of the language.

    name: how it is written, `max(x, y)`.
    infer: argument types and static values -> result type; raises TypeMismatch.
    array: meaning on batches, `array(xp, *args)`.
    scalar: meaning on one example, `scalar(ops, *args)`.
    python: Python text, from the texts of the arguments with brackets as needed.
    english: words, with `{0}`, `{1}` for the arguments.
    doc: one sentence.
    symbol: the infix or prefix operator it is written with, if any; `precedence` binds tighter
        when larger.
    elementwise: declared on scalars, lifted over vectors.
    precondition: scalar meaning of what must hold for the arguments, if anything; `arrays` of it
        tell on which rows the function is defined.
    exact: the function maps rationals to rationals, so that every algebra can compute it.
    parameters: names of the arguments, for documentation.
    family: the file that declares it; sympy, latex: spellings for people, where they differ.
    helper: Python source of a function that the Python text calls.
    """

    name: str
    infer: Infer
    array: Callable[..., Any]
    scalar: Callable[..., Any]
    python: Callable[..., str] | str
    english: str
    doc: str
    examples: tuple[Example, ...] = ()
    symbol: str | None = None
    precedence: int = 0
    elementwise: bool = False
    laws: frozenset[Law] = frozenset()
    precondition: Callable[..., Any] | None = None
    exact: bool = True
    parameters: tuple[str, ...] = ()
    family: str = ""
    sympy: Callable[..., Any] | None = None
    latex: str | None = None
    helper: str = ""

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def result_type(self, arguments: tuple[Type, ...], statics: Statics) -> Type:
        """Type of the result for these argument types.

        Raises:
            TypeMismatch: naming the primitive and the arguments.
        """
        try:
            if not self.elementwise:
                return self.infer(arguments, statics)
            shape = broadcast(*arguments)
            return lift(self.infer(tuple(map(element, arguments)), statics), shape)
        except TypeMismatch as error:
            shown = ", ".join(map(str, arguments))
            raise TypeMismatch(f"{self.name}({shown}): {error}") from None


REGISTRY: dict[str, Primitive] = {}
"""Every declared primitive by name; `dsl.primitives` fills it when imported."""


def declare(primitive: Primitive) -> Primitive:
    """Put a primitive into the registry; a declaration does this itself.

    Raises:
        ValueError: the name is taken by another primitive, or isn't an identifier.
    """
    if not primitive.name.isidentifier():
        raise ValueError(f"a primitive's name is an identifier; got {primitive.name!r}")
    if primitive.name in REGISTRY:
        raise ValueError(f"there is a primitive named {primitive.name!r} already")
    REGISTRY[primitive.name] = primitive
    return primitive
