"""A user's functions applied to a target's own scalars: what explains an output at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from distill.literal import field_scalars
from distill.target import Target
from dsl.domain import Columns, Domain
from dsl.meanings.array import run_expression
from dsl.program import Definition, Expression, call, prim, var
from dsl.types import BOOL, Category, Type, Vector, accepts

_POINTS = 256
_SCALARS_AT_MOST = 16
_TRIED = 4_000
"""Ways of handing over arguments that are tried for each function."""
_AGREE = 0.98
_NEAR = 2.0
_KEPT = 4


def applied(
    target: Target, functions: Sequence[Definition], points: Columns
) -> Iterator[Expression]:
    """Bodies that are a function of the target's scalars, or of whole parameters, for every number
    of the output; those that agree on some of the points."""
    some = tuple(c[:_POINTS] for c in points)
    named = dict(zip((f.name for f in target.domain.fields), some, strict=True))
    wanted = np.asarray(target.output.decode(target.raw(some)))
    item = target.output.type
    if not isinstance(item, Vector) or any(d.result == item for d in functions):
        fitting = [d for d in functions if d.result == item]
        yield from _agreeing(target, fitting, named, wanted, item)
    if isinstance(item, Vector) and len(item.shape) == 1:
        columns = (wanted[:, i] for i in range(item.shape[0]))
        found = [
            list(islice(_agreeing(target, functions, named, c, item.item), 1)) for c in columns
        ]
        if all(found):
            yield prim("vector", *(some[0] for some in found))


def _agreeing(
    target: Target,
    functions: Sequence[Definition],
    named: dict[str, NDArray],
    wanted: NDArray,
    item: Type,
) -> Iterator[Expression]:
    """Calls whose values are those wanted, truths also turned round."""
    kept = 0
    for definition in functions:
        if definition.result != item:
            continue
        for given in islice(_arguments(definition, target.domain), _TRIED):
            made = call(definition.name, given, definition.result)
            with np.errstate(all="ignore"):
                found = np.asarray(run_expression(made, named, functions=(definition,)))
            found = np.broadcast_to(found, wanted.shape)
            if _agrees(found, wanted, target):
                yield made
            elif item == BOOL and _agrees(~found, wanted, target):
                yield prim("not_", made)
            else:
                continue
            kept += 1
            if kept == _KEPT:
                return


def _agrees(found: NDArray, wanted: NDArray, target: Target) -> bool:
    if not target.output.discrete:
        with np.errstate(invalid="ignore"):
            return bool((np.abs(found - wanted) <= _NEAR * target.tolerance).all())
    return bool((found == wanted).mean() >= (1.0 if target.finite else _AGREE))


def _arguments(definition: Definition, domain: Domain) -> Iterator[tuple[Expression, ...]]:
    """Different scalars and whole parameters for a function's parameters, in every order."""
    offered: list[Expression] = [var(f.name, f.type) for f in domain.fields]
    if domain.scalars <= _SCALARS_AT_MOST:
        offered += [s for f in domain.fields if f.shape for s in field_scalars(f)]
    choices = [[e for e in offered if _fits(item, e.type)] for _, item in definition.parameters]
    for given in product(*choices):
        if len(set(given)) == len(given):
            yield given


def _fits(wanted: Type, item: Type) -> bool:
    return item == wanted if isinstance(wanted, Category) else accepts(wanted, item)
