"""Keys for rows: one 64-bit code for every combination of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]

_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)


def mixed(parts: Sequence[Codes], start: Codes | np.uint64 = _MIX[0]) -> Codes:
    """One key for every combination of codes: equal where all are, and hardly ever else."""
    keys: Any = start
    for part in parts:
        keys = (keys + part) * _MIX[0] + _MIX[1]
        keys = keys ^ (keys >> np.uint64(29))
    return keys
