"""Networks that hold the same module several times: hidden units shuffled, wires rescaled, truths
turned round, inputs of a copy in another order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.structure.circuits import adder_chain, passing, sorted_by
from benchmarks.structure.networks import Glue, Layer
from distill.normal_form import Builder, NormalForm

FOUR = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((1, 2),))
"""The five comparators that sort four numbers."""

SIX = (
    ((0, 5), (1, 3), (2, 4)), ((1, 2), (3, 4)), ((0, 3), (2, 5)), ((0, 1), (2, 3), (4, 5)),
    ((1, 2), (3, 4)),
)  # fmt: skip
"""The twelve comparators that sort six numbers."""


@dataclass(frozen=True, eq=False)
class Repeats:
    """A network, its domain and outputs, how many values its modules give and how many different
    functions these are."""

    name: str
    form: NormalForm
    inputs: str
    outputs: str | None
    values: int
    functions: int


def networks() -> Iterator[Repeats]:
    """All of them."""
    for bits in range(2, 7):
        inputs = f"a: bool[{bits}] * b: bool[{bits}]"
        form = adder_chain(bits, bits + 10)
        outputs = f"bool[{bits + 1}] above 0.5"
        name = f"{bits} adders in a chain"
        yield Repeats(name, form, inputs, outputs, 2 * bits, min(2 * bits, 4))
    for count, stages in ((4, FOUR), (6, SIX)):
        form = sorted_by(count, stages, count)
        inputs, pairs = f"x: real(-1,1)[{count}]", sum(map(len, stages))
        yield Repeats(f"sorting network of {count}", form, inputs, None, 2 * pairs, 2)
    for name, layers, inputs, outputs in _detectors():
        yield Repeats(f"{name} at 9 places", _everywhere(layers), inputs, outputs, 9, 1)
    for number in range(8):
        count = 2 + number % 3
        form, inputs = _truths(number, count)
        name = f"truth table of 4, {count} times"
        yield Repeats(name, form, f"x: bool[{inputs}]", f"bool[{count}] above 0.5", count, 1)
    for number in range(8):
        count = 2 + number % 3
        form, inputs = _reals(number, count)
        name = f"random layers on 2 numbers, {count} times"
        yield Repeats(name, form, f"x: real(-1,1)[{inputs}]", None, count, 1)


def _detectors() -> Iterator[tuple[str, list[Layer], str, str | None]]:
    """Modules that read 2 x 2 pixels of an image of 4 x 4."""
    corner = np.array([[1.0, 1.0, 1.0, -1.0]]), np.array([-2.0])
    one = np.eye(1), np.zeros(1)
    yield "corner of bits", [corner, one], "x: bool[4,4]", "bool[9] above 0.5"
    edge = np.array([[1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]]), np.zeros(2)
    yield "edge", [edge, (np.ones((1, 2)), np.zeros(1))], "x: real(0,1)[4,4]", None
    rng = np.random.default_rng(3)
    bright = np.round(rng.uniform(-1, 1, (2, 4)), 2), np.array([0.25, -0.5])
    last = np.array([[1.0, -0.75]]), np.zeros(1)
    yield "random layers on 4 pixels", [bright, last], "x: real(0,1)[4,4]", None


def _everywhere(layers: list[Layer]) -> NormalForm:
    glue = Glue(Builder(16), np.random.default_rng(4))
    places = [[4 * r + c, 4 * r + c + 1, 4 * r + c + 4, 4 * r + c + 5]
              for r, c in product(range(3), repeat=2)]  # fmt: skip
    return glue.builder.build(glue.beside(0, [layers] * 9, places))


def table_layers(table: np.ndarray) -> list[Layer]:
    """A truth table (2**n,) as layers: a hidden unit for every row that is true."""
    count = int(np.log2(len(table)))
    rows = np.array(list(product((0, 1), repeat=count)))[table]
    first = (2.0 * rows - 1.0, 1.0 - rows.sum(1))
    return [first, (np.ones((1, len(rows))), np.zeros(1))]


def rescaled(layers: list[Layer], rng: np.random.Generator, after: float, shift: float) -> list:
    """Layers whose last number is `after` times as large, plus `shift`, hidden units at scales of
    their own."""
    (first, bias), (second, last) = layers
    size = rng.uniform(0.5, 2.0, len(first))
    hidden = first * size[:, None], bias * size
    return [hidden, (after * second / size, after * last + shift)]


def reading(layers: list[Layer], place: int, scale: float, shift: float) -> list[Layer]:
    """Layers that read one of their inputs, x, as `scale * x + shift`."""
    (first, bias), second = layers
    read = first.copy()
    read[:, place] = first[:, place] / scale
    return [(read, bias - first[:, place] * shift / scale), second]


def _chained(
    module: list[Layer], arity: int, count: int, rng: np.random.Generator
) -> tuple[NormalForm, int]:
    """A module `count` times: each copy reads what the last one gave, in any of its places, and new
    inputs; every copy's value is an output as well."""
    width = arity + (arity - 1) * (count - 1)
    glue, wire = Glue(Builder(width), rng), 0
    place = list(range(width))
    outputs: list[tuple[int, float, float]] = []
    for number in range(count):
        scale = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 2.0))
        shift = float(rng.uniform(-0.5, 0.5))
        layers = rescaled(module, rng, scale, shift)
        begin = 0 if number == 0 else arity + (arity - 1) * (number - 1)
        fresh = [place[i] for i in range(begin, begin + arity - (number > 0))]
        if number:
            taken, before, apart = outputs[-1]
            where = int(rng.integers(arity))
            layers = reading(layers, where, before, apart)
            fresh.insert(where, taken)
        carried = [p for p in range(glue.builder.width(wire)) if p not in fresh or number == 0]
        kept = sorted({*carried, *fresh})
        wire = glue.beside(wire, [layers, *[passing()] * len(kept)], [fresh, *[[k] for k in kept]])
        moved = {old: 1 + new for new, old in enumerate(kept)}
        place = [moved.get(p, -1) for p in place]
        outputs = [(moved[o], s, b) for o, s, b in outputs] + [(0, scale, shift)]
    rows = np.zeros((count, glue.builder.width(wire)))
    for i, (p, scale, _) in enumerate(outputs):
        rows[i, p] = 1.0 / scale
    bias = np.array([-shift / scale for _, scale, shift in outputs])
    return glue.builder.build(glue.builder.affine([(wire, rows)], bias)), width


def _truths(number: int, count: int) -> tuple[NormalForm, int]:
    rng = np.random.default_rng([number, 41])
    while True:
        table = rng.random(16) < 0.5
        cube = table.reshape(2, 2, 2, 2)
        varies = [bool((np.diff(cube, axis=a) != 0).any()) for a in range(4)]
        if all(varies):
            return _chained(table_layers(table), 4, count, rng)


def _reals(number: int, count: int) -> tuple[NormalForm, int]:
    rng = np.random.default_rng([number, 42])
    first = np.round(rng.uniform(-1, 1, (3, 2)), 1), np.round(rng.uniform(-0.5, 0.5, 3), 1)
    second = np.round(rng.uniform(0.3, 1.0, (1, 3)), 1) * rng.choice([-1.0, 1.0], (1, 3))
    return _chained([first, (second, np.zeros(1))], 2, count, rng)
