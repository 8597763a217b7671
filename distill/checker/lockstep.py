"""Relus of the network and of the program that do nearly the same, bounded by what they differ.

Of a pair the second relu is the first plus `relu_change(z, e) = relu(z + e) - relu(z)`, where e,
how far the sums before them are apart, is a sum of small weights. Pairs are looked for here, on
points of the box; that any two relus may be taken for a pair is all that the bounds rest on.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

import numpy as np

from distill.checker.relus import Layer, Relus, Sum, graph_of, relus_of
from distill.normal_form import Array, NormalForm
from dsl.algebra import Unsupported

_POINTS = 128
_NEAR = 0.3
"""Two relus are a pair where their sums are nowhere farther apart than this share of how far the
first one varies."""


def lockstep_form(form: NormalForm, lower: Array, upper: Array) -> NormalForm:
    """The same function with changes of paired relus; corners (n,). Raises: Unsupported."""
    relus = relus_of(form)
    leads = _pairs(relus, lower, upper)
    if not leads:
        raise Unsupported("no two relus do nearly the same")
    layers: list[Layer] = []
    for _, depth in groupby(relus.used(), key=lambda k: relus.depth[k]):
        layers += _layers(relus, list(depth), leads)
    outputs = [_told(z, relus.inputs, leads) for z in relus.outputs]
    return graph_of(relus.inputs, layers, outputs)


def _layers(relus: Relus, numbers: list[int], leads: dict[int, int]) -> list[Layer]:
    """The relus of one depth: those that aren't told by another, then changes."""
    sums = {k: _told(relus.before[k], relus.inputs, leads) for k in numbers}
    own = [k for k in numbers if k not in leads]
    found = [Layer("relu", [relus.inputs + k for k in own], ([sums[k] for k in own],))]
    told = [k for k in numbers if k in leads]
    if told:
        first = [sums[leads[k]] for k in told]
        apart = [sums[k].plus(sums[leads[k]], -1) for k in told]
        found.append(Layer("relu_change", [relus.inputs + k for k in told], (first, apart)))
    return found


def _told(z: Sum, inputs: int, leads: dict[int, int]) -> Sum:
    """A sum in which a told relu is its leader and the change, which has its number."""
    more: dict[int, Fraction] = {}
    for unit, weight in z.weights.items():
        if unit - inputs in leads:
            leader = inputs + leads[unit - inputs]
            more[leader] = more.get(leader, Fraction(0)) + weight
    return z.plus(Sum(more))


def _pairs(relus: Relus, lower: Array, upper: Array) -> dict[int, int]:
    """For every told relu its leader, of the same depth; the nearest two first."""
    rng = np.random.default_rng(12)
    values = _before(relus, rng.uniform(lower, upper, size=(_POINTS, len(lower))))
    found: dict[int, int] = {}
    for _, depth in groupby(relus.used(), key=lambda k: relus.depth[k]):
        numbers = list(depth)
        sums = values[:, numbers]
        apart = np.abs(sums[:, :, None] - sums[:, None, :]).max(axis=0)
        share = apart / np.maximum(np.ptp(sums, axis=0), 1e-300)[:, None]
        rows, columns = np.nonzero(np.triu(share <= _NEAR, 1))
        taken: set[int] = set()
        for place in np.argsort(share[rows, columns], kind="stable"):
            pair = {numbers[rows[place]], numbers[columns[place]]}
            if not pair & taken:
                taken |= pair
                found[max(pair)] = min(pair)
    return found


def _before(relus: Relus, points: Array) -> Array:
    """The sums before all relus at points (p, inputs), (p, relus), in floats."""
    units = np.zeros((len(points), relus.inputs + len(relus.before)))
    units[:, : relus.inputs] = points
    found = np.zeros((len(points), len(relus.before)))
    for number, z in enumerate(relus.before):
        weights = np.array([float(w) for w in z.weights.values()])
        found[:, number] = units[:, list(z.weights)] @ weights + float(z.constant)
        units[:, relus.inputs + number] = np.maximum(found[:, number], 0.0)
    return found
