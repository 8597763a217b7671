"""The literal program: a normal form's own affine maps and activations, in the language.

Always there and always right: a found program replaces it when it is shorter. Every
wire that is a hidden layer becomes a Let-bound vector; affine rows are written as
sums of terms, as one matrix, or as filters moved over a grid, whichever takes fewest bits.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from distill.literal_conv import convolved, picked
from distill.normal_form import Affine, Elementwise, Input, NormalForm
from distill.target import Output
from dsl.cost import bits
from dsl.domain import Domain, Field
from dsl.program import (
    Const,
    Expression,
    Program,
    Var,
    const,
    free_variables,
    let,
    prim,
    program,
    var,
)
from dsl.types import BOOL, INT, REAL, Bool, Category, Real, Type, Vector

_SPELLED: dict[str, Callable[..., Expression]] = {
    "reciprocal": lambda x: prim("div", const(1), x),
    "greater": lambda x, y: prim("as_int", prim("greater", x, y)),
    "equal": lambda x, y: prim("as_int", prim("equal", x, y)),
    "pow": lambda x, y: prim("exp", prim("mul", prim("log", x), y)),
}
_ROWS_AT_MOST = 4096
"""Above so many weights a layer isn't tried as sums of terms."""

_TERMS = 24
_WORTH = 6.0
"""So many times a matrix's bits are paid for up to `_TERMS` terms, which read better as sums."""


_EMPTY = var("_nothing", INT)
"""A wire that holds no numbers; nothing reads it."""


def literal_program(
    form: NormalForm, domain: Domain, output: Output, plain_matrices: bool = False
) -> Program:
    """The program of a normal form on a domain, its outputs read by `output`.

    `plain_matrices` writes every affine map as one matrix of reals (the form in which a
    network's own bits are counted).
    """
    writer = Writer(domain, plain_matrices)
    for index, node in enumerate(form.nodes):
        writer.add(node, form, index)
    raw = writer.wires[form.output]
    body = decoded(raw, form.widths()[form.output], output)
    for name, value in reversed(writer.bindings):
        body = let(name, value, body) if name in free_variables(body) else body
    return program(domain.parameters, body, output.type)


def decoded(raw: Expression, width: int, output: Output) -> Expression:
    """The value that `output` reads off the raw vector (or single number) `raw`."""
    if isinstance(output.type, Category):
        return prim("argmax", raw) if width > 1 else _as_category(raw, output.type.size)
    if output.scalar == BOOL:
        found = prim("greater", raw, _number(output.level))
    elif output.scalar == INT:
        found = prim("round", raw)
    else:
        found = raw
    if isinstance(output.type, Vector):
        return found if isinstance(found.type, Vector) else prim("vector", found)
    return prim("item", found, const(0)) if isinstance(found.type, Vector) else found


def _as_category(raw: Expression, size: int) -> Expression:
    single = prim("item", raw, const(0)) if isinstance(raw.type, Vector) else raw
    return prim("category", prim("round", single), const(size))


