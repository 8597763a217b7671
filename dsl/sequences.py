"""Domains of sequences: items of one domain, from a shortest to a longest length."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.domain import Columns, Domain, DomainError, rows
from dsl.domain_text import parse_domain, show_domain

_LENGTHS = re.compile(r",\s*(\d+)\s*\.\.\s*(\d+)\s*$")


@dataclass(frozen=True)
class Sequences:
    """Sequences of `item`, `shortest` to `longest` items long (None: of every length).

    Batches are columns of the item's domain with a time axis behind the batch axis:
    (n, T) or (n, T, ...).
    """

    item: Domain
    shortest: int = 1
    longest: int | None = None

    def __str__(self) -> str:
        lengths = "" if self.longest is None else f", {self.shortest}..{self.longest}"
        return f"seq({show_domain(self.item)}{lengths})"

    @property
    def symbols(self) -> int | None:
        """Number of different items; None where there are infinitely many."""
        return self.item.count

    def sample(self, rng: np.random.Generator, n: int, length: int) -> Columns:
        """`n` sequences of `length` independent uniform items.

        Raises:
            DomainError: see `Domain.sample`.
        """
        return folded(self.item.sample(rng, n * length), length)

    def words(self, length: int, start: int, stop: int) -> Columns:
        """Words number `start` to before `stop` of all of a length; the last item counts fastest.

        Raises:
            DomainError: there are infinitely many items.
        """
        if self.symbols is None:
            raise DomainError("sequences of reals can't be listed")
        letters = self.item.points(0, self.symbols)
        rest = np.arange(start, stop, dtype=np.int64)
        digits = np.empty((len(rest), length), dtype=np.int64)
        for place in reversed(range(length)):
            rest, digits[:, place] = np.divmod(rest, rows(letters))
        return tuple(c[digits] for c in letters)

    def encode(self, columns: Columns) -> NDArray[np.float64]:
        """The network's inputs (n, T, width)."""
        count, length = columns[0].shape[:2]
        flat = tuple(c.reshape(count * length, *c.shape[2:]) for c in columns)
        return self.item.encode(flat).reshape(count, length, -1)


def folded(columns: Columns, length: int) -> Columns:
    """Columns of n * length items as n sequences."""
    return tuple(c.reshape(-1, length, *c.shape[1:]) for c in columns)


def parse_sequences(text: str) -> Sequences:
    """Read `seq(int(0,9))`, `seq(x: bool * y: bool, 1..12)`.

    Raises:
        DomainError: it isn't a domain of sequences.
    """
    match = re.fullmatch(r"\s*seq\s*\((.*)\)\s*", text, re.DOTALL)
    if match is None:
        raise DomainError(
            f"a recurrent network takes sequences, as in 'seq(int(0,9))'; got {text!r}"
        )
    body = match.group(1)
    lengths = _LENGTHS.search(body)
    if lengths is None:
        return Sequences(parse_domain(body))
    shortest, longest = int(lengths[1]), int(lengths[2])
    if not 1 <= shortest <= longest:
        raise DomainError(f"lengths go from 1 up, the shorter first; got {shortest}..{longest}")
    return Sequences(parse_domain(body[: lengths.start()]), shortest, longest)


def is_sequences(text: str) -> bool:
    """Whether a domain's text begins as one of sequences."""
    return re.match(r"\s*seq\s*\(", text) is not None
