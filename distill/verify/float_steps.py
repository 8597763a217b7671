"""One step in float32, rounded as it is said: results that depend on no library and no batch.

Sums run from their first term to their last and end with the bias. A product is rounded before it
is added, or fused with the sum, which is rounded once: processors have both. What a network gives
in its own framework is often one of the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import ELEMENTWISE, PIECEWISE_LINEAR, Affine, Array, Input, NormalForm

Floats = NDArray[np.float32]


def has_one_result(form: NormalForm) -> bool:
    """Whether all numbers are of float32 and no function needs an approximation."""
    affine = [node for node in form.nodes if isinstance(node, Affine)]
    numbers = [m for node in affine for _, m in node.terms] + [node.bias for node in affine]
    functions = [n.function for n in form.nodes if not isinstance(n, Affine | Input)]
    with np.errstate(over="ignore"):
        exact = all((v == v.astype(np.float32)).all() for v in numbers)
    return exact and all(function in PIECEWISE_LINEAR for function in functions)


def stepped(form: NormalForm, inputs: Array, fused: bool) -> Floats:
    """Outputs (n, k) for inputs (n, width) that float32 has; zeros are positive."""
    values: list[Floats] = []
    for node in form.nodes:
        if isinstance(node, Input):
            values.append(inputs.astype(np.float32))
        elif isinstance(node, Affine):
            values.append(_affine(node, values, len(inputs), fused))
        else:
            found = ELEMENTWISE[node.function](*(values[s] for s in node.sources))
            values.append(np.asarray(found, dtype=np.float32))
    return values[form.output] + np.float32(0.0)


def _affine(node: Affine, values: list[Floats], count: int, fused: bool) -> Floats:
    total = np.zeros((count, len(node.bias)), dtype=np.float32)
    for source, matrix in node.terms:
        weights = matrix.T.astype(np.float32)
        for place in range(len(weights)):
            left, right = values[source][:, place : place + 1], weights[place]
            total = _fused(left, right, total) if fused else total + left * right
    return total + node.bias.astype(np.float32)


def _fused(left: Floats, right: Floats, total: Floats) -> Floats:
    """left * right + total, rounded once.

    In float64 the product is exact; the sum is rounded to odd there, after which rounding to
    float32 is as if it were exact (Boldo and Melquiond, Emulation of FMA and correctly rounded
    sums, 2008).
    """
    product, other = left.astype(np.float64) * right, total.astype(np.float64)
    near = product + other
    part = near - product
    rest = (product - (near - part)) + (other - part)
    even = near.view(np.int64) & 1 == 0
    beside = np.nextafter(near, np.where(rest > 0, np.inf, -np.inf))
    return np.where((rest != 0) & even, beside, near).astype(np.float32)
