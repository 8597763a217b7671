"""The framework that a model came from, kept beside the network so that it can be asked again."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from distill.load.agree import Oracle
from distill.network import Framework, Network
from distill.operations.kind import Tensor


def remembered(network: Network, name: str, oracle: Oracle) -> Network:
    """The network with the source framework's own run of it."""
    return replace(network, source=_framework(network, name, oracle))


def onnx_runtime_name() -> str:
    """What runs ONNX models here."""
    return "onnxruntime" if find_spec("onnxruntime") else "onnx's reference"


def of_written(network: Network) -> Framework:
    """A network written as ONNX and run by an ONNX runtime.

    Raises:
        BadInput: it can't be written, or the runtime refuses it.
    """
    from distill.load.oracle import onnx_oracle
    from distill.load.write import onnx_model

    oracle = onnx_oracle(onnx_model(network), network)
    return _framework(network, f"{onnx_runtime_name()}, of the network as written", oracle)


def _framework(network: Network, name: str, oracle: Oracle) -> Framework:
    wire = network.wires_by_name[network.input]

    def run(x: Tensor) -> Tensor:
        given = np.asarray(x).astype(wire.dtype).reshape(len(x), *wire.shape)
        return np.asarray(oracle(given)[network.output]).reshape(len(x), -1)

    return Framework(name, network.operations, network.constants, network.output, run)
