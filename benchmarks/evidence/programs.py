"""Programs of the campaign: written as terms of its own, and as expressions of the language."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.evidence.exact import Term
from distill.normal_form import Affine, Input, NormalForm
from dsl.domain import Domain
from dsl.program import Expression, Program, const, prim, program, var
from dsl.types import BOOL, Category, Type

ZERO: Term = ("const", Fraction(0))
_NAMES = {"sum": "add", "choose": "if_", "both": "and_"}


def constant(value: float) -> Term:
    """A number, exactly."""
    return ("const", Fraction(value))


def scalars(domain: Domain) -> list[Term]:
    """The domain's scalars in order, as numbers."""
    found: list[Term] = []
    for field in domain.fields:
        for place in range(field.scalars):
            one: Term = ("var", field.name, place if field.shape else None)
            whole = field.item == BOOL or isinstance(field.item, Category)
            found.append(("number", one) if whole else one)
    return found


def as_program(term: Term, domain: Domain, result: Type) -> Program:
    """The term in the language."""
    known: dict[int, Expression] = {}
    types = dict(domain.parameters)

    def written(t: Term) -> Expression:
        if id(t) not in known:
            known[id(t)] = _expression(t, types, written)
        return known[id(t)]

    return program(domain.parameters, written(term), result)


def _expression(term: Term, types: dict[str, Type], written: Any) -> Expression:
    name = term[0]
    if name == "const":
        value = term[1]
        return const(int(value) if value.denominator == 1 else value)
    if name == "var":
        whole = var(term[1], types[term[1]])
        return whole if term[2] is None else prim("item", whole, const(term[2]))
    parts = [written(t) for t in term[1:]]
    if name == "number":
        return prim("as_int" if parts[0].type == BOOL else "index", *parts)
    if name == "first":
        return prim("argmax", prim("vector", *parts))
    return prim(_NAMES.get(name, name), *parts)


def rewritten(form: NormalForm, inputs: list[Term], rng: np.random.Generator) -> list[Term]:
    """The network's outputs as terms that are equal to it over the reals, written otherwise."""
    wires: list[list[Term]] = []
    for node in form.nodes:
        if isinstance(node, Input):
            wires.append(inputs)
        elif isinstance(node, Affine):
            wires.append([_row(node, row, wires, rng) for row in range(len(node.bias))])
        else:
            columns = zip(*(wires[s] for s in node.sources), strict=True)
            wires.append([_written(node.function, list(column), rng) for column in columns])
    return wires[form.output]


def _row(node: Affine, row: int, wires: list[list[Term]], rng: np.random.Generator) -> Term:
    parts = [
        scaled(float(weight), wires[source][place])
        for source, matrix in node.terms
        for place, weight in enumerate(matrix[row])
        if weight
    ]
    if node.bias[row] or not parts:
        parts.append(constant(float(node.bias[row])))
    order = rng.permutation(len(parts))
    return total([parts[i] for i in order])


def total(parts: list[Term]) -> Term:
    """The sum of terms, one after the other."""
    return parts[0] if len(parts) == 1 else ("sum", *parts)


def scaled(weight: float, term: Term) -> Term:
    """A number times a term."""
    return term if weight == 1 else ("mul", constant(weight), term)


def negative(term: Term) -> Term:
    """A term times -1."""
    return scaled(-1.0, term)


def _written(name: str, parts: list[Term], rng: np.random.Generator) -> Term:
    """A function in one of its spellings."""
    x, choice = parts[0], int(rng.integers(3))
    if name in ("relu", "abs") and choice == 1:
        return ("max", x, ZERO if name == "relu" else negative(x))
    if name == "relu" and choice == 2:
        return ("choose", ("less", ZERO, x), x, ZERO)
    if name == "abs" and choice == 2:
        return ("sum", ("relu", x), ("relu", negative(x)))
    if name == "max" and choice == 1:
        return ("choose", ("less", x, parts[1]), parts[1], x)
    if name == "max" and choice == 2:
        return ("sum", x, ("relu", ("sum", parts[1], negative(x))))
    return (name, *parts)
