"""A piece of a hierarchy, what stands in parts.json, and the whole that pieces make up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from distill.evidence import Claim
from dsl.domain import Domain
from dsl.domain_text import parse_domain, show_domain
from dsl.expand import levels
from dsl.program import Definition, Expression, Program, call, let, prim
from dsl.text import parse, parse_program
from dsl.types import Type, Vector


@dataclass(frozen=True, eq=False)
class Piece:
    """A value of the network with its program.

    name: `v3`, or `y0` for an output (`y` for all of them); spec: the program found; body: the
    network's own arithmetic for it, over the same parameters; arguments: what they stand for in
    the whole; domain: theirs; claim: what is known of spec beside body.
    """

    name: str
    spec: Program
    body: Program
    arguments: tuple[str, ...]
    domain: Domain
    claim: Claim

    @property
    def inner(self) -> bool:
        """Whether other pieces take it; else it is an output."""
        return self.name.startswith("v")

    def to_json(self) -> dict[str, Any]:
        """Plain data, the claim left out: evidence.json has it."""
        return {
            "name": self.name,
            "spec": str(self.spec),
            "body": str(self.body),
            "arguments": list(self.arguments),
            "domain": show_domain(self.domain),
        }

    @staticmethod
    def from_json(data: dict[str, Any], claim: Claim) -> Piece:
        """Undo `to_json`.

        Raises:
            ParseError, DomainError, KeyError, TypeError: it isn't what `to_json` gives.
        """
        return Piece(
            str(data["name"]),
            parse_program(data["spec"]),
            parse_program(data["body"]),
            tuple(map(str, data["arguments"])),
            parse_domain(data["domain"]),
            claim,
        )


def with_bodies(
    pieces: Sequence[Piece], parameters: tuple[tuple[str, Type], ...], result: Type
) -> Program:
    """The whole, every piece being the network's own arithmetic for it.

    Raises:
        ParseError, TypeMismatch: the pieces don't make up a program.
    """
    known, definitions = dict(parameters), []
    values: list[tuple[str, Expression]] = []
    for piece in pieces:
        main = piece.body.main
        name = f"part_{piece.name}"
        definitions.append(replace(main, name=name))
        arguments = tuple(parse(text, known) for text in piece.arguments)
        values.append((piece.name, call(name, arguments, main.result)))
        known[piece.name] = main.result
    last = [value for name, value in values if not name.startswith("v")]
    body = prim("vector", *last) if isinstance(result, Vector) else last[0]
    for name, value in reversed(values):
        if name.startswith("v"):
            body = let(name, value, body)
    return Program((*definitions, Definition("predict", parameters, body, result)))


def all_levels(
    program: Program, pieces: Sequence[Piece], literal: Program | None
) -> Iterator[Program]:
    """The program, then its parts written out level by level, then its pieces' bodies in their
    places, and last the network's own arithmetic."""
    main = program.main
    bodies = [with_bodies(pieces, main.parameters, main.result)] if pieces else []
    own = [] if literal in (None, program) else [literal]
    found = chain(levels(program), bodies, own)
    yield from (one for one in found if one is not None)
