"""Writing networks to files: onnx.helper, torch's exporter, exported programs."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17
NODES = {nn.ReLU: "Relu", nn.Tanh: "Tanh", nn.Sigmoid: "Sigmoid"}


def write(model: nn.Module, path: Path, style: str) -> None:
    """Write a float32 `Sequential` of Linear and activations; `style`: see `Architecture`."""
    if style == "onnx":
        path.write_bytes(onnx_model(model).SerializeToString())
    elif style == "torch-onnx":
        _torch_onnx(model, path)
    else:
        _exported_program(model, path)


def suffix(style: str) -> str:
    """The file suffix of a format."""
    return ".pt2" if style == "pt2" else ".onnx"


def onnx_model(model: nn.Module, mean: NDArray | None = None, scale: NDArray | None = None):  # noqa: ANN201
    """The network as a minimal ONNX model; `mean` and `scale` add Sub and Div nodes in front."""
    nodes, tensors, wire = [], [], "input"
    for kind, name, value in (("Sub", "mean", mean), ("Div", "scale", scale)):
        if value is not None:
            tensors.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
            nodes.append(helper.make_node(kind, [wire, name], [f"{name}_out"]))
            wire = f"{name}_out"
    layers = list(model.children())
    for i, layer in enumerate(layers):
        after = "output" if i == len(layers) - 1 else f"wire{i}"
        node, weights = _layer(layer, i, wire, after)
        nodes.append(node)
        tensors += weights
        wire = after
    return _pack(nodes, tensors, _inputs(layers), _outputs(layers))


def _layer(layer: nn.Module, i: int, before: str, after: str):  # noqa: ANN202
    if not isinstance(layer, nn.Linear):
        return helper.make_node(NODES[type(layer)], [before], [after]), []
    names = [f"weight{i}", f"bias{i}"]
    arrays = [layer.weight.detach().numpy(), layer.bias.detach().numpy()]
    tensors = [numpy_helper.from_array(a, n) for a, n in zip(arrays, names, strict=True)]
    return helper.make_node("Gemm", [before, *names], [after], transB=1), tensors


def _inputs(layers: Iterable[nn.Module]) -> int:
    first = next(iter(layers))
    if isinstance(first, nn.Unflatten):
        return math.prod(first.unflattened_size)  # pyright: ignore
    assert isinstance(first, nn.Linear)
    return first.in_features


def _outputs(layers: list[nn.Module]) -> int:
    return next(layer.out_features for layer in reversed(layers) if isinstance(layer, nn.Linear))


def _pack(nodes: list, tensors: list, inputs: int, outputs: int) -> onnx.ModelProto:
    float_info = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", float_info, ["n", inputs])],
        [helper.make_tensor_value_info("output", float_info, ["n", outputs])],
        tensors,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    return model


def _example(model: nn.Module) -> tuple[torch.Tensor]:
    return (torch.zeros(2, _inputs(model.children())),)


def _torch_onnx(model: nn.Module, path: Path) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    batch = torch.export.Dim("n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model, _example(model), dynamo=True, verbose=False, dynamic_shapes=({0: batch},)
        )
    assert program is not None
    path.write_bytes(_without_traces(program.model_proto).SerializeToString())


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's metadata: it holds stack traces with this machine's paths."""
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
    for tensor in (*model.graph.initializer, *model.graph.value_info):
        del tensor.metadata_props[:]
    return model


def _exported_program(model: nn.Module, path: Path) -> None:
    shapes = ({0: torch.export.Dim("n")},)
    program = torch.export.export(model, _example(model), dynamic_shapes=shapes)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, path)
