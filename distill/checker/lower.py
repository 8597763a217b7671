"""The checker's own way from a program to a normal form, wire by wire.

Written apart from the verifier's, as an algebra of terms: what is plain is computed exactly, a
term is a wire of width 1, truths are 0 and 1. Every operation is one node, as it is in a run of
the program, so that its rounding can be bounded node by node.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.normal_form import Affine, Builder, Elementwise, Input, NormalForm
from dsl.algebra import Unsupported
from dsl.domain import Domain
from dsl.meanings.fold import evaluate
from dsl.meanings.mixed import Mixed
from dsl.program import Program
from dsl.types import BOOL

_FUNCTIONS = frozenset(["sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid", "erf"])


@dataclass(frozen=True)
class Term:
    """A wire of width 1, and whether it is a truth (0 or 1)."""

    wire: int
    truth: bool = False


class Wires(Mixed):
    """The algebra whose terms are wires of a graph under construction."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.known: dict[Any, Term] = {}
        self.spellings: dict[str, Callable[..., Any]] = {
            "abs": lambda a: self._node("abs", self.term(a)),
            "round": lambda a: self._node("round", self.term(a)),
            "sign": lambda a: self._node("sign", self.term(a)),
        }

    def term(self, value: Any) -> Term:
        """A plain value as a wire that doesn't vary."""
        if isinstance(value, Term):
            return value
        return self._affine(float(value), truth=isinstance(value, bool))

    def is_truth(self, a: Any) -> bool:
        """Whether this is a truth value."""
        return isinstance(a, bool) or (isinstance(a, Term) and a.truth)

    def _affine(self, bias: float, *parts: tuple[float, Term], truth: bool = False) -> Term:
        key = ("affine", bias, parts, truth)
        if key not in self.known:
            terms = [(term.wire, np.array([[weight]])) for weight, term in parts]
            self.known[key] = Term(self.builder.affine(terms, np.array([bias])), truth)
        return self.known[key]

    def _node(self, name: str, *terms: Term, truth: bool = False) -> Term:
        key = (name, terms, truth)
        if key not in self.known:
            wire = self.builder.elementwise(name, *(term.wire for term in terms))
            self.known[key] = Term(wire, truth)
        return self.known[key]

    def _plain(self, term: Term) -> float | None:
        """The value of a wire that doesn't vary."""
        node = self.builder.nodes[term.wire]
        return float(node.bias[0]) if isinstance(node, Affine) and not node.terms else None

    def _add(self, a: Term, b: Term) -> Term:
        if a == b:
            return self._affine(0.0, (2.0, a))
        fixed = self._plain(a), self._plain(b)
        if fixed[0] is not None:
            return self._affine(fixed[0], (1.0, b))
        return self._affine(fixed[1], (1.0, a)) if fixed[1] is not None else self._sum(a, b, 1.0)

    def _sum(self, a: Term, b: Term, sign: float) -> Term:
        return self._affine(0.0, (1.0, a), (sign, b))

    def _sub(self, a: Term, b: Term) -> Term:
        return self._affine(0.0) if a == b else self._sum(a, b, -1.0)

    def _neg(self, a: Term) -> Term:
        return self._affine(0.0, (-1.0, a))

    def _mul(self, a: Term, b: Term) -> Term:
        if a == b:
            return self._square(a)
        for factor, other in ((self._plain(a), b), (self._plain(b), a)):
            if factor is not None:
                return self._affine(0.0, (factor, other))
        return self._node("mul", a, b)

    def _square(self, a: Term) -> Term:
        return self._node("square", a)

    def _div(self, a: Term, b: Term) -> Term:
        divisor = self._plain(b)
        if divisor:
            return self._affine(0.0, (1.0 / divisor, a))
        return self._mul(a, self._node("reciprocal", b))

    def _floor(self, a: Term) -> Term:
        return self._node("floor", a)

    def _floordiv(self, a: Term, b: Term) -> Term:
        return self._floor(self._div(a, b))

    def _mod(self, a: Term, b: Term) -> Term:
        return self._sub(a, self._mul(b, self._floordiv(a, b)))

    def _maximum(self, a: Term, b: Term) -> Term:
        return self._node("max", a, b)

    def _minimum(self, a: Term, b: Term) -> Term:
        return self._node("min", a, b)

    def _less(self, a: Term, b: Term) -> Term:
        return self._node("greater", b, a, truth=True)

    def _less_equal(self, a: Term, b: Term) -> Term:
        return self._negate(self._less(b, a))

    def _equal(self, a: Term, b: Term) -> Term:
        return self._node("equal", a, b, truth=True)

    def _both(self, a: Any, b: Any) -> Term:
        return self._node("min", self.term(a), self.term(b), truth=True)

    def _either(self, a: Any, b: Any) -> Term:
        return self._node("max", self.term(a), self.term(b), truth=True)

    def _negate(self, a: Term) -> Term:
        return self._affine(1.0, (-1.0, a), truth=True)

    def _choose(self, condition: Term, a: Term, b: Term) -> Term:
        """b + condition * (a - b): exact where the condition is decided."""
        change = self._mul(condition, self._sub(a, b))
        return Term(self._add(change, b).wire, a.truth and b.truth)

    def _function(self, name: str, a: Term) -> Term:
        if name not in _FUNCTIONS:
            raise Unsupported(f"{name} has no bounds here")
        return self._node(name, a)


