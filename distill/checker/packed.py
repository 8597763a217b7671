"""Arrays of a certificate, read from text: base64 of zlib, little-endian numbers of 8 bytes."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.tree import Refused

_MOST = 1 << 26
"""Bytes that an array may unpack to."""


def unpacked_rows(text: Any, width: int) -> NDArray[np.int64]:
    """Whole numbers (n, width), below 2 ** 40 in size, written as differences of rows.

    Raises:
        Refused: it isn't such an array.
    """
    steps = np.frombuffer(_bytes(text, width), dtype=np.dtype("<i8")).reshape(-1, width)
    found = np.cumsum(steps, axis=0, dtype=np.int64)
    if not (_small(steps) and _small(found)):
        raise Refused("A certificate's whole numbers are too large.")
    return found


def unpacked_floats(text: Any, width: int) -> NDArray[np.float64]:
    """Finite floats (n, width). Raises: Refused."""
    found = np.frombuffer(_bytes(text, width), dtype="<f8").reshape(-1, width)
    if not np.isfinite(found).all():
        raise Refused("A certificate's numbers are not finite.")
    return found.astype(np.float64)


def _small(values: NDArray[np.int64]) -> bool:
    return bool(((values > -(1 << 40)) & (values < 1 << 40)).all())


def _bytes(text: Any, width: int) -> bytes:
    try:
        reader = zlib.decompressobj()
        data = reader.decompress(base64.b64decode(text, validate=True), _MOST)
    except (ValueError, TypeError, zlib.error):
        raise Refused("A certificate's array can't be unpacked.") from None
    if not reader.eof or len(data) % (8 * width):
        raise Refused("A certificate's array is cut off or too long.")
    return data
