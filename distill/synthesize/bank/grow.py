"""Bottom-up enumeration: all behaviours in order of cost, one expression for each.

The scheme is that of Udupa et al., "TRANSIT" (PLDI 2013) and Albarghouthi et al.,
"Recursive program synthesis" (CAV 2013): candidates are combinations of
representatives, and observationally equal ones are dropped. What is new here is
only how it is done: candidates are told apart by keys that follow from their
arguments' keys (see `keys`), so that values are computed for survivors alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from distill.errors import BadInput
from distill.synthesize.bank.choose import grow_choice
from distill.synthesize.bank.data import LEAF, Bank, Leaf, check_leaves, empty_entries
from distill.synthesize.bank.general import grow_general
from distill.synthesize.bank.keys import number_keys, project, word_keys
from distill.synthesize.bank.materialise import materialise
from distill.synthesize.bank.operation import NUMBER, Operation, check_operations
from distill.synthesize.bank.packing import pack, word_count
from distill.synthesize.bank.pairs import grow_pairs, pair_groups
from distill.synthesize.bank.shelf import append
from distill.synthesize.bank.work import Limits, Work, close_work, may_count, open_work


def start(leaves: Sequence[Leaf]) -> Bank:
    """An empty bank over these inputs and constants; `grow` puts them in at their cost.

    Raises:
        BadInput: see `data.check_leaves`.
    """
    examples = check_leaves(leaves)
    number, words = empty_entries(examples, np.float64), word_count(examples)
    return Bank(examples, tuple(leaves), (), number, empty_entries(words, np.uint64))


def grow(
    bank: Bank,
    operations: Sequence[Operation],
    max_cost: int,
    *,
    step_limit: int | None = None,
    entry_limit: int | None = None,
    should_stop: Callable[[], bool] | None = None,
    materialise_last: bool = True,
) -> Bank:
    """Add every behaviour up to `max_cost` that can be reached with these operations.

    Deterministic: the result depends on bank, operations, costs, `step_limit` (the total of
    `bank.steps`, counted in whole blocks) and `entry_limit`; `should_stop` is asked between
    blocks. A level that a limit cut short is kept as far as it got, and is walked again (and
    counted again) when the bank grows further. With `materialise_last=False` the entries of
    the last level have keys and expressions but no values.

    Raises:
        BadInput: unusable operations, or others than the bank was grown with.
    """
    operations = tuple(operations)
    check_operations(operations)
    if bank.operations and bank.operations != operations:
        raise BadInput("a bank must be grown further with the operations it was grown with")
    work = open_work(bank, operations, Limits(step_limit, entry_limit, should_stop))
    level = bank.level
    while level < max_cost:
        materialise(work)
        if not _grow_level(work, level + 1):
            break
        level += 1
    if materialise_last:
        materialise(work)
    return close_work(work, level)


def _grow_level(work: Work, cost: int) -> bool:
    """Enumerate everything of this cost; False when a limit stopped it."""
    if not _add_leaves(work, cost):
        return False
    paired = pair_groups(work.operations)
    in_pairs = {number for group in paired for number in group}
    for number, operation in enumerate(work.operations):
        if number in in_pairs:
            continue
        one = grow_choice if operation.fast_kind == "if" else grow_general
        if not one(work, number, cost):
            return False
    return all(grow_pairs(work, group, cost) for group in paired)


def _add_leaves(work: Work, cost: int) -> bool:
    """Put in the leaves of this cost; False when a limit stopped it."""
    for number, leaf in enumerate(work.leaves):
        if leaf.cost == cost:
            if not may_count(work, 1):
                return False
            shelf, row = work.shelf(leaf.type), np.array([leaf.values])
            is_number = leaf.type == NUMBER
            keys = number_keys(project(row * 1.0)) if is_number else word_keys(pack(row > 0))
            fresh = shelf.known.insert(keys)
            append(shelf, keys[fresh], cost, LEAF, np.full(len(fresh), number))
    return True
