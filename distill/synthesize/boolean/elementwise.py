"""Several outputs as whole words combined item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from distill.synthesize.boolean.table import Bits, Table
from distill.synthesize.boolean.words import Word, backwards, stretches, words
from dsl.program import Expression, const, prim

_OPERATIONS: dict[str, Callable[..., Bits]] = {
    "and_": np.logical_and,
    "or_": np.logical_or,
    "xor": np.logical_xor,
    "equal": np.equal,
}


def elementwise(tables: Sequence[Table]) -> list[Expression]:
    """Words, their negations, two combined, one with a leaf, or one of two by a leaf."""
    care = np.stack([t.care for t in tables], axis=1)
    base = Table(tables[0].leaves, tables[0].values, np.any(care, axis=1))
    target = np.stack([t.values for t in tables], axis=1)[base.care]
    matters = care[base.care]
    if not stretches(base):
        return []
    found = list(_candidates(base, len(tables)))
    whole = [w.term for w in found if _fits(w, target, matters)]
    return whole or _by_leaf(base, found, target, matters)


def _fits(word: Word, target: Bits, matters: Bits) -> bool:
    return not ((word.values ^ target) & matters).any()


def _candidates(base: Table, length: int) -> Iterator[Word]:
    plain = [w for w in words(base, wide=True) if w.length == length]
    plain += [backwards(w) for w in plain]
    plain += [_denied(w) for w in plain]
    plain += list(_shifted(base, length))
    yield from plain
    for name, operation in _OPERATIONS.items():
        for place, one in enumerate(plain):
            for other in plain[place + 1 :]:
                merged = operation(one.values, other.values)
                yield Word(prim(name, one.term, other.term), merged)
            yield from _with_leaves(base, name, operation, one)


def _shifted(base: Table, length: int) -> Iterator[Word]:
    """Words moved by one place, with a false item moved in."""
    false = prim("vector", const(False))
    for word in words(base, wide=True):
        if word.length == length - 1:
            gap = np.zeros((len(word.values), 1), dtype=bool)
            yield Word(prim("concat", false, word.term), np.hstack([gap, word.values]))
            yield Word(prim("concat", word.term, false), np.hstack([word.values, gap]))


def _denied(word: Word) -> Word:
    return Word(prim("not_", word.term), ~word.values)


def _with_leaves(
    base: Table, name: str, operation: Callable[..., Bits], word: Word
) -> Iterator[Word]:
    columns = base.columns[base.care]
    for place, leaf in enumerate(base.leaves):
        merged = operation(word.values, columns[:, place, None])
        yield Word(prim(name, word.term, leaf), merged)


def _by_leaf(base: Table, found: list[Word], target: Bits, matters: Bits) -> list[Expression]:
    """`if leaf then one word else another`."""
    columns = base.columns[base.care]
    chosen: list[Expression] = []
    for place, leaf in enumerate(base.leaves):
        column = columns[:, place, None]
        yes = [w.term for w in found if _fits(w, target, matters & column)]
        no = [w.term for w in found if _fits(w, target, matters & ~column)]
        if yes and no:
            chosen.append(prim("if_", leaf, yes[0], no[0]))
    return chosen
