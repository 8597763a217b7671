"""Maps that only move numbers, taken into the maps that read them; every weight stays as it is.

Slices, concatenations and the like are affine nodes of zeros and ones after lowering. Here
nothing is rounded: a weight is moved to another column, never added to another one.
"""

from __future__ import annotations

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, Input, Node, NormalForm

Term = tuple[int, Array]


def without_moves(form: NormalForm) -> NormalForm:
    """The same function, its slices and concatenations as columns of the maps behind them."""
    nodes: list[Node] = []
    moves: dict[int, tuple[Term, ...]] = {}
    for index, node in enumerate(form.nodes):
        made = _seen_through(node, moves) if isinstance(node, Affine) else node
        nodes.append(made)
        if isinstance(made, Affine) and _only_moves(made):
            moves[index] = made.terms
    return _alive(NormalForm(tuple(nodes), form.output))


def _only_moves(node: Affine) -> bool:
    """Whether every result is one number of a source or 0, and no number goes to two places."""
    matrices = [matrix for _, matrix in node.terms]
    if node.bias.any() or not all(np.isin(m, (0.0, 1.0)).all() for m in matrices):
        return False
    across = sum((m.sum(1) for m in matrices), np.zeros(len(node.bias)))
    columns: dict[int, Array] = {}
    for source, matrix in node.terms:
        columns[source] = columns.get(source, 0.0) + matrix.sum(0)
    return bool((across <= 1).all()) and all(bool((c <= 1).all()) for c in columns.values())


def _seen_through(node: Affine, moves: dict[int, tuple[Term, ...]]) -> Affine:
    terms: list[Term] = []
    for source, matrix in node.terms:
        if source not in moves:
            terms.append((source, matrix))
            continue
        terms += [(below, matrix @ move) for below, move in moves[source]]
    return Affine(_merged(terms), node.bias)


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
