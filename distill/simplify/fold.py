"""Affine maps of affine maps, and of nothing, as one."""

from __future__ import annotations

import numpy as np

from distill.normal_form import ELEMENTWISE, Affine, Elementwise, NormalForm
from distill.simplify.graph import Array, compact, readers, replaced, sources, summed


def fold_affine(form: NormalForm) -> NormalForm:
    """Affine maps read through the affine maps below them, where that takes no more weights.

    A map that several nodes read is folded only into narrower ones, so nothing grows.
    """
    for index, node in enumerate(form.nodes):
        if isinstance(node, Affine):
            form = _folded(form, index)
    return compact(form)


def _folded(form: NormalForm, index: int) -> NormalForm:
    counts = [len(r) for r in readers(form)]
    node = form.nodes[index]
    assert isinstance(node, Affine)
    terms: list[tuple[int, Array]] = []
    bias = node.bias
    for source, matrix in node.terms:
        below = form.nodes[source]
        if isinstance(below, Affine) and _worth(matrix, below, counts[source] == 1):
            terms += [(s, matrix @ m) for s, m in below.terms]
            bias = bias + matrix @ below.bias
        else:
            terms.append((source, matrix))
    return replaced(form, {index: Affine(summed(terms), bias)})


def _worth(matrix: Array, below: Affine, alone: bool) -> bool:
    apart = matrix.size + (sum(m.size for _, m in below.terms) if alone else 0)
    together = sum(len(matrix) * m.shape[1] for _, m in below.terms)
    return together <= apart


def fold_constants(form: NormalForm) -> NormalForm:
    """Wires that read nothing become biases of what reads them."""
    values: dict[int, Array] = {}
    nodes = {}
    for index, node in enumerate(form.nodes):
        if isinstance(node, Affine):
            fixed = [(m, values[s]) for s, m in node.terms if s in values]
            bias = node.bias + sum((m @ v for m, v in fixed), np.zeros(len(node.bias)))
            node = Affine(tuple((s, m) for s, m in node.terms if s not in values and m.any()), bias)
            if not node.terms:
                values[index] = bias
        elif isinstance(node, Elementwise) and all(s in values for s in sources(node)):
            result = ELEMENTWISE[node.function](*(values[s] for s in node.sources))
            if np.isfinite(result).all():
                values[index], node = result, Affine((), result)
        nodes[index] = node
    return compact(replaced(form, nodes))
