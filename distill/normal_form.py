"""Computation graphs with three kinds of node: input, affine, elementwise.

Networks are lowered to this form by their operations, programs by
`distill.verify.lower`; bounds, simplification and the literal program read it.
Every wire is a flat vector; nodes are in topological order and refer to
earlier nodes by index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Input:
    """The network's flattened input, `width` numbers."""

    width: int


@dataclass(frozen=True, eq=False)
class Affine:
    """`bias + sum(matrix @ wire[source])`: terms hold (source, matrix (m, n)), bias is (m,)."""

    terms: tuple[tuple[int, Array], ...]
    bias: Array


@dataclass(frozen=True)
class Elementwise:
    """A function of `ELEMENTWISE` applied number by number to wires of one width."""

    function: str
    sources: tuple[int, ...]


Node = Input | Affine | Elementwise


def _sigmoid(x: Array) -> Array:
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def _erf(x: Array) -> Array:
    from scipy.special import erf

    return erf(x)


ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "abs": np.abs,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "square": np.square,
    "reciprocal": lambda x: 1.0 / x,
    "sin": np.sin,
    "cos": np.cos,
    "erf": _erf,
    "floor": np.floor,
    "round": np.round,
    "sign": np.sign,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
    "greater": lambda x, y: (x > y).astype(np.float64),
    "equal": lambda x, y: (x == y).astype(np.float64),
    "relu_change": lambda x, d: np.maximum(x + d, 0.0) - np.maximum(x, 0.0),
}
"""Elementwise functions by name; the number of sources is the function's arity.

`relu_change(x, d) = relu(x + d) - relu(x)` is only written by `distill.verify.lockstep`.
"""

PIECEWISE_LINEAR = frozenset({"relu", "abs", "max", "min"})


@dataclass(frozen=True, eq=False)
class NormalForm:
    """Nodes in topological order; the first is the only `Input`, `output` names the result wire."""

    nodes: tuple[Node, ...]
    output: int

    @property
    def input_width(self) -> int:
        """Width of the flattened input."""
        first = self.nodes[0]
        assert isinstance(first, Input)
        return first.width

    def widths(self) -> tuple[int, ...]:
        """Width of every wire, in node order."""
        found: list[int] = []
        for node in self.nodes:
            if isinstance(node, Input):
                found.append(node.width)
            elif isinstance(node, Affine):
                found.append(node.bias.shape[0])
            else:
                found.append(found[node.sources[0]])
        return tuple(found)

    @property
    def kinks(self) -> int:
        """How many scalars pass an elementwise function: relus and all that isn't affine."""
        pairs = zip(self.nodes, self.widths(), strict=True)
        return sum(width for node, width in pairs if isinstance(node, Elementwise))

    @property
    def multiply_adds(self) -> int:
        """Multiplications that one input takes, the entries of all matrices."""
        affine = [node for node in self.nodes if isinstance(node, Affine)]
        return sum(matrix.size for node in affine for _, matrix in node.terms)

    def run(self, inputs: Array) -> Array:
        """Evaluate in float64 on `inputs` (n, input_width); returns (n, output width)."""
        return self.wires(inputs)[self.output]

    def wires(self, inputs: Array) -> list[Array]:
        """Values of every wire, each (n, width), for `inputs` (n, input_width)."""
        values: list[Array] = []
        for node in self.nodes:
            if isinstance(node, Input):
                values.append(np.asarray(inputs, dtype=np.float64))
            elif isinstance(node, Affine):
                total = np.broadcast_to(node.bias, (len(inputs), len(node.bias)))
                for source, matrix in node.terms:
                    total = total + values[source] @ matrix.T
                values.append(np.asarray(total))
            else:
                values.append(ELEMENTWISE[node.function](*(values[s] for s in node.sources)))
        return values


class Builder:
    """Collects nodes of a normal form; every method returns the index of the new wire."""

    def __init__(self, width: int) -> None:
        self.nodes: list[Node] = [Input(width)]
        self._widths: list[int] = [width]

    def width(self, wire: int) -> int:
        """Width of a wire."""
        return self._widths[wire]

    def affine(self, terms: Sequence[tuple[int, Array]], bias: Array) -> int:
        """Add `bias + sum(matrix @ wire)`."""
        self.nodes.append(Affine(tuple(terms), np.asarray(bias, dtype=np.float64)))
        self._widths.append(len(bias))
        return len(self.nodes) - 1

    def elementwise(self, function: str, *sources: int) -> int:
        """Add an elementwise function of wires of one width."""
        assert function in ELEMENTWISE
        assert len({self._widths[s] for s in sources}) == 1
        self.nodes.append(Elementwise(function, tuple(sources)))
        self._widths.append(self._widths[sources[0]])
        return len(self.nodes) - 1

    def constant(self, values: Array) -> int:
        """Add a wire that does not depend on the input."""
        return self.affine((), np.asarray(values, dtype=np.float64))

    def build(self, output: int) -> NormalForm:
        """The finished graph."""
        return NormalForm(tuple(self.nodes), output)


def append(builder: Builder, form: NormalForm, entry: int) -> int:
    """Add the nodes of `form` with its input at wire `entry`; returns its output wire."""
    places: list[int] = []
    for node in form.nodes:
        if isinstance(node, Input):
            places.append(entry)
        elif isinstance(node, Affine):
            terms = [(places[s], m) for s, m in node.terms]
            places.append(builder.affine(terms, node.bias))
        else:
            assert isinstance(node, Elementwise)
            places.append(builder.elementwise(node.function, *(places[s] for s in node.sources)))
    return places[form.output]
