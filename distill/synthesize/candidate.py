"""A program that may stand for a network, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsl.cost import program_bits
from dsl.expand import called
from dsl.program import Definition, Expression, Program
from dsl.types import Type


@dataclass(frozen=True)
class Candidate:
    """A program with its description length in bits and the route that proposed it.

    known: names of its definitions that are the user's own, which take no bits.
    """

    program: Program
    bits: float
    route: str
    known: frozenset[str] = frozenset()


def candidate(
    parameters: tuple[tuple[str, Type], ...],
    body: Expression,
    result: Type,
    route: str,
    functions: Sequence[Definition] = (),
) -> Candidate:
    """A candidate from the body of a program, with those of the user's functions that it calls."""
    main = Definition("predict", parameters, body, result)
    needed = called(main, functions) if functions else []
    return of_program(Program((*needed, main)), route, frozenset(d.name for d in needed))


def of_program(found: Program, route: str, known: frozenset[str] = frozenset()) -> Candidate:
    """A candidate from a whole program; known: names of the user's functions in it."""
    return Candidate(found, program_bits(found, known=known), route, known)
