"""Results as JSON lines, so that an interrupted bench goes on where it stopped.

A result counts only for the code and the settings that it was made with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "bench"
"""Git-ignored: JSON lines and the saved output folders."""


@dataclass(frozen=True)
class Store:
    """Results of one version of the code and one budget, in seconds; real data have their own."""

    file: Path
    code: str
    budget: float
    real_budget: float

    def seconds(self, entry: dict[str, Any]) -> float:
        """The budget of a network."""
        return self.real_budget if entry["family"] == "real data" else self.budget

    def known(self) -> dict[str, dict[str, Any]]:
        """Results by name of the network; the last one counts."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return {e["name"]: e for e in entries if self._settings(e).items() <= e.items()}

    def add(self, entry: dict[str, Any]) -> None:
        """Append one result."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as out:
            out.write(json.dumps(entry | self._settings(entry)) + "\n")

    def _settings(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {"code": self.code, "budget": self.seconds(entry)}


def code_version(root: Path = ROOT, houses: Sequence[str] = ("dsl", "distill")) -> str:
    """A short hash of the sources that make a distillation, and of the networks."""
    sources = [p for house in houses for p in (root / house).rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted([*sources, root / "benchmarks" / "networks" / "index.json"]):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]
