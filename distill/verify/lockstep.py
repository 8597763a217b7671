"""Relus of the program beside relus of the network that do nearly the same.

Where relu v follows relu u, only the difference is bounded: with e = z_v - z_u it is
`relu_change(z_u, e)`, at most |e|, and e is a row of small weights over the same units and their
differences, found without rounding. Bounding both sides apart would lose that they move together.
Sources: ReluDiff (Paulsen, Wang and Wang, ICSE 2020), NeuroDiff (ASE 2020).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Array, Builder, NormalForm
from distill.verify.layers import Row, Units, add_rows, relus_used, units_of

_SAMPLES = 256
_CLOSE = 0.3
"""A pair's difference is at most this share of how far its first unit varies, on samples."""


def in_lockstep(form: NormalForm, lower: Array, upper: Array) -> NormalForm | None:
    """The same function with differences of paired relus; None where no two are close.

    `lower`, `upper`: (n,), the box on which pairs are looked for.
    """
    found = units_of(form)
    if found is None:
        return None
    units, outputs = found
    wanted = relus_used(units, outputs)
    leader = _pairs(units, wanted, lower, upper)
    return _written(units, outputs, wanted, leader) if leader else None


def _pairs(units: Units, wanted: list[int], lower: Array, upper: Array) -> dict[int, int]:
    """Follower to leader, numbers of relus of one depth; every relu is in one pair at most."""
    points = np.random.default_rng(0).uniform(lower, upper, size=(_SAMPLES, len(lower)))
    values = _values(units, points)
    spread = np.maximum(np.ptp(values, axis=0), 1e-12)
    leader: dict[int, int] = {}
    for depth in {units.depths[k] for k in wanted}:
        layer = np.array([k for k in wanted if units.depths[k] == depth])
        apart = np.abs(values[:, layer, None] - values[:, None, layer]).max(axis=0)
        cost = apart / spread[layer][:, None]
        for first, second in _closest_first(cost):
            u, v = int(layer[first]), int(layer[second])
            if not {u, v} & (leader.keys() | set(leader.values())):
                leader[v] = u
    return leader


def _closest_first(cost: Array) -> list[tuple[int, int]]:
    """Pairs (first < second) of small cost, smallest first."""
    rows, columns = np.nonzero(np.triu(cost <= _CLOSE, 1))
    order = np.argsort(cost[rows, columns], kind="stable")
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def _values(units: Units, points: Array) -> NDArray[np.float64]:
    """What goes into every relu at points (n, inputs), (n, relus), in float64."""
    seen = np.zeros((len(points), units.inputs + len(units.rows)))
    seen[:, : units.inputs] = points
    before = np.zeros((len(points), len(units.rows)))
    for number, row in enumerate(units.rows):
        places = list(row.weights)
        weights = np.array([float(w) for w in row.weights.values()])
        before[:, number] = seen[:, places] @ weights + float(row.constant)
        seen[:, units.inputs + number] = np.maximum(before[:, number], 0.0)
    return before


def _written(
    units: Units, outputs: list[Row], wanted: list[int], leader: dict[int, int]
) -> NormalForm:
    """A follower's unit stands for its difference from the leader from here on."""
    rows = {k: _followed(units.rows[k], units, leader) for k in wanted}
    builder = Builder(units.inputs)
    places = {i: (0, i) for i in range(units.inputs)}
    for depth in sorted({units.depths[k] for k in wanted}):
        layer = [k for k in wanted if units.depths[k] == depth]
        followers = [k for k in layer if k in leader]
        leaders = [leader[k] for k in followers]
        alone = [k for k in layer if k not in leader and k not in set(leaders)]
        added: list[tuple[list[int], int]] = []
        if alone:
            wire = add_rows(builder, [rows[k] for k in alone], places)
            added.append((alone, builder.elementwise("relu", wire)))
        if leaders:
            first = add_rows(builder, [rows[k] for k in leaders], places)
            gaps = [rows[k].plus(rows[leader[k]], Fraction(-1)) for k in followers]
            second = add_rows(builder, gaps, places)
            added.append((leaders, builder.elementwise("relu", first)))
            added.append((followers, builder.elementwise("relu_change", first, second)))
        for numbers, wire in added:
            places |= {units.inputs + k: (wire, i) for i, k in enumerate(numbers)}
    ends = [_followed(row, units, leader) for row in outputs]
    return builder.build(add_rows(builder, ends, places))


def _followed(row: Row, units: Units, leader: dict[int, int]) -> Row:
    """A row in which a follower is its leader and the difference."""
    for unit, weight in list(row.weights.items()):
        number = unit - units.inputs
        if number in leader:
            row = row.plus(Row({units.inputs + leader[number]: weight}))
    return replace(row)
