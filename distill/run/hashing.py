"""One hash for everything that a result follows from."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from distill.run.versions import versions


def content_hash(*parts: Any) -> str:
    """sha256 of plain data: None, truths, numbers, text, bytes, arrays, tuples and lists of them.

    Every part is told apart by its kind and length, so that no two contents give the same bytes.

    Raises:
        TypeError: a part is something else, of which it isn't known what it depends on.
    """
    found = hashlib.sha256()
    for part in _bytes_of(parts):
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def _bytes_of(part: Any) -> list[bytes]:
    if isinstance(part, tuple | list):
        inner = [piece for one in part for piece in _bytes_of(one)]
        return [b"several", str(len(part)).encode(), *inner]
    if isinstance(part, np.ndarray) and part.dtype.kind in "biuf":
        plain = np.ascontiguousarray(part)
        return [b"array", f"{plain.dtype.str} {plain.shape}".encode(), plain.tobytes()]
    if isinstance(part, bytes):
        return [b"bytes", part]
    if part is None or isinstance(part, bool | int | float | str):
        kind = type(part).__name__
        return [kind.encode(), (part if isinstance(part, str) else repr(part)).encode()]
    raise TypeError(f"what a {type(part).__name__} depends on isn't known")


@cache
def code_hash() -> str:
    """sha256 of the sources of `distill` and `dsl` and of the versions of what they rest on.

    A result of other code is another result.
    """
    house = Path(__file__).resolve().parents[2]
    files = sorted(p for name in ("distill", "dsl") for p in (house / name).rglob("*.py"))
    texts = [(str(p.relative_to(house)), p.read_bytes()) for p in files]
    return content_hash(texts, [list(pair) for pair in sorted(versions().items())])