class Writer:
    """Wires as expressions: a wire of width 1 is a number, others are vectors."""

    def __init__(self, domain: Domain, plain: bool) -> None:
        self.domain = domain
        self.plain = plain
        self.bindings: list[tuple[str, Expression]] = []
        self.wires: list[Expression] = []
        self.leaves: list[Expression] = []
        self.taken = {f.name for f in domain.fields}

    def add(self, node: Input | Affine | Elementwise, form: NormalForm, index: int) -> None:
        """Write the next node of a form, which has to follow those before it."""
        if form.widths()[index] == 0:
            self.wires.append(_EMPTY)
        elif isinstance(node, Input):
            self.leaves = input_leaves(self.domain)
            self.wires.append(whole_input(self.domain, self.leaves))
        elif isinstance(node, Affine):
            self.wires.append(self.affine(node))
        else:
            self.wires.append(self.elementwise(node, index == form.output))

    def elementwise(self, node: Elementwise, last: bool) -> Expression:
        """A function of wires; only the last one gets no name."""
        arguments = [self.wires[s] for s in node.sources]
        if node.function in _SPELLED:
            found = _SPELLED[node.function](*arguments)
        else:
            found = prim(node.function, *arguments)
        return found if last else self.bind(found)

    def bind(self, value: Expression) -> Expression:
        """The value under a name of its own."""
        if isinstance(value, Var | Const):
            return value
        stem = "h" if isinstance(value.type, Vector) else "s"
        number = 1
        while f"{stem}{number}" in self.taken:
            number += 1
        name = f"{stem}{number}"
        self.taken.add(name)
        self.bindings.append((name, value))
        return var(name, value.type)

    def shared(self, source: int) -> Expression:
        """A wire that is read more than once, under a name."""
        self.wires[source] = self.bind(self.wires[source])
        return self.wires[source]

    def items(self, source: int) -> list[Expression]:
        """The numbers of a wire, one by one."""
        wire = self.wires[source]
        if source == 0:
            return self.leaves
        if not isinstance(wire.type, Vector):
            return [] if wire is _EMPTY else [wire]
        size = wire.type.shape[0]
        wire = self.shared(source)
        return [prim("item", wire, const(i)) for i in range(size)]

    def affine(self, node: Affine) -> Expression:
        """An affine map in the way that takes fewest bits."""
        if not node.terms:
            values = [_number(v, self.plain) for v in node.bias]
            return values[0] if len(values) == 1 else prim("vector", *values)
        if self.plain:
            return self.matrix(node)
        scaled = self.scaled(node)
        if scaled is not None:
            return scaled
        moved, before = self.moved(node), (self.bindings[:], self.wires[:], set(self.taken))
        plain = self.sums(node)
        if moved is None or bits(moved) >= bits(plain):
            return plain
        self.bindings[:], self.wires[:], self.taken = before
        return moved

    def moved(self, node: Affine) -> Expression | None:
        """A map of many weights that moves filters over a wire, or picks numbers of it."""
        (source, matrix), *more = node.terms
        if more or np.count_nonzero(matrix) <= _TERMS:
            return None
        wire = self.wires[source]
        found = picked(matrix, node.bias, wire)
        return convolved(matrix, node.bias, wire) if found is None else found

    def sums(self, node: Affine) -> Expression:
        """An affine map as sums of terms or as one matrix."""
        weights = sum(matrix.size for _, matrix in node.terms)
        if weights > _ROWS_AT_MOST and np.mean([np.mean(m == 0) for _, m in node.terms]) < 0.5:
            return self.matrix(node)
        rows = self.rows(node)
        whole = rows[0] if len(rows) == 1 else prim("vector", *rows)
        terms = sum(np.count_nonzero(m) for _, m in node.terms)
        if terms <= 1:
            return whole
        dearer = bits(whole) > _matrix_bits(node) * (_WORTH if terms <= _TERMS else 1.0)
        return self.matrix(node) if dearer else whole

    def scaled(self, node: Affine) -> Expression | None:
        """A number times a whole wire, where that is all the map does."""
        (source, matrix), *more = node.terms
        if more or source == 0 or np.any(node.bias) or matrix.shape[0] != matrix.shape[1]:
            return None
        factor = float(matrix[0, 0]) if matrix.size else 0.0
        if factor == 0 or np.any(matrix != factor * np.eye(len(matrix))):
            return None
        return prim("mul", _number(factor), self.wires[source])

    def rows(self, node: Affine) -> list[Expression]:
        """The rows of an affine map as sums of terms."""
        items = [(matrix, self.items(source)) for source, matrix in node.terms]
        found: list[Expression] = []
        for row, bias in enumerate(node.bias):
            pairs = [
                (float(matrix[row, column]), leaves[column])
                for matrix, leaves in items
                for column in np.flatnonzero(matrix[row])
            ]
            found.append(linear_sum(pairs, float(bias)))
        return found

    def matrix(self, node: Affine) -> Expression:
        """An affine map as a matrix for each of its sources."""
        total: Expression | None = None
        for place, (source, matrix) in enumerate(node.terms):
            bias = node.bias if place == 0 else np.zeros_like(node.bias)
            part = self.product(matrix, source, bias)
            total = part if total is None else prim("add", total, part)
        assert total is not None
        return total

    def product(self, matrix: np.ndarray, source: int, bias: np.ndarray) -> Expression:
        """A matrix times a wire, plus a bias."""
        wire = self.shared(source)
        if not isinstance(wire.type, Vector):
            wire = prim("vector", wire)
        found = prim("affine", _table(matrix, self.plain), wire, _table(bias, self.plain))
        return prim("item", found, const(0)) if len(bias) == 1 else found


