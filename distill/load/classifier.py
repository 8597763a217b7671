"""What skl2onnx adds around a network: label outputs, ZipMap, Scaler, linear models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill.errors import BadInput
from distill.network import Operation
from distill.operations.kind import Tensor


def expand_classifiers(
    operations: Sequence[Operation], constants: dict[str, Tensor]
) -> list[Operation]:
    """Replace ONNX-ML operators by ordinary ones and drop those that only name labels."""
    labels = _label_wires(operations, constants)
    kept: list[Operation] = []
    for operation in operations:
        if operation.kind == "ArrayFeatureExtractor" or labels & set(operation.inputs):
            continue
        expand = EXPANSIONS.get(operation.kind)
        kept.extend(expand(operation, constants) if expand else [operation])
    return kept


def _label_wires(operations: Sequence[Operation], constants: dict[str, Tensor]) -> set[str]:
    """Wires computed from class labels, which are names and not numbers."""
    found = {k for k, v in constants.items() if v.dtype.kind in "OSU"}
    for operation in operations:
        if operation.kind == "ArrayFeatureExtractor" or found & set(operation.inputs):
            found |= set(operation.outputs)
    return found


def _zip_map(operation: Operation, constants: dict[str, Tensor]) -> list[Operation]:
    return [Operation("Identity", operation.inputs, operation.outputs)]


def _scaler(operation: Operation, constants: dict[str, Tensor]) -> list[Operation]:
    """`(x - offset) * scale`."""
    (source,), (result,) = operation.inputs, operation.outputs
    offset, scale = (_own(operation, n, constants) for n in ("offset", "scale"))
    return [
        Operation("Sub", (source, offset), (result + "/centred",)),
        Operation("Mul", (result + "/centred", scale), (result,)),
    ]


def _normalizer(operation: Operation, constants: dict[str, Tensor]) -> list[Operation]:
    """Each row divided by its norm; for L1 of probabilities, by their sum."""
    (source,), (result,) = operation.inputs, operation.outputs
    norms = {"L1": "ReduceL1", "L2": "ReduceL2", "MAX": "ReduceMax"}
    norm = operation.attributes.get("norm", "MAX")
    if norm not in norms:
        raise BadInput("Normalizer supports the norms L1, L2 and MAX.")
    attributes = {"axes": [-1], "keepdims": 1}
    return [
        Operation(norms[norm], (source,), (result + "/norm",), attributes),
        Operation("Div", (source, result + "/norm"), (result,)),
    ]


def _own(operation: Operation, name: str, constants: dict[str, Tensor]) -> str:
    wire = f"{operation.outputs[0]}/{name}"
    constants[wire] = np.asarray(operation.attributes[name], dtype=np.float32)
    return wire


EXPANSIONS = {"ZipMap": _zip_map, "Scaler": _scaler, "Normalizer": _normalizer}
