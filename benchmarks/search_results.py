"""The search speed as a page: what `benchmarks/search_speed.py` prints, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "search_speed.py"


def page(made: str) -> str:
    """Run the script and put its output under a title."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], cwd=SCRIPT.parent.parent, capture_output=True, text=True,
        check=True, env=_environment(),
    )  # fmt: skip
    return f"# Search speed\n\n{made}\n\n```\n{done.stdout.rstrip()}\n```\n"


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(SCRIPT.parent.parent)}
