"""The state before the first item: an array, or a file of numbers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.load.assemble import quoted

Array = NDArray[np.float64]
NAME = "initial_state"


def read_initial(given: Any, hidden: int, otherwise: Array | None = None) -> Array:
    """The first state (hidden,) of an array or the path of a .npy, .npz or .csv file.

    Without one `otherwise`, or zeros. A hidden of 0 leaves the size open. An .npz holds the state
    as `initial_state` or as its only array.

    Raises:
        BadInput: a file that can't be read, another shape, no numbers or numbers that aren't
            finite.
    """
    if given is None:
        return np.zeros(hidden) if otherwise is None else otherwise
    values = _of_file(Path(given)) if isinstance(given, str | Path) else given
    try:
        state = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadInput(f"The initial state must be {hidden or 'some'} numbers.") from None
    hidden = hidden or state.size
    if not hidden or state.shape not in ((hidden,), (1, hidden)):
        raise BadInput(
            f"The initial state must have the shape [{hidden or 'H'}] of the network's state; "
            f"it has {list(state.shape)}."
        )
    if not np.isfinite(state).all():
        raise BadInput("The initial state holds NaN or infinite numbers; all must be finite.")
    return state.reshape(hidden)


def _of_file(path: Path) -> Any:
    shown = quoted(str(path))
    if not path.is_file():
        raise BadInput(f"The initial state's file {shown} doesn't exist.")
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            return _of_archive(path, shown)
        if path.suffix == ".csv":
            return np.loadtxt(path, delimiter=",", ndmin=1, encoding="utf-8").squeeze()[()]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise BadInput(
            f"The initial state's file {shown} can't be read; plain numbers are needed."
        ) from None
    raise BadInput(f"The initial state's file {shown} must be a .npy, .npz or .csv.")


def _of_archive(path: Path, shown: str) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        names = arrays.files
        if NAME not in names and len(names) != 1:
            raise BadInput(
                f"The file {shown} must hold one array, or one named {NAME}; it holds {names[:6]}."
            )
        return arrays[NAME if NAME in names else names[0]]
