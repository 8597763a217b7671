""".pt2 archives as data: JSON and raw tensors from a zip file, and no pickle at all."""

from __future__ import annotations

import io
import json
import pickletools
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from distill.errors import BadInput
from distill.load.assemble import quoted
from distill.load.files import ZIP_MAGIC, looks_pickled, read_model_bytes
from distill.operations.kind import refuse_huge

LARGEST_ARCHIVE = 2**32
"""Most bytes that an archive's members may declare in all."""

HARMLESS = frozenset({"torch._utils _rebuild_tensor_v2", "collections OrderedDict"})
"""What torch writes into the example inputs' pickle, besides storage types; never loaded here."""

SCALAR_TYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
"""torch's serialisation numbers of element types."""


def open_archive(path: Path) -> Mapping[str, bytes]:
    """Members of a .pt2 file by their path below its top folder.

    Raises BadInput when it is no such archive, declares too much data or carries a pickle
    other than torch's own example inputs.
    """
    data = read_model_bytes(path)
    if not data.startswith(ZIP_MAGIC):
        raise BadInput(f"{quoted(str(path))} is no .pt2 archive; write it with torch.export.save.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bomb(archive, len(data))
            members = {_below_top(i.filename): archive.read(i) for i in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise BadInput(f"The archive {quoted(str(path))} is damaged or cut short.") from None
    for name, member in members.items():
        refuse_pickle(name, member)
    if "models/model.json" not in members:
        raise BadInput(
            f"{quoted(str(path))} holds no exported program; write it with torch.export.save "
            "of torch 2.8 or newer."
        )
    return members


def _refuse_bomb(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse archives that unpack to far more than they are, or that hold a name twice."""
    total = sum(info.file_size for info in archive.infolist())
    if total > LARGEST_ARCHIVE or total > 100 * size + 2**20:
        raise BadInput(
            f"The archive declares {total} bytes of content in a file of {size}; "
            "this is not what torch.export.save writes."
        )
    names = [_below_top(info.filename) for info in archive.infolist()]
    if len(names) != len(set(names)):
        raise BadInput("The archive holds two members of one name; it can't be read safely.")


def _below_top(name: str) -> str:
    return name.split("/", 1)[-1]


def refuse_pickle(name: str, data: bytes) -> None:
    """Raise BadInput when an archive's member is a pickle or holds one that could run code.

    torch.export.save always puts example inputs in as a pickle of plain tensors; that one
    is scanned, opcode by opcode, and never loaded.
    """
    if name.startswith("data/sample_inputs/") and data.startswith(ZIP_MAGIC):
        _scan_inner(name, data)
    elif data.startswith(ZIP_MAGIC) or (looks_pickled(data) and _is_pickle(data)):
        _refuse(name)


def _scan_inner(name: str, data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as inner:
            _refuse_bomb(inner, len(data))
            for info in inner.infolist():
                content = inner.read(info)
                if info.filename.endswith(".pkl"):
                    _scan(name, content)
                elif content.startswith(ZIP_MAGIC) or (
                    looks_pickled(content) and _is_pickle(content)
                ):
                    _refuse(name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        _refuse(name)


def _scan(name: str, data: bytes) -> None:
    """Allow only the names that rebuilding plain tensors needs."""
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"):
                _refuse(name)
            if opcode.name.startswith("EXT") or (opcode.name == "GLOBAL" and not _known(argument)):
                _refuse(name)
    except (ValueError, IndexError, KeyError):
        _refuse(name)


def _known(argument: Any) -> bool:
    module, _, attribute = str(argument).partition(" ")
    storage = module == "torch" and attribute.endswith("Storage") and attribute.isidentifier()
    return storage or argument in HARMLESS


def _is_pickle(data: bytes) -> bool:
    """Whether bytes parse as a pickle to its end."""
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(data))
    except Exception:  # pickletools raises many kinds on foreign bytes
        return False


def _refuse(name: str) -> NoReturn:
    raise BadInput(
        f"The archive carries a Python pickle in {quoted(name)}, which can run code when opened; "
        "export the model again with torch.export.save."
    )


def read_json(members: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """A JSON member. Raises BadInput when it is missing or no JSON object."""
    try:
        value = json.loads(members[name])
    except KeyError:
        raise BadInput(f"The archive lacks its member {quoted(name)}.") from None
    except (ValueError, RecursionError):
        raise BadInput(f"The archive's member {quoted(name)} is no JSON.") from None
    if not isinstance(value, dict):
        raise BadInput(f"The archive's member {quoted(name)} is no JSON object.")
    return value


def read_tensors(members: Mapping[str, bytes], kind: str) -> dict[str, torch.Tensor]:
    """Tensors of `data/weights` or `data/constants`, by their qualified names."""
    folder = f"data/{kind}/"
    config = read_json(members, f"{folder}model_{kind}_config.json")["config"]
    return {name: _tensor(members, folder, name, entry) for name, entry in config.items()}


def _tensor(
    members: Mapping[str, bytes], folder: str, name: str, entry: Mapping[str, Any]
) -> torch.Tensor:
    if entry["use_pickle"] or entry["path_name"] is None or entry["tensor_meta"] is None:
        _refuse(folder + str(entry["path_name"]))
    meta = entry["tensor_meta"]
    if meta["dtype"] not in SCALAR_TYPES or folder + entry["path_name"] not in members:
        raise BadInput(f"The weight {quoted(name)} is missing or of a type that can't be read.")
    sizes, strides = ([int(s["as_int"]) for s in meta[k]] for k in ("sizes", "strides"))
    start = int(meta["storage_offset"]["as_int"])
    data = members[folder + entry["path_name"]]
    dtype = SCALAR_TYPES[meta["dtype"]]
    refuse_huge(tuple(sizes))
    last = start + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
    count = len(data) // dtype.itemsize
    if min([*sizes, *strides, start], default=0) < 0 or (prod(sizes) and last >= count):
        raise BadInput(f"The weight {quoted(name)} holds other data than its shape says.")
    flat = torch.from_numpy(np.frombuffer(data[: count * dtype.itemsize], np.uint8).copy())
    if not prod(sizes):
        return torch.empty(sizes, dtype=dtype)
    return flat.view(dtype).as_strided(sizes, strides, start).contiguous()
