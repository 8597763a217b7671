"""Arrays of a certificate, written as text: base64 of zlib, little-endian numbers of 8 bytes."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from numpy.typing import NDArray


def packed_rows(rows: NDArray[np.int64]) -> str:
    """Whole numbers (n, k), row by row as differences to the row before."""
    steps = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), dtype=np.int64))
    return _text(steps.astype("<i8").tobytes())


def packed_floats(rows: NDArray[np.float64]) -> str:
    """Floats (n, k)."""
    return _text(rows.astype("<f8").tobytes())


def _text(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()
