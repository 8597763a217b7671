"""Reading a model file's bytes without trusting it: kinds of file, sizes, pickles."""

from __future__ import annotations

from pathlib import Path

from distill.errors import BadInput
from distill.load.assemble import quoted

LARGEST_FILE = 2**31
"""Most bytes that a model file may have."""

ZIP_MAGIC = b"PK\x03\x04"


def read_model_bytes(path: Path) -> bytes:
    """The bytes of a model file.

    Raises BadInput when it is missing, a folder, empty, too large, unreadable or a pickle.
    """
    shown = quoted(str(path))
    if path.is_dir():
        raise BadInput(f"{shown} is a folder; give the model file in it.")
    if not path.exists():
        raise BadInput(f"The model file {shown} does not exist.")
    if not path.is_file():
        raise BadInput(f"{shown} is not a regular file; give an .onnx or .pt2 file.")
    size = path.stat().st_size
    if size == 0:
        raise BadInput(f"The model file {shown} is empty.")
    if size > LARGEST_FILE:
        raise BadInput(f"The model file {shown} has {size} bytes; at most {LARGEST_FILE} are read.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"The model file {shown} can't be read: {error.strerror}.") from None
    if looks_pickled(data):
        raise BadInput(
            f"{shown} is a Python pickle, which can run code when opened and is never loaded; "
            "export the model to ONNX or with torch.export.save."
        )
    return data


def looks_pickled(data: bytes) -> bool:
    """Whether bytes start as a binary pickle (protocols 2 to 5) or a text one that calls code."""
    binary = data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    text = data[:1] in (b"(", b"c") and b"\n" in data[:64] and data.rstrip()[-1:] == b"."
    return binary or text