@dataclass(frozen=True, eq=False)
class Sides:
    """Network and program in one graph over the domain's scalars; its output is the network.

    `program`: the wires (of width 1) of its results; nodes from `start` on are the program's.
    """

    form: NormalForm
    program: tuple[int, ...]
    start: int


def network_side(form: NormalForm, domain: Domain) -> Sides:
    """The network alone, behind the domain's encoding. Raises: Unsupported."""
    builder = Builder(domain.scalars)
    output = _network(builder, form, domain)
    return Sides(builder.build(output), (), len(builder.nodes))


def both_sides(form: NormalForm, program: Program, domain: Domain) -> Sides:
    """Network and program. Raises: Unsupported."""
    builder = Builder(domain.scalars)
    output, start = _network(builder, form, domain), len(builder.nodes)
    ops = Wires(builder)
    names = [name for name, _ in program.main.parameters]
    found = evaluate(program, ops, dict(zip(names, _arguments(builder, domain), strict=True)))
    wires = tuple(ops.term(value).wire for value in _leaves(found))
    return Sides(builder.build(output), wires, start)


def _network(builder: Builder, form: NormalForm, domain: Domain) -> int:
    pair = domain.encoding_map()
    if pair is None:
        raise Unsupported("the encoding isn't affine")
    wires: list[int] = []
    for node in form.nodes:
        if isinstance(node, Affine):
            wires.append(builder.affine([(wires[s], m) for s, m in node.terms], node.bias))
        elif isinstance(node, Elementwise):
            wires.append(builder.elementwise(node.function, *(wires[s] for s in node.sources)))
        else:
            assert isinstance(node, Input)
            plain = (pair[0] == 1).all() and (pair[1] == 0).all()
            wires.append(0 if plain else builder.affine([(0, np.diag(pair[0]))], pair[1]))
    return wires[form.output]


def _arguments(builder: Builder, domain: Domain) -> list[Any]:
    """The program's arguments: the scalars of every field as terms, in the field's shape."""
    found, rows = [], iter(np.eye(domain.scalars))
    for field in domain.fields:
        truth = field.item == BOOL
        terms: Any = [
            Term(builder.affine([(0, next(rows)[None])], np.zeros(1)), truth)
            for _ in range(field.scalars)
        ]
        for length in reversed(field.shape):
            terms = [tuple(terms[i : i + length]) for i in range(0, len(terms), length)]
        found.append(terms[0])
    return found


def _leaves(value: Any) -> list[Any]:
    return [v for part in value for v in _leaves(part)] if isinstance(value, tuple) else [value]


def with_output(sides: Sides, matrix: np.ndarray, bias: np.ndarray) -> NormalForm:
    """The graph with output `matrix @ (network's outputs, program's results) + bias`."""
    width = sides.form.widths()[sides.form.output]
    terms = [(sides.form.output, matrix[:, :width])]
    terms += [(wire, matrix[:, width + i : width + i + 1]) for i, wire in enumerate(sides.program)]
    last = Affine(tuple(_merged(terms)), bias)
    return NormalForm((*sides.form.nodes, last), len(sides.form.nodes))


def _merged(terms: list[tuple[int, np.ndarray]]) -> list[tuple[int, np.ndarray]]:
    """One matrix for each wire."""
    found: dict[int, np.ndarray] = {}
    for wire, matrix in terms:
        found[wire] = found[wire] + matrix if wire in found else matrix
    return list(found.items())
