"""The source framework's own run of an ONNX model: onnxruntime, else onnx's reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx

from distill.errors import BadInput
from distill.load.agree import Oracle
from distill.network import Network
from distill.operations.kind import Tensor

Session = Callable[[Tensor], Any]


def onnx_oracle(model: onnx.ModelProto, network: Network) -> Oracle:
    """A function from inputs (n, *shape) to the values of the network's output."""
    names, session = _session(_readable(model, network), network)

    def run(x: Tensor) -> Mapping[str, Tensor]:
        if network.batched:
            results = session(x.reshape(-1, *x.shape[2:]))
            return dict(zip(names, (r.reshape(len(x), -1) for r in results), strict=True))
        rows = [session(example) for example in x]
        return {n: np.stack([row[i].ravel() for row in rows]) for i, n in enumerate(names)}

    return run


def _readable(model: onnx.ModelProto, network: Network) -> onnx.ModelProto:
    """A copy with the network's output as its only output, before any ZipMap."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    wanted = network.output
    maps = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "ZipMap"}
    kept = [node for node in copy.graph.node if node.op_type != "ZipMap"]
    del copy.graph.node[:]
    copy.graph.node.extend(kept)
    del copy.graph.output[:]
    name = maps.get(wanted, wanted)
    copy.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return copy


def _session(model: onnx.ModelProto, network: Network) -> tuple[list[str], Session]:
    try:
        return [network.output], _onnxruntime(model, network.input)
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(model)
        return [network.output], lambda x: evaluator.run(None, {network.input: x})


def _onnxruntime(model: onnx.ModelProto, name: str) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise BadInput(
            f"onnxruntime refuses the model: {str(error).splitlines()[0][:160]!a}."
        ) from None
    return lambda x: session.run(None, {name: x})
