"""ONNX files to networks. The file is data: parsed by the `onnx` package, checked, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from distill.errors import BadInput
from distill.load.assemble import RECURRENT, assemble, quoted, refuse_unsupported
from distill.load.classifier import EXPANSIONS, expand_classifiers
from distill.load.external import load_external
from distill.load.files import ZIP_MAGIC, read_model_bytes
from distill.network import Network, Operation, Wire
from distill.operations.kind import Shape, Tensor, refuse_huge

FLOATS = {"float32", "float64", "float16"}
DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}


def load_onnx(path: Path) -> Network:
    """Read an ONNX file into a network. Raises BadInput with what is wrong."""
    return network_of(read_onnx(path))


def read_onnx(path: Path) -> onnx.ModelProto:
    """Parse and check an ONNX file, its external tensors included. Raises BadInput."""
    data = read_model_bytes(path)
    if data.startswith(ZIP_MAGIC):
        raise BadInput(
            f"{quoted(str(path))} is a zip archive and no ONNX file; a torch export ends in .pt2."
        )
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError):
        raise BadInput(f"{quoted(str(path))} is no ONNX model, or it is cut short.") from None
    if not model.ir_version or not model.HasField("graph"):
        raise BadInput(f"{quoted(str(path))} is no ONNX model: it holds no graph.")
    _refuse_broken_text(model.graph, path)
    load_external(model, path.parent)
    return checked(model)


def _refuse_broken_text(graph: onnx.GraphProto, path: Path) -> None:
    """Refuse names that are no text: the protobuf reader hands them out as bytes."""
    names: list[Any] = [*(t.name for t in graph.initializer)]
    names += [v.name for v in (*graph.input, *graph.output)]
    for node in graph.node:
        names += [node.op_type, node.domain, *node.input, *node.output]
        names += [a.name for a in node.attribute]
    if not all(isinstance(name, str) for name in names):
        raise BadInput(f"{quoted(str(path))} is no ONNX model: it holds names that are no text.")


def checked(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with local functions inlined. Raises BadInput where onnx's checker objects."""
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _refuse_foreign(model)
    if not model.graph.output:
        raise BadInput("The model has no output; a network needs one.")
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise BadInput(f"The ONNX model is not valid: {_first_line(error)}.") from None
    return model


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = quoted(lines[0] if lines else type(error).__name__)[1:-1]
    return text.rstrip(".")


def _refuse_foreign(model: onnx.ModelProto) -> None:
    """Refuse unknown operations and cycles before the checker words it in its own way."""
    kinds = [
        node.op_type if node.domain in DOMAINS else f"{node.domain}::{node.op_type}"
        for node in model.graph.node
    ]
    refuse_unsupported([k for k in kinds if k not in _LOADER_KINDS])
    _refuse_cycle(model)


_LOADER_KINDS = frozenset({"Constant", "ArrayFeatureExtractor", *EXPANSIONS, *RECURRENT})
"""ONNX operators that are rewritten before there are operations, and those of sequence models."""


def _refuse_cycle(model: onnx.ModelProto) -> None:
    """Name a tensor that is read before it is computed and depends on itself."""
    import networkx as nx

    graph = nx.DiGraph()
    for node in model.graph.node:
        graph.add_edges_from((a, b) for a in node.input for b in node.output if a and b)
    if nx.is_directed_acyclic_graph(graph):
        return
    loop = nx.find_cycle(graph)
    raise BadInput(
        f"The model's graph has a cycle through {quoted(str(loop[0][0]))}; "
        "only feed-forward graphs can be read."
    )


def network_of(model: onnx.ModelProto) -> Network:
    """Turn a checked model into a network. Raises BadInput."""
    operations, constants = operations_of(model)
    refuse_unsupported([op.kind for op in operations])
    source, batched = _input(model.graph, constants)
    return assemble(operations, constants, source, _output(model, operations, source), batched)


def operations_of(model: onnx.ModelProto) -> tuple[list[Operation], dict[str, Tensor]]:
    """The graph's operations, not yet in order, and its constants. Raises BadInput."""
    graph = model.graph
    constants = {t.name: _tensor(t) for t in graph.initializer}
    opset = max([o.version for o in model.opset_import if o.domain in ("", "ai.onnx")] or [1])
    if graph.sparse_initializer:
        raise BadInput("Sparse weights are not supported; save the model with dense ones.")
    operations: list[Operation] = []
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = _constant(node)
        else:
            operations.append(_operation(node, opset))
    return expand_classifiers(operations, constants), constants


