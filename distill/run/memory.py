"""What a run remembers: results of finished stages, by what they follow from.

A stage is a pure function of its content, so a result found before stands for running it again: a
run that was killed and goes on ends with the program of one that wasn't. Steps that it took are
counted as if it had run. What the clock or Ctrl-C cut short isn't a result and is never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from distill.run.budget import Budget
from distill.run.hashing import code_hash, content_hash
from distill.run.packed import pack, unpack

Result = TypeVar("Result")
Written = tuple[Any, Mapping[str, NDArray]]
"""Plain data and named arrays."""


class Shelf(Protocol):
    """Where results are kept: a file (`distill.run.store`) or this process's memory."""

    def get(self, key: str) -> bytes | None:
        """A result by its key, None where there is none."""
        ...

    def put(self, key: str, kind: str, value: bytes) -> None:
        """Keep a result."""
        ...


@dataclass
class Drawer:
    """Results in this process's memory."""

    found: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        """A result by its key, None where there is none."""
        return self.found.get(key)

    def put(self, key: str, kind: str, value: bytes) -> None:
        """Keep a result."""
        self.found[key] = value


@dataclass
class Tally:
    """How many results were found before, and how many were worked out; by kind of stage."""

    known: dict[str, int] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Memory:
    """Shelves that are asked in turn; a result goes on each that hasn't got it."""

    shelves: tuple[Shelf, ...] = ()
    tally: Tally = field(default_factory=Tally)

    def beside(self, shelf: Shelf) -> Memory:
        """The same memory with one more shelf, asked first; it counts in the same tally."""
        return Memory((shelf, *self.shelves), self.tally)

    def recall(
        self,
        kind: str,
        content: tuple[Any, ...] | None,
        budget: Budget,
        make: Callable[[], Result],
        write: Callable[[Result], Written | None],
        read: Callable[[Any, Mapping[str, NDArray]], Result],
    ) -> Result:
        """A stage's result: read where it is known for this content, else made and written.

        content: all that it follows from but the code, None where that can't be told; write: None
        for what can't be written; read raises LookupError, TypeError or ValueError for what can't
        be read, which is a miss.
        """
        if content is None or not self.shelves:
            return make()
        key = content_hash(kind, code_hash(), content)
        for place, shelf in enumerate(self.shelves):
            result = _read(shelf.get(key), read)
            if result is not None:
                spent, value, raw = result
                budget.spent += spent
                _count(self.tally.known, kind)
                self._keep(key, kind, raw, self.shelves[:place])
                return value
        before = budget.spent
        made = make()
        _count(self.tally.made, kind)
        written = None if budget.cut_short else write(made)
        if written is not None:
            data, arrays = written
            raw = pack({"spent": budget.spent - before, "result": data}, arrays)
            self._keep(key, kind, raw, self.shelves)
        return made

    @staticmethod
    def _keep(key: str, kind: str, raw: bytes, shelves: tuple[Shelf, ...]) -> None:
        for shelf in shelves:
            shelf.put(key, kind, raw)


NOTHING = Memory()
"""The memory of a run that keeps nothing."""


def _read(
    raw: bytes | None, read: Callable[[Any, Mapping[str, NDArray]], Result]
) -> tuple[int, Result, bytes] | None:
    if raw is None:
        return None
    try:
        data, arrays = unpack(raw)
        return int(data["spent"]), read(data["result"], arrays), raw
    except (LookupError, TypeError, ValueError):
        return None


def _count(counts: dict[str, int], kind: str) -> None:
    counts[kind] = counts.get(kind, 0) + 1
