"""Truth values of many examples packed into 64-bit words, and back.

Example k is bit k % 64 of word k // 64 (little endian); bits beyond the last
example are 0 in every packed row, so that equal behaviours are equal words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Bools = NDArray[np.bool_]


def word_count(examples: int) -> int:
    """Number of words that hold `examples` bits."""
    return (examples + 63) // 64


def pack(bools: Bools) -> Words:
    """Pack rows of truth values (n, E) into words (n, W)."""
    rows, examples = bools.shape
    width = word_count(examples) * 8
    packed = np.packbits(bools, axis=1, bitorder="little")
    if packed.shape[1] != width:
        padded = np.zeros((rows, width), dtype=np.uint8)
        padded[:, : packed.shape[1]] = packed
        packed = padded
    return packed.view("<u8").astype(np.uint64, copy=False)


def unpack(words: Words, examples: int) -> Bools:
    """Unpack words (n, W) into truth values (n, E)."""
    as_bytes = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(as_bytes, axis=1, count=examples, bitorder="little").view(np.bool_)


def full_words(examples: int) -> Words:
    """The packed row (W,) that is true on every example."""
    return pack(np.ones((1, examples), dtype=np.bool_))[0]
