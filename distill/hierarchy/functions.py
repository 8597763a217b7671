"""Functions found for values of a network: called again where they explain another value.

A wire's number may be scaled, and a truth turned round, without any change of what is computed; so
a function explains an inner value if it does up to a factor and a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, permutations

import numpy as np
from numpy.typing import NDArray

from distill.decompose.reading import Reading, real
from distill.hierarchy.small import Small
from distill.normal_form import Array
from dsl.cost import bits
from dsl.domain import Columns, Domain, rows
from dsl.expand import put
from dsl.meanings.array import run_expression
from dsl.program import Const, Definition, Expression, Prim, const, free_variables, prim, var
from dsl.rewrite import simplify
from dsl.types import BOOL, REAL, Vector, element, is_numeric

_ORDERS = 24
"""Orders of arguments in which a function found before is tried."""
_CLOSE = 1e-4
"""How far a real value may be off where a function found before stands for it, as a part of its
range."""


@dataclass(frozen=True, eq=False)
class Use:
    """A function with the order of arguments in which it explains a value, and the reading with
    which it does (None for an output)."""

    definition: Definition
    order: tuple[int, ...]
    reading: Reading | None


def over(use: Use, domain: Domain) -> Definition:
    """The function as used, over a domain's parameters."""
    fields = domain.fields
    pairs = zip(use.definition.parameters, use.order, strict=True)
    given = {name: var(fields[p].name, fields[p].type) for (name, _), p in pairs}
    body = put(use.definition.body, given)
    return Definition("predict", domain.parameters, body, use.definition.result)


def uses(
    functions: tuple[Definition, ...], small: Small, reading: Reading | None, numbers: Array
) -> Iterator[Use]:
    """Ways in which functions found before may explain a value that takes `numbers` (n,) on the
    whole's points, or an output of the values that a target gives there."""
    fields = small.target.domain.fields
    for definition in functions:
        kinds = [t for _, t in definition.parameters]
        if len(kinds) != len(fields):
            continue
        for order in islice(permutations(range(len(fields))), _ORDERS):
            if [fields[p].type for p in order] == kinds:
                names = [n for n, _ in definition.parameters]
                named = {n: small.columns[p] for n, p in zip(names, order, strict=True)}
                with np.errstate(all="ignore"):
                    found = run_expression(definition.body, named)
                values = np.broadcast_to(found, (len(numbers), *np.shape(found)[1:]))
                one = _fitting(definition, order, values, reading, numbers, small)
                if one is not None:
                    yield one


def _fitting(
    definition: Definition,
    order: tuple[int, ...],
    values: NDArray,
    reading: Reading | None,
    numbers: Array,
    small: Small,
) -> Use | None:
    if reading is None:
        same = definition.result == small.target.output.type
        return Use(definition, order, None) if same else None
    if definition.result != reading.item or values.ndim != 1:
        return None
    if reading.item == REAL:
        fitted = _scaled(values, numbers)
        return None if fitted is None else Use(definition, order, fitted)
    known = reading.values(numbers)
    for one, wanted in ((reading, known), (reading.turned(), float(reading.high) - known)):
        if (values == (wanted > 0.5 if reading.item == BOOL else wanted)).all():
            return Use(definition, order, one)
    return None


def _scaled(values: NDArray, numbers: Array) -> Reading | None:
    """The reading with which numbers are real values, up to a factor and a constant."""
    x = np.asarray(values, float)
    if not np.isfinite(x).all() or np.ptp(x) <= 0.0:
        return None
    step, origin = (float(v) for v in np.polyfit(x, numbers, 1))
    off = np.abs(origin + step * x - numbers).max()
    if step == 0.0 or off > _CLOSE * np.ptp(numbers):
        return None
    return real(float(numbers.min()), float(numbers.max()), origin, step)


def plain(definition: Definition, reading: Reading, columns: Columns, numbers: Array) -> Use:
    """A function just found for an inner value, in its shortest form: a truth or whole number
    counted from the other end, or a real value without the factors and constants around it, which
    the wire's reading takes up."""
    order = tuple(range(len(definition.parameters)))
    as_found = Use(definition, order, reading)
    if reading.item != REAL:
        truth = reading.item == BOOL
        turned = simplify(
            prim("not_", definition.body)
            if truth
            else _from_top(int(reading.high), definition.body)
        )
        if bits(turned) < bits(definition.body):
            return Use(replace(definition, body=turned), order, reading.turned())
        return as_found
    core = _without_scale(definition.body)
    if core is definition.body or not free_variables(core):
        return as_found
    named = {n: c for (n, _), c in zip(definition.parameters, columns, strict=True)}
    values = np.broadcast_to(run_expression(core, named), (rows(columns),))
    x = np.asarray(values, float)
    step, origin = (float(v) for v in np.polyfit(x, numbers, 1))
    ends = float(numbers.min()), float(numbers.max())
    return Use(replace(definition, body=core), order, real(*ends, origin, step))


def _from_top(top: int, body: Expression) -> Expression:
    """`top - body`, taken into the sums that body is made of."""
    if isinstance(body, Const):
        return const(top - body.value)
    if isinstance(body, Prim) and body.primitive.name in ("add", "sub") and len(body.children) == 2:
        first, second = body.children
        rest = _from_top(top, first)
        if body.primitive.name == "add":
            return prim("sub", rest, second)
        zero = isinstance(rest, Const) and rest.value == 0
        return second if zero else prim("add", rest, second)
    return prim("sub", const(top), body)


def _without_scale(body: Expression) -> Expression:
    """What is left when factors and constants around a real value are taken off."""
    while isinstance(body, Prim) and is_numeric(element(body.type)):
        inner = [c for c in body.children if free_variables(c)]
        name = body.primitive.name
        if name not in ("add", "sub", "mul", "neg", "div") or len(inner) != 1:
            return body
        if name == "div" and inner[0] is not body.children[0]:
            return body
        if isinstance(inner[0].type, Vector) or not is_numeric(inner[0].type):
            return body
        body = inner[0]
    return body
