"""Where the bends of network and program meet: inputs at which narrow differences are widest.

Between its bends a piecewise-linear difference is flat or steepest at the edge, so it is largest
where as many bends (or faces of the box) meet as there are inputs. Bends of a first layer are
planes, whose crossings are solved for; those of deeper layers are followed from given points, as
the planes that they are nearby. This steers a search and proves nothing.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, Array, Builder, Elementwise, Input, NormalForm, append
from distill.verify.gradients import wire_gradients
from distill.verify.lower import lower_program, network_over_scalars
from distill.verify.square import Square
from dsl.algebra import Unsupported

_CROSSINGS = 12_000
_WIDEST = 8
"""Inputs above which crossings are too many."""

_PLANES = 400
_WIRES, _NUMBERS = 2_000, 1 << 22
"""Wires of both sides, and numbers of all gradients that are held at once, at most."""

_SAME = 1e-9
_BENT = frozenset({"relu", "abs", "max", "min", "greater", "equal", "sign"})


def both_forms(square: Square) -> NormalForm | None:
    """All wires of network and program over the domain's scalars; None where they have no form,
    or one of too many wires to be looked at in passing."""
    domain = square.target.domain
    form = network_over_scalars(square.target.form, domain)
    if form is None or domain.scalars > _WIDEST:
        return None
    builder = Builder(domain.scalars)
    output = append(builder, form, 0)
    try:
        lower_program(square.program, domain, builder, truths=True)
    except Unsupported:
        return None
    found = builder.build(output)
    return found if sum(found.widths()) <= _WIRES else None


def crossings(form: NormalForm, low: Array, high: Array, rng: np.random.Generator) -> Array:
    """Points (n, s) of the box at which bends of first layers, or its faces, meet."""
    normals, offsets = _planes(form)
    count = len(low)
    faces = np.repeat(np.eye(count), 2, axis=0)
    normals = np.concatenate([normals, faces])
    offsets = np.concatenate([offsets, -np.stack([low, high], 1).ravel()])
    chosen = _subsets(len(normals), count, rng)
    return _inside(_solved(normals[chosen], offsets[chosen]), low, high)


def nearby(
    form: NormalForm, points: Array, low: Array, high: Array, rng: np.random.Generator
) -> Array:
    """Points (n, s) at which bends meet if all of them went on as they are at given ones (b, s)."""
    points = points[: max(_NUMBERS // (sum(form.widths()) * points.shape[1]), 1)]
    with np.errstate(all="ignore"):
        values, slopes = _bends(form, points)
    if not values.shape[1]:
        return points[:0]
    offsets = values - np.einsum("bks,bs->bk", slopes, points)
    count = points.shape[1]
    rows = np.arange(len(points))[:, None]
    # the nearer a bend is, the likelier it counts
    steep = np.linalg.norm(slopes, axis=2)
    with np.errstate(all="ignore"):
        near = np.where(steep > 0, np.abs(values) / steep, np.inf)
        rank = near * rng.exponential(size=near.shape)
    chosen = np.argsort(rank, axis=1)[:, :count]
    if chosen.shape[1] < count:
        return points[:0]
    return _inside(_solved(slopes[rows, chosen], offsets[rows, chosen]), low, high)


def _planes(form: NormalForm) -> tuple[Array, Array]:
    """Normals (k, s) of length 1 and offsets (k,) of the bends of first layers, each once."""
    maps: dict[int, tuple[Array, Array]] = {}
    found: list[Array] = [np.zeros((0, form.input_width + 1))]
    for index, node in enumerate(form.nodes):
        if isinstance(node, Input):
            maps[index] = np.eye(node.width), np.zeros(node.width)
        elif isinstance(node, Affine):
            if all(source in maps for source, _ in node.terms):
                parts = [(m @ maps[s][0], m @ maps[s][1]) for s, m in node.terms]
                matrix = sum((p[0] for p in parts), np.zeros((len(node.bias), form.input_width)))
                maps[index] = matrix, sum((p[1] for p in parts), node.bias)
        elif node.function in _BENT and all(source in maps for source in node.sources):
            first, *others = (np.column_stack(maps[source]) for source in node.sources)
            found.append(first - others[0] if others else first)
    rows = np.concatenate(found)
    size = np.linalg.norm(rows[:, :-1], axis=1)
    rows = rows[size > 0] / size[size > 0, None]
    lead = np.argmax(np.abs(rows[:, :-1]) > _SAME, axis=1)
    rows = rows * np.sign(rows[np.arange(len(rows)), lead])[:, None]
    _, once = np.unique(np.round(rows / _SAME), axis=0, return_index=True)
    rows = rows[np.sort(once)][:_PLANES]
    return rows[:, :-1], rows[:, -1]


def _subsets(total: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """All subsets (n, size) of so many things, or some where they are too many."""
    if comb(total, size) <= _CROSSINGS:
        return np.array(list(combinations(range(total), size)), dtype=np.int64).reshape(-1, size)
    return np.argsort(rng.random((_CROSSINGS, total)), axis=1)[:, :size]


def _solved(normals: Array, offsets: Array) -> Array:
    """Where `normals x + offsets = 0` for each of a batch (b, s, s), (b, s); singular ones go."""
    with np.errstate(all="ignore"):
        good = np.abs(np.linalg.det(normals)) > _SAME
    found = np.linalg.solve(normals[good], -offsets[good][..., None])[..., 0]
    return np.asarray(found, dtype=np.float64)


def _inside(points: Array, low: Array, high: Array) -> Array:
    room = 1e-6 * (high - low)
    kept = ((points >= low - room) & (points <= high + room)).all(axis=1)
    return np.clip(points[kept], low, high)


def _bends(form: NormalForm, points: Array) -> tuple[Array, Array]:
    """How far every bend is (b, k) at points (b, s), and its gradient there (b, k, s)."""
    values, gradients = wire_gradients(form, points)
    found: list[tuple[Array, Array]] = []
    for node in form.nodes:
        if isinstance(node, Elementwise) and node.function in _BENT:
            first, *others = node.sources
            far, steep = values[first], gradients[first]
            for other in others:
                far, steep = far - values[other], steep - gradients[other]
            found.append((far, steep))
    if not found:
        return np.zeros((len(points), 0)), np.zeros((len(points), 0, points.shape[1]))
    return tuple(np.concatenate(part, axis=1) for part in zip(*found, strict=True))  # pyright: ignore
