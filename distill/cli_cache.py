"""The cache on the command line: what a run keeps while it goes on, and `distill cache`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from distill import cli_views as views
from distill.errors import BadInput

if TYPE_CHECKING:
    from distill.run.cache import Unfinished
    from distill.run.memory import Memory

MOST_MEBIBYTES = 2**31 - 1


@dataclass(frozen=True)
class Kept:
    """What the run of a command keeps: its memory, and whether it tells of an earlier run."""

    unfinished: Unfinished
    resumed: bool
    quiet: bool

    @property
    def found(self) -> Memory:
        """What is known so far."""
        return self.unfinished.memory

    def done(self, cut_short: bool) -> None:
        """The result is written. Of a run that was cut short what it found stays, for --resume."""
        if self.resumed and not self.quiet:
            tally = self.unfinished.memory.tally
            known, made = sum(tally.known.values()), sum(tally.made.values())
            views.print_error(f"{known} stages were known, {made} were worked out")
        if not cut_short:
            self.unfinished.done()
        elif self.unfinished.place.exists() and not self.quiet:
            views.print_error("the same command with --resume goes on where this run was ended")


@contextmanager
def kept(target: Path, *, resume: bool, cached: bool, quiet: bool) -> Iterator[Kept]:
    """The memory of a run to `target`; what the run found stays beside it until `done`.

    Where the input was bad there is nothing to go on with, and nothing stays.
    """
    from distill.run.cache import unfinished

    memory = unfinished(target, resume, cached, views.print_error)
    if resume and not quiet:
        views.print_error(_known(memory.found_before))
    try:
        yield Kept(memory, resume, quiet)
    except BadInput:
        memory.done()
        raise
    finally:
        memory.close()


def _known(count: int) -> str:
    if not count:
        return "nothing is left of an earlier run to this folder; this one starts anew"
    return f"going on with {count} finished stages of an earlier run"


def show_cache(clear: bool, limit: int | None) -> Iterable[tuple[str, str]]:
    """Clear or bound the user's cache as asked; rows that say what it holds then.

    Raises:
        BadInput: there is none, it can't be written, or the bound is too large.
    """
    from distill.run.cache import LIMIT, cache, cache_folder
    from distill.run.store import FILE, remove

    place = cache_folder()
    if place is None:
        raise BadInput("there is no cache: DISTILL_CACHE is empty; set it to a folder.")
    if limit is not None and limit > MOST_MEBIBYTES:
        raise BadInput(f"--limit is {limit}; it must be at most {MOST_MEBIBYTES}.")
    try:
        if clear:
            remove(place)
    except OSError as error:
        raise BadInput(f"can't clear '{place}' ({error.strerror}).") from None
    if limit is None and not (place / FILE).exists():
        return _rows(place / FILE, 0, 0, LIMIT)
    reasons: list[str] = []
    store = cache(reasons.append)
    assert store is not None
    if limit is not None:
        store.bound(limit)
    held = store.contents()
    store.close()
    if held is None:
        why = reasons[0] if reasons else "another process writes to it"
        raise BadInput(f"{why}; 'distill cache --clear' removes it")
    return _rows(held.place, held.entries, held.size, held.limit or LIMIT)


def _rows(place: Path, entries: int, size: int, limit: int) -> list[tuple[str, str]]:
    from distill.run.store import MEBIBYTE

    return [
        ("place", str(place)),
        ("results", f"{entries:,}"),
        ("size", f"{size / MEBIBYTE:,.1f} MiB of at most {limit / MEBIBYTE:,.0f} MiB"),
    ]
