""".pt2 files to networks: the archive's JSON graph and raw tensors, never torch's own loader.

torch.export.load falls back to unpickling, so it is no safe judge of our reading. In
its place every call of the graph is run with torch's own aten function on 1,000 inputs
and compared with our value of the same wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from distill.errors import BadInput
from distill.load.agree import require_agreement
from distill.load.archive import SCALAR_TYPES, open_archive, read_json, read_tensors
from distill.load.assemble import quoted
from distill.load.aten import AtenGraph, Call, Ref, interpret, network_of_graph
from distill.load.aten_table import CHECKS
from distill.load.framework import remembered
from distill.network import Network
from distill.operations.kind import Tensor


def load_pt2(path: Path) -> Network:
    """Read a file that torch.export.save wrote. Raises BadInput."""
    graph = read_graph(path)
    network = network_of_graph(graph)

    def oracle(x: Tensor) -> Mapping[str, Tensor]:
        return interpret(graph, x)

    require_agreement(network, oracle)
    return remembered(network, "torch", oracle)


def read_graph(path: Path) -> AtenGraph:
    """The exported program of a .pt2 file as plain data. Raises BadInput."""
    members = open_archive(path)
    if members.get("byteorder", b"little").strip() != b"little":
        raise BadInput(f"{quoted(str(path))} was written on a big-endian machine; export it again.")
    model = read_json(members, "models/model.json")
    try:
        tensors = {
            **read_tensors(members, "weights"),
            **read_tensors(members, "constants"),
        }
        return _graph(model["graph_module"], tensors)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RuntimeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(
            f"The exported program in {quoted(str(path))} does not have the form that "
            f"torch.export.save writes (at {quoted(str(error))[:60]})."
        ) from None


def _graph(module: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> AtenGraph:
    graph, signature = module["graph"], module["signature"]
    constants: dict[str, torch.Tensor] = {}
    inputs: list[str] = []
    for spec in signature["input_specs"]:
        ((kind, content),) = spec.items()
        if kind == "user_input":
            inputs += [content["arg"]["as_tensor"]["name"]] if "as_tensor" in content["arg"] else []
        else:
            constants[content["arg"]["name"]] = _stored(kind, content, tensors)
    if len(inputs) != 1:
        raise BadInput(f"A network needs exactly one tensor input; this one has {len(inputs)}.")
    meta = graph["tensor_values"][inputs[0]]
    sizes = tuple(size.get("as_int") for size in meta["sizes"])
    calls = tuple(call for node in graph["nodes"] if (call := _call(node)).target not in CHECKS)
    outputs = tuple(_outputs(signature["output_specs"]))
    dtype = SCALAR_TYPES[meta["dtype"]]
    return AtenGraph(calls, constants, inputs[0], sizes, dtype, outputs)


def _stored(
    kind: str, content: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    names = {
        "parameter": "parameter_name",
        "buffer": "buffer_name",
        "tensor_constant": "tensor_constant_name",
    }
    name = content[names[kind]] if kind in names else ""
    if name not in tensors:
        raise BadInput(f"The archive lacks the {quoted(kind)} {quoted(name)}.")
    return tensors[name]


def _outputs(specs: list[Mapping[str, Any]]) -> list[str]:
    found = [s["user_output"]["arg"] for s in specs if "user_output" in s]
    return [_text(arg["as_tensor"]["name"]) for arg in found if "as_tensor" in arg]


def _call(node: Mapping[str, Any]) -> Call:
    target = str(node["target"]).removeprefix("torch.ops.")
    arguments = {str(entry["name"]): _value(entry["arg"]) for entry in node["inputs"]}
    outputs = [name for output in node["outputs"] for name in _names(output)]
    return Call(target, arguments, tuple(outputs))


def _names(output: Mapping[str, Any]) -> list[str]:
    ((kind, content),) = output.items()
    if kind == "as_tensors":
        return [item["name"] for item in content]
    if kind in ("as_tensor", "as_optional_tensor"):
        return [content.get("name", "")]
    return [content["as_name"]] if isinstance(content, dict) and "as_name" in content else [""]


def _value(argument: Mapping[str, Any]) -> Any:
    """An argument of a call: a reference, a list of them, or a plain value."""
    ((kind, content),) = argument.items()
    if kind == "as_none":
        return None
    if kind in ("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool"):
        return _scalar(content)
    if kind in ("as_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools"):
        return [_scalar(item) for item in content]
    if kind == "as_optional_tensors":
        return [_value(item) for item in content]
    if kind == "as_optional_tensor":
        return _value(content)
    if kind == "as_scalar_type":
        return SCALAR_TYPES[content]
    if kind in ("as_device", "as_layout", "as_memory_format"):
        return None
    if kind in ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string"):
        return content
    raise BadInput(
        f"The exported program holds an argument of kind {quoted(kind)}; it can't be read."
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadInput(f"The exported program holds {quoted(str(value))[:60]} as a name.")
    return value


def _scalar(content: Mapping[str, Any]) -> Any:
    for key in ("name", "as_name"):
        if key in content:
            return Ref(_text(content[key]))
    (value,) = content.values()
    return value
