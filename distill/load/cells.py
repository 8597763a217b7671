"""Cells put together: one network from (h, x) side by side to (h', y) side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distill.errors import BadInput
from distill.load.assemble import assemble
from distill.network import Network, Operation, Wire
from distill.operations.kind import Tensor

CELL = "(h, x)"
RESULT = "(h', y)"


@dataclass(frozen=True, eq=False)
class Inner:
    """Operations of a cell between its inputs and outputs, which keep their own shapes.

    inputs: the wires that the numbers of (h, x) fill, in order; states and outputs: the wires
    that h' and y are made of.
    """

    operations: Sequence[Operation]
    constants: Mapping[str, Tensor]
    inputs: Sequence[Wire]
    states: Sequence[str]
    outputs: Sequence[str]


def cell_of(inner: Inner, dtype: str = "float32") -> Network:
    """The cell whose one input and one output hold all numbers in a row. Raises BadInput.

    The names "(h, x)..." are its own; a model's tensors must not have them.
    """
    source = Wire(CELL, (1, sum(wire.width for wire in inner.inputs)), dtype)
    before, behind = _entered(inner.inputs, dtype), _left([*inner.states, *inner.outputs], dtype)
    operations = [*before, *inner.operations, *behind]
    constants = {**inner.constants, **_shapes(inner.inputs), _FLAT: np.array([1, -1])}
    return assemble(operations, constants, source, RESULT, batched=True)


_FLAT = f"{CELL}/flat"


def _entered(inputs: Sequence[Wire], dtype: str) -> list[Operation]:
    """(h, x) cut into its parts, each in its shape and type."""
    widths = [wire.width for wire in inputs]
    parts = tuple(f"{CELL}/part{i}" for i in range(len(inputs)))
    operations = [Operation("Split", (CELL,), parts, {"axis": 1, "split": widths})]
    for i, (part, wire) in enumerate(zip(parts, inputs, strict=True)):
        if wire.dtype != dtype:
            operations.append(Operation("Cast", (part,), (f"{part}/cast",), {"to": wire.dtype}))
            part = f"{part}/cast"
        operations.append(Operation("Reshape", (part, f"{CELL}/shape{i}"), (wire.name,)))
    return operations


def _shapes(inputs: Sequence[Wire]) -> dict[str, Tensor]:
    return {f"{CELL}/shape{i}": np.array(w.shape, dtype=np.int64) for i, w in enumerate(inputs)}


def _left(wires: Sequence[str], dtype: str) -> list[Operation]:
    """Results in a row."""
    operations: list[Operation] = []
    for i, wire in enumerate(wires):
        row = f"{RESULT}/row{i}"
        operations.append(Operation("Cast", (wire,), (f"{row}/cast",), {"to": dtype}))
        operations.append(Operation("Reshape", (f"{row}/cast", _FLAT), (row,)))
    rows = tuple(f"{RESULT}/row{i}" for i in range(len(wires)))
    return [*operations, Operation("Concat", rows, (RESULT,), {"axis": 1})]


def cell_of_parts(step: Network, readout: Network, hidden: int) -> Network:
    """The cell h' = step((h, x)), y = readout(h'), with a state of `hidden` numbers.

    Raises:
        BadInput: the step returns another number of them, or the readout takes another.
    """
    if step.output_width != hidden:
        raise BadInput(
            f"The step must return a next state of {hidden} numbers, as the state has; "
            f"it returns {step.output_width}."
        )
    if readout.input_width != hidden:
        raise BadInput(
            f"The readout must take the state's {hidden} numbers; it takes {readout.input_width}."
        )
    first, second = _renamed(step, "step/"), _renamed(readout, "readout/")
    bridge = [
        Operation("Cast", (first.output,), ("bridge",), {"to": _dtype(readout)}),
        Operation("Reshape", ("bridge", "bridge/shape"), (second.input,)),
    ]
    shape = np.array(second.wires_by_name[second.input].shape, dtype=np.int64)
    constants = {**first.constants, **second.constants, "bridge/shape": shape}
    inner = Inner(
        [*first.operations, *bridge, *second.operations],
        constants,
        [first.wires_by_name[first.input]],
        [first.output],
        [second.output],
    )
    return cell_of(inner, "float64" if "float64" in (_dtype(step), _dtype(readout)) else "float32")


def _dtype(network: Network) -> str:
    return network.wires_by_name[network.input].dtype


def _renamed(network: Network, prefix: str) -> Network:
    """The network with a prefix before all names."""

    def new(name: str) -> str:
        return prefix + name if name else ""

    operations = tuple(
        replace(op, inputs=tuple(map(new, op.inputs)), outputs=tuple(map(new, op.outputs)))
        for op in network.operations
    )
    wires = {new(k): replace(w, name=new(k)) for k, w in network.wires_by_name.items()}
    constants = {new(k): v for k, v in network.constants.items()}
    ends = new(network.input), new(network.output)
    return Network(operations, wires, constants, *ends, network.batched)
