"""The growing side of a bank's entries: arrays with room to append, and their known keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.data import MAX_ARITY, Entries
from distill.synthesize.bank.keys import project
from distill.synthesize.bank.keyset import KeySet


@dataclass(eq=False)
class Shelf:
    """Entries of one type while the bank grows; only the first `valued` rows have values.

    `projections` (valued, 2) belong to numbers and are kept because every level needs them.
    """

    is_number: bool
    values: NDArray[Any]
    projections: NDArray[np.float64]
    keys: NDArray[np.uint64]
    cost: NDArray[np.int32]
    operation: NDArray[np.int16]
    children: NDArray[np.int32]
    size: int
    valued: int
    known: KeySet = field(default_factory=KeySet)


def open_shelf(entries: Entries, is_number: bool) -> Shelf:
    """A shelf that starts with these entries and knows their keys."""
    values = entries.values
    lines = project(values) if is_number else np.zeros((0, 2))
    size, valued = len(entries), len(values)
    shelf = Shelf(
        is_number,
        values,
        lines,
        entries.keys.copy(),  # copies, because append_values moves rows in place
        entries.cost.copy(),
        entries.operation.copy(),
        entries.children.copy(),
        size,
        valued,
    )
    shelf.known.insert(entries.keys)
    return shelf


def close_shelf(shelf: Shelf) -> Entries:
    """The frozen entries; nothing is copied, and the shelf must not be used afterwards."""
    size = shelf.size
    return Entries(
        shelf.values[: shelf.valued],
        shelf.keys[:size],
        shelf.cost[:size],
        shelf.operation[:size],
        shelf.children[:size],
    )


def append(
    shelf: Shelf, keys: NDArray[np.uint64], cost: int, operation: int, *children: NDArray[np.intp]
) -> None:
    """Add entries without values; `children` are the row numbers of the arguments in order."""
    start, stop = shelf.size, shelf.size + len(keys)
    _reserve(shelf, stop)
    shelf.keys[start:stop] = keys
    shelf.cost[start:stop] = cost
    shelf.operation[start:stop] = operation
    shelf.children[start:stop] = -1
    for place in range(min(len(children), MAX_ARITY)):
        shelf.children[start:stop, place] = children[place]
    shelf.size = stop


def append_values(shelf: Shelf, rows: NDArray[np.intp], values: NDArray[Any]) -> None:
    """Give values (k, width) to the first k valueless entries, of which only `rows` stay.

    `rows` are the ascending row numbers that keep their place; the other valueless entries
    among them are forgotten (their keys stay known).
    """
    start, stop = shelf.valued, shelf.valued + len(rows)
    for column in (shelf.keys, shelf.cost, shelf.operation, shelf.children):
        column[start:stop] = column[rows]
    shelf.values = _with_room(shelf.values, start, stop)
    shelf.values[start:stop] = values
    if shelf.is_number:
        shelf.projections = _with_room(shelf.projections, start, stop)
        shelf.projections[start:stop] = project(values)
    shelf.valued = stop


def level_rows(shelf: Shelf, cost: int) -> tuple[int, int]:
    """The rows [start, stop) of the entries with values that have this cost."""
    costs = shelf.cost[: shelf.valued]
    return int(np.searchsorted(costs, cost)), int(np.searchsorted(costs, cost, side="right"))


def _reserve(shelf: Shelf, size: int) -> None:
    used = shelf.size
    shelf.keys = _with_room(shelf.keys, used, size)
    shelf.cost = _with_room(shelf.cost, used, size)
    shelf.operation = _with_room(shelf.operation, used, size)
    shelf.children = _with_room(shelf.children, used, size)


def _with_room(array: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    """The array itself or a copy with at least `size` rows (doubling)."""
    if len(array) >= size and array.flags.writeable:
        return array
    grown = np.empty((max(size, 2 * used, 1024), *array.shape[1:]), dtype=array.dtype)
    grown[:used] = array[:used]
    return grown
