"""Programs that are the network's own arithmetic: shown again, and their rounding bounded again.

Two things are looked at. That program and network are the same function of the inputs over the
reals: both are written as exact sums, and these are compared. And that the program is written as
the literal program is, so that each of its sums is one of the network's, in some order: then the
rounding of both runs is bounded by one analysis, once for float32 and once for float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from distill.checker.exact import exact
from distill.checker.finding import Finding, judged
from distill.checker.float_error import float_errors
from distill.checker.leaf import exact_weights, wire_ranges
from distill.checker.proof import FAULTS, Mask, confirm
from distill.checker.slopes import own_slopes
from distill.checker.smooth import NoBound
from distill.checker.sums import Sum, Sums
from distill.evidence import Claim
from distill.normal_form import Affine, Array, Elementwise, NormalForm
from distill.target import Target
from dsl.algebra import Unsupported
from dsl.domain import Domain, DomainError, Field
from dsl.expand import written_out
from dsl.meanings.fold import evaluate
from dsl.primitive import REGISTRY
from dsl.program import Program
from dsl.types import BOOL, INT, Category

_EXTRA_BOXES = 500


def same_findings(target: Target, program: Program, claim: Claim) -> Iterator[Finding]:
    """Whether the program is the network's own arithmetic, but for rounding within the claim."""
    from distill.literal import literal_program

    literal = literal_program(target.form, target.domain, target.output)
    yield judged(
        literal.main.body == written_out(program).main.body,
        "the program is written as the network's literal program is",
        "the program isn't the network's literal program",
    )
    try:
        yield judged(
            same_function(target, program),
            "program and network are the same exact sums of the same functions",
            "program and network aren't the same function over the reals",
        )
        yield _rounding(target, claim)
    except (Unsupported, DomainError, *FAULTS) as error:
        yield Finding("unknown", f"program and network can't be written as exact sums: {error}")


def same_function(target: Target, program: Program) -> bool:
    """Whether both are equal over the reals, as far as exact sums tell. Raises: Unsupported."""
    ops = Sums()
    arguments, inputs = _entered(ops, target.domain)
    names = [name for name, _ in program.main.parameters]
    found = evaluate(program, ops, dict(zip(names, arguments, strict=True)))
    raw = _network(ops, target.form, inputs)
    return [ops.term(v).key for v in _leaves(found)] == [
        ops.term(v).key for v in _read(ops, raw, target)
    ]


def _leaves(value: Any) -> list[Any]:
    return [v for part in value for v in _leaves(part)] if isinstance(value, tuple) else [value]


def _entered(ops: Sums, domain: Domain) -> tuple[list[Any], list[Sum]]:
    """The program's arguments, and what the network sees of them."""
    arguments, inputs = [], []
    for field in domain.fields:
        truth = field.item == BOOL
        scalars = [ops.atom(f"{field.name} {i}", truth=truth) for i in range(field.scalars)]
        inputs += [seen for scalar in scalars for seen in _encoded(ops, field, scalar)]
        shaped: list[Any] = list(scalars)
        for length in reversed(field.shape):
            shaped = [tuple(shaped[i : i + length]) for i in range(0, len(shaped), length)]
        arguments.append(shaped[0])
    return arguments, [ops.term(value) for value in inputs]


def _encoded(ops: Sums, field: Field, scalar: Sum) -> list[Any]:
    kind = field.encoding.kind
    if kind == "onehot":
        low = int(field.bounds[0])
        values = range(low, low + (field.choices or 0))
        return [ops.choose(ops.equal(scalar, value), 1, 0) for value in values]
    if kind == "bits":
        word = REGISTRY["bits"].scalar(ops, scalar, field.encoding.bits)
        return [ops.choose(bit, 1, 0) for bit in word]
    number = ops.choose(scalar, 1, 0) if field.item == BOOL else scalar
    if kind == "signed":
        return [ops.sub(ops.mul(2, number), 1)]
    return [ops.add(ops.mul(field.encoding.scale, number), field.encoding.shift)]


def _network(ops: Sums, form: NormalForm, inputs: list[Sum]) -> list[Sum]:
    wires: list[list[Sum]] = []
    for node in form.nodes:
        if isinstance(node, Affine):
            wires.append([_row(ops, node, row, wires) for row in range(len(node.bias))])
        elif isinstance(node, Elementwise):
            columns = zip(*(wires[source] for source in node.sources), strict=True)
            wires.append([_function(ops, node.function, column) for column in columns])
        else:
            wires.append(inputs)
    return wires[form.output]


def _row(ops: Sums, node: Affine, row: int, wires: list[list[Sum]]) -> Sum:
    parts = [
        (Fraction(float(matrix[row, column])), wires[source][column])
        for source, matrix in node.terms
        for column in np.flatnonzero(matrix[row])
    ]
    return ops.combined(parts, Fraction(float(node.bias[row])))


def _function(ops: Sums, name: str, column: tuple[Sum, ...]) -> Any:
    spelled = {"mul": ops.mul, "square": ops.square, "max": ops.maximum, "floor": ops.floor}
    if name in spelled:
        return ops.term(spelled[name](*column))
    return ops.atom(name, *column)


def _read(ops: Sums, raw: list[Sum], target: Target) -> list[Any]:
    output = target.output
    if isinstance(output.type, Category) and len(raw) > 1:
        return [REGISTRY["argmax"].scalar(ops, tuple(raw))]
    if output.scalar == BOOL:
        return [ops.less(Fraction(output.level), value) for value in raw]
    if output.scalar == INT or isinstance(output.type, Category):
        return [ops.atom("round", value) for value in raw]
    return list(raw)


def _rounding(target: Target, claim: Claim) -> Finding:
    """Both runs' rounding stays within half the margin, or within what was achieved."""
    allowed = claim.margin / 2 if target.output.discrete else claim.achieved or 0.0
    if not target.output.discrete and claim.tolerance is not None:
        allowed = min(allowed, claim.tolerance)
    form, low, high = target.form, *input_box(target.domain)
    weights = exact_weights(form)

    def ask(lower: Array, upper: Array) -> Mask:
        try:
            ranges = wire_ranges(form, weights, (exact(lower), exact(upper)), own_slopes)
        except (NoBound, OverflowError):
            return np.zeros(len(lower), dtype=bool)
        single, double = (
            float_errors(form, ranges, start, 0)[form.output] for start in (len(form.nodes), 0)
        )
        return (single + double).max(axis=1) <= allowed

    good, asked = confirm(
        ask, low[None], high[None], np.zeros(len(low), dtype=bool), extra=_EXTRA_BOXES
    )
    return judged(
        good == 1,
        f"the rounding of both runs is within {allowed:.4g} ({asked:,} boxes bounded)",
        f"the rounding of both runs wasn't shown to be within {allowed:.4g} ({asked:,} boxes)",
        "unknown",
    )


def input_box(domain: Domain) -> tuple[Array, Array]:
    """Bounds of what the network sees: 0 and 1 for one-hot and bits. Raises: DomainError."""
    lows, highs = [], []
    for field in domain.fields:
        if field.encoding.kind in ("onehot", "bits"):
            ends = [0.0, 1.0]
        else:
            pair = Domain((field,)).encoding_map()
            assert pair is not None
            ends = sorted(
                float(pair[0][0]) * float(end) + float(pair[1][0]) for end in field.bounds
            )
        lows += [ends[0]] * field.width
        highs += [ends[1]] * field.width
    return np.array(lows), np.array(highs)