def inputs_of(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The inputs that aren't weights."""
    weights = {t.name for t in graph.initializer}
    return [value for value in graph.input if value.name not in weights]


def _tensor(tensor: onnx.TensorProto) -> Tensor:
    refuse_huge(tuple(tensor.dims))
    try:
        return np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError):
        raise BadInput(
            f"The weight {quoted(tensor.name)} holds other data than its shape says."
        ) from None


def _constant(node: onnx.NodeProto) -> Tensor:
    attribute = node.attribute[0]
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    return np.array(value, dtype=np.float32 if "float" in attribute.name else np.int64)


def _operation(node: onnx.NodeProto, opset: int) -> Operation:
    attributes = {a.name: _attribute(a) for a in node.attribute}
    if node.op_type in ("Softmax", "LogSoftmax") and opset < 13:
        attributes = {"axis": 1, **attributes, "joins_axes": 1}
    if node.op_type == "Cast":
        attributes["to"] = _cast_type(attributes["to"])
    if node.op_type == "BatchNormalization":
        attributes = {k: v for k, v in attributes.items() if k == "epsilon"}
    kept = node.output[:1] if node.op_type in ("BatchNormalization", "Dropout") else node.output
    inputs = node.input[:1] if node.op_type == "Dropout" else node.input
    return Operation(node.op_type, tuple(inputs), tuple(kept), attributes)


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    if isinstance(value, int | float):
        return value
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value]


def _cast_type(code: int) -> str:
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(code))
    except (KeyError, ValueError):
        raise BadInput(f"Cast to the ONNX type {code} is not supported.") from None


def _input(graph: onnx.GraphProto, constants: dict[str, Tensor]) -> tuple[Wire, bool]:
    """The only input that isn't a weight, and whether its first axis is a batch axis."""
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(quoted(v.name) for v in inputs[:6]) or "none"
        cell = " A recurrent cell is read with a domain 'seq(...)'." if len(inputs) == 2 else ""
        raise BadInput(
            f"A network needs exactly one input; the model has {len(inputs)}: {names}.{cell}"
        )
    return wire_of_input(inputs[0])


def wire_of_input(value: onnx.ValueInfoProto) -> tuple[Wire, bool]:
    """An input with its batch axis at 1, and whether that axis is open. Raises BadInput."""
    shape, dynamic = _shape(value.name, value.type.tensor_type)
    return Wire(value.name, shape, dtype_of_input(value)), dynamic


def dtype_of_input(value: onnx.ValueInfoProto) -> str:
    """numpy name of an input's type. Raises BadInput where it holds no numbers."""
    dtype = _cast_type(value.type.tensor_type.elem_type)
    if dtype not in FLOATS | {"int64", "int32", "bool"}:
        raise BadInput(f"The input {quoted(value.name)} holds {dtype}; numbers are needed.")
    return dtype


def _shape(name: str, kind: onnx.TypeProto.Tensor) -> tuple[Shape, bool]:
    if not kind.HasField("shape"):
        raise BadInput(f"The input {quoted(name)} declares no shape; export it with a fixed one.")
    sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
    if any(size <= 0 for size in sizes[1:]):
        raise BadInput(
            f"The input {quoted(name)} has an open size besides the batch axis; "
            "export the model with fixed sizes."
        )
    if sizes and sizes[0] < 0:
        raise BadInput(f"The input {quoted(name)} declares a negative size.")
    dynamic = bool(sizes) and sizes[0] == 0
    shape = (1, *sizes[1:]) if dynamic else tuple(sizes)
    return refuse_huge(shape), dynamic


def _output(model: onnx.ModelProto, operations: list[Operation], source: Wire) -> str:
    """The output to explain: the only one, else the only one of floats."""
    outputs = list(model.graph.output)
    produced = {o for op in operations for o in op.outputs}
    outputs = [o for o in outputs if o.name in produced or len(outputs) == 1]
    if len(outputs) > 1:
        outputs = [o for o in outputs if _is_float(o)]
    if len(outputs) != 1:
        names = ", ".join(quoted(o.name) for o in model.graph.output[:6])
        raise BadInput(
            f"The model has {len(model.graph.output)} outputs ({names}); "
            "export it with the one to explain."
        )
    return outputs[0].name


def _is_float(value: onnx.ValueInfoProto) -> bool:
    if not value.type.HasField("tensor_type"):
        return True
    return _cast_type(value.type.tensor_type.elem_type) in FLOATS
