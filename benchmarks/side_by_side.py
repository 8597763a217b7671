"""Work on many things in processes of their own, the results shown as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def measured(
    work: Callable[[Any], Entry], chosen: Iterable[Any], jobs: int, shown: Callable[[Entry], str]
) -> list[Entry]:
    """A result for each, in order; a line is printed when it is known."""
    entries = []
    with ProcessPoolExecutor(jobs) as pool:
        for entry in pool.map(work, chosen):
            print(shown(entry), flush=True)
            entries.append(entry)
    return entries


def publish(text: str, page: Path, whole: bool) -> None:
    """Print a page; write it where all was measured."""
    print(text)
    if whole:
        page.write_text(text)
