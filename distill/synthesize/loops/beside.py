"""What an output is beside one of the columns: something added to it, or a choice against it.

Where a step changes little - a counter that sometimes goes on, a record that is sometimes
broken - the whole output is a long expression, and the change is a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.meanings.array import run_expression
from dsl.program import Expression, prim, var
from dsl.types import INT

_CHANGES = 3
"""Different changes up to which an output is a column and something added."""

_KEPT = 0.2
"""Share of the rows on which an output must be a column's value for it to be kept there."""

_TRIED = 4

Named = Mapping[str, NDArray[Any]]
Explain = Callable[[Named, NDArray[Any]], list[Expression]]


def beside_columns(columns: Named, wanted: NDArray[Any], explain: Explain) -> list[Expression]:
    """Expressions for whole numbers (n,) as a column and a change, or a column and something else.

    explain: the search for values that are a function of columns.
    """
    if wanted.dtype == np.bool_:
        return []
    numbers = {n: c for n, c in columns.items() if c.ndim == 1 and c.dtype != np.bool_}
    for found in (_sums(columns, numbers, wanted, explain), _choices(columns, wanted, explain)):
        best = next(found, None)
        if best is not None:
            return best
    return []


def _sums(
    columns: Named, numbers: Named, wanted: NDArray[Any], explain: Explain
) -> Iterator[list[Expression]]:
    """A column with one of a few changes added."""
    several = len(np.unique(wanted))
    for name, column in numbers.items():
        change = wanted - column
        values = np.unique(change)
        if not 2 <= len(values) <= min(_CHANGES, several - 1):
            continue
        own = var(name, INT)
        if set(values.tolist()) == {0, 1}:
            found = [prim("add", own, prim("as_int", b)) for b in explain(columns, change > 0)]
        elif set(values.tolist()) == {-1, 0}:
            found = [prim("sub", own, prim("as_int", b)) for b in explain(columns, change < 0)]
        else:
            found = [prim("add", own, b) for b in explain(columns, change)]
        if found:
            yield found


def _choices(columns: Named, wanted: NDArray[Any], explain: Explain) -> Iterator[list[Expression]]:
    """A column where a truth holds, and elsewhere an expression for the other rows."""
    plain = {n: c for n, c in columns.items() if c.ndim == 1 and c.dtype != np.bool_}
    kept = {n: float((c == wanted).mean()) for n, c in plain.items()}
    order = sorted((n for n in kept if _KEPT <= kept[n] < 1.0), key=lambda n: -kept[n])
    for name in order[:_TRIED]:
        same = plain[name] == wanted
        others = explain({n: c[~same] for n, c in columns.items()}, wanted[~same])
        for other in others[:1]:
            with np.errstate(all="ignore"):
                elsewhere = np.broadcast_to(run_expression(other, columns), wanted.shape)
            told = same != (elsewhere == wanted)
            rows = {n: c[told] for n, c in columns.items()}
            bodies = explain(rows, same[told])
            if bodies:
                yield [prim("if_", b, var(name, INT), other) for b in bodies]
