"""The denotation: a program over ints, Fractions and bools, without rounding."""

from __future__ import annotations

from typing import Any

from dsl.algebra import Exact
from dsl.meanings.fold import evaluate
from dsl.program import Program, const


def run_exact(program: Program, arguments: tuple[Any, ...]) -> Any:
    """The exact value of a program for one example.

    Arguments:
        arguments: one value per parameter, in order: bool, int, Fraction or float (read as the
            rational it is), category index, nested sequences of those for vectors.

    Returns:
        bool, int, Fraction, or nested tuples of them.

    Raises:
        Unsupported: the program uses a function that leaves the rationals, e.g. sin.
        Undefined: the program isn't defined there, e.g. it divides by zero.
        TypeMismatch: an argument isn't of its parameter's type.
    """
    parameters = program.main.parameters
    environment = {
        name: const(value, item).value
        for (name, item), value in zip(parameters, arguments, strict=True)
    }
    return evaluate(program, Exact(), environment, strict=True)
