"""Every module of a program with its plot: the whole, its definitions, and its pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from distill.decompose.modules import convolutions_of
from distill.distillation import Distillation
from distill.errors import BadInput
from distill.evidence import Claim
from distill.export.summary import plain_python
from distill.reporting.axes import figure
from distill.reporting.filters import MOST, pictures
from distill.reporting.markup import Markup, join, tag
from distill.reporting.plotted import Plotted, middle, plot
from distill.reporting.words import rung
from dsl.domain import Columns, Domain, Field, rows
from dsl.meanings.array import run
from dsl.meanings.coverage import coverage
from dsl.meanings.english import phrase, says
from dsl.program import Const, Definition, Expression, Let, Program, walk
from dsl.types import BOOL, Bool, Category, Int, Real, Vector, element, shape_of

_ROWS = 512
_WORDS = 600
_LAYER = 200_000
"""Weights of a layer up to which it is looked into for filters."""


@dataclass(frozen=True, eq=False)
class Module:
    """name: of a definition or a piece; says: what it is in words; body: its plots."""

    name: str
    kind: str
    says: str
    source: str
    body: Markup
    claim: Claim | None = None


def modules_of(
    found: Distillation, points: list[tuple[Any, str]], examples: Columns | None = None
) -> list[Module]:
    """The modules, the whole program first; points: inputs to mark in its plots, with their ids;
    examples: the user's, to show where no plot shows all."""
    modules = [_whole(found, points, examples)]
    inside = list(_definitions(found))
    return modules + inside + [_of_piece(found, piece) for piece in found.pieces]


def _whole(found: Distillation, points: list[tuple[Any, str]], examples: Columns | None) -> Module:
    program, domain = found.program, found.domain

    def network(columns: Columns) -> Any:
        raw = np.asarray(found.network.run(domain.encode(columns)), dtype=np.float64)
        return found.output.decode(raw)

    base = middle(domain)
    if found.data is not None:
        base = np.median(domain.flatten(found.data), axis=0)
        base = np.where(domain.integral(), np.rint(base), base)
    marked = []
    for row, link in points:
        try:
            marked.append((domain.flatten(domain.column(tuple(row)))[0], link))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    one = Plotted(
        "the output", domain, found.output.type, lambda c: run(program, c), network, base,
        tuple(marked), found.data if examples is None else examples,
    )  # fmt: skip
    name = program.main.name
    body = join([plot(one), _filters(found)])
    return Module(name, "the program", _in_words(program.main), "", body)


def _definitions(found: Distillation) -> Iterator[Module]:
    """Definitions on the values that they are called with somewhere in the domain."""
    others = found.program.definitions[:-1]
    if not others:
        return
    drawn = found.domain.sample(np.random.default_rng(0), _ROWS)
    called = coverage(found.program, drawn).arguments
    known: dict[str, Definition] = {}
    for definition in others:
        known[definition.name] = definition
        program = Program(tuple(known.values()))
        domain = _seen_domain(definition, called.get(definition.name, ()))
        if domain is None:
            body = tag("p", "It is never called on the domain.", class_="note")
        else:
            one = Plotted(
                definition.name, domain, definition.result,
                lambda c, program=program: run(program, c), None, middle(domain),
            )  # fmt: skip
            body = plot(one)
        yield Module(definition.name, "a definition", _in_words(definition), "", body)


def _seen_domain(definition: Definition, calls: Iterable[Columns]) -> Domain | None:
    """The box of what a definition was called with."""
    batches = [c for c in calls if c and rows(c)]
    if not batches or not definition.parameters:
        return None
    fields = []
    for place, (name, item) in enumerate(definition.parameters):
        scalar = element(item)
        if not isinstance(scalar, Bool | Int | Real | Category):
            return None
        values = np.concatenate([np.ravel(b[place]) for b in batches]).astype(np.float64)
        low, high = Fraction(float(values.min())), Fraction(float(values.max()))
        bounds = (low, high) if isinstance(scalar, Int | Real) else (None, None)
        fields.append(Field(name, scalar, *bounds, shape_of(item)))
    return Domain(tuple(fields))


