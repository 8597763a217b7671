"""The bank: one representative expression per behaviour and type, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.synthesize.bank.operation import BOOL, NUMBER, Operation

LEAF = -1
"""`Entries.operation` of a leaf; its first child is the leaf's number."""

MAX_ARITY = 3

Tree = tuple[Any, ...] | str
"""A rebuilt expression: a leaf's name, or (operation name, child, ...)."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """An input or a constant: its values on the examples, (E,) float64 or bool_."""

    name: str
    type: str
    values: NDArray[Any]
    cost: int = 1


@dataclass(frozen=True, eq=False)
class Entries:
    """The representatives of one type, cheapest first.

    `values` has a row per entry, of E numbers or of W packed words; the last entries may lack
    their row (`Bank` grown with `materialise=False`). `children` (n, 3) are row numbers in the
    entries of the argument's type.
    """

    values: NDArray[Any]
    keys: NDArray[np.uint64]
    cost: NDArray[np.int32]
    operation: NDArray[np.int16]
    children: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, eq=False)
class Bank:
    """All behaviours up to cost `level` (and some of the next, if a limit cut it short).

    `steps` counts the candidates that were looked at since the bank was started.
    """

    examples: int
    leaves: tuple[Leaf, ...]
    operations: tuple[Operation, ...]
    number: Entries
    bool: Entries
    level: int = 0
    steps: int = 0

    def entries(self, type_: str) -> Entries:
        """The entries of "number" or "bool"."""
        return self.number if type_ == NUMBER else self.bool


def empty_entries(width: int, dtype: type) -> Entries:
    """No entries, with value rows of `width`."""
    return Entries(
        np.zeros((0, width), dtype=dtype),
        np.zeros(0, dtype=np.uint64),
        np.zeros(0, dtype=np.int32),
        np.zeros(0, dtype=np.int16),
        np.zeros((0, MAX_ARITY), dtype=np.int32),
    )


def check_leaves(leaves: Sequence[Leaf]) -> int:
    """The number of examples that all leaves share.

    Raises:
        BadInput: no leaves, an unknown type, values that are not one finite row of the shared
            length, or a cost below 1.
    """
    if not leaves:
        raise BadInput("a bank needs at least one leaf: an input or a constant")
    examples = len(np.atleast_1d(leaves[0].values))
    for leaf in leaves:
        if leaf.type not in (NUMBER, BOOL) or leaf.cost < 1:
            raise BadInput(f"leaf {leaf.name!r} must be 'number' or 'bool' and cost 1 or more")
        if np.shape(leaf.values) != (examples,) or examples == 0:
            raise BadInput(f"leaf {leaf.name!r} must hold {examples or 'some'} example values")
        if not np.isfinite(leaf.values).all():
            raise BadInput(f"leaf {leaf.name!r} must hold finite values")
    return examples


def rebuild(bank: Bank, type_: str, index: int) -> Tree:
    """The expression of an entry as nested tuples."""
    entries = bank.entries(type_)
    operation, children = int(entries.operation[index]), entries.children[index]
    if operation == LEAF:
        return bank.leaves[int(children[0])].name
    what = bank.operations[operation]
    parts = zip(what.arguments, children, strict=False)
    return (what.name, *(rebuild(bank, child, int(row)) for child, row in parts))
