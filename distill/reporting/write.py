"""`distill report`: the page of a finished folder, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from distill.data_rows import agreement, covered, opened, read_data
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.export.place import shown
from distill.reporting.page import page

NAME = "report.html"


def report(folder: str | Path, data: Any = None, out: str | Path | None = None) -> Path:
    """Write the report of a finished folder; returns where it is.

    data: examples to drive the program with: an array, a pair (x, y), or the path of a .npz or
    .csv; out: where to, `report.html` in the folder if left out.

    Raises:
        BadInput: the folder isn't a finished distillation, the data don't fit, or the page can't
            be written.
    """
    folder = Path(folder)
    text = report_text(opened(folder), folder.resolve().name, data)
    target = folder / NAME if out is None else Path(out)
    _write(text, target)
    return target


def report_text(
    found: Distillation | LoopDistillation, name: str = "distillation", data: Any = None
) -> str:
    """The page itself, of a result of either kind.

    Raises:
        BadInput: the data don't fit.
    """
    if data is None:
        return page(found, name)
    rows = read_data(found, data)
    seen = covered(found, rows.columns)
    return page(found, name, (rows, agreement(found, rows.columns), seen))


def _write(text: str, target: Path) -> None:
    try:
        if target.is_dir():
            raise BadInput(f"{shown(target)} is a folder; give --out a file.")
        handle, draft = tempfile.mkstemp(prefix=".distill-", dir=target.parent or ".")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(draft, 0o644)
            os.replace(draft, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise BadInput(
            f"Can't write to {shown(target)} ({reason}); give --out a file that can be written."
        ) from None
