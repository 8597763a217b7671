"""Networks to ONNX files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from distill.errors import BadInput
from distill.load.agree import random_inputs
from distill.network import Network, Operation, Wire
from distill.operations import KINDS
from distill.operations.shape import integers, reshape_target

OPSET = 20
"""The ONNX operator set that is written; operations of `KINDS` mean what it says."""

INTERNAL = frozenset({"from", "joins_axes", "state"})


def write_onnx(network: Network, path: str | Path) -> None:
    """Write a network as an ONNX file; loading it again gives the same function."""
    Path(path).write_bytes(onnx_model(network).SerializeToString(deterministic=True))


def onnx_model(network: Network) -> onnx.ModelProto:
    """The network as an ONNX model of opset 20, its batch axis open where that is right.

    Raises:
        BadInput: a part of it is a plain Python function.
    """
    if network.opaque:
        raise BadInput("A network with a plain Python function in it can't be written as ONNX.")
    opened = network if not takes_batches(network) else with_open_batch(network)
    batch: int | str = 1 if opened is network else "batch"
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in network.constants.items()]
    nodes: list[onnx.NodeProto] = []
    for place, operation in enumerate(opened.operations):
        node, extra = _node(network, operation, place)
        nodes.append(node)
        initializers.extend(extra)
    ends = [_value(network.wires_by_name[n], batch) for n in (network.input, network.output)]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], initializers)
    return helper.make_model(
        graph,
        producer_name="distill",
        ir_version=9,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )


def with_open_batch(network: Network) -> Network:
    """The network with the target of every Reshape that keeps a first axis of 1 left open."""
    return replace(network, operations=tuple(_opened(network, op) for op in network.operations))


def _opened(network: Network, operation: Operation) -> Operation:
    if operation.kind != "Reshape":
        return operation
    shape, attributes = network.wires_by_name[operation.inputs[0]].shape, operation.attributes
    target = reshape_target(
        shape, integers(attributes, "shape") or (), bool(attributes.get("allowzero"))
    )
    if shape[:1] == (1,) and target[:1] == (1,):
        return replace(operation, attributes={"shape": [-1, *target[1:]]})
    return operation


def takes_batches(network: Network, count: int = 3) -> bool:
    """Whether the first axis of input and output is a batch axis, tried on a few examples."""
    source, result = (network.wires_by_name[n] for n in (network.input, network.output))
    if source.shape[:1] != (1,) or result.shape[:1] != (1,) or len(source.shape) < 2:
        return False
    x = random_inputs(network, count, seed=1)
    together = replace(source, shape=(count, *source.shape[1:]))
    wide = {**network.wires_by_name, source.name: together}
    opened = replace(with_open_batch(network), wires_by_name=wide)
    try:
        values = opened.run(x.reshape(1, -1)).reshape(count, -1)
    except (BadInput, ValueError, IndexError):
        return False
    single = network.run(x)
    if values.shape != single.shape:
        return False
    return bool(np.allclose(values, single, rtol=1e-4, atol=1e-5, equal_nan=True))


def _value(wire: Wire, batch: int | str) -> onnx.ValueInfoProto:
    code = helper.np_dtype_to_tensor_dtype(np.dtype(wire.dtype))
    shape: list[Any] = list(wire.shape)
    return helper.make_tensor_value_info(
        wire.name, code, shape if batch == 1 else [batch, *shape[1:]]
    )


def _node(
    network: Network, operation: Operation, place: int
) -> tuple[onnx.NodeProto, list[onnx.TensorProto]]:
    """An ONNX node, and the initializers that its static inputs become."""
    kind = KINDS[operation.kind]
    attributes = {k: v for k, v in operation.attributes.items() if k not in INTERNAL}
    if operation.kind == "Cast":
        attributes["to"] = helper.np_dtype_to_tensor_dtype(np.dtype(attributes["to"]))
    if "split" in attributes:
        attributes.pop("num_outputs", None)
    inputs, extra = list(operation.inputs), []
    for position, name in sorted(kind.static.items()):
        value = attributes.pop(name, None)
        inputs += [""] * (position + 1 - len(inputs))
        if value is not None:
            inputs[position] = f"{operation.outputs[0]}/{place}/{name}"
            array = _static(network, operation, value)
            extra.append(numpy_helper.from_array(array, inputs[position]))
    while inputs and not inputs[-1]:
        inputs.pop()
    node = helper.make_node(operation.kind, inputs, list(operation.outputs), **attributes)
    return node, extra


def _static(network: Network, operation: Operation, value: Any) -> np.ndarray:
    """A static input as an array: whole numbers, or (bounds, fills) of the input's type."""
    if operation.kind in ("Clip", "Pad") and not isinstance(value, list):
        return np.asarray(value, dtype=network.wires_by_name[operation.inputs[0]].dtype)
    return np.asarray(value, dtype=np.int64)
