"""ONNX files of whole sequences: recurrent operators, or a step written out several times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx

from distill.errors import BadInput
from distill.load.assemble import needed_in_order, quoted
from distill.load.onnx import dtype_of_input, inputs_of, operations_of
from distill.load.oracle import onnx_session
from distill.load.sequence.model import Layout, SequenceModel, Sizes, layouts, recurrent_of
from distill.network import Operation
from distill.operations.kind import Tensor
from distill.recurrent import RecurrentNetwork


def recurrent_of_onnx(model: onnx.ModelProto, initial_state: Any = None) -> RecurrentNetwork:
    """The recurrent network of a checked model with one input; its first output is explained.

    Raises:
        BadInput: what is wrong with it.
    """
    (source,) = inputs_of(model.graph)
    given, constants = operations_of(model)
    output = model.graph.output[0].name
    ordered = needed_in_order(tuple(given), {*constants, source.name}, output)
    session = onnx_session(model, source.name)

    def operations(layout: Layout) -> tuple[Sequence[Operation], Mapping[str, Tensor]]:
        return ordered, constants

    dtype = dtype_of_input(source)
    described = SequenceModel(
        operations, source.name, output, dtype, lambda x: session(x.astype(dtype))[0]
    )
    return recurrent_of(described, layouts(_sizes(source)), initial_state)


def _sizes(value: onnx.ValueInfoProto) -> Sizes:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        raise BadInput(f"The input {quoted(value.name)} declares no shape; export it with one.")
    return [d.dim_value if d.dim_value > 0 else None for d in kind.shape.dim]
