"""The terms that enumeration starts from: scalars of the inputs, what vectors sum up to, constants.

Vectors are too wide to enumerate on; what a person would compute of one (its sum,
its largest item, the norm) is offered as a term of its own, priced by its bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from distill.literal import field_scalars
from dsl.cost import bits
from dsl.domain import Domain, Field
from dsl.program import Const, Expression, const, prim, var
from dsl.types import BOOL, INT, REAL, Category, Type, TypeMismatch, Vector, is_numeric

_SCALARS_AT_MOST = 24
_SUMMARIES = ("sum", "largest", "smallest", "mean", "median", "product", "argmax", "argmin")
_TRANSFORMS = ("abs", "square")
_FOLDS = ("sum", "largest", "smallest")


@dataclass(frozen=True)
class Term:
    """A leaf of the search: an expression of numbers or truth, with its integer cost."""

    expression: Expression
    cost: int


def terms(domain: Domain, constants: tuple[Fraction, ...] = ()) -> list[Term]:
    """All leaves for a domain, cheapest first; `constants` are added to the usual small ones."""
    scope = dict(domain.parameters)
    found = list(dict.fromkeys([*_inputs(domain), *_summaries(domain)]))
    unit = min((bits(e, scope) for e in found), default=6.0)
    priced = [Term(e, max(1, round(bits(e, scope) / max(unit, 6.0)))) for e in found]
    priced += [Term(c, 1 + (abs(c.value) > 3)) for c in _constants(domain, constants)]
    return sorted(priced, key=lambda t: t.cost)


def _inputs(domain: Domain) -> Iterator[Expression]:
    if domain.scalars > _SCALARS_AT_MOST:
        return
    for field in domain.fields:
        for scalar in field_scalars(field):
            if is_numeric(field.item) or field.item == BOOL:
                yield scalar
            elif isinstance(field.item, Category):
                yield prim("index", scalar)


def _summaries(domain: Domain) -> Iterator[Expression]:
    for field in domain.fields:
        if not field.shape:
            yield from _of_digits(field)
            continue
        vector: Expression = var(field.name, field.type)
        if len(field.shape) > 1:
            vector = prim("flatten", vector)
        yield from summaries_of(vector)
    if all(is_numeric(f.item) and not f.shape for f in domain.fields) and len(domain.fields) > 2:
        whole = prim("vector", *(var(f.name, f.type) for f in domain.fields))
        yield from summaries_of(whole)


def _of_digits(field: Field) -> Iterator[Expression]:
    """How many bits of a bounded whole number are set, and the sum of its decimal digits."""
    if field.item != INT or field.low is None or field.high is None or field.low < 0:
        return
    number, top = var(field.name, field.type), int(field.high)
    if 2 <= top < 1 << 32:
        yield prim("count", prim("bits", number, const(top.bit_length())))
    if 10 <= top < 10**9:
        yield prim("sum", prim("digits", number, const(10), const(len(str(top)))))


def summaries_of(vector: Expression) -> Iterator[Expression]:
    """What a person would compute of a vector: its sum, its largest item, where that is."""
    assert isinstance(vector.type, Vector)
    size = vector.type.shape[0]
    if vector.type.item == BOOL:
        yield prim("count", vector)
        yield prim("number", vector, const(2))
        return
    if not is_numeric(vector.type.item):
        return
    for name in _SUMMARIES:
        found = _try(name, vector)
        if found is not None:
            yield prim("index", found) if isinstance(found.type, Category) else found
    for place in range(1, size - 1) if 3 <= size <= 8 else ():
        yield prim("kth", vector, const(place))
    for transform in _TRANSFORMS:
        for fold in _FOLDS:
            yield prim(fold, prim(transform, vector))


def _try(name: str, *arguments: Expression) -> Expression | None:
    try:
        return prim(name, *arguments)
    except TypeMismatch:
        return None


def _constants(domain: Domain, more: tuple[Fraction, ...]) -> list[Const]:
    numbers: list[Fraction] = [Fraction(n) for n in (0, 1, 2, 3)]
    if _whole(domain):
        numbers += [Fraction(n) for n in range(4, 11)]
    else:
        numbers.append(Fraction(1, 2))
    return [_constant(n) for n in dict.fromkeys([*numbers, *more])]


def _constant(value: Fraction) -> Const:
    whole = value.denominator == 1
    return const(int(value), INT) if whole else const(value, REAL)


def _whole(domain: Domain) -> bool:
    return all(f.item != REAL for f in domain.fields)


def search_type(item: Type) -> str:
    """The bank's name for a type: `bool`, or `number` for everything it counts with."""
    return "bool" if item == BOOL else "number"
