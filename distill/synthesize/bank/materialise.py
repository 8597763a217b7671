"""Value vectors for the entries that were found by their keys alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.data import LEAF
from distill.synthesize.bank.operation import NUMBER
from distill.synthesize.bank.packing import pack
from distill.synthesize.bank.shelf import Shelf, append_values, settle
from distill.synthesize.bank.work import Work, evaluate, evaluate_words

_CHUNK = 2048


def materialise(work: Work) -> None:
    """Compute every missing value; entries that turn out undefined are dropped."""
    for shelf in (work.number, work.bool):
        _fill(work, shelf)


def _fill(work: Work, shelf: Shelf) -> None:
    settle(shelf)
    end = shelf.size
    if not shelf.is_number and shelf.values.shape[1] == 1:
        # a single word is its own key
        append_values(shelf, np.arange(shelf.valued, end), shelf.keys[shelf.valued : end, None])
        return
    for start in range(shelf.valued, end, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, end))
        values, defined = _values(work, shelf, rows)
        if not defined.all():
            rows, values = rows[defined], values[defined]
        append_values(shelf, rows, values)
    shelf.size = shelf.valued


def _values(
    work: Work, shelf: Shelf, rows: NDArray[np.intp]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    kinds = shelf.operation[rows]
    if kinds[0] != LEAF and (kinds == kinds[0]).all():
        return _operation_values(work, shelf, int(kinds[0]), rows)
    values = np.empty((len(rows), shelf.values.shape[1]), dtype=shelf.values.dtype)
    defined = np.ones(len(rows), dtype=np.bool_)
    for kind in np.unique(kinds):
        some = np.flatnonzero(kinds == kind)
        if kind == LEAF:
            values[some] = _leaf_values(work, shelf.children[rows[some], 0])
        else:
            values[some], defined[some] = _operation_values(work, shelf, int(kind), rows[some])
    return values, defined


def _leaf_values(work: Work, numbers: NDArray[np.int32]) -> NDArray[Any]:
    values = np.stack([work.leaves[number].values for number in numbers])
    if work.leaves[int(numbers[0])].type == NUMBER:
        return values.astype(np.float64)
    return pack(values.astype(np.bool_))


def _operation_values(
    work: Work, shelf: Shelf, kind: int, rows: NDArray[np.intp]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    operation = work.operations[kind]
    children = shelf.children[rows].astype(np.intp)
    columns = tuple(children[:, place] for place in range(len(operation.arguments)))
    words = evaluate_words(work, operation, columns)
    if words is not None:
        return words, np.ones(len(rows), dtype=np.bool_)
    return evaluate(work, operation, columns)
