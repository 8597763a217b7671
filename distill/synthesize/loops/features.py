"""Features of an item: short expressions over it, one for every behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank import BOOL as TRUTH
from distill.synthesize.bank import NUMBER
from distill.synthesize.enumerate import Search, deepen, entry_expression, open_search
from distill.synthesize.loops.explain import RARE, domain_of
from distill.synthesize.loops.traces import Traces
from distill.synthesize.terms import Term
from distill.synthesize.vocabulary import operations
from dsl.meanings.array import run_expression
from dsl.program import Const, Expression, const, var

_FEATURES = 40
_COST = 3
_SYMBOLS = 16
_ITEMS = 200

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Feature:
    """An expression over the item, its values (n, T), and how long it is."""

    value: Expression
    values: Values
    cost: float


def features(traces: Traces, constants: Sequence[int]) -> tuple[list[Feature], list[Feature]]:
    """Numbers and truths that an item suggests, one for every behaviour, shortest first."""
    table = np.stack([c.ravel().astype(np.int64) for c in traces.columns], 1)
    first = np.unique(table, axis=0, return_index=True)[1]
    first = first[np.linspace(0, len(first) - 1, min(len(first), _ITEMS)).astype(int)]
    items = {name: c.ravel()[first] for name, c in traces.fields.items()}
    domain = domain_of(items)
    leaves = [Term(var(name, kind), 1) for name, kind in traces.inputs]
    inside = {int(v) for c in items.values() for v in c if c.dtype != np.bool_}
    known = [0, 1, *constants, *(sorted(inside) if len(first) <= _SYMBOLS else ())]
    leaves += [Term(const(c), 1) for c in dict.fromkeys(known)]
    search = open_search(domain, tuple(items.values()), leaves, operations(domain, forbidden=RARE))
    search = deepen(search, _COST, entry_limit=2_000)
    return _listed(traces, search, NUMBER), _listed(traces, search, TRUTH)


def _listed(traces: Traces, search: Search, kind: str) -> list[Feature]:
    entries = search.bank.entries(kind)
    found: list[Feature] = []
    for row in range(len(entries)):
        value = entry_expression(search, row, kind)
        if isinstance(value, Const) or len(found) >= _FEATURES:
            continue
        values = computed(value, traces.fields)
        if values is not None and (values != values[0, 0]).any():
            found.append(Feature(value, values, float(entries.cost[row])))
    return found


def computed(value: Expression, scope: Mapping[str, Values]) -> Values | None:
    """Values (n, T) of an expression of whole numbers and truths; None where they are others."""
    shape = next(iter(scope.values())).shape[:2]
    flat = {n: c.reshape(-1, *c.shape[2:]) for n, c in scope.items()}
    with np.errstate(all="ignore"):
        values = np.broadcast_to(run_expression(value, flat), (shape[0] * shape[1],))
    if values.dtype == np.bool_:
        return values.reshape(shape)
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        return None
    return values.astype(np.int64).reshape(shape)
