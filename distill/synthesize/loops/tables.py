"""A table for what no short expression gives: the last resort, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.program import Expression, const, prim, var
from dsl.types import BOOL, INT, lift

CELLS = 512


def table(columns: Mapping[str, NDArray[Any]], wanted: NDArray[Any]) -> Expression | None:
    """A constant indexed by the columns (n,) that gives `wanted` (n,); None where it is too big.

    Cells that no row names hold the value of the nearest row before them.
    """
    varying = {name: c for name, c in columns.items() if c.size and (c != c[0]).any()}
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


def _nested(values: NDArray[Any]) -> Any:
    if values.ndim == 0:
        return values.item()
    return tuple(_nested(v) for v in values)
