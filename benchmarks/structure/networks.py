"""Networks whose structure is known: convolutions written out as dense layers, and networks glued
from random modules, their hidden units shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from distill.normal_form import Builder, NormalForm

Layer = tuple[np.ndarray, np.ndarray]


@dataclass
class Glue:
    """A network under way: `labels` says of every hidden unit which module it is of."""

    builder: Builder
    rng: np.random.Generator
    labels: list[int] = field(default_factory=list)

    def beside(self, wire: int, modules: list[list[Layer]], reads: list[list[int]]) -> int:
        """Modules (layers of one depth) side by side, each on some numbers of a wire; their outputs
        one after the other."""
        width, places = self.builder.width(wire), [np.array(r) for r in reads]
        first = max(self.labels, default=-1) + 1
        for depth in range(len(modules[0])):
            rows, bias, labels, begin = [], [], [], 0
            after = []
            for number, (module, place) in enumerate(zip(modules, places, strict=True)):
                weights, shift = module[depth]
                row = np.zeros((len(weights), width))
                row[:, place] = weights
                rows.append(row)
                bias.append(shift)
                labels += [number] * len(weights)
                after.append(np.arange(begin, begin + len(weights)))
                begin += len(weights)
            matrix, shift = np.vstack(rows), np.concatenate(bias)
            if depth == len(modules[0]) - 1:
                return self.builder.affine([(wire, matrix)], shift)
            order = self.rng.permutation(len(matrix))
            self.labels += [first + labels[i] for i in order]
            wire = self.builder.affine([(wire, matrix[order])], shift[order])
            wire = self.builder.elementwise("relu", wire)
            width, back = len(order), np.argsort(order)
            places = [back[a] for a in after]
        raise AssertionError("a module has layers")


def layers(rng: np.random.Generator, *sizes: int) -> list[Layer]:
    """Random layers of these widths."""
    return [
        (rng.standard_normal((b, a)) / np.sqrt(a), rng.standard_normal(b))
        for a, b in pairwise(sizes)
    ]


def glued(seed: int) -> tuple[str, NormalForm, list[int]]:
    """What kind of network, the network, and the module of every hidden unit: 2 to 4 modules of one
    or two hidden layers, on inputs of their own, on the same ones, in a chain, or all but one
    before the last."""
    rng = np.random.default_rng([seed, 5])
    kind = ("apart", "same inputs", "chain", "before one")[seed % 4]
    count, deep = int(rng.integers(2, 5)), int(rng.integers(1, 3))

    def hidden() -> list[int]:
        return [int(rng.integers(5, 10)) for _ in range(deep)]

    if kind == "apart":
        glue = Glue(Builder(3 * count), rng)
        modules = [layers(rng, 3, *hidden(), int(rng.integers(1, 3))) for _ in range(count)]
        wire = glue.beside(0, modules, [list(range(3 * i, 3 * i + 3)) for i in range(count)])
    elif kind == "same inputs":
        glue = Glue(Builder(4), rng)
        modules = [layers(rng, 4, *hidden(), int(rng.integers(1, 3))) for _ in range(count)]
        wire = glue.beside(0, modules, [list(range(4))] * count)
    elif kind == "chain":
        glue, wire, width = Glue(Builder(4), rng), 0, 4
        for _ in range(count):
            outputs = int(rng.integers(1, 3))
            wire = glue.beside(wire, [layers(rng, width, *hidden(), outputs)], [list(range(width))])
            width = outputs
    else:
        glue = Glue(Builder(4), rng)
        modules = [layers(rng, 4, *hidden(), 1) for _ in range(count - 1)]
        wire = glue.beside(0, modules, [list(range(4))] * (count - 1))
        last = layers(rng, count - 1, *hidden(), 1)
        wire = glue.beside(wire, [last], [list(range(count - 1))])
    return kind, glue.builder.build(wire), glue.labels


def unrolled(
    filters: np.ndarray, grid: tuple[int, ...], stride: int = 1, padding: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The dense matrix of filters (k, *window), a row per filter and place, by definition, and the
    filter of each row."""
    window = filters.shape[1:]
    counts = [(g + 2 * padding - w) // stride + 1 for g, w in zip(grid, window, strict=True)]
    rows, kinds = [], []
    for kind, taps in enumerate(filters):
        for place in np.ndindex(*counts):
            row = np.zeros(grid)
            for tap in np.ndindex(*window):
                cell = tuple(p * stride + t - padding for p, t in zip(place, tap, strict=True))
                if all(0 <= c < g for c, g in zip(cell, grid, strict=True)):
                    row[cell] = taps[tap]
            rows.append(row.ravel())
            kinds.append(kind)
    return np.array(rows), np.array(kinds)


def seen_from_all_sides(taps: np.ndarray) -> Iterator[np.ndarray]:
    """A filter as it looks when the axes of a shuffled grid are turned round or exchanged."""
    sides = (taps,) if taps.ndim == 1 else (taps, taps.T)
    for side in sides:
        for turned in (side, side[::-1]):
            yield turned
            if side.ndim == 2:
                yield turned[:, ::-1]


def off(found: np.ndarray, filters: np.ndarray, turned: bool) -> float:
    """How far the found filters are from the true ones, whatever their order."""
    worst = 0.0
    for taps in filters:
        sides = list(seen_from_all_sides(taps)) if turned else [taps]
        near = [np.abs(f - s).max() for f in found for s in sides if f.shape == s.shape]
        worst = max(worst, min(near, default=np.inf))
    return worst


STRUCTURED = ("permutation", "signed permutation", "sum over a set", "circulant", "Toeplitz",
              "block-diagonal", "low rank")  # fmt: skip


def structured(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A random layer of a kind of `STRUCTURED`."""
    size = int(rng.integers(5, 13))
    places = np.arange(size)
    if "permutation" in kind:
        signs = np.resize([-1.0, 1.0], size) if "signed" in kind else np.ones(size)
        return np.diag(signs)[rng.permutation(size)]
    if kind == "sum over a set":
        own, others = rng.standard_normal((2, 2, 3))
        return np.kron(np.eye(size), own) + np.kron(np.ones((size, size)), others)
    if kind == "circulant":
        return rng.standard_normal(size)[(places[None] - places[:, None]) % size]
    if kind == "Toeplitz":
        return rng.standard_normal(2 * size)[size + places[None] - places[:, None]]
    if kind == "low rank":
        return rng.standard_normal((3 * size, 2)) @ rng.standard_normal((2, 2 * size))
    found = np.kron(np.eye(size), np.ones((2, 3))) * rng.standard_normal((2 * size, 3 * size))
    return found[rng.permutation(2 * size)][:, rng.permutation(3 * size)]
