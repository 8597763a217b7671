"""Operations without a short cut: candidates are computed, some thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.keys import Keys, number_keys, project, word_keys
from distill.synthesize.bank.operation import NUMBER, Operation
from distill.synthesize.bank.shelf import append, level_rows
from distill.synthesize.bank.tiles import spans
from distill.synthesize.bank.work import Rows, Work, evaluate, evaluate_words, may_count

_BLOCK = 1 << 16  # candidates that are compared with the known ones together
_CHUNK = 1 << 11  # candidates computed together: 1 MiB at 64 numbers, which the cache holds

Span = tuple[int, int]
"""Rows [start, stop) of a shelf."""


def grow_general(work: Work, number: int, cost: int) -> bool:
    """Enumerate operation `number` at this cost; False when a limit stopped it."""
    operation = work.operations[number]
    for costs in argument_costs(cost - operation.cost, len(operation.arguments)):
        if operation.commutative and tuple(sorted(costs)) != costs:
            continue
        levels = zip(operation.arguments, costs, strict=True)
        whole = tuple(level_rows(work.shelf(type_), some) for type_, some in levels)
        for rows in _blocks(whole):
            kept = _in_order(rows) if operation.commutative and len(set(whole)) == 1 else rows
            if not may_count(work, len(kept[0])):
                return False
            _offer(work, number, cost, kept)
    return True


def argument_costs(total: int, arity: int) -> Iterator[tuple[int, ...]]:
    """All ways to split `total` into `arity` costs of at least 1."""
    for first in product(range(1, total), repeat=arity - 1):
        if sum(first) < total:
            yield (*first, total - sum(first))


def _blocks(whole: tuple[Span, ...]) -> Iterator[tuple[Rows, ...]]:
    """All combinations of rows, in blocks."""
    shape = tuple(stop - start for start, stop in whole)
    for start in range(0, prod(shape), _BLOCK):
        flat = np.arange(start, min(start + _BLOCK, prod(shape)))
        places = np.unravel_index(flat, shape)
        yield tuple(place + span[0] for place, span in zip(places, whole, strict=True))


def _in_order(rows: tuple[Rows, ...]) -> tuple[Rows, ...]:
    """Only the combinations with ascending rows: the others compute the same."""
    ordered = np.ones(len(rows[0]), dtype=np.bool_)
    for left, right in pairwise(rows):
        ordered &= left <= right
    return tuple(row[ordered] for row in rows)


def _offer(work: Work, number: int, cost: int, rows: tuple[Rows, ...]) -> None:
    operation = work.operations[number]
    pieces = [
        _keys(work, operation, tuple(row[start:stop] for row in rows))
        for start, stop in spans((0, len(rows[0])), _CHUNK)
    ]
    if not pieces:
        return
    keys, defined = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    if not defined.all():
        keys, rows = keys[defined], tuple(row[defined] for row in rows)
    shelf = work.shelf(operation.result)
    fresh = shelf.known.insert(keys)
    append(shelf, keys[fresh], cost, number, *(row[fresh] for row in rows))


def _keys(
    work: Work, operation: Operation, rows: tuple[Rows, ...]
) -> tuple[Keys, NDArray[np.bool_]]:
    """Keys of an operation on entries, and which rows are defined (the other keys mean nothing)."""
    words = evaluate_words(work, operation, rows)
    if words is not None:
        return word_keys(words), np.ones(len(words), dtype=np.bool_)
    values, defined = evaluate(work, operation, rows)
    if operation.result != NUMBER:
        return word_keys(values), defined
    with np.errstate(all="ignore"):
        return number_keys(project(values)), defined
