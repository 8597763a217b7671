"""The source framework's own run of an ONNX model: onnxruntime, else onnx's reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from distill.errors import BadInput
from distill.load.agree import Oracle
from distill.network import Network
from distill.operations.kind import Tensor

Session = Callable[..., Any]
"""One array for each input to a list of arrays, one for each output."""


def onnx_oracle(model: onnx.ModelProto, network: Network) -> Oracle:
    """A function from inputs (n, *shape) to the values of the network's wires."""
    maps = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "ZipMap"}
    names = _readable_wires(model, network)
    session = onnx_session(_opened(model, [maps.get(n, n) for n in names]), network.input)

    def run(x: Tensor) -> Mapping[str, Tensor]:
        if network.batched:
            results = session(x.reshape(-1, *x.shape[2:]))
            return {
                name: values.reshape(len(x), -1)
                for name, values in zip(names, results, strict=True)
                if values.size % len(x) == 0
            }
        rows = [session(example) for example in x]
        return {n: np.stack([row[i] for row in rows]) for i, n in enumerate(names)}

    return run


def _readable_wires(model: onnx.ModelProto, network: Network) -> list[str]:
    """The output and the other wires that the file's own operations compute."""
    produced = {o for node in model.graph.node if node.op_type != "ZipMap" for o in node.output}
    wires = [o for op in network.operations for o in op.outputs if o in produced]
    return [network.output, *(w for w in wires if w != network.output)]


def _opened(model: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """A copy without ZipMap that gives out the named tensors."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = [node for node in copy.graph.node if node.op_type != "ZipMap"]
    del copy.graph.node[:]
    copy.graph.node.extend(kept)
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in outputs)
    return copy


def onnx_session(model: onnx.ModelProto, *names: str) -> Session:
    """The model as a function of its inputs, by name.

    Raises:
        BadInput: the model is refused, now or when it is run.
    """
    try:
        run = _onnxruntime(model)
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        run = ReferenceEvaluator(model).run

    def session(*inputs: Tensor) -> Any:
        try:
            return run(None, dict(zip(names, inputs, strict=True)))
        except Exception as error:  # a runtime's own kinds
            shapes = [list(x.shape) for x in inputs]
            raise BadInput(
                f"The model can't be run on inputs of shape {shapes}: "
                f"{(str(error).splitlines() or [''])[0][:160]!a}."
            ) from None

    return session


def _onnxruntime(model: onnx.ModelProto) -> Callable[..., Any]:
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
    return session.run
