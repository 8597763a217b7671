"""Where results are kept: the user's cache, and what an unfinished run has found so far.

The cache serves every run and is bounded, so what it holds may go at any time. A run keeps what it
finds in a hidden folder beside its output folder too; it stays until the run is finished, and
`--resume` reads it.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from distill.run.memory import NOTHING, Memory, Shelf
from distill.run.seal import own_key
from distill.run.store import MEBIBYTE, Store

LIMIT = 512 * MEBIBYTE
"""Bytes that the cache may take unless `distill cache --limit` says otherwise."""


def cache_folder() -> Path | None:
    """`$DISTILL_CACHE` (none where it is empty), else `distill` in the user's cache folder."""
    given = os.environ.get("DISTILL_CACHE")
    if given is not None:
        return Path(given).expanduser() if given else None
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "distill"


def cache(warn: Callable[[str], None] = lambda _: None, folder: Path | None = None) -> Store | None:
    """The user's cache, or that of a folder; None where the user wants none."""
    place = folder or cache_folder()
    return None if place is None else Store(place, own_key(), LIMIT, warn)


@dataclass
class Unfinished:
    """What a run finds while it goes on: `memory` to give to it, `done` once it is finished.

    place: the hidden folder beside the output folder; found_before: results of an earlier run.
    """

    place: Path
    memory: Memory
    found_before: int = 0
    stores: list[Store] = field(default_factory=list)

    def done(self) -> None:
        """The run is finished, and what it found is in its output folder."""
        self.close()
        shutil.rmtree(self.place, ignore_errors=True)

    def close(self) -> None:
        """Let go of all files."""
        for store in self.stores:
            store.close()


def unfinished(
    target: Path, resume: bool, cached: bool = True, warn: Callable[[str], None] = lambda _: None
) -> Unfinished:
    """The memory of a run that will write to `target`.

    resume: what an earlier one left there is known; else it is forgotten. cached: the user's cache
    is read and written too.
    """
    place = target.parent / f".{target.name}.unfinished"
    if not resume:
        shutil.rmtree(place, ignore_errors=True)
    own = Store(place, own_key(), warn=warn)
    held = own.contents() if place.is_dir() else None
    stores = [own]
    shared = cache(warn) if cached else None
    stores += [] if shared is None else [shared]
    shelves: tuple[Shelf, ...] = tuple(stores)
    return Unfinished(place, Memory(shelves), 0 if held is None else held.entries, stores)


def memory_of(cache_at: bool | str | Path | Memory) -> Memory:
    """The memory that the argument `cache` of `distill` stands for: none, the user's cache, that in
    a folder, or the one that is given."""
    if isinstance(cache_at, Memory):
        return cache_at
    if cache_at is False:
        return NOTHING
    found = cache(_warned, None if cache_at is True else Path(cache_at).expanduser())
    return NOTHING if found is None else Memory((found,))


def _warned(sentence: str) -> None:
    warnings.warn(sentence, RuntimeWarning, stacklevel=2)
