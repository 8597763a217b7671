"""Networks from the written tree alone: every level of a distillation as a network again.

The last level is the network's own arithmetic, matrix by matrix, and becomes a network with the
same weights. Levels above hold programs; what they compute is written as affine maps and
elementwise functions, number by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.errors import BadInput
from distill.export.folder import (
    FAULTS,
    read_evidence,
    read_json,
    read_pieces,
    read_text,
    shortened,
)
from distill.export.place import shown
from distill.hierarchy.small import atoms
from distill.literal import input_leaves, whole_input
from distill.load import network_from_normal_form
from distill.network import Network
from distill.normal_form import ELEMENTWISE, Array, Builder, NormalForm, append
from distill.piece import all_levels
from distill.simplify.fold import fold_affine
from distill.target import Output, parse_output
from distill.verify.lower import lower_program
from dsl.algebra import Unsupported
from dsl.domain import Domain, DomainError, Field
from dsl.domain_text import parse_domain
from dsl.program import Const, Expression, Let, Prim, Program, Var, let
from dsl.text import ParseError, parse_program
from dsl.types import BOOL, INT, Category, TypeMismatch, Vector


def reconstruct(folder: Path, level: int | None = None) -> tuple[Rebuilt, int]:
    """A level of a finished distillation as a network, and its number, from its texts alone: no
    .onnx file is read. level: as `show --expand` counts them; the last one, the network itself, if
    left out.

    Raises:
        BadInput: the folder isn't a finished distillation of a feed-forward network, or the level
            can't be written as a network.
    """
    evidence = read_evidence(folder)
    if evidence.of_sequences:
        raise BadInput(
            f"{shown(folder)} holds the loop of a recurrent network; only feed-forward networks "
            "can be reconstructed"
        )
    told = read_json(folder / "front.json")
    literal = told.get("literal") if isinstance(told, dict) else None
    try:
        program = parse_program(read_text(folder / "program.dsl"))
        own = None if literal is None else parse_program(literal)
        domain = parse_domain(evidence.domain)
        output = parse_output(evidence.output)
        found = list(all_levels(program, read_pieces(folder, evidence, program.main), own))
    except (ParseError, DomainError, TypeMismatch, *FAULTS) as error:
        raise BadInput(
            f"{shown(folder)} isn't a finished distillation: {shortened(error)}"
        ) from None
    number = len(found) - 1 if level is None else min(level, len(found) - 1)
    return rebuilt(found[number], domain, output), number


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A level as a network; own: whether it is the network itself, its outputs as they are, and
    not the program's values (true as 1, categories by number)."""

    network: Network
    own: bool


def rebuilt(program: Program, domain: Domain, output: Output) -> Rebuilt:
    """A network that computes a program.

    Raises:
        BadInput: the program uses what no affine map and no elementwise function gives.
    """
    form = own_form(program, domain, output)
    if form is not None:
        return Rebuilt(network_from_normal_form(form, "input"), True)
    builder = Builder(domain.width)
    try:
        inner = Builder(domain.scalars)
        wires = lower_program(program, domain, inner, truths=True)
        terms = [(wire, _column(len(wires), row)) for row, wire in enumerate(wires)]
        joined = inner.build(inner.affine(terms, np.zeros(len(wires))))
    except Unsupported as error:
        raise BadInput(
            f"this level can't be written as a network ({error}); a lower one can: give a larger "
            "--level, or none for the network's own arithmetic"
        ) from None
    whole = builder.build(append(builder, joined, _decoded(builder, domain)))
    return Rebuilt(network_from_normal_form(fold_affine(whole), "input"), False)


def _column(size: int, row: int) -> Array:
    found = np.zeros((size, 1))
    found[row, 0] = 1.0
    return found


def _decoded(builder: Builder, domain: Domain) -> int:
    """A wire with the domain's scalars, from the network's inputs."""
    matrix, shift = np.zeros((domain.scalars, domain.width)), np.zeros(domain.scalars)
    for row, atom in enumerate(atoms(domain)):
        matrix[row, atom.inputs], shift[row] = _scalar(atom.field, len(atom.inputs))
    return builder.affine([(0, matrix)], shift)


