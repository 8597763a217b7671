"""Piecewise-linear graphs as relus of exact sums, and as graphs of relus again.

What follows each other without a kink is one sum, in rationals, so nothing is rounded: a network
and a program that share a kink share a relu. `|z| = 2 relu(z) - z`, `max(x, y) = y + relu(x - y)`,
`min(x, y) = x - relu(x - y)`, `relu(-z) = relu(z) - z`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from distill.checker.leaf import needed
from distill.normal_form import Affine, Array, Builder, Elementwise, NormalForm
from dsl.algebra import Unsupported

NOTHING: Mapping[int, float] = MappingProxyType({})
_MULTIPLY_ADDS_AT_MOST = 100_000
_PARTS = 8


@dataclass(frozen=True, eq=False)
class Sum:
    """`constant + sum(weights[u] * unit u)`: units are the inputs, then the relus in order."""

    weights: dict[int, Fraction]
    constant: Fraction = Fraction(0)

    def plus(self, other: Sum, times: Fraction | int = 1) -> Sum:
        """This sum and `times` the other."""
        weights = dict(self.weights)
        for unit, weight in other.weights.items():
            weights[unit] = weights.get(unit, Fraction(0)) + times * weight
        kept = {unit: weight for unit, weight in weights.items() if weight}
        return Sum(kept, self.constant + times * other.constant)


@dataclass(eq=False)
class Relus:
    """Unit `inputs + k` is the relu of `before[k]`, which reads units of smaller depth only."""

    inputs: int
    before: list[Sum] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    outputs: list[Sum] = field(default_factory=list)
    _known: dict[tuple[frozenset[tuple[int, Fraction]], Fraction], int] = field(
        default_factory=dict
    )

    def relu(self, z: Sum) -> Sum:
        """The relu of a sum."""
        if not z.weights:
            return Sum({}, max(z.constant, Fraction(0)))
        turned = Sum({}).plus(z, -1)
        if _key(turned) in self._known:
            return Sum({self._known[_key(turned)]: Fraction(1)}).plus(z)
        if _key(z) not in self._known:
            self._known[_key(z)] = self.inputs + len(self.before)
            self.before.append(z)
            below = (self.depth[u - self.inputs] for u in z.weights if u >= self.inputs)
            self.depth.append(1 + max(below, default=0))
        return Sum({self._known[_key(z)]: Fraction(1)})

    def used(self) -> list[int]:
        """Numbers k of the relus that the outputs depend on, by depth."""
        wanted: set[int] = set()
        waiting = list(self.outputs)
        while waiting:
            for unit in waiting.pop().weights:
                if unit >= self.inputs and unit - self.inputs not in wanted:
                    wanted.add(unit - self.inputs)
                    waiting.append(self.before[unit - self.inputs])
        return sorted(wanted, key=lambda k: (self.depth[k], k))


def _key(z: Sum) -> tuple[frozenset[tuple[int, Fraction]], Fraction]:
    return frozenset(z.weights.items()), z.constant


def relus_of(form: NormalForm, fixed: Mapping[int, float] = NOTHING) -> Relus:
    """The relus of a graph whose inputs in `fixed` have these values; the others are numbered anew.

    Raises: Unsupported, for curves and for what is too large.
    """
    order = needed(form)
    if form.multiply_adds > _MULTIPLY_ADDS_AT_MOST:
        raise Unsupported("the weights are too many to be summed exactly")
    free = [i for i in range(form.input_width) if i not in fixed]
    found = Relus(len(free))
    inputs = {i: Sum({}, Fraction(value)) for i, value in fixed.items()}
    inputs |= {i: Sum({place: Fraction(1)}) for place, i in enumerate(free)}
    wires: dict[int, list[Sum]] = {0: [inputs[i] for i in range(form.input_width)]}
    for index in order:
        node = form.nodes[index]
        if isinstance(node, Affine):
            wires[index] = list(_sums(node, wires))
        elif isinstance(node, Elementwise):
            columns = zip(*(wires[s] for s in node.sources), strict=True)
            wires[index] = [_bent(found, node.function, column) for column in columns]
    found.outputs = wires[form.output]
    return found


def _sums(node: Affine, wires: dict[int, list[Sum]]) -> Iterator[Sum]:
    for row, bias in enumerate(node.bias):
        total = Sum({}, Fraction(float(bias)))
        for source, matrix in node.terms:
            for column in np.flatnonzero(matrix[row]):
                total = total.plus(wires[source][column], Fraction(float(matrix[row, column])))
        yield total


def _bent(relus: Relus, function: str, column: Sequence[Sum]) -> Sum:
    if function == "relu":
        return relus.relu(column[0])
    if function == "abs":
        return Sum({}).plus(relus.relu(column[0]), 2).plus(column[0], -1)
    if function == "greater" and not any(z.weights for z in column):
        return Sum({}, Fraction(column[0].constant > column[1].constant))
    if function == "mul" and not all(z.weights for z in column):
        flat, other = column if not column[0].weights else column[::-1]
        return Sum({}).plus(other, flat.constant)
    if function not in ("max", "min"):
        raise Unsupported(f"{function} isn't made of relus")
    x, y = column
    over = relus.relu(x.plus(y, -1))
    return y.plus(over) if function == "max" else x.plus(over, -1)


@dataclass(frozen=True)
class Layer:
    """Units side by side: `function` of the sums in `sources`, each a list with one for a unit."""

    function: str
    units: list[int]
    sources: tuple[list[Sum], ...]


def relu_graph(form: NormalForm) -> NormalForm:
    """The same function as layers of relus of exact sums. Raises: Unsupported."""
    relus = relus_of(form)
    return graph_of(relus.inputs, layers_of(relus), relus.outputs)


def layers_of(relus: Relus) -> list[Layer]:
    """The used relus, a layer for every depth."""
    found: dict[int, list[int]] = {}
    for number in relus.used():
        found.setdefault(relus.depth[number], []).append(number)
    return [
        Layer("relu", [relus.inputs + k for k in some], ([relus.before[k] for k in some],))
        for some in found.values()
    ]


def graph_of(inputs: int, layers: Sequence[Layer], outputs: Sequence[Sum]) -> NormalForm:
    """A graph of layers, exactly. Raises: Unsupported, where a weight is no sum of few floats."""
    builder = Builder(inputs)
    places = {unit: (0, unit) for unit in range(inputs)}
    for layer in layers:
        wires = [_affine(builder, sums, places) for sums in layer.sources]
        bent = builder.elementwise(layer.function, *wires)
        places |= {unit: (bent, column) for column, unit in enumerate(layer.units)}
    return builder.build(_affine(builder, outputs, places))


def _affine(builder: Builder, sums: Sequence[Sum], places: dict[int, tuple[int, int]]) -> int:
    matrices: dict[tuple[int, int], Array] = {}
    biases = np.zeros((_PARTS, len(sums)))
    for row, z in enumerate(sums):
        for part, value in enumerate(_floats(z.constant)):
            biases[part, row] = value
        for unit, weight in z.weights.items():
            wire, column = places[unit]
            for part, value in enumerate(_floats(weight)):
                key = wire, part
                if key not in matrices:
                    matrices[key] = np.zeros((len(sums), builder.width(wire)))
                matrices[key][row, column] = value
    terms = [(wire, matrix) for (wire, _), matrix in sorted(matrices.items(), key=lambda m: m[0])]
    for bias in biases[1:]:
        if bias.any():
            terms.append((builder.constant(np.ones(1)), bias[:, None]))
    return builder.affine(terms, biases[0])


def _floats(value: Fraction) -> Iterator[float]:
    """Floats that add up to the value exactly, the largest first."""
    for _ in range(_PARTS):
        try:
            part = float(value)
        except OverflowError:
            break
        yield part
        value -= Fraction(part)
        if not value:
            return
    raise Unsupported("a weight is no sum of few floats")


def canonical(relus: Relus) -> Relus:
    """The same function with its relus in an order and a direction that follow from it alone.

    Of relu(z), relu(-z) = relu(z) - z and relu(2 z) = 2 relu(z) the one is kept whose first weight
    is at least 1 and below 2. Relus are ordered by depth, then by the hash of the sum before them
    (`names`), in which inputs are named by their number and relus by their own hash.
    """
    names = {unit: f"{unit:06d}" for unit in range(relus.inputs)}
    written = {unit: Sum({unit: Fraction(1)}) for unit in range(relus.inputs)}
    kept: dict[str, tuple[int, Sum]] = {}
    depth = dict.fromkeys(names, 0)
    for number in relus.used():
        unit, z = relus.inputs + number, _replaced(relus.before[number], written)
        if not z.weights:
            written[unit] = Sum({}, max(z.constant, Fraction(0)))
            continue
        first = z.weights[min(z.weights, key=lambda u: names[u])]
        scale = Fraction(2) ** _exponent(abs(first)) * (1 if first > 0 else -1)
        towards = Sum({}).plus(z, 1 / scale)
        name = "r" + _hash(_told(towards, names))
        if name not in kept:
            kept[name], names[unit] = (unit, towards), name
            depth[unit] = 1 + max(depth[u] for u in towards.weights)
        same = Sum({kept[name][0]: abs(scale)})
        written[unit] = same if first > 0 else same.plus(z)
    order = sorted(kept.values(), key=lambda item: (depth[item[0]], names[item[0]]))
    place = {unit: unit for unit in range(relus.inputs)}
    place |= {unit: relus.inputs + k for k, (unit, _) in enumerate(order)}
    whole = Relus(
        relus.inputs,
        [_renamed(z, place) for _, z in order],
        [depth[unit] for unit, _ in order],
        [_renamed(_replaced(z, written), place) for z in relus.outputs],
    )
    return _without_unused(whole)


def _exponent(value: Fraction) -> int:
    """The whole e for which 2 ** e <= value < 2 ** (e + 1)."""
    found = 0
    while Fraction(2) ** found > value:
        found -= 1
    while Fraction(2) ** (found + 1) <= value:
        found += 1
    return found


def _without_unused(relus: Relus) -> Relus:
    used = sorted(relus.used())
    place = {unit: unit for unit in range(relus.inputs)}
    place |= {relus.inputs + k: relus.inputs + i for i, k in enumerate(used)}
    return Relus(
        relus.inputs,
        [_renamed(relus.before[k], place) for k in used],
        [relus.depth[k] for k in used],
        [_renamed(z, place) for z in relus.outputs],
    )


def _replaced(z: Sum, written: dict[int, Sum]) -> Sum:
    total = Sum({}, z.constant)
    for unit, weight in z.weights.items():
        total = total.plus(written[unit], weight)
    return total


def _renamed(z: Sum, place: dict[int, int]) -> Sum:
    return Sum({place[unit]: weight for unit, weight in z.weights.items()}, z.constant)


def _told(z: Sum, names: dict[int, str]) -> str:
    weights = sorted(f"{names[unit]}:{weight}" for unit, weight in z.weights.items())
    return ",".join([*weights, str(z.constant)])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest(relus: Relus) -> str:
    """SHA-256 of what goes into every relu and of the outputs."""
    names = {u: str(u) for u in range(relus.inputs + len(relus.before))}
    told = (_told(z, names) for z in (*relus.before, *relus.outputs))
    return _hash("\n".join([str(relus.inputs), *told]))
