"""Versions of what a run rests on."""

from __future__ import annotations

import platform
from importlib import metadata

_LIBRARIES = ("torch", "numpy", "z3-solver", "sympy", "networkx", "onnx")


def versions() -> dict[str, str]:
    """Versions of distill, Python and the libraries that proofs and runs rest on."""
    found = {"distill": _version("distill"), "python": platform.python_version()}
    return found | {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
