"""Hidden units that can go without any change over the reals: unread, constant, repeated."""

from __future__ import annotations

import numpy as np

from distill.normal_form import ELEMENTWISE, Affine, NormalForm
from distill.simplify.graph import Array, replaced
from distill.simplify.hidden import (
    Layer,
    hidden_layers,
    mixed_units,
    outgoing,
    rows_of,
    without_units,
)

_ROUNDING = 1e-13
_LARGEST = 64
_MULTIPLIERS = range(1, 17)


def drop_dead(form: NormalForm) -> NormalForm:
    """Without units that nothing weighs, and without those that weigh nothing (constants)."""
    for place in range(len(hidden_layers(form)) - 1, -1, -1):
        layers = hidden_layers(form)
        if place < len(layers):
            form = _without_dead(form, layers[place])
    return form


def _without_dead(form: NormalForm, layer: Layer) -> NormalForm:
    rows = rows_of(form, layer)
    with np.errstate(all="ignore"):
        values = ELEMENTWISE[layer.function](rows[:, -1])
    unread = ~outgoing(form, layer).any(axis=0)
    constant = ~rows[:, :-1].any(axis=1) & np.isfinite(values)
    return without_units(form, layer, unread | constant, np.where(unread, 0.0, values))


def merge_repeated(form: NormalForm) -> NormalForm:
    """Units with equal weights and bias become one; for relu and abs, positive multiples too."""
    for place in range(len(hidden_layers(form))):
        layers = hidden_layers(form)
        if place < len(layers):
            form = _merged(form, layers[place])
    return form


def _merged(form: NormalForm, layer: Layer) -> NormalForm:
    rows = rows_of(form, layer)
    sizes = np.abs(rows).max(axis=1)
    scalable = layer.function in ("relu", "abs")
    factors = np.where(sizes > 0, sizes, 1.0) if scalable else np.ones(len(rows))
    shapes = rows / factors[:, None]
    first = _first_alike(shapes)
    mixing = np.zeros((len(rows), len(rows)))
    mixing[np.arange(len(rows)), first] = factors / factors[first]
    gone = first != np.arange(len(rows))
    if not gone.any():
        return form
    return without_units(mixed_units(form, layer, mixing), layer, gone, np.zeros(len(rows)))


def _first_alike(rows: Array) -> np.ndarray:
    """For every row the first one that it equals, up to float rounding."""
    first = np.arange(len(rows))
    for index in range(len(rows)):
        if first[index] != index:
            continue
        alike = np.abs(rows - rows[index]).max(axis=1) <= _ROUNDING * np.abs(rows[index]).max()
        first[alike & (first == np.arange(len(rows))) & (np.arange(len(rows)) > index)] = index
    return first


def rescale_to_whole(form: NormalForm) -> NormalForm:
    """ReLU units times positive factors that make their weights small whole numbers, if any do.

    What reads a unit is divided by its factor.
    """
    for layer in hidden_layers(form):
        if layer.function in ("relu", "abs"):
            form = _rescaled(form, layer)
    return form


def _rescaled(form: NormalForm, layer: Layer) -> NormalForm:
    node = form.nodes[layer.affine]
    assert isinstance(node, Affine)
    factors = np.array([_whole_factor(row) for row in rows_of(form, layer)[:, :-1]])
    if (factors == 1).all():
        return form
    terms = []
    for source, matrix in node.terms:
        scaled = matrix * factors[:, None]
        terms.append((source, np.where(factors[:, None] != 1, np.rint(scaled), scaled)))
    form = replaced(form, {layer.affine: Affine(tuple(terms), node.bias * factors)})
    return mixed_units(form, layer, np.diag(1 / factors))


def _whole_factor(row: Array) -> float:
    """A positive factor that makes the row small whole numbers, or 1."""
    sizes = np.abs(row[row != 0])
    if not len(sizes) or ((row == np.rint(row)).all() and sizes.max() <= _LARGEST):
        return 1.0
    for multiplier in _MULTIPLIERS:
        scaled = row * (multiplier / sizes.min())
        near = np.rint(scaled)
        if np.abs(near).max() > _LARGEST:
            break
        if (np.abs(scaled - near) <= _ROUNDING * np.abs(near)).all():
            return float(multiplier / sizes.min())
    return 1.0
