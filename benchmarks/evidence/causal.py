"""Is the program the network's own? `python -m benchmarks.evidence.causal [--task T] [--jobs K]`.

Distils the 62 networks of the recurrent suite and looks for every register and every shared value
of the loops in the networks, by interchange interventions beside two controls.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.rnn.networks import Trained, network, trained
from benchmarks.side_by_side import measured, publish
from benchmarks.store import code_version
from distill.align.alignment import SAMPLES, align_loop
from distill.align.locate import TRAINING
from distill.loops import distil_recurrent

PAGE = Path(__file__).parents[1] / "results" / "causal.md"
SEED = 0

Entry = dict[str, Any]


def align_task(task: Trained) -> Entry:
    """The loop of one network, and what is known about each of its variables."""
    found = distil_recurrent(network(task.name), task.inputs, length=task.length)
    entry: Entry = {"name": task.name, "found": not found.literal, "variables": []}
    if found.literal:
        return entry
    begin = time.perf_counter()
    report = align_loop(found.program, found.oracle, SAMPLES, SEED)
    seconds = time.perf_counter() - begin
    rows = [
        {"kind": v.kind, "located": v.located, "reason": v.reason, "cells": v.cells(),
         "interchange": v.to_json()["interchange"]}
        for v in report.variables
    ]  # fmt: skip
    return entry | {"hidden": found.oracle.network.hidden, "seconds": seconds, "variables": rows}


def page(entries: Sequence[Entry], head: str) -> str:
    """The tables as markdown."""
    parts = ["# Causal faithfulness", head, _TEXT, summary(entries), _rows(entries)]
    return "\n\n".join(parts) + "\n"


_TEXT = f"""Every register (a list's numbers one by one) and every `let` of the loops that are found
for the 62 recurrent networks is looked for in the network: a register in the state behind a step, a
`let` in the wires of the cell. Its place is chosen with {TRAINING} pairs of sequences and tried on
others: the variable's component is taken from one sequence's activations and written into another's
at the same step (any two steps where it only depends on the step), both go on with the base's
items, and all later rounded outputs must be those of the loop with the variable forced.
*Everywhere*: of {SAMPLES:,} independent pairs; *where it matters*: of {SAMPLES:,} pairs on which
the forced loop's outputs differ from the base's own, with the exact 95 % interval (Clopper and
Pearson). *Random*: subspaces of the same size at the same place, drawn anew; *shuffled*: beside the
loop with another sequence's value. *Read*: how well a linear decoder of the place tells the value,
on rows of its own. Located: read at 95 %, followed at 90 %, and the interval above those of both
controls; where exchanging the whole state would do as well, also 90 % of the variance explained."""


def summary(entries: Sequence[Entry]) -> str:
    """Shares that are located, and medians of the accuracies."""
    rows = []
    for kind in ("register", "let"):
        chosen = [v for e in entries for v in e["variables"] if v["kind"] == kind]
        held = [v for v in chosen if v["located"]]
        rows.append((
            f"{kind}s", len(chosen), len(held), _least(held), _median(held, "where_it_matters"),
            _median(held, "random"), _median(held, "shuffled"),
        ))  # fmt: skip
    whole = [e for e in entries if e["variables"] and all(v["located"] for v in e["variables"])]
    some = [e for e in entries if e["variables"]]
    head = ("variables", "in all", "located", "least accuracy", "median", "median of random",
            "median of shuffled")  # fmt: skip
    seconds = statistics.median(e["seconds"] for e in some) if some else 0.0
    return (
        f"{table(head, rows)}\n\nNetworks with all variables located: {len(whole)} of {len(some)} "
        f"whose loop has any ({len(entries) - len(some)} have none). Seconds a network, median: "
        f"{seconds:.1f}. Accuracies are those where it matters."
    )


def _values(rows: Sequence[Entry], key: str) -> list[float]:
    found = [v["interchange"][key] for v in rows]
    return [s["passed"] / s["trials"] for s in found if s and s["trials"]]


def _least(rows: Sequence[Entry]) -> str:
    found = _values(rows, "where_it_matters")
    return f"{100 * min(found):.1f} %" if found else ""


def _median(rows: Sequence[Entry], key: str) -> str:
    found = _values(rows, key)
    return f"{100 * statistics.median(found):.1f} %" if found else ""


def _rows(entries: Sequence[Entry]) -> str:
    head = ("task", "state", "variable", "place", "read", "everywhere", "where it matters",
            "random", "shuffled", "verdict")  # fmt: skip
    rows = [
        (e["name"].removeprefix("rnn_").removesuffix("_numerical"), e["hidden"], *v["cells"])
        for e in entries
        for v in e["variables"]
    ]
    return table(head, rows)


def _shown(entry: Entry) -> str:
    held = sum(v["located"] for v in entry["variables"])
    return f"{entry['name']}: {held} of {len(entry['variables'])} located"


def main() -> None:
    """Run what the options choose."""
    parser = argparse.ArgumentParser(prog="benchmarks.evidence.causal", description=__doc__)
    parser.add_argument("--task", action="append", help="only tasks whose name holds this")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    wanted = options.task or [""]
    chosen = [t for t in trained() if any(w in t.name for w in wanted)]
    entries = measured(align_task, chosen, options.jobs, _shown)
    command = f"python -m benchmarks.evidence.causal --jobs {options.jobs}"
    publish(page(entries, provenance(command, code_version())), PAGE, not options.task)


if __name__ == "__main__":
    main()
