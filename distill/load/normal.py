"""Normal forms back to networks, so that a simplified network can be run and saved."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill.load.assemble import assemble
from distill.network import Network, Operation, Wire
from distill.normal_form import Affine, Elementwise, Input, NormalForm
from distill.operations.kind import Tensor

KIND_OF = {
    "relu": "Relu",
    "abs": "Abs",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "reciprocal": "Reciprocal",
    "sin": "Sin",
    "cos": "Cos",
    "erf": "Erf",
    "floor": "Floor",
    "round": "Round",
    "sign": "Sign",
    "mul": "Mul",
    "max": "Max",
    "min": "Min",
    "pow": "Pow",
    "greater": "Greater",
    "equal": "Equal",
}


def network_from_normal_form(
    normal_form: NormalForm, name: str = "input", output: str = "output"
) -> Network:
    """The network (float32, input (batch, width)) that computes a normal form.

    Weights are rounded to float32, which is exact when they come from a float32 network.
    """
    constants: dict[str, Tensor] = {}
    operations: list[Operation] = []
    names = _wire_names(normal_form, name, output)
    for index, node in enumerate(normal_form.nodes):
        if isinstance(node, Affine):
            operations += _affine(index, node, names, constants)
        elif isinstance(node, Elementwise):
            operations += _elementwise(index, node, names)
    if normal_form.output == 0:
        operations.append(Operation("Identity", (names[0],), (output,)))
    source = Wire(name, (1, normal_form.input_width), "float32")
    return assemble(operations, constants, source, output, batched=True)


def _wire_names(normal_form: NormalForm, name: str, output: str) -> list[str]:
    assert isinstance(normal_form.nodes[0], Input)
    assert name != output
    names = [name, *(f"{output}/wire{i}" for i in range(1, len(normal_form.nodes)))]
    if normal_form.output:
        names[normal_form.output] = output
    return names


def _affine(
    index: int, node: Affine, names: list[str], constants: dict[str, Tensor]
) -> list[Operation]:
    """One Gemm for one term; a sum of products and the bias for several."""
    own = f"{names[index]}/{index}"
    constants[f"{own}/bias"] = node.bias.astype(np.float32)[None]
    for i, (_, matrix) in enumerate(node.terms):
        constants[f"{own}/weight{i}"] = matrix.astype(np.float32)
    if not node.terms:
        return [Operation("Identity", (f"{own}/bias",), (names[index],))]
    operations = []
    total = f"{own}/bias"
    for i, (source, _) in enumerate(node.terms):
        result = names[index] if i == len(node.terms) - 1 else f"{own}/part{i}"
        inputs = (names[source], f"{own}/weight{i}", total)
        operations.append(Operation("Gemm", inputs, (result,), {"transB": 1}))
        total = result
    return operations


def _elementwise(index: int, node: Elementwise, names: list[str]) -> list[Operation]:
    sources, result = tuple(names[s] for s in node.sources), names[index]
    if node.function == "square":
        return [Operation("Mul", sources * 2, (result,))]
    kind = KIND_OF[node.function]
    if kind not in ("Greater", "Equal"):
        return [Operation(kind, sources, (result,))]
    to_float: dict[str, Any] = {"to": "float32"}
    truth = f"{result}/{index}/truth"
    return [Operation(kind, sources, (truth,)), Operation("Cast", (truth,), (result,), to_float)]
