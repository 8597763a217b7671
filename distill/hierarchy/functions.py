"""Functions found for values of a network: called again where they explain another value.

A wire's number may be scaled, and a truth turned round, without any change of what is computed; so
a function explains an inner value if it does up to a factor and a constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, permutations

import numpy as np
from numpy.typing import NDArray

from distill.decompose.reading import Reading, real
from distill.hierarchy.small import Small
from distill.normal_form import Array
from dsl.cost import bits
from dsl.domain import Columns, Domain, rows
from dsl.expand import put
from dsl.meanings.array import run_expression
from dsl.program import (
    Const,
    Definition,
    Expression,
    Prim,
    Var,
    const,
    free_variables,
    prim,
    size,
    var,
)
from dsl.rewrite import simplify
from dsl.types import BOOL, REAL, Vector, element, is_numeric

_ORDERS = 24
"""Orders of arguments in which a function found before is tried."""
_FEW = 512
"""Points that are looked at first."""
_WORTH_TURNING = 6
"""Nodes above which a function is called with truths turned round, rather than written anew."""
_TURNED_AT_MOST = 5
_AGREE = 0.98
"""Share of the points on which an output has to agree to be judged."""
_CLOSE = 1e-4
"""How far a real value may be off where a function found before stands for it, as a part of its
range."""


@dataclass(frozen=True, eq=False)
class Use:
    """A function as it explains a value: what stands for its parameters, over the fields of the
    value's target, and the reading with which it does (None for an output).

    turned: for an output, it is false where the function is true.
    """

    definition: Definition
    given: tuple[Expression, ...]
    reading: Reading | None
    turned: bool = False

    def applied(self, made: Expression) -> Expression:
        """The value, of what the function gives."""
        return prim("not_", made) if self.turned else made


def as_found(definition: Definition, reading: Reading | None) -> Use:
    """A function of just the fields that it was found with."""
    return Use(definition, tuple(var(n, t) for n, t in definition.parameters), reading)


def over(use: Use, domain: Domain) -> Definition:
    """The function as used, over a domain's parameters."""
    names = (name for name, _ in use.definition.parameters)
    body = put(use.definition.body, dict(zip(names, use.given, strict=True)))
    if use.turned or any(not isinstance(g, Var) for g in use.given):
        body = simplify(use.applied(body))
    return Definition("predict", domain.parameters, body, use.definition.result)


def uses(
    functions: Sequence[Definition], small: Small, reading: Reading | None, numbers: Array
) -> Iterator[Use]:
    """Ways in which functions found before may explain a value that takes `numbers` (n,) on the
    whole's points, or an output of the values that a target gives there."""
    few = slice(0, _FEW)
    for definition in functions:
        for given in _arguments(definition, small.target.domain):
            some = _values(definition, given, small, few)
            for one in _fitting(definition, given, some, reading, numbers[few], small):
                whole = _values(definition, given, small, slice(None))
                yield from (
                    u
                    for u in _fitting(definition, given, whole, reading, numbers, small)
                    if u.turned == one.turned
                )


def _arguments(definition: Definition, domain: Domain) -> Iterator[tuple[Expression, ...]]:
    """Fields in the orders that fit a function's parameters; for one that is long enough also with
    truths turned round, as few as possible first."""
    kinds, fields = [t for _, t in definition.parameters], domain.fields
    if len(kinds) != len(fields):
        return
    orders = [
        order
        for order in islice(permutations(range(len(fields))), _ORDERS)
        if [fields[p].type for p in order] == kinds
    ]
    truths = [i for i, kind in enumerate(kinds) if kind == BOOL]
    turning = size(definition.body) > _WORTH_TURNING and len(truths) <= _TURNED_AT_MOST
    for count in range(len(truths) + 1 if turning else 1):
        for turned in combinations(truths, count):
            for order in orders:
                named = [var(fields[p].name, fields[p].type) for p in order]
                yield tuple(prim("not_", v) if i in turned else v for i, v in enumerate(named))


def _values(
    definition: Definition, given: tuple[Expression, ...], small: Small, rows_: slice
) -> NDArray:
    fields = small.target.domain.fields
    named = {f.name: c[rows_] for f, c in zip(fields, small.columns, strict=True)}
    names = (n for n, _ in definition.parameters)
    with np.errstate(all="ignore"):
        arguments = {n: run_expression(g, named) for n, g in zip(names, given, strict=True)}
        found = np.asarray(run_expression(definition.body, arguments))
    return np.broadcast_to(found, (len(next(iter(named.values()))), *found.shape[1:]))


def _fitting(
    definition: Definition,
    given: tuple[Expression, ...],
    values: NDArray,
    reading: Reading | None,
    numbers: Array,
    small: Small,
) -> Iterator[Use]:
    if reading is None:
        output = small.target.output
        if definition.result != output.type:
            return
        if output.type != BOOL:
            yield Use(definition, given, None)
            return
        wanted = numbers > output.level
        for turned in (False, True) if size(definition.body) > _WORTH_TURNING else (False,):
            if (values == (wanted ^ turned)).mean() > _AGREE:
                yield Use(definition, given, None, turned)
        return
    if definition.result != reading.item or values.ndim != 1:
        return
    if reading.item == REAL:
        fitted = _scaled(values, numbers)
        if fitted is not None:
            yield Use(definition, given, fitted)
        return
    known = reading.values(numbers)
    for one, wanted in ((reading, known), (reading.turned(), float(reading.high) - known)):
        if (values == (wanted > 0.5 if reading.item == BOOL else wanted)).all():
            yield Use(definition, given, one)
            return


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
    found = as_found(definition, reading)
    if reading.item != REAL:
        truth = reading.item == BOOL
        turned = simplify(
            prim("not_", definition.body)
            if truth
            else _from_top(int(reading.high), definition.body)
        )
        if bits(turned) < bits(definition.body):
            return as_found(replace(definition, body=turned), reading.turned())
        return found
    core = _without_scale(definition.body)
    if core is definition.body or not free_variables(core):
        return found
    named = {n: c for (n, _), c in zip(definition.parameters, columns, strict=True)}
    values = np.broadcast_to(run_expression(core, named), (rows(columns),))
    x = np.asarray(values, float)
    step, origin = (float(v) for v in np.polyfit(x, numbers, 1))
    ends = float(numbers.min()), float(numbers.max())
    return as_found(replace(definition, body=core), real(*ends, origin, step))


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
