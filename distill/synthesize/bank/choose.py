"""Keys of if(condition, a, b), for numbers and for bools.

For a fixed condition the projection of the result is (r where true) . a + (r where false) . b:
one addition per candidate once both sides are known for each condition.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.synthesize.bank.general import argument_costs
from distill.synthesize.bank.keys import OFFSETS, Keys, mix_projections, projection, word_keys
from distill.synthesize.bank.operation import NUMBER
from distill.synthesize.bank.packing import unpack
from distill.synthesize.bank.shelf import append, level_rows
from distill.synthesize.bank.tiles import TILE, Span, spans
from distill.synthesize.bank.work import Work, may_count

_ROWS, _COLUMNS = 64, 512

Block = tuple[Span, Span, Span]


def grow_choice(work: Work, number: int, cost: int) -> bool:
    """Enumerate an operation of kind "if" at this cost; False when a limit stopped it."""
    operation = work.operations[number]
    shelf = work.shelf(operation.result)
    keys_of = _number_keys if operation.result == NUMBER else _word_keys
    for costs in argument_costs(cost - operation.cost, 3):
        levels = (level_rows(shelf, costs[1]), level_rows(shelf, costs[2]))
        for block in _blocks(level_rows(work.bool, costs[0]), *levels):
            shape = tuple(stop - start for start, stop in block)
            if not may_count(work, int(np.prod(shape))):
                return False
            keys = keys_of(work, block).reshape(-1)
            fresh = shelf.known.insert(keys)
            places = np.unravel_index(fresh, shape)
            rows = (place + span[0] for place, span in zip(places, block, strict=True))
            append(shelf, keys[fresh], cost, number, *rows)
    return True


def _blocks(conditions: Span, left: Span, right: Span) -> Iterator[Block]:
    for a in spans(left, _ROWS):
        for b in spans(right, _COLUMNS):
            size = max(1, TILE // max(1, (a[1] - a[0]) * (b[1] - b[0])))
            for some in spans(conditions, size):
                yield some, a, b


def _number_keys(work: Work, block: Block) -> Keys:
    condition = unpack(work.bool.values[slice(*block[0])], work.examples)
    a, b = (work.number.values[slice(*span)] for span in block[1:])
    whole = work.number.projections[slice(*block[2])]
    sums = []
    for line, offset in enumerate(OFFSETS):
        weights = condition * projection(work.examples)[:, line]
        then, other = weights @ a.T + offset, whole[:, line] - weights @ b.T
        sums.append(then[:, :, None] + other[:, None, :])
    return mix_projections(*sums)


def _word_keys(work: Work, block: Block) -> Keys:
    condition, a, b = (work.bool.values[slice(*span)] for span in block)
    then = np.bitwise_and(condition[:, None], a[None])
    other = np.bitwise_and(~condition[:, None], b[None])
    return word_keys(np.bitwise_or(then[:, :, None], other[:, None, :]))
