"""The growing side of a bank's entries: arrays with room to append, and their known keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.data import MAX_ARITY, Entries
from distill.synthesize.bank.keys import project
from distill.synthesize.bank.keyset import KeySet


class Piece(NamedTuple):
    """New entries of one cost and operation, not yet joined to the columns."""

    keys: NDArray[np.uint64]
    cost: int
    operation: int
    children: tuple[NDArray[np.int32], ...]


@dataclass(eq=False)
class Shelf:
    """Entries of one type while the bank grows; only the first `valued` rows have values.

    The columns hold all entries but those in `pieces`; `size` counts both. `projections`
    (valued, 2) belong to numbers and are kept because every level needs them.
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
    pieces: list[Piece] = field(default_factory=list)
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
    """The frozen entries; the shelf must not be used afterwards."""
    settle(shelf)
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
    rows = tuple(child.astype(np.int32) for child in children[:MAX_ARITY])
    shelf.pieces.append(Piece(keys, cost, operation, rows))
    shelf.size += len(keys)


def settle(shelf: Shelf) -> None:
    """Join the pieces to the columns: once a level, so that blocks need not be copied often."""
    if not shelf.pieces:
        return
    joined = shelf.size - sum(len(piece.keys) for piece in shelf.pieces)
    shelf.keys = np.concatenate([shelf.keys[:joined], *(piece.keys for piece in shelf.pieces)])
    shelf.cost = _longer(shelf.cost, joined, shelf.size)
    shelf.operation = _longer(shelf.operation, joined, shelf.size)
    shelf.children = _longer(shelf.children, joined, shelf.size)
    for piece in shelf.pieces:
        rows = slice(joined, joined + len(piece.keys))
        shelf.cost[rows], shelf.operation[rows] = piece.cost, piece.operation
        shelf.children[rows] = -1
        for place, child in enumerate(piece.children):
            shelf.children[rows, place] = child
        joined = rows.stop
    shelf.pieces.clear()


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


def _longer(array: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    """A copy of the first `used` rows with room for `size` rows."""
    grown = np.empty((size, *array.shape[1:]), dtype=array.dtype)
    grown[:used] = array[:used]
    return grown


def _with_room(array: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    """The array itself or a copy with at least `size` rows (doubling)."""
    enough = len(array) >= size and array.flags.writeable
    return array if enough else _longer(array, used, max(size, 2 * used, 1024))
