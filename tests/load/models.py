"""Small models that the loader tests read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def mlp(**weights: np.ndarray) -> onnx.ModelProto:
    """Input (n, 3), one hidden ReLU layer of 4, output (n, 2)."""
    rng = np.random.default_rng(0)
    plain = {
        "w1": rng.normal(size=(3, 4)),
        "b1": rng.normal(size=4),
        "w2": rng.normal(size=(4, 2)),
        "b2": rng.normal(size=2),
    }
    values = {**plain, **weights}
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["y"]),
    ]
    tensors = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in values.items()]
    return model(nodes, tensors)


def model(nodes, tensors=(), inputs=(("x", ["n", 3]),), outputs=(("y", ["n", 2]),)):
    """An ONNX model of float inputs and outputs, unchecked."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        list(tensors),
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])


def save(proto: onnx.ModelProto, folder: Path, name: str = "m.onnx") -> Path:
    """Write a model without any check."""
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return path
