"""Outcomes of mutants as JSON lines: a run goes on where it stopped, a dead mutant stays dead."""

from __future__ import annotations

import json

from benchmarks.store import ROOT

FOLDER = ROOT / "build" / "mutation"


def results(file: str) -> dict[str, str]:
    """Outcomes so far by the mutant's id; the last one counts."""
    store = FOLDER / (file.replace("/", ".") + ".jsonl")
    if not store.exists():
        return {}
    entries = [json.loads(line) for line in store.read_text().splitlines() if line.endswith("}")]
    return {entry["id"]: entry["outcome"] for entry in entries}


def add(file: str, mutant: str, outcome: str, by: str) -> None:
    """Append one outcome, and the test that noticed."""
    store = FOLDER / (file.replace("/", ".") + ".jsonl")
    with store.open("a") as out:
        out.write(json.dumps({"id": mutant, "outcome": outcome, "by": by}) + "\n")
