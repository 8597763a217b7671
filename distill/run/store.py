"""Results by the hash of their content in one sqlite file, which processes may share.

Write-ahead logging lets one process write while others read; each result is a transaction, so a
process that is killed leaves all results before it and nothing half-written. A row whose seal
doesn't hold is a miss. Whatever goes wrong with the file is one warning, and no store from then on.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from distill.run.seal import holds, sealed

FILE = "results.sqlite"
MEBIBYTE = 1 << 20
_WAIT = 10.0
"""Seconds to wait for another process that writes."""

_TABLE = """create table if not exists results (
    key text primary key, kind text not null, value blob not null, seal blob not null,
    size integer not null, used integer not null) without rowid"""
_ORDER = "create index if not exists by_use on results (used, size)"
_INSERT = "insert or replace into results values (?, ?, ?, ?, ?, ?)"
_OLDEST = "select key, size from results order by used"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Contents:
    """What a store holds: its file, results, their bytes, and the bound of these if any."""

    place: Path
    entries: int
    size: int
    limit: int | None


@dataclass
class Store:
    """Results in a folder.

    limit: bytes that they may take (compressed), the least recently used go first; None for no
    bound; one that was set for the file (`bound`) comes before it. key: the user's, see
    `distill.run.seal`; warn: told once why there is no store.
    """

    folder: Path
    key: bytes
    limit: int | None = None
    warn: Callable[[str], None] = lambda _: None
    _connection: sqlite3.Connection | None = field(default=None, init=False, repr=False)
    _closed: bool = field(default=False, init=False, repr=False)

    def get(self, key: str) -> bytes | None:
        """A result by its key; None where there is none that is whole and ours."""
        row = self._try(lambda c: c.execute(_BY_KEY, (key,)).fetchone())
        if row is None:
            return None
        kind, value, seal = row
        try:
            if holds(seal, self.key, key.encode(), kind.encode(), value):
                self._try(lambda c: c.execute(_USED, (time.time_ns(), key)))
                return zlib.decompress(value)
        except (TypeError, AttributeError, zlib.error):  # another kind of value in the row
            return None
        return None

    def put(self, key: str, kind: str, value: bytes) -> None:
        """Keep a result, once; make room for it where that is needed."""
        small = zlib.compress(value, 1)
        seal = sealed(self.key, key.encode(), kind.encode(), small)

        def write(connection: sqlite3.Connection) -> None:
            if self.limit is not None and len(small) > self.limit:
                return
            connection.execute("begin immediate")
            if self.limit is not None:
                _make_room(connection, self.limit - len(small))
            row = (key, kind, small, seal, len(small), time.time_ns())
            connection.execute(_INSERT, row)
            connection.execute("commit")

        self._try(write)

    def contents(self) -> Contents | None:
        """How much it holds; None where the file can't be read."""
        row = self._try(lambda c: c.execute(_COUNTED).fetchone())
        if row is None:
            return None
        return Contents(self.folder / FILE, int(row[0]), int(row[1]), self.limit)

    def keys(self) -> frozenset[str]:
        """The keys of all results."""
        return frozenset(self._try(lambda c: _first_column(c, "select key from results")) or ())

    def bound(self, mebibytes: int) -> None:
        """Set the file's bound for good, keep it, and give the room of what goes to the disk."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("begin immediate")
            connection.execute(f"pragma user_version = {int(mebibytes)}")
            _make_room(connection, mebibytes * MEBIBYTE)
            connection.execute("commit")
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")

        self._try(write)
        self.limit = mebibytes * MEBIBYTE

    def close(self) -> None:
        """Let go of the file; nothing is kept or found any more."""
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _try(self, ask: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """What the file answers; None, and no store any more, where it can't."""
        if self._closed:
            return None
        try:
            if self._connection is None:
                self._connection = _opened(self.folder)
                self._read_bound(self._connection)
            return ask(self._connection)
        except sqlite3.OperationalError as error:
            if _busy(error):  # this result isn't kept or found; the next one may be
                self._undo()
                return None
            self._give_up(error)
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            self._give_up(error)
        return None

    def _read_bound(self, connection: sqlite3.Connection) -> None:
        if self.limit is not None:
            set_to = connection.execute("pragma user_version").fetchone()[0]
            self.limit = set_to * MEBIBYTE if set_to > 0 else self.limit

    def _undo(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.rollback()

    def _give_up(self, error: Exception) -> None:
        self.warn(f"results aren't kept in '{self.folder}' ({error}); the run goes on without them")
        self._closed = True
        self._connection = None


_BY_KEY = "select kind, value, seal from results where key = ?"
_USED = "update results set used = ? where key = ?"
_COUNTED = "select count(*), coalesce(sum(size), 0) from results"


def remove(folder: Path) -> None:
    """Remove a store's files, whatever is in them.

    Raises:
        OSError: they can't be removed.
    """
    for ending in ("", "-wal", "-shm", "-journal"):
        (folder / f"{FILE}{ending}").unlink(missing_ok=True)


def _opened(folder: Path) -> sqlite3.Connection:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / FILE
    connection = sqlite3.connect(
        place, timeout=_WAIT, isolation_level=None, check_same_thread=False
    )
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute(_TABLE)
    connection.execute(_ORDER)
    return connection


def _busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _first_column(connection: sqlite3.Connection, question: str) -> list[str]:
    return [row[0] for row in connection.execute(question)]


def _make_room(connection: sqlite3.Connection, room: int) -> None:
    """Let the least recently used results go until the others fit into so many bytes."""
    over = connection.execute(_COUNTED).fetchone()[1] - room
    gone = []
    for key, size in connection.execute(_OLDEST):
        if over <= 0:
            break
        gone.append((key,))
        over -= size
    connection.executemany("delete from results where key = ?", gone)
