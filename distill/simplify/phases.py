"""ReLUs that are always on or always off over a box, by proved bounds."""

from __future__ import annotations

import numpy as np

from distill.normal_form import Affine, Node, NormalForm
from distill.simplify.graph import Array, replaced, summed
from distill.simplify.hidden import Layer, Mask, hidden_layers, without_units
from distill.verify.crown import enclose


def drop_settled(form: NormalForm, lower: Array, upper: Array) -> NormalForm:
    """Without units that are constant over the box, always-on ReLUs passed straight through.

    lower, upper: (n,) finite. An always-on unit stays where going round it takes more weights.
    """
    for place in range(len(hidden_layers(form))):
        layers = hidden_layers(form)
        if place < len(layers):
            form = _settled(form, layers[place], lower, upper)
    return form


def _settled(form: NormalForm, layer: Layer, lower: Array, upper: Array) -> NormalForm:
    ranges = enclose(form, lower[None], upper[None]).ranges
    low, high = (bound[0] for bound in ranges[layer.units])
    below = ranges[layer.affine][0][0]
    constant = (low == high) & np.isfinite(low)
    on = (below >= 0) & ~constant & (layer.function in ("relu", "abs"))
    if on.any() and _worth_passing(form, layer, on):
        form = _passed(form, layer, on)
        values = np.where(on, 0.0, low)
        return without_units(form, layer, constant | on, np.where(constant, values, 0.0))
    return without_units(form, layer, constant, np.where(constant, low, 0.0))


def _worth_passing(form: NormalForm, layer: Layer, on: Mask) -> bool:
    """Whether readers' direct weights on the layer's sources are no more than those saved."""
    node = form.nodes[layer.affine]
    assert isinstance(node, Affine)
    width = sum(m.shape[1] for _, m in node.terms)
    rows = sum(_rows(form, reader) for reader in layer.readers)
    return rows * width <= int(on.sum()) * (width + rows)


def _rows(form: NormalForm, reader: int) -> int:
    node = form.nodes[reader]
    assert isinstance(node, Affine)
    return len(node.bias)


def _passed(form: NormalForm, layer: Layer, on: Mask) -> NormalForm:
    """Readers read what always-on units read; they no longer weigh those units."""
    below = form.nodes[layer.affine]
    assert isinstance(below, Affine)
    nodes: dict[int, Node] = {}
    for reader in layer.readers:
        node = form.nodes[reader]
        assert isinstance(node, Affine)
        weights = sum(m for s, m in node.terms if s == layer.units)
        assert isinstance(weights, np.ndarray)
        direct = [(s, weights[:, on] @ m[on]) for s, m in below.terms]
        rest = [(s, m * ~on if s == layer.units else m) for s, m in node.terms]
        nodes[reader] = Affine(summed(rest + direct), node.bias + weights[:, on] @ below.bias[on])
    return replaced(form, nodes)
