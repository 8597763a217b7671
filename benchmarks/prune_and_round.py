"""The plain baseline of simplification: prune small weights, round the rest, train nothing.

Every layer loses its smallest weights (counted in standard deviations of the inputs) and
keeps whole multiples of a step, one per unit or one per layer; ReLU layers pass their steps
on, others need steps that are powers of two. Of all shares and widths the fewest bits are
taken that keep the accuracy on the training data; unlike the distiller it may see labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, Builder, Elementwise, NormalForm
from distill.simplify.exact import simplify_exact
from distill.simplify.scales import simple
from distill.simplify.size import estimated_bits
from distill.simplify.units import drop_dead

Array = NDArray[np.float64]
Layers = list[tuple[Array, Array]]
PRUNED = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
WIDTHS = range(2, 10)
_BIAS_BITS = 3


@dataclass(frozen=True)
class Rounding:
    """Share of weights pruned, bits of a weight, and whether every unit has its own step."""

    pruned: float
    width: int
    by_unit: bool


def prune_and_round(
    form: NormalForm,
    x: Array,
    accuracy: Callable[[NormalForm], float],
    bits: Callable[[NormalForm], float],
) -> NormalForm | None:
    """The rounded network of fewest bits that is as accurate as `form`; None if none is.

    x: (n, d) training inputs, for their spread; accuracy: on the training data.
    """
    layers, function = chain(simplify_exact(form, None, None))
    wanted, best = accuracy(form), None
    for candidate in sorted(_candidates(layers, function, x), key=estimated_bits):
        if accuracy(candidate) >= wanted and (best is None or bits(candidate) < bits(best)):
            return candidate if best is None else best
    return best


def chain(form: NormalForm) -> tuple[Layers, str]:
    """Layers of a network that is one chain, and its activation."""
    found: Layers = []
    function = "relu"
    for node in form.nodes[1:]:
        if isinstance(node, Elementwise):
            function = node.function
            continue
        assert isinstance(node, Affine) and len(node.terms) == 1
        found.append((node.terms[0][1], node.bias))
    return found, function


def _candidates(layers: Layers, function: str, x: Array) -> Iterator[NormalForm]:
    spread = x.std(axis=0)
    used = np.where(spread > 0, spread, spread.max())
    scales = [np.ones(len(spread)), simple(8 * used.max() / used)]
    for scale, pruned, width, by_unit in product(scales, PRUNED, WIDTHS, (False, True)):
        rounding = Rounding(pruned, width, by_unit)
        rounded = _rounded(layers, function, x, scale, rounding)
        for fold in (True, False):
            yield drop_dead(_written(rounded, function, scale, fold))


def _rounded(layers: Layers, function: str, x: Array, scale: Array, how: Rounding) -> Layers:
    found: Layers = []
    incoming, middle, spread = 1 / scale, x.mean(axis=0) * scale, x.std(axis=0)
    for place, (matrix, bias) in enumerate(layers):
        size = np.abs(matrix * spread) if place == 0 else np.abs(matrix)
        kept = size > np.quantile(size, how.pruned) if how.pruned else size > 0
        arriving = matrix * incoming
        step = _steps(np.where(kept, arriving, 0.0), how, place == len(layers) - 1)
        absorbed = function == "relu"
        if not absorbed:
            step = 2.0 ** np.floor(np.log2(step))
        whole = np.rint(np.where(kept, arriving, 0.0) / step[:, None])
        moved = (bias + arriving @ middle) / step - whole @ middle
        offset = np.rint(moved * 2**_BIAS_BITS) / 2**_BIAS_BITS
        if (scale != 1).any() or place:
            offset = np.rint(moved) if absorbed else offset
        factor = np.ones(len(bias)) if absorbed else step
        found.append((whole * factor[:, None], offset * factor))
        incoming, middle = (step if absorbed else np.ones(len(bias))), np.zeros(len(bias))
    return found


def _steps(weights: Array, how: Rounding, last: bool) -> Array:
    """A step (m,) per row; the last layer's rows are compared, so they share one."""
    rows = np.abs(weights).max(axis=1)
    if last or not how.by_unit:
        rows = np.full(len(rows), np.abs(weights).max())
    return np.maximum(rows, 1e-12) / (2 ** (how.width - 1) - 1)


def _written(layers: Layers, function: str, scale: Array, fold: bool) -> NormalForm:
    builder = Builder(len(scale))
    wire = 0
    if not fold:
        wire = builder.affine([(0, np.diag(scale))], np.zeros(len(scale)))
    for place, (matrix, bias) in enumerate(layers):
        folded = matrix * scale if fold and place == 0 else matrix
        wire = builder.affine([(wire, folded)], bias)
        if place < len(layers) - 1:
            wire = builder.elementwise(function, wire)
    return builder.build(wire)
