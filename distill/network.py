"""The imported model: a typed graph of operations and wires that can be run, read and patched.

A wire's shape is the one the model file speaks of with its batch axis at 1. Running
adds an example axis in front, so every operation keeps the meaning of its standard
whether the file has a batch axis or not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import networkx as nx
import numpy as np

from distill.errors import BadInput
from distill.normal_form import Builder, NormalForm
from distill.operations import KINDS, Operand
from distill.operations.function import PlainFunction
from distill.operations.kind import Shape, Tensor

BLOCK = 2**23
"""Numbers of the widest wire that one block of a run may hold."""

AFFINE_KINDS = frozenset(
    [
        "Gemm",
        "MatMul",
        "Add",
        "Sub",
        "Neg",
        "Sum",
        "Mean",
        "Conv",
        "BatchNormalization",
        "AveragePool",
        "GlobalAveragePool",
        "ReduceSum",
        "ReduceMean",
        "Scaler",
        "Concat",
    ]
)


@dataclass(frozen=True)
class Operation:
    """One node of the graph: `kind` names an entry of `KINDS`, "" is an omitted input."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wire:
    """A named tensor: its shape for one example and its numpy type name."""

    name: str
    shape: Shape
    dtype: str

    @property
    def width(self) -> int:
        """How many numbers it holds for one example."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Framework:
    """What a model was loaded from, as a function from examples (n, input_width) to outputs.

    It speaks for the network of just these operations, constants and output, and of no other
    that is made of it.
    """

    name: str
    operations: tuple[Operation, ...]
    constants: Mapping[str, Tensor]
    output: str
    run: Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Network:
    """Operations in topological order over wires; `constants` are wires with a fixed value.

    `batched` says that the first axis of input and output is a batch axis of any length
    in the model's own framework. Names come from the model file: they are only data.
    `source`: the framework that the model it was made from came from.
    """

    operations: tuple[Operation, ...]
    wires_by_name: Mapping[str, Wire]
    constants: Mapping[str, Tensor]
    input: str
    output: str
    batched: bool = False
    source: Framework | None = field(default=None, repr=False)

    @property
    def framework(self) -> Framework | None:
        """The model's own framework, where it runs this very network."""
        made = self.source
        same = made is not None and (
            made.operations is self.operations
            and made.constants is self.constants
            and made.output == self.output
        )
        return made if same else None

    @property
    def input_name(self) -> str:
        """The input's name in the model file."""
        return self.input

    @property
    def output_name(self) -> str:
        """The output's name in the model file."""
        return self.output

    @property
    def input_shape(self) -> Shape:
        """Shape of one example's input, without a batch axis."""
        return self._without_batch(self.wires_by_name[self.input].shape)

    @property
    def output_shape(self) -> Shape:
        """Shape of one example's output, without a batch axis."""
        return self._without_batch(self.wires_by_name[self.output].shape)

    @property
    def input_width(self) -> int:
        """How many numbers one example has."""
        return self.wires_by_name[self.input].width

    @property
    def output_width(self) -> int:
        """How many numbers one example's output has."""
        return self.wires_by_name[self.output].width

    def run(self, x: Tensor, patch: Mapping[str, Tensor] | None = None) -> Tensor:
        """Outputs (n, output_width) for examples (n, input_width), in the model's float type.

        `patch` gives wires other values: (n, ...) or (1, ...) with the wire's numbers.
        """
        x = self._examples(x)
        if patch or len(x) == 0:
            return self.wires(x, patch)[self.output].reshape(len(x), self.output_width)
        step = max(1, BLOCK // max(w.width for w in self.wires_by_name.values()))
        blocks = [self._block(x[i : i + step]) for i in range(0, len(x), step)]
        return np.concatenate(blocks)

    def wires(self, x: Tensor, patch: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Values (n, *shape) of every wire that isn't constant, by name."""
        x = self._examples(x)
        values = self._evaluate(x, dict(patch or {}), keep=True)
        computed = [self.input, *(o for op in self.operations for o in op.outputs if o in values)]
        found = {name: values[name] for name in [*computed, self.output]}
        return {k: np.broadcast_to(v, (len(x), *v.shape[1:])) for k, v in found.items()}

    def _block(self, x: Tensor) -> Tensor:
        result = self._evaluate(x, {}, keep=False)[self.output]
        return np.broadcast_to(result, (len(x), *result.shape[1:])).reshape(len(x), -1)

    def _examples(self, x: Tensor) -> Tensor:
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.input_width:
            raise BadInput(
                f"The network takes {self.input_width} numbers per example: "
                f"give an array of shape (n, {self.input_width}), not {list(x.shape)}."
            )
        wire = self.wires_by_name[self.input]
        return x.astype(wire.dtype)

    def _evaluate(self, x: Tensor, patch: dict[str, Tensor], keep: bool) -> dict[str, Tensor]:
        unknown = [name for name in patch if name not in self.wires_by_name]
        if unknown:
            raise BadInput(f"The network has no wire {unknown[0]!a} to patch.")
        values: dict[str, Tensor] = {k: v[None] for k, v in self.constants.items()}
        values[self.input] = x.reshape(len(x), *self.wires_by_name[self.input].shape)
        values.update({name: self._patched(name, given) for name, given in patch.items()})
        with np.errstate(all="ignore"):
            for place, operation in enumerate(self.operations):
                results = run_operation(operation, values)
                values.update({k: v for k, v in results.items() if k not in patch})
                for done in () if keep else self._last_uses[place]:
                    values.pop(done, None)
        return values

    def _patched(self, name: str, given: Tensor) -> Tensor:
        wire = self.wires_by_name[name]
        values = np.asarray(given)
        if values.size != len(values) * wire.width:
            raise BadInput(f"A patch of wire {name!a} needs {wire.width} numbers per example.")
        return values.astype(wire.dtype).reshape(len(values), *wire.shape)

    @cached_property
    def _last_uses(self) -> tuple[tuple[str, ...], ...]:
        """For each operation, the wires that nobody reads after it."""
        last = {name: i for i, op in enumerate(self.operations) for name in op.inputs}
        last.pop(self.output, None)
        return tuple(
            tuple(n for n in set(op.inputs) if last.get(n) == i)
            for i, op in enumerate(self.operations)
        )

    @cached_property
    def graph(self) -> nx.DiGraph:
        """Wires (str) and operations (their index) as a directed graph."""
        return graph_of(self.operations)

    @cached_property
    def _normal_form(self) -> NormalForm:
        return _lower(self)

    def normal_form(self) -> NormalForm:
        """The network over the reals as input, affine and elementwise nodes.

        Weights are the model's float32 values, exactly, in float64. Raises BadInput when
        an operation can't be lowered.
        """
        return self._normal_form

    @property
    def last_operation(self) -> str:
        """Kind of the operation that makes the output; "affine" for all affine ones."""
        kind = self._ending()
        return "affine" if kind is None or kind.kind in AFFINE_KINDS else kind.kind

    def _ending(self) -> Operation | None:
        """The operation behind the output, seen through those that only move numbers."""
        producers = {o: op for op in self.operations for o in op.outputs}
        operation = producers.get(self.output)
        while operation and (KINDS[operation.kind].shape_only or operation.kind == "Cast"):
            operation = producers.get(operation.inputs[0])
        return operation

    def without_decision(self) -> Network:
        """The network up to the scores that a final ArgMax, Softmax or LogSoftmax compares.

        ArgMax of the result is that of this network's output; without such an ending,
        the network itself.
        """
        found, network = self, self
        while (end := network._ending()) and end.kind in ("ArgMax", "Softmax", "LogSoftmax"):
            network = found = found.up_to(end.inputs[0])
        return found

    def up_to(self, wire: str) -> Network:
        """The network whose output is another of its wires."""
        needed = nx.ancestors(self.graph, wire) | {wire}
        kept = tuple(op for i, op in enumerate(self.operations) if i in needed)
        names = {self.input, wire, *(n for op in kept for n in op.inputs + op.outputs if n)}
        return replace(
            self,
            operations=kept,
            wires_by_name={k: v for k, v in self.wires_by_name.items() if k in names},
            constants={k: v for k, v in self.constants.items() if k in names},
            output=wire,
        )

    def sha256(self) -> str:
        """Hash of what the network computes with: operations, attributes, weights, not names.

        Plain Python functions count by their name only.
        """
        return hashlib.sha256(_canonical(self)).hexdigest()

    @property
    def jumps(self) -> bool:
        """Whether some operation is discontinuous."""
        return any(KINDS[op.kind].jumps for op in self.operations)

    @property
    def opaque(self) -> bool:
        """Whether some operation is a plain Python function, so that there is no normal form."""
        return any(op.kind == "Function" for op in self.operations)

    def summary(self) -> dict[str, Any]:
        """Input, output, operations by kind, count of operations and of parameters."""
        kinds: dict[str, int] = {}
        for operation in self.operations:
            kinds[operation.kind] = kinds.get(operation.kind, 0) + 1
        return {
            "input": {"name": self.input, "shape": list(self.input_shape)},
            "output": {"name": self.output, "shape": list(self.output_shape)},
            "operations": kinds,
            "operation_count": len(self.operations),
            "parameters": sum(v.size for v in self.constants.values() if v.dtype.kind == "f"),
            "last_operation": self.last_operation,
        }

    @staticmethod
    def _without_batch(shape: Shape) -> Shape:
        return shape[1:] if shape[:1] == (1,) and len(shape) > 1 else shape


def graph_of(operations: tuple[Operation, ...]) -> nx.DiGraph:
    """Directed graph of wire names (str) and operation indices (int)."""
    graph = nx.DiGraph()
    for index, operation in enumerate(operations):
        graph.add_node(index)
        graph.add_edges_from((name, index) for name in operation.inputs if name)
        graph.add_edges_from((index, name) for name in operation.outputs if name)
    return graph


def run_operation(operation: Operation, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values of an operation's outputs, from those of its inputs."""
    arrays = [values[name] if name else None for name in operation.inputs]
    result = KINDS[operation.kind].run(operation.attributes, *arrays)
    results = result if isinstance(result, tuple) else (result,)
    return {name: value for name, value in zip(operation.outputs, results, strict=True) if name}


def _lower(network: Network) -> NormalForm:
    builder = Builder(network.input_width)
    operands: dict[str, Operand] = {
        name: Operand(value.shape, None, value.astype(np.float64))
        for name, value in network.constants.items()
    }
    operands[network.input] = Operand(network.wires_by_name[network.input].shape, 0)
    for operation in network.operations:
        _lower_operation(network, operation, builder, operands)
    result = operands[network.output]
    if result.constant is not None:
        return builder.build(builder.constant(result.constant.ravel()))
    assert result.wire is not None
    return builder.build(result.wire)


def _lower_operation(
    network: Network, operation: Operation, builder: Builder, operands: dict[str, Operand]
) -> None:
    given = tuple(operands[name] if name else None for name in operation.inputs)
    outputs = [name for name in operation.outputs if name in network.wires_by_name]
    shapes = tuple(network.wires_by_name[name].shape for name in outputs)
    lowered = KINDS[operation.kind].lower(builder, operation.attributes, given, shapes)
    wires = lowered if isinstance(lowered, tuple) else (lowered,)
    named = dict(zip(operation.outputs, wires, strict=True))
    for name, shape in zip(outputs, shapes, strict=True):
        operands[name] = Operand(shape, named[name])


def _canonical(network: Network) -> bytes:
    """Bytes that two networks share when they differ only in names."""
    numbers: dict[str, int] = {"": -1, network.input: 0}
    rows: list[Any] = []
    payload: list[bytes] = []
    for operation in network.operations:
        for name in (*operation.inputs, *operation.outputs):
            if name not in numbers:
                numbers[name] = len(numbers)
                if name in network.constants:
                    payload.append(_constant_bytes(numbers[name], network.constants[name]))
        rows.append(
            [
                operation.kind,
                [numbers[n] for n in operation.inputs],
                [numbers[n] for n in operation.outputs],
                {k: _plain(v) for k, v in sorted(operation.attributes.items())},
            ]
        )
    if network.output not in numbers:
        numbers[network.output] = len(numbers)
        payload.append(_constant_bytes(numbers[network.output], network.constants[network.output]))
    entry = network.wires_by_name[network.input]
    head = [list(entry.shape), entry.dtype, numbers[network.output], rows]
    return json.dumps(head, sort_keys=True).encode() + b"\0" + b"".join(payload)


def _constant_bytes(number: int, value: Tensor) -> bytes:
    little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
    head = json.dumps([number, little.dtype.str, list(value.shape)])
    return head.encode() + b"\0" + little.tobytes()


def _plain(value: Any) -> Any:
    if isinstance(value, PlainFunction):
        return value.name
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
