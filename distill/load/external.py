"""External tensor files of an ONNX model: only regular files inside the model's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import onnx
from onnx import TensorProto

from distill.errors import BadInput
from distill.load.assemble import quoted
from distill.operations.kind import refuse_huge


def load_external(model: onnx.ModelProto, folder: Path) -> None:
    """Put the bytes of external tensors into the model, in place.

    Raises BadInput when a file lies outside the folder, is a link, or is too short.
    """
    for tensor in _tensors(model.graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            _fill(tensor, folder)


def _tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)


def _fill(tensor: TensorProto, folder: Path) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = inside(folder, entries.get("location", ""), tensor.name)
    refuse_huge(tuple(tensor.dims))
    item = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    length = prod(tensor.dims) * item
    offset = _whole(entries.get("offset", "0"), tensor.name)
    declared = _whole(entries.get("length", str(length)), tensor.name)
    if declared != length or offset + length > path.stat().st_size:
        raise BadInput(f"The external data of {quoted(tensor.name)} don't have {length} bytes.")
    with path.open("rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(length)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def _whole(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise BadInput(f"The external data of {quoted(name)} have a position that is no number.")
    return int(text)


def inside(folder: Path, location: str, name: str) -> Path:
    """The file of an external tensor. Raises BadInput unless it is a plain file in the folder."""
    base = folder.resolve()
    path = base / location
    plain = location and not Path(location).is_absolute() and "\\" not in location
    if not plain or "\0" in location or path.resolve() != path or base not in path.parents:
        raise BadInput(
            f"The external data of {quoted(name)} lie at {quoted(location)}; "
            "only plain files inside the model's own folder are read."
        )
    if not path.is_file():
        raise BadInput(f"The external data file {quoted(location)} is missing beside the model.")
    return path