def _of_piece(found: Distillation, piece: Any) -> Module:
    spec, own = piece.spec, piece.body
    one = Plotted(
        piece.name, piece.domain, spec.main.result, lambda c: run(spec, c),
        lambda c: run(own, c), middle(piece.domain),
    )  # fmt: skip
    takes = ", ".join(piece.arguments)
    told = f"{_in_words(spec.main)} It takes {takes}." if takes else _in_words(spec.main)
    kind = "a value inside the network" if piece.inner else "an output"
    return Module(piece.name, kind, told, plain_python(spec).rstrip(), plot(one), piece.claim)


def _in_words(definition: Definition) -> str:
    body, names = definition.body, []
    while isinstance(body, Let):
        names.append(f"{body.name} is {phrase(body.children[0]).text}")
        body = body.children[1]
    text = f"{definition.name} {says(definition.result)} {phrase(body).text}"
    text += f", where {'; '.join(names)}." if names else "."
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"


def _filters(found: Distillation) -> Markup | None:
    """Pictures: filters of convolutions, tables of the program, and of images the first weights."""
    parts: list[Markup] = []
    for number, filters in _convolutions(found):
        count = len(filters)
        names = [f"filter {i}" for i in range(count)]
        more = f", the first {MOST} of {count}" if count > MOST else ""
        parts.append(figure(pictures(filters, names), f"filters of layer {number}{more}"))
    for text, table in _tables(found.program):
        parts.append(figure(pictures(table, [text] * len(table)), "a table of the program"))
    image = next((f for f in found.domain.fields if len(f.shape) >= 2), None)
    if image is not None and not parts and len(found.domain.fields) == 1:
        parts += _first_layer(found, image.shape)
    return join(parts) if parts else None


def _convolutions(found: Distillation) -> Iterator[tuple[int, np.ndarray]]:
    network = found.network
    shown = 0
    for operation in network.operations:
        if operation.kind == "Conv" and operation.inputs[1] in network.constants:
            weights = np.asarray(network.constants[operation.inputs[1]], dtype=np.float64)
            shown += 1
            if weights.ndim == 4:
                yield shown, weights.reshape(-1, *weights.shape[2:])
    if shown or len(found.domain.fields) != 1 or len(found.domain.fields[0].shape) < 2:
        return
    try:
        form = network.normal_form()
    except BadInput:
        return
    if form.multiply_adds <= _LAYER:
        for number, one in convolutions_of(form).items():
            if one.filters.ndim >= 2 and len(one.window) == 2:
                yield number, one.filters.reshape(-1, *one.window)


def _tables(program: Program) -> Iterator[tuple[str, np.ndarray]]:
    """Constants of two axes and more: filters that the program itself writes."""
    place = 0
    for definition in program.definitions:
        for node in walk(definition.body):
            if _is_picture(node):
                place += 1
                values = np.asarray(node.value, dtype=np.float64)  # pyright: ignore
                yield f"table {place}", values.reshape(-1, *values.shape[-2:])


def _is_picture(node: Expression) -> bool:
    if not isinstance(node, Const) or not isinstance(node.type, Vector):
        return False
    shape = node.type.shape
    return len(shape) >= 2 and max(shape[-2:]) <= 32 and element(node.type) != BOOL


def _first_layer(found: Distillation, shape: tuple[int, ...]) -> list[Markup]:
    """What the first units read of an image, as pictures."""
    from distill.decompose.links import links_of

    try:
        form = found.network.normal_form()
    except BadInput:
        return []
    links = links_of(form)
    weights = links.weights.get((0, 1))
    if weights is None or weights.size > _LAYER or weights.shape[1] != int(np.prod(shape)):
        return []
    order = np.argsort(-np.abs(weights).sum(1), kind="stable")[:MOST]
    grids = weights[order].reshape(-1, *shape[-2:])[:MOST]
    names = [f"unit {i}" for i in order.tolist()]
    return [figure(pictures(grids, names), f"what the {len(grids)} strongest first units read")]


def claim_words(claim: Claim | None) -> Markup | None:
    """What is known of a piece, in a line."""
    if claim is None:
        return None
    return tag("p", rung(claim.verdict), " ", claim.statement, class_="note")
