"""Coordinates u = M h of a hidden space, and a cell written in them.

From u follows h = B u + e for any B, where e = (I - B M) h is what B lacks of being an inverse:
I - B M is computed exactly, and e is an input of its own, in a small box. So no inverse has to be
exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.checker.exact import Exact, exact
from distill.checker.tree import Refused
from distill.normal_form import Affine, Array, Elementwise, Input, Node, NormalForm

_UP = 1.0 + 1e-9


@dataclass(frozen=True, eq=False)
class Frame:
    """M (H, H), and B (H, H), which undoes it but for rounding."""

    matrix: Array
    back: Array

    @property
    def hidden(self) -> int:
        """Size of the hidden space."""
        return len(self.matrix)

    def rest(self, largest: Array) -> Array:
        """A bound (H,) of |e| where |u| <= largest (H,). Raises: Refused."""
        eye = exact(np.eye(self.hidden))
        lacking = _size(eye - exact(self.back) @ exact(self.matrix))
        share = float(lacking.sum(1).max()) * _UP
        if not share <= 0.25:
            raise Refused("The certificate's coordinates can't be undone.")
        reach = float((np.abs(self.back) @ largest).max()) * _UP / (1.0 - share)
        return lacking.sum(1) * (reach * _UP) + 1e-300

    def seen(self, point: Array) -> tuple[Array, Array]:
        """Bounds (1, H) of M h at a point."""
        value = exact(self.matrix) @ exact(point)
        near = np.array([float(v) for v in value.fractions()])[None]
        return np.nextafter(near, -np.inf), np.nextafter(near, np.inf)

    def stretched(self, error: Array) -> Array:
        """How far errors (n, H) of h move u, at most."""
        return (error @ np.abs(self.matrix).T) * _UP

    def written(self, cell: NormalForm) -> NormalForm:
        """The cell from (u, e, x) to (u', y): node i of the cell is node i + 1 of it."""
        hidden = self.hidden
        items = cell.input_width - hidden
        inner, outer = np.eye(cell.input_width), np.eye(cell.widths()[cell.output])
        first = np.hstack([np.vstack([self.back, np.zeros((items, hidden))]), inner])
        outer[:hidden, :hidden] = self.matrix
        nodes: list[Node] = [
            Input(first.shape[1]),
            Affine(((0, first),), np.zeros(cell.input_width)),
            *(_shifted(node) for node in cell.nodes[1:]),
        ]
        nodes.append(Affine(((cell.output + 1, outer),), np.zeros(len(outer))))
        return NormalForm(tuple(nodes), len(nodes) - 1)


def frame_of(matrix: Any, hidden: int) -> Frame:
    """The frame of a certificate. Raises: Refused."""
    try:
        m = np.array(matrix, dtype=np.float64)
        if m.shape != (hidden, hidden) or not np.abs(m).max() < 1e30:
            raise Refused("The certificate's coordinates are of another space.")
        back = np.asarray(np.linalg.inv(m), dtype=np.float64)
    except (ValueError, TypeError, OverflowError, np.linalg.LinAlgError):
        raise Refused("The certificate's coordinates aren't numbers, or can't be undone.") from None
    if not np.isfinite(back).all():
        raise Refused("The certificate's coordinates can't be undone.")
    return Frame(m, back)


def _shifted(node: Node) -> Node:
    if isinstance(node, Affine):
        return Affine(tuple((source + 1, m) for source, m in node.terms), node.bias)
    if isinstance(node, Elementwise):
        return Elementwise(node.function, tuple(source + 1 for source in node.sources))
    raise Refused("A cell has one input.")


def _size(values: Exact) -> Array:
    """Sizes, rounded up."""
    sizes = [abs(float(v)) for v in values.fractions()]
    return np.array(sizes).reshape(values.shape) * _UP + 1e-300
