"""The literal loop: a cell's own affine maps and activations, with its state as a register.

What the literal program is for a feed-forward network: always there, faithful and long.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np

from distill.literal import Writer, decoded
from distill.normal_form import Affine, Array, NormalForm
from distill.normal_form_moves import sources_of, without_moves
from distill.recurrent import RecurrentNetwork
from distill.target import Output
from dsl.domain import Domain, Field
from dsl.loop import Loop, Register
from dsl.program import Const, Expression, const, free_variables
from dsl.types import REAL, Vector


def literal_loop(
    network: RecurrentNetwork,
    item: Domain,
    output: Output,
    at_end: bool = False,
    plain_matrices: bool = False,
) -> Loop:
    """The loop of a recurrent network over items of a domain, its outputs read by `output`.

    `plain_matrices` writes every affine map as one matrix of reals (the form in which a
    network's own bits are counted).
    """
    hidden = network.hidden
    state = Field(_state_name(item), REAL, shape=() if hidden == 1 else (hidden,))
    writer = Writer(Domain((state, *item.fields)), plain_matrices)
    after, raw = _step(writer, without_moves(network.cell.normal_form()), hidden)
    result = decoded(raw, network.output_width, output)
    register = Register(state.name, _start(network.initial), after)
    return Loop(
        item.parameters, (register,), _needed(writer.bindings, [result, after]), result,
        at_end=at_end,
    )  # fmt: skip


def _state_name(item: Domain) -> str:
    taken = {f.name for f in item.fields}
    return next(n for n in ("h", "state", *(f"h_{i}" for i in range(len(taken)))) if n not in taken)


def _start(initial: Array) -> Const:
    values = tuple(Fraction(float(v)) for v in initial)
    if len(values) == 1:
        return const(values[0], REAL)
    return const(values, Vector(REAL, (len(values),)))


def _step(writer: Writer, form: NormalForm, hidden: int) -> tuple[Expression, Expression]:
    """Next state and raw output: the rows of the cell's last map, each written for itself."""
    last = form.nodes[form.output]
    joined = isinstance(last, Affine)
    uses = Counter(source for node in form.nodes for source in sources_of(node))
    for index, node in enumerate(form.nodes[: form.output + (not joined)]):
        writer.add(node, form, index)
        if index and uses[index] > 1:
            writer.shared(index)
    if not isinstance(last, Affine):
        width = form.widths()[form.output]
        last = Affine(((form.output, np.eye(width)),), np.zeros(width))
    return _rows(writer, last, slice(hidden)), _rows(writer, last, slice(hidden, None))


def _rows(writer: Writer, node: Affine, part: slice) -> Expression:
    """Some rows of an affine map; a wire that they only pass on is that wire."""
    terms = tuple((source, m[part]) for source, m in node.terms if m[part].any())
    bias = node.bias[part]
    if len(terms) == 1 and not bias.any():
        source, matrix = terms[0]
        if matrix.shape[0] == matrix.shape[1] and source and (matrix == np.eye(len(matrix))).all():
            return writer.shared(source)
    return writer.affine(Affine(terms, bias))


def _needed(
    bindings: list[tuple[str, Expression]], wanted: list[Expression]
) -> tuple[tuple[str, Expression], ...]:
    """The values that something wanted is computed with, in order."""
    names = {name for value in wanted for name in free_variables(value)}
    kept: list[tuple[str, Expression]] = []
    for name, value in reversed(bindings):
        if name in names:
            kept.insert(0, (name, value))
            names |= free_variables(value).keys()
    return tuple(kept)
