"""Directions of a hidden space, for each state of a program, along which its polytope is bounded.

All states share the hidden numbers and the sums that a step forms of them before anything bends,
so that whether a relu is on is read off the polytope itself. Each state has directions of its own
besides: those that the step takes to the directions of the states behind it, so that what fades
over several items is bounded where it fades.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from distill.normal_form import Affine, Array, Input, Node, NormalForm
from distill.recurrent_target import Oracle
from distill.verify.crown import enclose
from distill.verify.machine import Ints, Steps

_ALIKE = 0.999
"""Cosine from which two directions, in units of the hidden numbers' spread, are one."""
_SHARED_AT_MOST = 128


@dataclass(frozen=True, eq=False)
class Reading:
    """A cell that reads sums of the hidden numbers: (M h, x) -> (h', y), M (p, H) shared rows.

    Nodes are numbered as the cell's are.
    """

    cell: NormalForm
    hidden: int

    @cached_property
    def rows(self) -> Array:
        """M: the hidden numbers, then the sums of them that affine nodes form, each once."""
        found = list(np.eye(self.hidden))
        known = {tuple(row) for row in found}
        for node in self.cell.nodes:
            for source, matrix in node.terms if isinstance(node, Affine) else ():
                for row in matrix[:, : self.hidden] if source == 0 else ():
                    if row.any() and tuple(row) not in known and len(found) < _SHARED_AT_MOST:
                        known.add(tuple(row))
                        found.append(row)
        return np.array(found)

    @cached_property
    def form(self) -> NormalForm:
        """The cell from (M h, x)."""
        places = {tuple(row): place for place, row in enumerate(self.rows)}
        nodes: list[Node] = [Input(len(self.rows) + self.cell.input_width - self.hidden)]
        for node in self.cell.nodes[1:]:
            if isinstance(node, Affine):
                terms = ((s, self._read(m, places) if s == 0 else m) for s, m in node.terms)
                nodes.append(Affine(tuple(terms), node.bias))
            else:
                nodes.append(node)
        return NormalForm(tuple(nodes), self.cell.output)

    def _read(self, matrix: Array, places: dict[tuple, int]) -> Array:
        found = np.zeros((len(matrix), len(self.rows)))
        for line, row in zip(found, matrix[:, : self.hidden], strict=True):
            place = places.get(tuple(row))
            if place is None:
                line[: self.hidden] = row
            else:
                line[place] = 1.0
        return np.hstack([found, matrix[:, self.hidden :]])


@dataclass(frozen=True, eq=False)
class Seen:
    """Hidden states (n, H) on drawn sequences, and the states (n,) of the program there."""

    states: Ints
    hidden: Array


def seen(oracle: Oracle, steps: Steps, items: Array, seed: int, draws: int, length: int) -> Seen:
    """What is met on uniform sequences, the first state included."""
    rng = np.random.default_rng([seed, 47])
    words = rng.integers(0, len(items), (draws, length))
    found = oracle.network.run(items[words])[0]
    first = np.broadcast_to(oracle.network.initial, (draws, 1, oracle.network.hidden))
    states = np.zeros((draws, length + 1), dtype=np.int64)
    for t in range(length):
        states[:, t + 1] = steps.next[states[:, t], words[:, t]]
    hidden = np.concatenate([first, found], 1).reshape(-1, oracle.network.hidden)
    return Seen(states.ravel(), hidden)


def directions(
    reading: Reading, steps: Steps, items: Array, met: Seen, levels: int, most: int
) -> Array:
    """Rows (s, m, H) for every state: the shared ones, then at most so many of its own.

    levels: items after which a state's own directions have become hidden numbers. Shorter lists
    are filled with the first row.
    """
    spread = np.maximum(np.ptp(met.hidden, axis=0), 1e-9)
    shared, states = reading.rows, len(steps.next)
    slopes = _slopes(reading, steps, items, met)
    known = [_unit(shared, spread) for _ in range(states)]
    latest = [np.eye(reading.hidden) for _ in range(states)]
    for _ in range(levels):
        found = [np.concatenate([latest[after] @ slopes[state, item]
                                 for item, after in enumerate(steps.next[state])])
                 for state in range(states)]  # fmt: skip
        latest = [_new(rows, known[state], spread, len(shared) + most)
                  for state, rows in enumerate(found)]  # fmt: skip
        known = [np.concatenate(pair) for pair in zip(known, latest, strict=True)]
    widest = max(len(rows) for rows in known)
    rows = np.tile(np.eye(reading.hidden)[0], (states, widest, 1))
    rows[:, : len(shared)] = shared
    for state, own in enumerate(known):
        rows[state, len(shared) : len(own)] = own[len(shared) :]
    return rows


def _slopes(reading: Reading, steps: Steps, items: Array, met: Seen) -> Array:
    """Slopes (s, a, H, H) of the next hidden numbers at every state's mean."""
    (states, count), hidden = steps.next.shape, reading.hidden
    sums = np.zeros((states, hidden))
    np.add.at(sums, met.states, met.hidden)
    means = sums / np.maximum(np.bincount(met.states, minlength=states), 1)[:, None]
    points = np.repeat(means @ reading.rows.T, count, 0), np.tile(items, (states, 1))
    points = np.concatenate(points, 1)
    found = enclose(reading.form, points, points).slopes[:, :hidden, : len(reading.rows)]
    return (found @ reading.rows).reshape(states, count, hidden, hidden)


def _unit(rows: Array, spread: Array) -> Array:
    """Rows of length 1 in units of the spread; those that are 0 are left out."""
    sizes = np.linalg.norm(rows * spread, axis=1)
    kept = np.isfinite(sizes) & (sizes > 1e-12)
    return rows[kept] / sizes[kept, None]


def _new(rows: Array, known: Array, spread: Array, most: int) -> Array:
    """Those of the rows, in units, that are like none that is known, and like no other."""
    found, rest = known * spread, most - len(known)
    begin = len(found)
    for row in _unit(rows, spread):
        if len(found) - begin >= rest:
            break
        if np.abs(found @ (row * spread)).max() < _ALIKE:
            found = np.concatenate([found, (row * spread)[None]])
    return found[begin:] / spread
