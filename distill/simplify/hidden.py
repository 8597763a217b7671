"""Hidden layers of a normal form, and how units are taken out of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, Elementwise, Node, NormalForm
from distill.simplify.graph import Array, compact, readers, replaced

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Layer:
    """An affine node that only a one-place function reads, which only affine `readers` read."""

    affine: int
    units: int
    readers: tuple[int, ...]
    function: str


def hidden_layers(form: NormalForm) -> list[Layer]:
    """Every hidden layer of the form, in node order."""
    reading = readers(form)
    return [
        Layer(node.sources[0], index, tuple(reading[index]), node.function)
        for index, node in enumerate(form.nodes)
        if isinstance(node, Elementwise) and _is_layer(form, node, index, reading)
    ]


def _is_layer(form: NormalForm, node: Elementwise, index: int, reading: list[list[int]]) -> bool:
    below = node.sources[0]
    return (
        len(node.sources) == 1
        and isinstance(form.nodes[below], Affine)
        and reading[below] == [index]
        and form.output not in (below, index)
        and bool(reading[index])
        and all(isinstance(form.nodes[r], Affine) for r in reading[index])
    )


def rows_of(form: NormalForm, layer: Layer) -> Array:
    """All weights and the bias of each unit side by side, (units, weights + 1)."""
    node = form.nodes[layer.affine]
    assert isinstance(node, Affine)
    return np.concatenate([m for _, m in node.terms] + [node.bias[:, None]], axis=1)


def outgoing(form: NormalForm, layer: Layer) -> Array:
    """What the layer's readers weigh each unit with, (rows of all readers, units)."""
    found = []
    for reader in layer.readers:
        node = form.nodes[reader]
        assert isinstance(node, Affine)
        found += [m for s, m in node.terms if s == layer.units]
    return np.concatenate(found)


def without_units(form: NormalForm, layer: Layer, gone: Mask, values: Array) -> NormalForm:
    """Drop the units in `gone` (units,), whose constant `values` (units,) go into the biases."""
    if not gone.any():
        return form
    node = form.nodes[layer.affine]
    assert isinstance(node, Affine)
    thin = Affine(tuple((s, m[~gone]) for s, m in node.terms), node.bias[~gone])
    nodes: dict[int, Node] = {layer.affine: thin}
    for reader in layer.readers:
        above = form.nodes[reader]
        assert isinstance(above, Affine)
        nodes[reader] = _reader_without(above, layer.units, gone, values)
    return compact(replaced(form, nodes))


def _reader_without(node: Affine, wire: int, gone: Mask, values: Array) -> Affine:
    bias, terms = node.bias, []
    for source, matrix in node.terms:
        if source == wire:
            bias = bias + matrix[:, gone] @ values[gone]
            matrix = matrix[:, ~gone]
        if matrix.shape[1]:
            terms.append((source, matrix))
    return Affine(tuple(terms), bias)


def mixed_units(form: NormalForm, layer: Layer, mixing: Array) -> NormalForm:
    """Every reader's weights (m, units) times `mixing` (units, units)."""
    nodes: dict[int, Node] = {}
    for reader in layer.readers:
        node = form.nodes[reader]
        assert isinstance(node, Affine)
        terms = tuple((s, m @ mixing if s == layer.units else m) for s, m in node.terms)
        nodes[reader] = Affine(terms, node.bias)
    return replaced(form, nodes)
