"""A quick estimate of a normal form's bits, without writing it as a program.

It follows the measure of `dsl.cost`: Elias gamma codes of integers, numerators and
denominators, at most 32 bits for other floats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, NormalForm

Array = NDArray[np.float64]
_NODE = 6.0
_TERM = 25.0
_TABLE = 12.0


def gamma_bits(values: Array) -> Array:
    """Elias gamma code lengths of whole numbers, signs by zigzag: 0 takes 1 bit, ±1 take 3."""
    zigzag = np.where(values >= 0, 2 * values + 1, -2 * values)
    return 2 * np.floor(np.log2(zigzag)) + 1


def number_bits(values: Array) -> Array:
    """Bits of each number: whole ones as integers, dyadic fractions as pairs, others 32."""
    scaled, denominators = values, np.zeros_like(values)
    for _ in range(16):
        whole = scaled == np.rint(scaled)
        scaled = np.where(whole, scaled, scaled * 2)
        denominators = denominators + ~whole
    whole = scaled == np.rint(scaled)
    bits = gamma_bits(np.rint(scaled)) + np.where(denominators > 0, 2 * denominators + 1, 0)
    return np.where(whole, np.minimum(bits, 33.0), 33.0)


def estimated_bits(form: NormalForm) -> float:
    """Roughly the bits of the literal program of `form`."""
    total = 0.0
    for node in form.nodes[1:]:
        total += _NODE
        if isinstance(node, Affine):
            total += _affine_bits(node)
    return total


def _affine_bits(node: Affine) -> float:
    bias = number_bits(node.bias).sum()
    table, rows = _TABLE, _NODE
    for _, matrix in node.terms:
        numbers = number_bits(matrix)
        table += _TABLE + numbers.sum()
        rows += ((numbers + _TERM) * (matrix != 0)).sum()
    return float(min(table, rows) + bias)
