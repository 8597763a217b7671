"""Tables for what no short expression gives: the last resort, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.meanings.array import run_expression
from dsl.program import Expression, Prim, const, prim, var
from dsl.types import BOOL, INT, lift

CELLS = 512


def table(columns: Mapping[str, NDArray[Any]], wanted: NDArray[Any]) -> Expression | None:
    """A constant indexed by the columns (n,) that gives `wanted` (n,); None where it is too big.

    Cells that no row names hold the value of the nearest row before them.
    """
    varying = {name: c for name, c in columns.items() if c.size and (c != c[0]).any()}
    if any(c.ndim > 1 for c in varying.values()):
        return None
    lows = {name: int(c.min()) for name, c in varying.items()}
    shape = tuple(int(c.max()) - lows[name] + 1 for name, c in varying.items())
    if not varying or np.prod(shape, dtype=np.float64) > CELLS:
        return None
    place = tuple(c.astype(np.int64) - lows[name] for name, c in varying.items())
    flat = np.ravel_multi_index(place, shape)
    cells, first = np.unique(flat, return_index=True)
    known = np.maximum.accumulate(
        np.where(np.isin(np.arange(np.prod(shape)), cells), np.arange(np.prod(shape)), -1)
    )
    values = wanted[first][np.searchsorted(cells, np.maximum(known, cells[0]))].reshape(shape)
    kind = BOOL if wanted.dtype == np.bool_ else INT
    found: Expression = const(_nested(values), lift(kind, shape))
    for name, column in varying.items():
        index: Expression = var(name, BOOL if column.dtype == np.bool_ else INT)
        if index.type == BOOL:
            index = prim("as_int", index)
        if lows[name]:
            index = prim("sub" if lows[name] > 0 else "add", index, const(abs(lows[name])))
        found = prim("item", found, index)
    return found


def added(columns: Mapping[str, NDArray[Any]], wanted: NDArray[Any]) -> Expression | None:
    """One of the columns and a table of the others, whose sum is `wanted`; None where none is."""
    if wanted.dtype == np.bool_:
        return None
    for name, column in columns.items():
        if column.dtype == np.bool_ or column.ndim > 1:
            continue
        rest = {n: c for n, c in columns.items() if n != name}
        found = _of_function(rest, wanted - column)
        if found is not None:
            return prim("add", var(name, INT), found)
    return None


def _of_function(columns: Mapping[str, NDArray[Any]], wanted: NDArray[Any]) -> Expression | None:
    """A table that is smaller than the rows are many, and gives all of them."""
    found = table(columns, wanted)
    if found is None or not isinstance(found, Prim):
        return None
    values = run_expression(found, columns)
    return found if (values == wanted).all() else None


def _nested(values: NDArray[Any]) -> Any:
    if values.ndim == 0:
        return values.item()
    return tuple(_nested(v) for v in values)
