"""64-bit keys of behaviours: equal functions get equal keys, others (almost) never.

Numbers. A value vector v of E examples is projected to two numbers h_j = r_j . v with
fixed random r_j; both are shifted by an offset, cut to 38 bits of mantissa and mixed into
64 bits. The projections are linear, so the key of a + b is known from those of a and b
without computing the vector, that of a * b by a matrix product.

What can go wrong: (1) Two different functions get one key. Vectors whose difference is a
share s of their size agree in one projection, cut at 2^-38 of its size, with probability
about 2^-38 / s over the draw of r_j, in both with (2^-38 / s)^2: 2^-76 for unlike functions,
where the mixing to 64 bits is what counts: 2^-64 for a pair, below 1e-12 for one candidate
against a bank of 10^7. Only functions within 1e-8 of each other's size reach 1e-7 for a pair,
and those within about 4e-12 count as equal, which is wanted. (2) Equal functions whose
rounding errors fall to two sides of a cut get two keys. Such a missed duplicate (measured:
one candidate in a thousand) costs a place in the bank and nothing else.

Bools. One word is its own key (exact); several words are mixed to 64 bits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.packing import Words

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

OFFSETS = (0.7310585786300049, 0.5772156649015329)
"""Added to a projection, so that rounding noise around 0 has the key of 0."""

_CUT = np.uint64(14)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(31)


@lru_cache(maxsize=32)
def projection(examples: int) -> Floats:
    """The fixed random matrix (E, 2) of the keys; no entry is near 0, so every example counts."""
    random = np.random.default_rng(8128)
    signs = random.choice([-1.0, 1.0], size=(examples, 2))
    matrix = signs * random.uniform(0.5, 1.5, size=(examples, 2)) / np.sqrt(examples)
    matrix.flags.writeable = False
    return matrix


def project(values: Floats) -> Floats:
    """Projections (n, 2) of value vectors (n, E)."""
    lines = projection(values.shape[1])  # one by one: a product with two columns is slower
    return np.stack([values @ lines[:, 0].copy(), values @ lines[:, 1].copy()], axis=1)


def mix_projections(first: Floats, second: Floats) -> Keys:
    """Keys of shifted projections; both arrays are overwritten, the first holds the result."""
    high, low = first.view(np.uint64), second.view(np.uint64)
    np.right_shift(high, _CUT, out=high)
    np.right_shift(low, _CUT, out=low)
    np.multiply(low, _MIX, out=low)
    np.add(high, low, out=high)
    return high


def number_keys(projections: Floats) -> Keys:
    """Keys (n,) of projections (n, 2)."""
    return mix_projections(projections[:, 0] + OFFSETS[0], projections[:, 1] + OFFSETS[1])


def word_keys(words: Words) -> Keys:
    """Keys (...) of packed bools (..., W)."""
    if words.shape[-1] == 1:
        return np.ascontiguousarray(words[..., 0])
    key = np.zeros(words.shape[:-1], dtype=np.uint64)
    for column in range(words.shape[-1]):
        key ^= words[..., column]
        key *= _MIX
        key ^= key >> _SHIFT
        key *= _MIX
    return key
