"""The seal of results that this user's runs wrote: a keyed hash, whose key nobody else has.

A checksum shows damage, but anyone can compute one; a recorded proof that someone else put into a
shared folder would pass. The key lies in the user's own state folder, never beside the results, so
only what was written with it is believed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

_BYTES = 32


def key_file() -> Path:
    """Where the key lies: `$XDG_STATE_HOME/distill/seal`, by default in `~/.local/state`."""
    given = os.environ.get("XDG_STATE_HOME")
    home = Path(given) if given else Path("~/.local/state").expanduser()
    return home / "distill" / "seal"


def own_key(place: Path | None = None) -> bytes:
    """The user's key, made at the first call; one for this process only where it can't be kept."""
    place = place or key_file()
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(place)
        found = place.read_bytes()
        if len(found) == _BYTES and place.stat().st_mode & 0o077 == 0:
            return found
    return secrets.token_bytes(_BYTES)


def _make(place: Path) -> None:
    """Write a key where there is none: whole or not at all, the first of several processes."""
    if place.exists():
        return
    handle, draft = tempfile.mkstemp(dir=place.parent)  # for the user's eyes only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):
            os.link(draft, place)
    finally:
        os.unlink(draft)


def sealed(key: bytes, *parts: bytes) -> bytes:
    """The seal of some bytes, each told apart by its length."""
    made = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        made.update(len(part).to_bytes(8, "little"))
        made.update(part)
    return made.digest()


def holds(seal: bytes, key: bytes, *parts: bytes) -> bool:
    """Whether a seal is that of these bytes."""
    return hmac.compare_digest(seal, sealed(key, *parts))
