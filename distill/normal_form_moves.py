"""Maps that only move numbers, taken into the maps around them; every weight stays as it is.

Slices, concatenations, sums of two products and the like are affine nodes of zeros and ones after
lowering. Here nothing is rounded: a weight is moved to another row or column, never added to
another one, and biases are added only where their sum is exact.
"""

from __future__ import annotations

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, Input, Node, NormalForm

Term = tuple[int, Array]


def without_moves(form: NormalForm) -> NormalForm:
    """The same function, its slices, concatenations and sums as parts of the maps around them."""
    found = _one_round(form)
    return found if len(found.nodes) == len(form.nodes) else without_moves(found)


def _one_round(form: NormalForm) -> NormalForm:
    nodes: list[Node] = []
    spread = _spread(form)
    for node in form.nodes:
        nodes.append(_seen_through(node, nodes, spread) if isinstance(node, Affine) else node)
    return _alive(NormalForm(tuple(nodes), form.output))


def _spread(form: NormalForm) -> set[int]:
    """Wires whose numbers are each read at most once, by maps that only move them."""
    reads = {index: np.zeros(width) for index, width in enumerate(form.widths())}
    reads[form.output] += 2
    for node in form.nodes:
        if isinstance(node, Affine):
            for source, matrix in node.terms:
                reads[source] += matrix.sum(0) if _moves(matrix) else 2
        else:
            for source in sources_of(node):
                reads[source] += 2
    return {index for index, counts in reads.items() if (counts <= 1).all()}


def _seen_through(node: Affine, nodes: list[Node], spread: set[int]) -> Affine:
    """The node with the maps in its sources' places that only move, or that it only moves."""
    terms: list[Term] = []
    bias = node.bias
    for source, matrix in node.terms:
        before = nodes[source]
        if not isinstance(before, Affine):
            terms.append((source, matrix))
        elif _only_moves(before):
            terms += [(below, matrix @ move) for below, move in before.terms]
        elif source in spread and _exact(bias, moved := matrix @ before.bias):
            bias = bias + moved
            terms += [(below, matrix @ weights) for below, weights in before.terms]
        else:
            terms.append((source, matrix))
    return Affine(_merged(terms), bias)


def _exact(first: Array, second: Array) -> bool:
    """Whether two vectors of numbers can be added without rounding (Knuth's two-sum)."""
    total = first + second
    part = total - first
    return not ((first - (total - part)) + (second - part)).any()


def _moves(matrix: Array) -> bool:
    """Whether every result is one number or 0, and no number goes to two places."""
    plain = bool(np.isin(matrix, (0.0, 1.0)).all())
    return plain and bool((matrix.sum(0) <= 1).all() and (matrix.sum(1) <= 1).all())


def _only_moves(node: Affine) -> bool:
    """Whether the numbers of all sources are moved, and nothing is added up."""
    if node.bias.any() or not all(_moves(matrix) for _, matrix in node.terms):
        return False
    across = sum((m.sum(1) for _, m in node.terms), np.zeros(len(node.bias)))
    sources = [source for source, _ in node.terms]
    return bool((across <= 1).all()) and len(set(sources)) == len(sources)


def _merged(terms: list[Term]) -> tuple[Term, ...]:
    """Matrices of one source in one, as far as none of their weights would have to be added."""
    found: list[Term] = []
    for source, matrix in terms:
        if not matrix.any():
            continue
        for place, (other, known) in enumerate(found):
            if other == source and not np.any((known != 0) & (matrix != 0)):
                found[place] = (source, known + matrix)
                break
        else:
            found.append((source, matrix))
    return tuple(found)


def _alive(form: NormalForm) -> NormalForm:
    """The form without nodes that its output doesn't need, numbered anew."""
    needed = {0, form.output}
    for index in range(form.output, -1, -1):
        if index in needed:
            needed |= set(sources_of(form.nodes[index]))
    place = {old: new for new, old in enumerate(sorted(needed))}
    nodes = [_renumbered(form.nodes[old], place) for old in sorted(needed)]
    return NormalForm(tuple(nodes), place[form.output])


def sources_of(node: Node) -> tuple[int, ...]:
    """The wires that a node reads, with repetitions."""
    if isinstance(node, Affine):
        return tuple(source for source, _ in node.terms)
    return () if isinstance(node, Input) else node.sources


def _renumbered(node: Node, place: dict[int, int]) -> Node:
    if isinstance(node, Affine):
        return Affine(tuple((place[s], m) for s, m in node.terms), node.bias)
    if isinstance(node, Elementwise):
        return Elementwise(node.function, tuple(place[s] for s in node.sources))
    return node
