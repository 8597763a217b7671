"""The user's data, from arrays, a .npz with `x` (and labels `y`), or a .csv with a header."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput

_LABELS = frozenset({"y", "label", "target", "class"})


def read_inputs(data: Any) -> NDArray[np.float64]:
    """Rows (n, width) in the network's own units; labels in the file are left unread.

    Raises:
        BadInput: what is wrong with the file or the array.
    """
    rows = _read_file(Path(data)) if isinstance(data, str | Path) else np.asarray(data)
    if rows.ndim < 2 or (not np.issubdtype(rows.dtype, np.number) and rows.dtype != np.bool_):
        raise BadInput(
            f"the data must be a table of numbers (n, width); got {rows.dtype} {rows.shape}"
        )
    if not rows.size or not np.isfinite(rows).all():
        raise BadInput("the data must have at least one row, and only finite numbers")
    return rows.reshape(len(rows), -1).astype(np.float64)


def read_labelled(data: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs (n, ...) in the network's own units and their labels (n, ...).

    data: a pair (x, y), or the path of a .npz with both or of a .csv with a column of labels.

    Raises:
        BadInput: what is wrong with the file or the arrays.
    """
    if isinstance(data, str | Path):
        x, y = _read_file(Path(data)), _read_file(Path(data), labels=True)
    else:
        x, y = (np.asarray(part) for part in data)
    for part in (x, y):
        if not np.issubdtype(part.dtype, np.number) and part.dtype != np.bool_:
            raise BadInput(f"inputs and labels must be numbers; got {part.dtype}")
        if not part.size or not np.isfinite(part).all():
            raise BadInput("inputs and labels must be at least one row, and only finite numbers")
    if len(x) != len(y):
        raise BadInput(f"there are {len(x)} inputs and {len(y)} labels; each needs one")
    return x.astype(np.float64), y.astype(np.float64)


def read_rows(data: Any) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Inputs (n, width) in the network's own units, and labels (n, ...) where there are any.

    data: an array, a pair of inputs and labels, or the path of a .npz with x (and y) or of a .csv.

    Raises:
        BadInput: what is wrong with the file or the arrays.
    """
    pair = isinstance(data, tuple) and len(data) == 2
    if not pair and not (isinstance(data, str | Path) and _has_labels(Path(data))):
        return read_inputs(data), None
    x, y = read_labelled(data)
    return read_inputs(x), y


def read_shaped(data: Any) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The same with the inputs in the shape that they have, (n, ...): sequences are (n, T, d).

    Raises:
        BadInput: what is wrong with the file or the arrays.
    """
    pair = isinstance(data, tuple) and len(data) == 2
    if pair or (isinstance(data, str | Path) and _has_labels(Path(data))):
        return read_labelled(data)
    x = _read_file(Path(data)) if isinstance(data, str | Path) else np.asarray(data)
    read_inputs(x)
    return x.astype(np.float64), None


def _has_labels(path: Path) -> bool:
    try:
        _read_file(path, labels=True)
    except BadInput as error:
        if "no array named y" in str(error) or "no column of labels" in str(error):
            return False
        raise
    return True


def _read_file(path: Path, labels: bool = False) -> NDArray[Any]:
    shown = ascii(str(path))
    if not path.is_file():
        raise BadInput(f"the data file {shown} doesn't exist")
    if path.suffix == ".npz":
        return _read_npz(path, shown, "y" if labels else "x")
    if path.suffix == ".csv":
        return _read_csv(path, shown, labels)
    raise BadInput(f"the data file {shown} must be a .npz with an array x, or a .csv with a header")


def _read_npz(path: Path, shown: str, name: str) -> NDArray[Any]:
    if not zipfile.is_zipfile(path):
        raise BadInput(
            f"the data file {shown} is no .npz, or it is cut short; write it with np.savez"
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            if name not in archive:
                raise BadInput(
                    f"the data file {shown} has no array named {name}; found {archive.files}"
                )
            return archive[name]
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise BadInput(
            f"can't read the data file {shown} as .npz of plain arrays: {error}"
        ) from None


def _read_csv(path: Path, shown: str, labels: bool) -> NDArray[Any]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = csv.reader(file)
    except (ValueError, UnicodeDecodeError, csv.Error):
        raise BadInput(f"the data file {shown} isn't a CSV with a header line") from None
    kept = [i for i, name in enumerate(header) if (name.strip().lower() in _LABELS) == labels]
    if not kept:
        raise BadInput(
            f"the data file {shown} has no column of {'labels (y)' if labels else 'inputs'}"
        )
    try:
        return np.array([[float(line[i]) for i in kept] for line in lines if line])
    except (ValueError, IndexError):
        raise BadInput(
            f"the data file {shown} must hold numbers only, one per column of its header"
        ) from None
