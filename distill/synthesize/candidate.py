"""A program that may stand for a network, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.cost import program_bits
from dsl.program import Expression, Program, program
from dsl.types import Type


@dataclass(frozen=True)
class Candidate:
    """A program with its description length in bits and the route that proposed it."""

    program: Program
    bits: float
    route: str


def candidate(
    parameters: tuple[tuple[str, Type], ...], body: Expression, result: Type, route: str
) -> Candidate:
    """A candidate from the body of a program."""
    return of_program(program(parameters, body, result), route)


def of_program(found: Program, route: str) -> Candidate:
    """A candidate from a whole program."""
    return Candidate(found, program_bits(found), route)
