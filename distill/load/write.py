"""Networks to ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from distill.network import Network, Operation, Wire
from distill.operations import KINDS
from distill.operations.kind import Shape
from distill.operations.shape import integers, reshape_target

OPSET = 20
"""The ONNX operator set that is written; operations of `KINDS` mean what it says."""

INTERNAL = frozenset({"from", "joins_axes"})


def write_onnx(network: Network, path: str | Path) -> None:
    """Write a network as an ONNX file; loading it again gives the same function."""
    Path(path).write_bytes(onnx_model(network).SerializeToString(deterministic=True))


def onnx_model(network: Network) -> onnx.ModelProto:
    """The network as an ONNX model of opset 20."""
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in network.constants.items()]
    nodes: list[onnx.NodeProto] = []
    for place, operation in enumerate(network.operations):
        node, extra = _node(network, operation, place)
        nodes.append(node)
        initializers.extend(extra)
    graph = helper.make_graph(
        nodes,
        "network",
        [_value(network, network.wires_by_name[network.input])],
        [_value(network, network.wires_by_name[network.output])],
        initializers,
    )
    return helper.make_model(
        graph,
        producer_name="distill",
        ir_version=9,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )


def _value(network: Network, wire: Wire) -> onnx.ValueInfoProto:
    code = helper.np_dtype_to_tensor_dtype(np.dtype(wire.dtype))
    shape: list[Any] = list(wire.shape)
    if network.batched and shape[:1] == [1]:
        shape[0] = "batch"
    return helper.make_tensor_value_info(wire.name, code, shape)


def _node(
    network: Network, operation: Operation, place: int
) -> tuple[onnx.NodeProto, list[onnx.TensorProto]]:
    """An ONNX node, and the initializers that its static inputs become."""
    kind = KINDS[operation.kind]
    attributes = {k: v for k, v in operation.attributes.items() if k not in INTERNAL}
    if operation.kind == "Reshape":
        shape = network.wires_by_name[operation.inputs[0]].shape
        attributes = {"shape": _open_target(attributes, shape, network.batched)}
    if operation.kind == "Cast":
        attributes["to"] = helper.np_dtype_to_tensor_dtype(np.dtype(attributes["to"]))
    if "split" in attributes:
        attributes.pop("num_outputs", None)
    inputs, extra = list(operation.inputs), []
    for position, name in sorted(kind.static.items()):
        value = attributes.pop(name, None)
        inputs.append("")
        if value is not None:
            inputs[position] = f"{operation.outputs[0]}/{place}/{name}"
            extra.append(numpy_helper.from_array(_static(network, operation, value), inputs[position]))
    while inputs and not inputs[-1]:
        inputs.pop()
    node = helper.make_node(operation.kind, inputs, list(operation.outputs), **attributes)
    return node, extra


def _static(network: Network, operation: Operation, value: Any) -> np.ndarray:
    """A static input as an array: whole numbers, or (bounds, fills) of the input's type."""
    if operation.kind in ("Clip", "Pad") and not isinstance(value, list):
        return np.asarray(value, dtype=network.wires_by_name[operation.inputs[0]].dtype)
    return np.asarray(value, dtype=np.int64)


def _open_target(attributes: dict[str, Any], shape: Shape, batched: bool) -> list[int]:
    """The target of a Reshape, with the batch axis left open where the network has one."""
    target = reshape_target(
        shape, integers(attributes, "shape") or (), bool(attributes.get("allowzero"))
    )
    keeps_batch = batched and shape[:1] == (1,) and target[:1] == (1,)
    return [-1, *target[1:]] if keeps_batch else list(target)
