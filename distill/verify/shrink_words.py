"""Counterexamples among sequences made short and simple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distill.verify.shrink import plainer, smallest
from dsl.domain import Columns
from dsl.sequences import Sequences

Differs = Callable[[Columns], bool]
"""Whether one sequence, as columns (1, T, ...), is a counterexample."""

_TRIES = 300


def shrunk_word(domain: Sequences, example: Columns, differs: Differs, seed: int = 0) -> Columns:
    """A short counterexample of simple items.

    example: columns of one sequence for which `differs` holds; the result is another such.
    Where `differs` raises there is no counterexample: what is compared may be the user's.
    """
    from hypothesis import strategies as st

    def holds(columns: Columns) -> bool:
        try:
            return differs(columns)
        except Exception:
            return False

    length = example[0].shape[1]
    words = st.lists(domain.item.strategy(), min_size=domain.shortest, max_size=length)
    found = smallest(words, lambda items: holds(word(domain, items)), _TRIES, seed)
    best = example if found is None else word(domain, found)
    return _simple_items(domain, _without_items(domain, best, holds), holds)


def word(domain: Sequences, items: list[tuple[Any, ...]]) -> Columns:
    """Columns (1, T, ...) of items, each a tuple with a value per field."""
    return tuple(c[None] for c in domain.item.column(*items))


def _without_items(domain: Sequences, example: Columns, holds: Differs) -> Columns:
    """The sequence without blocks of items that the difference doesn't need, large ones first."""
    size = example[0].shape[1]
    while size:
        place = 0
        while place < example[0].shape[1]:
            shorter = tuple(np.delete(c, slice(place, place + size), axis=1) for c in example)
            if shorter[0].shape[1] >= domain.shortest and holds(shorter):
                example = shorter
            else:
                place += size
        size //= 2
    return example


def _simple_items(domain: Sequences, example: Columns, holds: Differs) -> Columns:
    """Every item in turn moved to simpler numbers as long as the difference stays."""
    for place in range(example[0].shape[1]):
        example = _simple_item(domain, example, place, holds)
    return example


def _simple_item(domain: Sequences, example: Columns, place: int, holds: Differs) -> Columns:
    def with_item(item: Columns) -> Columns:
        changed = tuple(c.copy() for c in example)
        for whole, part in zip(changed, item, strict=True):
            whole[:, place] = part
        return changed

    def good(item: Columns) -> bool:
        return bool(domain.item.contains(item)[0]) and holds(with_item(item))

    return with_item(plainer(domain.item, tuple(c[:, place] for c in example), good))
