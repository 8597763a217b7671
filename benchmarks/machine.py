"""What a table says about how it was made: machine, versions, date; no host names or paths."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_PACKAGES = ("numpy", "scipy", "torch", "z3-solver", "sympy", "onnx", "onnxruntime", "scikit-learn",
             "pyoperon")  # fmt: skip


def provenance(command: str, code: str, more: Sequence[str] = ()) -> str:
    """The lines under a table's title, as markdown."""
    lines = [
        f"command: `{command}`", f"code: `{code}` (hash of the sources), seed 0", *more,
        f"machine: {processor()}, {os.cpu_count()} cores, {platform.system()}",
        f"versions: {versions()}", f"date: {datetime.now(UTC):%Y-%m-%d}",
    ]  # fmt: skip
    return "\n".join(f"- {line}" for line in lines)


def processor() -> str:
    """The processor's model as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def versions() -> str:
    """Python and the libraries that are installed."""
    found = [f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
