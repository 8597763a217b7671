"""A network as units with weighted links: what is left when affine nodes are multiplied out.

Units stand in groups: the inputs, every elementwise node, and the outputs. Between two groups
there is one matrix, however many affine nodes lie on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, Array, Elementwise, NormalForm

Ints = NDArray[np.int64]
_TINY = 1e-7
"""A weight below this part of a matrix's largest one is no link."""


@dataclass(frozen=True)
class Unit:
    """A scalar of the network: its group, in order from 0 (the inputs), and its place in it."""

    group: int
    place: int


@dataclass(frozen=True, eq=False)
class Links:
    """widths: units of each group; functions: `input`, an elementwise function, or `output`;
    weights[(a, b)] (width of b, width of a): from group a to the later group b; bias: what is added
    to them, per group (zeros for the inputs); several: groups whose function takes several numbers,
    of which weights and bias are those of the sum."""

    widths: tuple[int, ...]
    functions: tuple[str, ...]
    weights: dict[tuple[int, int], Array]
    bias: tuple[Array, ...]
    several: frozenset[int] = frozenset()

    @property
    def starts(self) -> Array:
        """Where each group begins among all units, and how many there are (groups + 1,)."""
        return np.cumsum([0, *self.widths])

    def matrix(self) -> Array:
        """Weights between all units (n, n), from columns to rows."""
        starts, found = self.starts, np.zeros((sum(self.widths),) * 2)
        for (a, b), weights in self.weights.items():
            found[starts[b] : starts[b + 1], starts[a] : starts[a + 1]] = weights
        return found

    def joints(self) -> Iterator[tuple[int, int, Ints, Ints]]:
        """Groups that are joined, and rows and columns of the weights between them."""
        for (a, b), weights in self.weights.items():
            rows, columns = np.nonzero(weights)
            yield a, b, rows, columns

    @property
    def hidden(self) -> tuple[Unit, ...]:
        """All units but inputs and outputs, group by group."""
        inner = range(1, len(self.widths) - 1)
        return tuple(Unit(group, place) for group in inner for place in range(self.widths[group]))

    def name(self, unit: Unit) -> str:
        """`x3`, `y0`, or `relu2[5]` for unit 5 of the second group."""
        function = self.functions[unit.group]
        if function in ("input", "output"):
            return f"{'x' if function == 'input' else 'y'}{unit.place}"
        return f"{function}{unit.group}[{unit.place}]"


def links_of(form: NormalForm) -> Links:
    """The groups of a normal form and the matrices between them; tiny weights count as none."""
    widths = form.widths()
    nodes = {i: n for i, n in enumerate(form.nodes) if isinstance(n, Elementwise)}
    inner = list(nodes)
    groups = {0: 0} | {wire: place for place, wire in enumerate(inner, 1)}
    sums: dict[int, dict[int, Array | None]] = {0: {0: None}}
    fixed: dict[int, Array] = {0: np.zeros(widths[0])}
    weights: dict[tuple[int, int], Array] = {}
    bias = [np.zeros(widths[0])]
    for index, node in enumerate(form.nodes):
        if isinstance(node, Affine):
            sums[index] = _added([(sums[s], m) for s, m in node.terms], widths[index])
            fixed[index] = node.bias + sum((m @ fixed[s] for s, m in node.terms), np.zeros(1))
        elif isinstance(node, Elementwise):
            found = _added([(sums[s], None) for s in node.sources], widths[index])
            weights |= {(a, groups[index]): _written(m, widths[index]) for a, m in found.items()}
            bias.append(np.sum([fixed[s] for s in node.sources], axis=0))
            sums[index] = {groups[index]: None}
            fixed[index] = np.zeros(widths[index])
    last = len(groups)
    width = widths[form.output]
    weights |= {(a, last): _written(m, width) for a, m in sums[form.output].items()}
    kinds = tuple(node.function for node in nodes.values())
    sizes = (widths[0], *(widths[i] for i in inner), widths[form.output])
    cleaned = {pair: _cleaned(m) for pair, m in weights.items() if m.any()}
    several = frozenset(groups[i] for i, node in nodes.items() if len(node.sources) > 1)
    return Links(sizes, ("input", *kinds, "output"), cleaned, (*bias, fixed[form.output]), several)


def _added(
    terms: Sequence[tuple[dict[int, Array | None], Array | None]], width: int
) -> dict[int, Array | None]:
    """Sums of matrices (width, n) times sums over groups; None is a matrix that changes nothing."""
    found: dict[int, Array | None] = {}
    for source, matrix in terms:
        for group, weights in source.items():
            if matrix is None or weights is None:
                part = weights if matrix is None else matrix
            else:
                part = matrix @ weights
            if group in found:
                part = _written(found[group], width) + _written(part, width)
            found[group] = part
    return found


def _written(matrix: Array | None, width: int) -> Array:
    return np.eye(width) if matrix is None else matrix


def _cleaned(matrix: Array) -> Array:
    return np.where(np.abs(matrix) <= _TINY * np.abs(matrix).max(), 0.0, matrix)
