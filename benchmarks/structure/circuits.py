"""Networks glued from known modules: adders in a chain, a sorting network, products of bits.

A module is a list of layers; wires that a stage doesn't use pass through units of their own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import product

import numpy as np

from benchmarks.structure.networks import Glue, Layer
from distill.normal_form import Builder, NormalForm

Name = Hashable
Stages = Sequence[Sequence[tuple[int, int]]]


def full_adder(inputs: int = 3) -> list[Layer]:
    """The sum's last bit and its carry, of two or three bits."""
    first = np.ones((3, inputs)), np.array([0.0, -1.0, -2.0])
    return [first, (np.array([[1.0, -2.0, 2.0], [0.0, 1.0, -1.0]]), np.zeros(2))]


def comparator() -> list[Layer]:
    """The smaller and the larger of two numbers."""
    first = np.array([[1.0, -1.0], [-1.0, 1.0], [0.0, 1.0], [0.0, -1.0]]), np.zeros(4)
    second = np.array([[0.0, -1.0, 1.0, -1.0], [1.0, 0.0, 1.0, -1.0]]), np.zeros(2)
    return [first, second]


def conjunction() -> list[Layer]:
    """Whether both of two bits are set."""
    return [(np.ones((1, 2)), np.array([-1.0])), (np.eye(1), np.zeros(1))]


def passing() -> list[Layer]:
    """A number as it is."""
    return [(np.array([[1.0], [-1.0]]), np.zeros(2)), (np.array([[1.0, -1.0]]), np.zeros(1))]


class Circuit:
    """Named numbers, carried on from stage to stage."""

    def __init__(self, names: list[Name], rng: np.random.Generator) -> None:
        self.glue, self.wire = Glue(Builder(len(names)), rng), 0
        self.place = {name: i for i, name in enumerate(names)}

    def stage(
        self, modules: list[tuple[list[Layer], list[Name], list[Name]]], used: set[Name]
    ) -> None:
        """Modules side by side: layers, the names that they read, the names that they give; names
        that are `used` up aren't carried on."""
        rest = [n for n in self.place if n not in used]
        built = [layers for layers, _, _ in modules] + [passing() for _ in rest]
        reads = [[self.place[n] for n in names] for _, names, _ in modules]
        reads += [[self.place[n]] for n in rest]
        self.wire = self.glue.beside(self.wire, built, reads)
        given = [n for _, _, names in modules for n in names] + rest
        self.place = {name: i for i, name in enumerate(given)}

    def build(self, outputs: list[Name]) -> NormalForm:
        """The network with these numbers as its outputs."""
        order = [self.place[n] for n in outputs]
        matrix = np.eye(len(self.place))[order]
        builder = self.glue.builder
        return builder.build(builder.affine([(self.wire, matrix)], np.zeros(len(order))))


def adder_chain(bits: int, seed: int) -> NormalForm:
    """a + b bit by bit, the lowest first; 2 * bits inputs, bits + 1 outputs."""
    names: list[Name] = [("a", i) for i in range(bits)] + [("b", i) for i in range(bits)]
    made = Circuit(names, np.random.default_rng([seed, 31]))
    for k in range(bits):
        read: list[Name] = [("a", k), ("b", k), *([("c", k)] if k else [])]
        made.stage([(full_adder(len(read)), read, [("s", k), ("c", k + 1)])], set(read))
    return made.build([*(("s", k) for k in range(bits)), ("c", bits)])


def sorting_network(count: int, seed: int) -> NormalForm:
    """Batcher's odd-even merge sort of a power of two of numbers, in ascending order."""
    return sorted_by(count, _stages(count), seed)


def sorted_by(count: int, stages: Stages, seed: int) -> NormalForm:
    """Numbers sorted by comparators: for each stage pairs of places, the smaller going first."""
    made = Circuit(list(range(count)), np.random.default_rng([seed, 32]))
    for pairs in stages:
        modules: list[tuple[list[Layer], list[Name], list[Name]]] = [
            (comparator(), [*p], [*p]) for p in pairs
        ]
        made.stage(modules, {n for p in pairs for n in p})
    return made.build(list(range(count)))


def _stages(count: int) -> Stages:
    found, p = [], 1
    while p < count:
        k = p
        while k >= 1:
            found.append([
                (i + j, i + j + k)
                for j in range(k % p, count - k, 2 * k)
                for i in range(min(k, count - j - k))
                if (i + j) // (2 * p) == (i + j + k) // (2 * p)
            ])  # fmt: skip
            k //= 2
        p *= 2
    return found


def multiplier(bits: int, seed: int) -> NormalForm:
    """a * b as an array of products of bits, added up by full adders; the lowest bit first."""
    names: list[Name] = [("a", i) for i in range(bits)] + [("b", i) for i in range(bits)]
    made = Circuit(names, np.random.default_rng([seed, 33]))
    columns: dict[int, list[Name]] = {k: [] for k in range(2 * bits)}
    ands = []
    for i, j in product(range(bits), repeat=2):
        columns[i + j].append(("p", i, j))
        ands.append((conjunction(), [("a", i), ("b", j)], [("p", i, j)]))
    made.stage(ands, set(names))
    outputs, number = [], 0
    for k in range(2 * bits):
        while len(columns[k]) > 1:
            read = [columns[k].pop(0) for _ in range(min(3, len(columns[k])))]
            given: list[Name] = [("s", number), ("c", number)]
            made.stage([(full_adder(len(read)), read, given)], set(read))
            columns[k].append(given[0])
            if k + 1 < 2 * bits:
                columns[k + 1].append(given[1])
            number += 1
        outputs += columns[k]
    return made.build(outputs)
