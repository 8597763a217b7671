"""Programs lowered to normal form, so that `network - program` is one graph to bound.

The graph's input is the domain's flattened scalars (not encoded); the network is put
behind the encoding where that is affine. Truth values are 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.normal_form import Builder, NormalForm, append
from dsl.algebra import Unsupported
from dsl.domain import Domain, Field
from dsl.meanings.fold import evaluate
from dsl.program import Program
from dsl.types import BOOL


@dataclass(frozen=True)
class Wire:
    """A scalar wire of width 1 in the graph under construction."""

    index: int


Scalar = Wire | float | int | bool


class GraphAlgebra:
    """The scalar algebra whose numbers are wires; constants are folded.

    Raises Unsupported for what no elementwise function gives.
    """

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.memo: dict[tuple[Any, ...], Wire] = {}

    def const(self, value: Any) -> Any:
        return value if isinstance(value, bool) else float(value)

    def _linear(self, terms: list[tuple[float, Scalar]], bias: float = 0.0) -> Scalar:
        wires: dict[int, float] = {}
        for weight, term in terms:
            if isinstance(term, Wire):
                wires[term.index] = wires.get(term.index, 0.0) + weight
            else:
                bias += weight * float(term)
        if not wires:
            return bias
        key = ("linear", tuple(sorted(wires.items())), bias)
        if key not in self.memo:
            parts = [(index, np.array([[w]])) for index, w in sorted(wires.items())]
            self.memo[key] = Wire(self.builder.affine(parts, np.array([bias])))
        return self.memo[key]

    def _wire(self, value: Scalar) -> Wire:
        if isinstance(value, Wire):
            return value
        key = ("const", float(value))
        if key not in self.memo:
            self.memo[key] = Wire(self.builder.constant(np.array([float(value)])))
        return self.memo[key]

    def _apply(self, name: str, *arguments: Scalar) -> Wire:
        wires = tuple(self._wire(a).index for a in arguments)
        key = (name, wires)
        if key not in self.memo:
            self.memo[key] = Wire(self.builder.elementwise(name, *wires))
        return self.memo[key]

    def add(self, a: Scalar, b: Scalar) -> Scalar:
        return self._linear([(1.0, a), (1.0, b)])

    def sub(self, a: Scalar, b: Scalar) -> Scalar:
        return self._linear([(1.0, a), (-1.0, b)])

    def neg(self, a: Scalar) -> Scalar:
        return self._linear([(-1.0, a)])

    def mul(self, a: Scalar, b: Scalar) -> Scalar:
        if not isinstance(a, Wire):
            return self._linear([(float(a), b)])
        if not isinstance(b, Wire):
            return self._linear([(float(b), a)])
        return self._apply("square", a) if a == b else self._apply("mul", a, b)

    def div(self, a: Scalar, b: Scalar) -> Scalar:
        if not isinstance(b, Wire):
            return self._linear([(1.0 / float(b), a)])
        return self.mul(a, self._apply("reciprocal", b))

    def floor(self, a: Scalar) -> Scalar:
        return self._apply("floor", a)

    def square(self, a: Scalar) -> Scalar:
        return self._apply("square", a)

    def maximum(self, a: Scalar, b: Scalar) -> Scalar:
        if isinstance(b, Wire) and not isinstance(a, Wire):
            a, b = b, a
        if isinstance(a, Wire) and not isinstance(b, Wire):
            shifted = self._linear([(1.0, a)], -float(b))
            return self._linear([(1.0, self._apply("relu", shifted))], float(b))
        return self._apply("max", a, b)

    def minimum(self, a: Scalar, b: Scalar) -> Scalar:
        return self.neg(self.maximum(self.neg(a), self.neg(b)))

    def less(self, a: Scalar, b: Scalar) -> Scalar:
        return self._apply("greater", b, a)

    def less_equal(self, a: Scalar, b: Scalar) -> Scalar:
        return self.negate(self.less(b, a))

    def equal(self, a: Scalar, b: Scalar) -> Scalar:
        return self._apply("equal", a, b)

    def both(self, a: Scalar, b: Scalar) -> Scalar:
        return self._apply("min", a, b)

    def either(self, a: Scalar, b: Scalar) -> Scalar:
        return self._apply("max", a, b)

    def negate(self, a: Scalar) -> Scalar:
        return self._linear([(-1.0, a)], 1.0)

    def choose(self, condition: Scalar, a: Scalar, b: Scalar) -> Scalar:
        return self.add(b, self.mul(condition, self.sub(a, b)))

    def floordiv(self, a: Scalar, b: Scalar) -> Scalar:
        return self.floor(self.div(a, b))

    def mod(self, a: Scalar, b: Scalar) -> Scalar:
        return self.sub(a, self.mul(b, self.floordiv(a, b)))

    def function(self, name: str, a: Scalar) -> Scalar:
        if name not in ("sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid", "erf"):
            raise Unsupported(f"{name} can't be bounded")
        return self._apply(name, a)

    def integer(self, name: str, *arguments: Any) -> Any:
        raise Unsupported(f"{name} can't be bounded")

    def is_truth(self, a: Any) -> bool:
        return isinstance(a, bool)


def lower_program(
    program: Program, domain: Domain, builder: Builder, truths: bool = False
) -> list[int]:
    """Add a program to a graph over the domain's scalars; returns its result wires (width 1).

    With `truths` fields of truths are taken too, as wires that hold 0 or 1.

    Raises:
        Unsupported: a primitive has no such form.
    """
    ops = GraphAlgebra(builder)
    place = 0
    arguments: list[Any] = []
    for field in domain.fields:
        if field.item == BOOL and not truths:
            raise Unsupported("truth values are enumerated, not bounded")
        wires = []
        for _ in range(field.scalars):
            select = np.zeros((1, domain.scalars))
            select[0, place] = 1.0
            wires.append(Wire(builder.affine([(0, select)], np.zeros(1))))
            place += 1
        arguments.append(_shaped(field, wires))
    names = [name for name, _ in program.main.parameters]
    result = evaluate(program, ops, dict(zip(names, arguments, strict=True)))
    return [ops._wire(r).index for r in _flat(result)]


def _shaped(field: Field, wires: list[Wire]) -> Any:
    values: list[Any] = list(wires)
    for length in reversed(field.shape[1:]):
        values = [tuple(values[i : i + length]) for i in range(0, len(values), length)]
    return tuple(values) if field.shape else values[0]


def _flat(value: Any) -> list[Any]:
    return [v for part in value for v in _flat(part)] if isinstance(value, tuple) else [value]


def network_over_scalars(form: NormalForm, domain: Domain) -> NormalForm | None:
    """The network as a function of the flattened scalars; None where the encoding isn't affine."""
    pair = domain.encoding_map()
    if pair is None:
        return None
    builder = Builder(domain.scalars)
    scale, shift = pair
    plain = bool(np.all(scale == 1) and np.all(shift == 0))
    entry = 0 if plain else builder.affine([(0, np.diag(scale))], shift)
    return builder.build(append(builder, form, entry))


def difference(form: NormalForm, program: Program, domain: Domain) -> NormalForm:
    """`network - program` over the flattened scalars; `form` is already over them.

    Raises:
        Unsupported: the program can't be lowered.
    """
    builder = Builder(domain.scalars)
    network = append(builder, form, 0)
    wires = lower_program(program, domain, builder)
    width = builder.width(network)
    terms = [(network, np.eye(width))]
    for row, wire in enumerate(wires):
        column = np.zeros((width, 1))
        column[row, 0] = -1.0
        terms.append((wire, column))
    return builder.build(builder.affine(terms, np.zeros(width)))
