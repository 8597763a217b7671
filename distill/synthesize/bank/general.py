"""Operations without a short cut: candidates are computed, some thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from math import prod

import numpy as np

from distill.synthesize.bank.keys import number_keys, project, word_keys
from distill.synthesize.bank.operation import NUMBER
from distill.synthesize.bank.shelf import append, level_rows
from distill.synthesize.bank.work import Rows, Work, evaluate, may_count

_CHUNK = 8192

Span = tuple[int, int]
"""Rows [start, stop) of a shelf."""


def grow_general(work: Work, number: int, cost: int) -> bool:
    """Enumerate operation `number` at this cost; False when a limit stopped it."""
    operation = work.operations[number]
    for costs in argument_costs(cost - operation.cost, len(operation.arguments)):
        if operation.commutative and tuple(sorted(costs)) != costs:
            continue
        levels = zip(operation.arguments, costs, strict=True)
        spans = tuple(level_rows(work.shelf(type_), some) for type_, some in levels)
        for rows in _blocks(spans):
            kept = _in_order(rows) if operation.commutative and len(set(spans)) == 1 else rows
            if not may_count(work, len(kept[0])):
                return False
            _offer(work, number, cost, kept)
    return True


def argument_costs(total: int, arity: int) -> Iterator[tuple[int, ...]]:
    """All ways to split `total` into `arity` costs of at least 1."""
    for first in product(range(1, total), repeat=arity - 1):
        if sum(first) < total:
            yield (*first, total - sum(first))


def _blocks(spans: tuple[Span, ...]) -> Iterator[tuple[Rows, ...]]:
    """All combinations of rows, in blocks."""
    shape = tuple(stop - start for start, stop in spans)
    for start in range(0, prod(shape), _CHUNK):
        flat = np.arange(start, min(start + _CHUNK, prod(shape)))
        places = np.unravel_index(flat, shape)
        yield tuple(place + span[0] for place, span in zip(places, spans, strict=True))


def _in_order(rows: tuple[Rows, ...]) -> tuple[Rows, ...]:
    """Only the combinations with ascending rows: the others compute the same."""
    ordered = np.ones(len(rows[0]), dtype=np.bool_)
    for left, right in pairwise(rows):
        ordered &= left <= right
    return tuple(row[ordered] for row in rows)


def _offer(work: Work, number: int, cost: int, rows: tuple[Rows, ...]) -> None:
    operation = work.operations[number]
    values, defined = evaluate(work, operation, rows)
    values, rows = values[defined], tuple(row[defined] for row in rows)
    is_number = operation.result == NUMBER
    keys = number_keys(project(values)) if is_number else word_keys(values)
    shelf = work.shelf(operation.result)
    fresh = shelf.known.insert(keys)
    append(shelf, keys[fresh], cost, number, *(row[fresh] for row in rows))
