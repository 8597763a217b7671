"""Coordinates u = M h of a hidden space, in which the states of a program are thin.

The hidden states that belong to one state of the program often lie along a line or in a plane:
what the network still remembers and no longer needs. In axes of these deviations (their principal
ones, each in units of its spread) few boxes cover them. Since M has no exact inverse in floats,
h = B u + e with e = (I - B M) h, which is bounded exactly and enters as an input of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from distill.normal_form import Affine, Array, Builder, Elementwise, NormalForm
from distill.recurrent_target import Oracle
from distill.verify.linear_loops import dyadic
from dsl.loop import Loop
from dsl.meanings.loop_array import trace_loop

_DRAWS = 1_024
_THINNEST = (0.05, 0.005, 0.0005)
"""Spreads count as at least this part of the largest."""
_UP = 1.0 + 1e-9
_UNIT = 2.0**-64


@dataclass(frozen=True, eq=False)
class Frame:
    """M (H, H), and B (H, H), which undoes it but for rounding."""

    matrix: Array
    back: Array

    @property
    def plain(self) -> bool:
        """Whether these are the hidden numbers themselves."""
        return bool((self.matrix == np.eye(len(self.matrix))).all())

    @cached_property
    def _lacking(self) -> Array:
        """Bounds (H,) of the rows' sums of |I - B M|."""
        eye = dyadic(np.eye(len(self.matrix)))
        sizes = (eye - dyadic(self.back) @ dyadic(self.matrix)).size()
        return np.array([float(total) for total in sizes.sum(1)]) * (_UNIT * _UP)

    def rest(self, largest: float) -> Array:
        """Bounds (H,) of |e| where all |u| are at most `largest`; infinite where B is too wrong."""
        share = float(self._lacking.max())
        if share > 0.25:
            return np.full(len(self.matrix), np.inf)
        reach = float(np.abs(self.back).sum(1).max()) * largest * _UP / (1.0 - share)
        return self._lacking * (reach * _UP)

    def stretched(self, error: Array) -> Array:
        """Bounds (n, H) of how far errors (n, H) of h move u."""
        return (error @ np.abs(self.matrix).T) * _UP

    def seen(self, point: Array) -> tuple[Array, Array]:
        """Bounds (1, H) of M h at a point."""
        low, high = seen_along(self.matrix, point)
        return low[None], high[None]

    def written(self, cell: NormalForm) -> NormalForm:
        """The cell from (u, e, x) to (u', y); node i of the cell is node i + 1 of it."""
        hidden, both = len(self.matrix), np.eye(cell.input_width)
        first = np.hstack([both[:, :hidden] @ self.back, both])
        builder = Builder(first.shape[1])
        builder.affine([(0, first)], np.zeros(cell.input_width))
        for node in cell.nodes[1:]:
            if isinstance(node, Affine):
                builder.affine([(s + 1, m) for s, m in node.terms], node.bias)
            else:
                assert isinstance(node, Elementwise)
                builder.elementwise(node.function, *(s + 1 for s in node.sources))
        last = np.eye(builder.width(cell.output + 1))
        last[:hidden, :hidden] = self.matrix
        return builder.build(builder.affine([(cell.output + 1, last)], np.zeros(len(last))))


def seen_along(rows: Array, point: Array) -> tuple[Array, Array]:
    """Bounds (m,) of rows (m, H) times a point (H,), rounding included."""
    value = rows @ point
    slack = (np.abs(rows) @ np.abs(point)) * (len(point) * 2.0**-51) + 1e-300
    return value - slack, value + slack


def plain_frame(hidden: int) -> Frame:
    """The hidden numbers themselves."""
    return Frame(np.eye(hidden), np.eye(hidden))


def frames_of(loop: Loop, oracle: Oracle, memory: int, seed: int) -> Iterator[Frame]:
    """Frames to try, with axes in units of the spread within a state of the program.

    memory: how many of the last items count as part of such a state.
    """
    apart = _deviations(loop, oracle, memory, seed)
    values, axes = np.linalg.eigh(apart.T @ apart / len(apart))
    if not (np.isfinite(values).all() and values[-1] > 0):
        return
    spreads = np.abs(apart @ axes).max(0)
    for thinnest in _THINNEST:
        scales = np.maximum(spreads, thinnest * spreads.max())
        matrix = (axes / scales).T
        back = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
        if np.isfinite(back).all():
            yield Frame(matrix, back)


def _deviations(loop: Loop, oracle: Oracle, memory: int, seed: int) -> Array:
    """Hidden states (n, H) on drawn sequences, less the mean of those of the same program state."""
    rng = np.random.default_rng([seed, 43])
    drawn = oracle.domain.sample(rng, _DRAWS, oracle.length)
    hidden = oracle.network.hidden
    states = oracle.network.run(oracle.domain.encode(drawn))[0][:, :-1].reshape(-1, hidden)
    with np.errstate(all="ignore"):
        held = trace_loop(loop, drawn)
    columns = [v[:, 1:] for v in held.values()]
    for back in range(memory):  # the first items follow the last ones: a few rows among many
        columns += [np.roll(c, back, 1)[:, :-1] for c in drawn]
    rows = [np.asarray(c, dtype=float).reshape(len(states), -1) for c in columns]
    if not rows:
        return states - states.mean(0)
    which = np.unique(np.concatenate(rows, 1), axis=0, return_inverse=True)[1].ravel()
    sums = np.zeros((which.max() + 1, hidden))
    np.add.at(sums, which, states)
    return states - (sums / np.bincount(which)[:, None])[which]