def _scalar(field: Field, width: int) -> tuple[Array, float]:
    """Weights on the network inputs that a scalar fills, and a constant, that give it back."""
    encoding = field.encoding
    if encoding.kind == "onehot":
        return float(field.bounds[0]) + np.arange(width, dtype=np.float64), 0.0
    if encoding.kind == "bits":
        return np.exp2(np.arange(width, dtype=np.float64)[::-1]), 0.0
    if encoding.kind == "signed":
        return np.array([0.5]), 0.5
    scale, shift = float(encoding.scale), float(encoding.shift)
    return np.array([1.0 / scale]), -shift / scale


def own_form(program: Program, domain: Domain, output: Output) -> NormalForm | None:
    """The normal form that `distill.literal` wrote as a program of matrices; None for others."""
    try:
        raw = _raw(program.main.body, output)
        reader = _Reader(domain)
        return reader.builder.build(reader.read(raw, {}))
    except _OtherForm:
        return None


class _OtherForm(Exception):
    """An expression that no normal form writes."""


def _raw(body: Expression, output: Output) -> Expression:
    """A literal's body without what reads a value off the network's numbers; Lets stay."""
    if isinstance(body, Let):
        return let(body.name, body.children[0], _raw(body.children[1], output))
    if isinstance(output.type, Category):
        return _under(body, "argmax")
    if output.scalar == BOOL:
        return _under(body, "greater")
    return _under(body, "round") if output.scalar == INT else body


def _under(body: Expression, name: str) -> Expression:
    if isinstance(body, Prim) and body.primitive.name in ("vector", "item"):
        inner = body.children[0]
        if isinstance(inner, Prim) and inner.primitive.name == name:
            return inner.children[0]
    if isinstance(body, Prim) and body.primitive.name == name:
        return body.children[0]
    raise _OtherForm


class _Reader:
    """Expressions over wires as nodes of a normal form."""

    def __init__(self, domain: Domain) -> None:
        self.builder = Builder(domain.width)
        leaves = input_leaves(domain)
        self.whole = whole_input(domain, leaves)
        self.leaves = {leaf: place for place, leaf in enumerate(leaves)}

    def read(self, node: Expression, named: dict[str, int]) -> int:
        """The wire that holds an expression's numbers."""
        if node is self.whole:
            return 0
        if node in self.leaves:
            row = np.zeros((1, self.builder.width(0)))
            row[0, self.leaves[node]] = 1.0
            return self.builder.affine([(0, row)], np.zeros(1))
        if isinstance(node, Var) and node.name in named:
            return named[node.name]
        if isinstance(node, Let):
            value = self.read(node.children[0], named)
            return self.read(node.children[1], {**named, node.name: value})
        if isinstance(node, Const):
            return self.builder.constant(np.atleast_1d(np.asarray(node.value, dtype=float)))
        if not isinstance(node, Prim):
            raise _OtherForm
        if node.primitive.name in ELEMENTWISE:
            wires = [self.read(child, named) for child in node.children]
            if len({self.builder.width(w) for w in wires}) == 1:
                return self.builder.elementwise(node.primitive.name, *wires)
            raise _OtherForm
        terms, bias = self.products(node, named)
        return self.builder.affine(terms, bias)

    def products(
        self, node: Expression, named: dict[str, int]
    ) -> tuple[list[tuple[int, Array]], Array]:
        """An affine map as its matrices: one product, or a sum of several."""
        if not isinstance(node, Prim):
            raise _OtherForm
        name = node.primitive.name
        if name == "add":
            pairs = [self.products(child, named) for child in node.children]
            return [t for terms, _ in pairs for t in terms], sum((b for _, b in pairs), np.zeros(1))
        if name == "item" and _is(node.children[0], "affine"):
            return self.products(node.children[0], named)
        if name != "affine":
            raise _OtherForm
        matrix, vector, bias = node.children
        if not (isinstance(matrix, Const) and isinstance(bias, Const)):
            raise _OtherForm
        single = isinstance(vector, Prim) and _is(vector, "vector") and vector is not self.whole
        wire = self.read(vector.children[0] if single else vector, named)
        values = np.asarray(matrix.value, dtype=float)
        shape = matrix.type.shape if isinstance(matrix.type, Vector) else values.shape
        return [(wire, values.reshape(shape))], np.asarray(bias.value, dtype=float)


def _is(node: Expression, name: str) -> bool:
    return isinstance(node, Prim) and node.primitive.name == name
