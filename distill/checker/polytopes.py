"""Induction with polytopes again: each leads into those of the next states, with right outputs.

A certificate lists for every state of the program directions of the hidden space, the first of
which are the hidden numbers, with the ends of a polytope along them; and for every item, and every
direction and output to be bounded, as many directions as there are hidden numbers. A line below
what is to be bounded is written as a sum of those directions, and they are put at their ends; what
the sum lacks, and all rounding, counts times the sizes of the hidden numbers. So wrong directions
make a bound loose, never wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.exact import exact
from distill.checker.finding import Finding
from distill.checker.float_error import errors_within
from distill.checker.images import right_outputs
from distill.checker.machine import Machine
from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.checker.quick import Below, below, small, walked
from distill.checker.smooth import NoBound
from distill.checker.tree import Refused
from distill.normal_form import Affine, Array, Elementwise, Input, Node, NormalForm
from distill.recurrent_target import Oracle

Ints = NDArray[np.int64]
_PAIRS = 80_000
"""States times items, at most."""
_DIRECTIONS, _NUMBERS = 512, 1 << 21
_TINY = 1e-200


@dataclass(frozen=True, eq=False)
class Polytopes:
    """For states (n,) of the program: rows (n, m, H), ends (n, m), and for every item and every
    line (r of them) the rows that bound it, (n, a, r, H)."""

    states: Ints
    rows: Array
    lower: Array
    upper: Array
    bases: Ints


def polytopes_finding(
    oracle: Oracle, machine: Machine, items: Array, certificate: dict[str, Any]
) -> Finding:
    """Whether a certificate's polytopes lead into each other from the first state on.

    items: (a, d), as the cell sees them. Raises: Refused, and what malformed data raise.
    """
    hidden, outputs = oracle.network.hidden, oracle.network.output_width
    polytopes = _listed(certificate, hidden, outputs, len(items))
    if len(polytopes.states) * len(items) > _PAIRS:
        raise Refused(f"there are more than {_PAIRS:,} steps to bound.")
    _check_states(polytopes, machine)
    _check_first(polytopes, oracle.network.initial)
    cell = oracle.network.cell.normal_form()
    reading = Reading(cell, _alike(polytopes.rows))
    lines = 0
    for state, item in _pairs(polytopes, len(items)):
        after = machine.next[polytopes.states[state], item]
        goal = np.searchsorted(polytopes.states, after)
        low, high = _images(reading, polytopes, state, item, items, goal)
        rows, wanted = polytopes.rows.shape[1], machine.outputs[polytopes.states[state], item]
        inside = (low[:, :rows] >= polytopes.lower[goal]) & (
            high[:, :rows] <= polytopes.upper[goal]
        )
        right = right_outputs(oracle.output, low[:, rows:], high[:, rows:], wanted)
        if not (inside.all() and right.all()):
            raise Refused("a polytope doesn't lead into another one with right outputs.")
        lines += 2 * low.size
    return Finding(
        "holds",
        f"{len(polytopes.states):,} polytopes for {len(machine.next):,} states of the program lead "
        f"into each other with right outputs under all {len(items):,} items ({lines:,} lines "
        "bounded, float32 rounding added)",
    )


def _listed(certificate: dict[str, Any], hidden: int, outputs: int, items: int) -> Polytopes:
    many = certificate["directions"]
    if type(many) is not int or not hidden <= many <= _DIRECTIONS:
        raise Refused(f"a polytope has {hidden} to {_DIRECTIONS} directions.")
    states = unpacked_rows(certificate["states"], 1)[:, 0]
    rows = unpacked_floats(certificate["rows"], hidden)
    ends = unpacked_floats(certificate["ends"], 2 * many)
    bases = unpacked_rows(certificate["bases"], hidden)
    count, lines = len(states), 2 * (many + outputs)
    if (len(rows), len(ends), len(bases)) != (count * many, count, count * items * lines):
        raise Refused("polytopes are listed without all their directions, ends or bounds.")
    if not ((bases >= 0) & (bases < many)).all():
        raise Refused("a bound names a direction that there isn't.")
    rows = rows.reshape(count, many, hidden)
    if not (rows[:, :hidden] == np.eye(hidden)).all():
        raise Refused("the first directions of a polytope are the hidden numbers.")
    shape = count, items, lines, hidden
    return Polytopes(states, rows, ends[:, :many], ends[:, many:], bases.reshape(shape))


def _check_states(polytopes: Polytopes, machine: Machine) -> None:
    states = polytopes.states
    if not len(states) or (np.diff(states) <= 0).any() or states[0] != 0:
        raise Refused("polytopes are listed in the order of states, the first state's first.")
    if states[-1] >= len(machine.next):
        raise Refused("a polytope is listed for a state that the program hasn't.")
    if not np.isin(machine.next[states], states).all():
        raise Refused("a state that is reached has no polytope.")


def _check_first(polytopes: Polytopes, initial: Array) -> None:
    """The first hidden state lies in the first polytope, exactly."""
    values = (exact(polytopes.rows[0]) @ exact(initial)).fractions()
    for value, low, high in zip(values, polytopes.lower[0], polytopes.upper[0], strict=True):
        if not Fraction(float(low)) <= value <= Fraction(float(high)):
            raise Refused("the first hidden state isn't in its polytope.")


def _alike(rows: Array) -> Array:
    """The directions (p, H) that all polytopes begin with."""
    differ = np.flatnonzero((rows != rows[:1]).any((0, 2)))
    return rows[0, : differ[0]] if len(differ) else rows[0]


def _pairs(polytopes: Polytopes, items: int) -> Iterator[tuple[Ints, Ints]]:
    """Places of polytopes and items, in parts that fit into memory."""
    count, many, hidden = polytopes.rows.shape
    size = max(_NUMBERS // (polytopes.bases.shape[2] * max(many, hidden**2)), 1)
    state, item = (part.ravel() for part in np.mgrid[:count, :items])
    for start in range(0, len(state), size):
        yield state[start : start + size], item[start : start + size]


class Reading:
    """A cell whose sums of hidden numbers are read off shared directions (p, H) where they can.

    Node i of `form` is node i of the cell; its input is (the directions' values, x).
    """

    def __init__(self, cell: NormalForm, rows: Array) -> None:
        self.cell, self.rows = cell, rows
        nodes: list[Node] = [Input(len(rows) + cell.input_width - rows.shape[1])]
        nodes += [self._read(node) for node in cell.nodes[1:]]
        self.form = NormalForm(tuple(nodes), cell.output)

    def _read(self, node: Node) -> Node:
        if isinstance(node, Affine):
            terms = ((s, self._columns(m) if s == 0 else m) for s, m in node.terms)
            return Affine(tuple(terms), node.bias)
        if isinstance(node, Elementwise) and 0 not in node.sources:
            return node
        raise Refused("only cells that first form sums are bounded along directions.")

    def _columns(self, matrix: Array) -> Array:
        hidden = self.rows.shape[1]
        found = np.zeros((len(matrix), len(self.rows)))
        for line, row in zip(found, matrix[:, :hidden], strict=True):
            places = np.flatnonzero((self.rows == row).all(1))
            if row.any() and len(places):
                line[places[0]] = 1.0
            else:
                line[:hidden] = row
        return np.hstack([found, matrix[:, hidden:]])


def _images(
    reading: Reading, polytopes: Polytopes, state: Ints, item: Ints, items: Array, goal: Ints
) -> tuple[Array, Array]:
    """Bounds (e, m + k) of the next polytopes' directions and of outputs, rounding added."""
    shared, hidden, seen = len(reading.rows), reading.rows.shape[1], items[item]
    lower, upper = polytopes.lower[state], polytopes.upper[state]
    rows = _wanted(polytopes.rows[goal], reading.cell.widths()[reading.cell.output])
    try:
        walk = walked(
            reading.form,
            np.concatenate([lower[:, :shared], seen], 1),
            np.concatenate([upper[:, :shared], seen], 1),
        )
    except NoBound as reason:
        raise Refused(f"a step isn't bounded: {reason}") from None
    if not small(walk.ranges).all():
        raise Refused("a step isn't bounded.")
    own = dict(walk.ranges)
    own[0] = (
        np.concatenate([lower[:, :hidden], seen], 1),
        np.concatenate([upper[:, :hidden], seen], 1),
    )
    error = errors_within(reading.cell, own, len(reading.cell.nodes))[reading.cell.output]
    error = np.matmul(np.abs(rows), error[:, :, None])[:, :, 0] * (1 + 1e-9)
    used = polytopes.rows[state[:, None, None], polytopes.bases[state, item]]
    which = np.arange(len(state))[:, None, None]
    chosen = polytopes.bases[state, item]
    ends = lower[which, chosen], upper[which, chosen]
    line = below(walk, np.concatenate([rows, -rows], 1))
    found = _least(line, walk.room, reading.rows, seen, (lower, upper), used, ends)
    count = rows.shape[1]
    with np.errstate(invalid="ignore"):
        low = np.nextafter(found[:, :count] - error, -np.inf)
        high = np.nextafter(-found[:, count:] + error, np.inf)
    return low, high


def _wanted(rows: Array, width: int) -> Array:
    """Directions (e, m, H), and all outputs, as rows of (h', y), (e, m + k, H + k)."""
    count, many, hidden = rows.shape
    found = np.zeros((count, many + width - hidden, width))
    found[:, :many, :hidden] = rows
    found[:, many:, hidden:] = np.eye(width - hidden)
    return found


def _least(
    line: Below,
    room: float,
    shared: Array,
    items: Array,
    box: tuple[Array, Array],
    used: Array,
    ends: tuple[Array, Array],
) -> Array:
    """At most the least values (e, r) of lines on polytopes.

    box: ends (e, m) of all directions; used (e, r, H, H): the directions that bound each line, with
    their ends (e, r, H).
    """
    count, hidden = len(shared), shared.shape[1]
    factor, fixed = line.factor[..., :count], line.factor[..., count:] * items[:, None]
    products = factor * np.where(factor > 0, *(end[:, None, :count] for end in box))
    form = factor @ shared
    size = line.size + np.abs(line.constant) + np.abs(fixed).sum(2)
    plain = products.sum(2) - room * np.abs(products).sum(2)
    weights = _solved(used, np.broadcast_to(form, used.shape[:3]))
    lacking = np.abs(form - np.einsum("erk,erkh->erh", weights, used))
    about = np.abs(factor) @ np.abs(shared)
    about = about + np.einsum("erk,erkh->erh", np.abs(weights), np.abs(used))
    lacking = (lacking + room * about) * (1 + 1e-9)
    largest = np.maximum(np.abs(box[0]), np.abs(box[1]))[:, :hidden]
    held = weights * np.where(weights > 0, *ends)
    lost = np.matmul(lacking, largest[:, :, None])[:, :, 0] + room * np.abs(held).sum(2)
    best = np.fmax(plain, held.sum(2) - lost)
    total = line.constant + fixed.sum(2) + best
    return total - room * (size + np.abs(best)) * (1 + 1e-9) - _TINY


def _solved(used: Array, form: Array) -> Array:
    """Weights (e, r, H) with which directions (e, r, H, H) add up to a form, about."""
    with np.errstate(all="ignore"):
        sizes = np.linalg.svd(used, compute_uv=False)
        flat = ~(sizes[..., -1] > 1e-12 * sizes[..., 0])
        safe = np.where(flat[..., None, None], np.eye(used.shape[-1]), used)
        found = np.linalg.solve(np.swapaxes(safe, 2, 3), form[..., None])[..., 0]
        return np.where(flat[..., None], 0.0, found)
