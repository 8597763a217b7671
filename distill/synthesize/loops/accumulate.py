"""Registers that are computed from themselves: every short update r' = e(r, item), run at once.

The bank of the search holds each behaviour of e once, as its values on a grid of register
values and items. A run of all of them over some words is one gather per step; what is kept
are those with which the output is a function of register and item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend
from distill.synthesize.bank import NUMBER
from distill.synthesize.enumerate import Search, counted, entry_expression, open_search
from distill.synthesize.loops.explain import RARE, as_number, domain_of
from distill.synthesize.terms import Term
from distill.synthesize.vocabulary import operations
from dsl.domain import Domain
from dsl.program import Const, Expression, Prim, const, prim, var, walk
from dsl.types import BOOL, INT, Type

LOW, HIGH = -12, 17
"""Values a register may take in the search."""

_DEAD = -128
_GATHERED = 1000
_REPEATS = 1.6

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Accumulator:
    """A register with an update over `r` and the item's fields, and its value at the start."""

    update: Expression
    start: int


@dataclass(frozen=True, eq=False)
class Alphabet:
    """Some items (s,) per scalar, words over them as positions (n, T), and the outputs there.

    outputs: (n, T) whole numbers that tell the outputs apart; care: where they count.
    """

    names: tuple[str, ...]
    items: tuple[NDArray[Any], ...]
    words: Ints
    outputs: Ints
    care: NDArray[np.bool_]

    def grid(self) -> dict[str, NDArray[Any]]:
        """Register `r` and fields on every pair of a register value and an item."""
        values = np.arange(LOW, HIGH + 1)
        size = len(self.items[0])
        found: dict[str, NDArray[Any]] = {"r": np.repeat(values, size)}
        return found | {
            n: np.tile(c, len(values)) for n, c in zip(self.names, self.items, strict=True)
        }


@dataclass(frozen=True, eq=False)
class Updates:
    """Behaviours of updates: values (n, grid) in int16, `_DEAD` outside the range."""

    search: Search
    rows: Ints
    table: NDArray[np.int16]


def updates(
    alphabet: Alphabet,
    constants: Sequence[int],
    cost: int,
    entries: int,
    should_stop: Callable[[], bool] | None = None,
) -> Updates:
    """All updates up to a cost, one per behaviour on the grid."""
    grid = alphabet.grid()
    domain = domain_of(grid)
    own = [Term(const(c), 1) for c in constants]
    leaves = [*_plain_terms(domain), *own, *_linear_terms(domain)]
    offered = operations(domain, forbidden=RARE)
    search = open_search(domain, tuple(grid.values()), leaves, offered)
    search = counted(search, cost, entries, should_stop)
    values = search.bank.entries(NUMBER).values
    whole = (values == np.rint(values)).all(1)
    rows = np.flatnonzero(whole)
    inside = (values[rows] >= LOW) & (values[rows] <= HIGH)
    table = np.where(inside, values[rows], _DEAD).astype(np.int16)
    spend(should_stop, table.size * alphabet.words.shape[1] / _GATHERED)
    return Updates(search, rows, table)


def _plain_terms(domain: Domain) -> list[Term]:
    """Register, fields and the numbers 0 and 1."""
    named = [Term(var(name, item), 1) for name, item in domain.parameters]
    return [*named, Term(const(0), 1), Term(const(1), 1)]


def _linear_terms(domain: Domain) -> list[Term]:
    """Small whole multiples of the register with the fields added or taken away."""
    register = var("r", INT)
    held = [register, prim("neg", register), prim("mul", const(2), register)]
    found: list[Expression] = []
    fields = [_as_summands(name, item) for name, item in domain.parameters[1:]]
    for choice in product(*fields):
        for base in held:
            value = base
            for part in choice:
                value = value if part is None else prim(part[0], value, part[1])
            found.append(value)
    return [Term(e, 2) for e in dict.fromkeys(found) if e is not register]


def _as_summands(name: str, item: Type) -> list[tuple[str, Expression] | None]:
    value = var(name, item)
    if item != BOOL:
        return [None, ("add", value), ("sub", value)]
    signed = prim("if_", value, const(1), const(-1))
    truth = as_number(value)
    return [None, ("add", truth), ("sub", truth), ("add", signed), ("sub", signed)]


def accumulators(
    found: Updates, alphabet: Alphabet, starts: Sequence[int], tolerance: float = 0.0
) -> Iterator[Accumulator]:
    """Registers with which the outputs are a function, shortest update first.

    tolerance: share of the steps at which they may contradict themselves.
    """
    kept: list[tuple[int, int, int]] = []
    for start in starts:
        alive, cells = _consistent(found.table, alphabet, start, tolerance)
        kept += [(int(a), int(c), start) for a, c in zip(alive, cells, strict=True)]
    # rows are in order of cost: a short update comes first, even if it meets more cells
    for row, _, start in sorted(kept):
        update = entry_expression(found.search, int(found.rows[row]))
        if not _divides_oddly(update):
            yield Accumulator(update, start)


def _divides_oddly(update: Expression) -> bool:
    """Nobody steps a register by `% -7` or by a remainder of division by itself."""
    return any(
        isinstance(n, Prim)
        and n.primitive.name in ("mod", "floordiv")
        and not (isinstance(n.children[1], Const) and n.children[1].value > 0)
        for n in walk(update)
    )


def _consistent(
    table: NDArray[np.int16],
    alphabet: Alphabet,
    start: int,
    tolerance: float,
) -> tuple[Ints, Ints]:
    """Rows of the table that hardly give two outputs for one cell, and how many cells they see."""
    size = len(alphabet.items[0])
    outcome = alphabet.outputs - alphabet.outputs.min()
    alive = np.arange(len(table))
    seen = np.full((len(table), table.shape[1]), -1, dtype=np.int16)
    errors = np.zeros(len(table), dtype=np.int64)
    allowed = int(tolerance * alphabet.words.size)
    steps = 0
    for word in range(len(alphabet.words)):
        state = np.full(len(alive), start, dtype=np.int64)
        good = np.ones(len(alive), dtype=np.bool_)
        lines = np.arange(len(alive))
        for t, letter in enumerate(alphabet.words[word]):
            place = (state - LOW) * size + letter
            if alphabet.care[word, t]:
                held, wanted = seen[lines, place], outcome[word, t]
                fits = (held < 0) | (held == wanted)
                errors += ~fits
                good &= errors <= allowed
                seen[lines, place] = np.where(fits, wanted, held)
            state = table[alive, place].astype(np.int64)
            good &= state != _DEAD
            state[~good] = start
        alive, seen, errors = alive[good], seen[good], errors[good]
        steps += alphabet.words.shape[1]
        if not len(alive):
            break
    cells = (seen >= 0).sum(1)
    enough = steps >= _REPEATS * cells
    return alive[enough], cells[enough]
