"""Tools for rewriting normal forms: who reads a wire, replacing nodes, dropping unread ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, Elementwise, Node, NormalForm

Array = NDArray[np.float64]


def sources(node: Node) -> tuple[int, ...]:
    """Wires that a node reads."""
    if isinstance(node, Affine):
        return tuple(source for source, _ in node.terms)
    return node.sources if isinstance(node, Elementwise) else ()


def readers(form: NormalForm) -> list[list[int]]:
    """For every wire the nodes that read it."""
    found: list[list[int]] = [[] for _ in form.nodes]
    for index, node in enumerate(form.nodes):
        for source in set(sources(node)):
            found[source].append(index)
    return found


def replaced(form: NormalForm, nodes: Mapping[int, Node]) -> NormalForm:
    """The form with some nodes replaced."""
    return NormalForm(tuple(nodes.get(i, n) for i, n in enumerate(form.nodes)), form.output)


def compact(form: NormalForm) -> NormalForm:
    """The form without nodes that the output doesn't depend on; the input stays."""
    wanted = {0, form.output}
    for index in range(form.output, 0, -1):
        if index in wanted:
            wanted.update(sources(form.nodes[index]))
    kept = sorted(wanted)
    place = {old: new for new, old in enumerate(kept)}
    nodes = tuple(_moved(form.nodes[old], place) for old in kept)
    return NormalForm(nodes, place[form.output])


def _moved(node: Node, place: Mapping[int, int]) -> Node:
    if isinstance(node, Affine):
        return Affine(tuple((place[s], m) for s, m in node.terms), node.bias)
    if isinstance(node, Elementwise):
        return Elementwise(node.function, tuple(place[s] for s in node.sources))
    return node


def summed(terms: list[tuple[int, Array]]) -> tuple[tuple[int, Array], ...]:
    """Terms with one matrix per wire, zero matrices left out."""
    total: dict[int, Array] = {}
    for source, matrix in terms:
        total[source] = total[source] + matrix if source in total else matrix
    return tuple((s, m) for s, m in sorted(total.items()) if m.any())
