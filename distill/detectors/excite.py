"""What excites a filter most: an input found by optimisation, and windows of the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from distill.detectors.filters import FilterLayer, window_of
from distill.normal_form import Affine, Array, NormalForm
from distill.preparation.module import FormModule

_STARTS = 16
_STEPS = 60
_BLOCK = 256
"""Rows of data that are run at a time."""


@dataclass(frozen=True, eq=False)
class Excitation:
    """A window of an input (channels, rows, columns), what the filter gives on it, and the row of
    the data that it is of, or None for one that was made up."""

    window: Array
    value: float
    row: int | None


def optimised(layer: FilterLayer, number: int, low: float, high: float, seed: int) -> Excitation:
    """The input with values from low to high that excites filter `number` most, of those found.

    Gradients are followed from random inputs and from grey, at the place in the middle, and inputs
    kept within the bounds (Erhan et al., Visualizing higher-layer features of a deep network,
    2009). What doesn't matter stays grey. The same seed gives the same input.
    """
    place = middle(layer)
    unit = int(layer.units[number, place])
    module = FormModule(_one_output(layer.form, unit), torch.float64)
    rng = np.random.default_rng([seed, 80, number])
    width = layer.form.input_width
    starts = low + (high - low) * rng.random((_STARTS, width))
    starts[0] = (low + high) / 2
    x = torch.as_tensor(starts)
    for step in range(_STEPS):
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(module(x).sum(), x)
        size = slope.abs().amax(1, keepdim=True)
        rate = (high - low) * (1 - step / _STEPS)
        moved = x.detach() + rate * slope / torch.where(size > 0, size, torch.ones_like(size))
        x = moved.clamp(low, high)
    with torch.no_grad():
        values = module(x)[:, 0].numpy()
    best = int(values.argmax())
    found = x[best].numpy()
    return Excitation(found[window_of(layer, place)], float(values[best]), None)


def of_data(layer: FilterLayer, x: Array, count: int) -> tuple[tuple[Excitation, ...], ...]:
    """For every filter the windows of rows x (n, width) that excite it most, one of a row."""
    blocks = [layer.form.run(x[i : i + _BLOCK]) for i in range(0, len(x), _BLOCK)]
    given = np.concatenate(blocks)
    windows = [window_of(layer, place) for place in range(layer.units.shape[1])]
    found = []
    for units in layer.units:
        values = given[:, units]
        places, most = values.argmax(1), values.max(1)
        rows = np.argsort(-most, kind="stable")[:count]
        some = [Excitation(x[r][windows[places[r]]], float(most[r]), int(r)) for r in rows]
        found.append(tuple(some))
    return tuple(found)


def middle(layer: FilterLayer) -> int:
    """The place in the middle of those where windows aren't cut off."""
    sizes = [window_of(layer, place).size for place in range(layer.units.shape[1])]
    largest = [place for place, size in enumerate(sizes) if size == max(sizes)]
    return largest[len(largest) // 2]


def _one_output(form: NormalForm, unit: int) -> NormalForm:
    width = form.widths()[form.output]
    row = np.zeros((1, width))
    row[0, unit] = 1.0
    nodes = (*form.nodes[: form.output + 1], Affine(((form.output, row),), np.zeros(1)))
    return NormalForm(nodes, form.output + 1)