def linear_sum(pairs: list[tuple[float, Expression]], bias: float = 0.0) -> Expression:
    """`3 * a - b + 0.5` as an expression; weights of one and zero biases are left out."""
    total: Expression | None = None
    positive_first = sorted(pairs, key=lambda p: p[0] < 0)
    run: list[Expression] = []
    if bias > 0 and pairs and all(weight < 0 for weight, _ in pairs):
        run, bias = [_number(bias)], 0.0
    for weight, leaf in positive_first:
        size = abs(weight)
        term = leaf if size == 1 else prim("mul", _number(size), leaf)
        if weight > 0:
            run.append(term)
            continue
        if total is None:
            total = _sum(run)
        total = prim("neg", term) if total is None else prim("sub", total, term)
    total = _sum(run) if total is None else total
    if total is None:
        return _number(bias)
    if bias == 0:
        return total
    name = "add" if bias > 0 else "sub"
    return prim(name, total, _number(abs(bias)))


def _sum(terms: list[Expression]) -> Expression | None:
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else prim("add", *terms)


def _number(value: float, real: bool = False) -> Const:
    whole = float(value).is_integer() and not real and abs(value) < 2**53
    return const(int(value), INT) if whole else const(Fraction(float(value)), REAL)


def _table(values: np.ndarray, real: bool) -> Const:
    whole = not real and bool(np.all(values == np.rint(values)))
    convert = int if whole else lambda v: Fraction(float(v))
    item: Type = Vector(INT if whole else REAL, values.shape)

    def nested(part: np.ndarray) -> tuple:
        if part.ndim == 1:
            return tuple(convert(v) for v in part)
        return tuple(nested(p) for p in part)

    return const(nested(values), item)


def _matrix_bits(node: Affine) -> float:
    tables = [_table(m, False) for _, m in node.terms]
    return sum(map(bits, [*tables, _table(node.bias, False)]))


def input_leaves(domain: Domain) -> list[Expression]:
    """For every network input the expression that it is of the program's parameters."""
    found: list[Expression] = []
    for field in domain.fields:
        for scalar in field_scalars(field):
            found += _encoded(field, scalar)
    return found


def field_scalars(field: Field) -> list[Expression]:
    """The scalars of a field in the order in which it is flattened, as expressions: `x[1][0]`."""
    found: list[Expression] = [var(field.name, field.type)]
    for length in field.shape:
        found = [prim("item", whole, const(i)) for whole in found for i in range(length)]
    return found


def _encoded(field: Field, scalar: Expression) -> list[Expression]:
    kind = field.encoding.kind
    if kind == "onehot":
        low = int(field.bounds[0])
        values = range(low, low + (field.choices or 0))
        return [prim("as_int", prim("equal", scalar, const(v, field.item))) for v in values]
    if kind == "bits":
        word = prim("bits", scalar, const(field.encoding.bits))
        places = range(field.encoding.bits)
        return [prim("as_int", prim("item", word, const(i))) for i in places]
    if isinstance(field.item, Category):
        return [prim("index", scalar)]
    number = prim("as_int", scalar) if isinstance(field.item, Bool) else scalar
    if kind == "signed":
        return [prim("sub", prim("mul", const(2), number), const(1))]
    if kind == "affine":
        scaled = prim("mul", const(field.encoding.scale), number)
        return [prim("add", scaled, const(field.encoding.shift))]
    return [number]


def whole_input(domain: Domain, leaves: list[Expression]) -> Expression:
    """The network's input as one vector: a parameter itself where it is one."""
    field = domain.fields[0]
    numeric = isinstance(field.item, Real) or field.item == INT
    if len(domain.fields) == 1 and numeric and field.encoding.kind == "plain" and field.shape:
        whole = var(field.name, field.type)
        return whole if len(field.shape) == 1 else prim("flatten", whole)
    return leaves[0] if len(leaves) == 1 else prim("vector", *leaves)
