"""JSON and arrays in one run of bytes, which is a safetensors file: no pickles anywhere.

The format is short enough to be written out here: eight bytes of length, a JSON header that says
where each array lies, the arrays (https://github.com/huggingface/safetensors#format). The JSON part
is its metadata, so that any reader of such files opens it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NAMES = {
    "F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_KINDS = {name: kind for kind, name in _NAMES.items()}


def pack(data: Any, arrays: Mapping[str, NDArray] | None = None) -> bytes:
    """Plain data and named arrays as bytes.

    Raises:
        TypeError, ValueError: something isn't JSON, or an array is of another kind of number.
    """
    header: dict[str, Any] = {"__metadata__": {"json": json.dumps(data)}}
    body, at = [], 0
    for name, array in (arrays or {}).items():
        kind = _KINDS.get(array.dtype.newbyteorder("<").str)
        if kind is None:
            raise TypeError(f"arrays of {array.dtype} aren't kept")
        raw = np.ascontiguousarray(array, dtype=_NAMES[kind]).tobytes()
        ends = [at, at + len(raw)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": ends}
        body.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *body])


def unpack(raw: bytes) -> tuple[Any, dict[str, NDArray]]:
    """Undo `pack`.

    Raises:
        ValueError: it isn't such bytes.
    """
    size = int.from_bytes(raw[:8], "little")
    try:
        header = json.loads(raw[8 : 8 + size])
        data = json.loads(header.pop("__metadata__")["json"])
        arrays = {name: _array(raw, 8 + size, entry) for name, entry in header.items()}
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a packed result: {error}") from None
    return data, arrays


def _array(raw: bytes, begin: int, entry: Mapping[str, Any]) -> NDArray:
    shape, (low, high) = tuple(entry["shape"]), entry["data_offsets"]
    kind = np.dtype(_NAMES[entry["dtype"]])
    if not 0 <= low <= high <= len(raw) - begin or high - low != prod(shape) * kind.itemsize:
        raise ValueError("an array isn't where it is said to be")
    return np.frombuffer(raw[begin + low : begin + high], kind).reshape(shape).copy()
