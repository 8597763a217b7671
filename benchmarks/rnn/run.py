"""Distil the recurrent networks of the suite: `python -m benchmarks.rnn.run [--task T] [--jobs K]`.

Writes a line per network as it is done, and the table when all of them were run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.rnn.networks import Trained, network, trained
from benchmarks.rnn.references import REFERENCES
from benchmarks.rnn.tasks import TRUTHS
from benchmarks.side_by_side import measured, publish
from benchmarks.store import code_version
from distill.loops import LoopOutcome, distil_recurrent
from dsl.cost import loop_bits
from dsl.domain import Columns
from dsl.meanings.loop_array import run_loop
from dsl.meanings.loop_python import loop_python

PAGE = Path(__file__).parents[1] / "results" / "recurrent.md"
FRESH = 65_536
_BLOCK = 1 << 13

Entry = dict[str, Any]


def distil_task(task: Trained) -> Entry:
    """What comes of one network."""
    begin = time.perf_counter()
    found = distil_recurrent(network(task.name), task.inputs, length=task.length)
    seconds = time.perf_counter() - begin
    entry: Entry = {"name": task.name, "seconds": round(seconds, 1), "found": not found.literal}
    if found.literal:
        return entry
    reference = REFERENCES.get(task.name)
    return entry | {
        "program": str(found.program),
        "lines": loop_python(found.program).count("\n"),
        "verdict": found.claim.verdict,
        "length": found.claim.length_bound,
        "departs": found.departs,
        "bits": round(found.bits, 1),
        "reference_bits": None if reference is None else round(loop_bits(reference), 1),
        **compared(task, found),
    }


def compared(task: Trained, found: LoopOutcome) -> Entry:
    """Shares of fresh sequences on which the program is the network, and the task."""
    rng = np.random.default_rng(90_210)
    same = right = 0
    for _ in range(FRESH // _BLOCK):
        columns = found.oracle.domain.sample(rng, _BLOCK, task.length)
        program = _as_numbers(run_loop(found.program, columns))
        same += int((program == _network(found, columns)).all((1, 2)).sum())
        items = found.oracle.domain.encode(columns).astype(np.int64)
        right += int((program == TRUTHS[task.name](items)).all((1, 2)).sum())
    return {"same": same, "right": right, "fresh": FRESH}


def _network(found: LoopOutcome, columns: Columns) -> np.ndarray:
    return np.rint(found.oracle.network.run(found.oracle.domain.encode(columns))[1]).astype(
        np.int64
    )


def _as_numbers(outputs: np.ndarray) -> np.ndarray:
    whole = outputs.astype(np.int64)
    return whole if whole.ndim == 3 else whole[:, :, None]


def page(entries: Sequence[Entry], head: str) -> str:
    """The tables as markdown."""
    return (
        "\n\n".join(["# Recurrent networks", head, _TEXT, summary(entries), _rows(entries)]) + "\n"
    )


_TEXT = """The 62 sequence tasks of arXiv 2402.05110, each with a small trained ReLU network.
*Same*: of 65,536 fresh random sequences of the training length, those on which the program gives
the network's rounded outputs everywhere; *task*: those on which it gives the task's.
*Evidence*: `proved` for every length by induction over boxes or cells of the hidden space, or by
impulse responses that fade (affine cells); `proved_to_length N` by boxes, cells or responses, or by
running all sequences of length N (or up to the item before the first difference); else `tested` on
65,536 sequences of the training length; *departs*: the first
item at which 4,096 random sequences of 50 items show a difference. *Reference*: bits of a loop
written by hand (`benchmarks/rnn/references.py`)."""


def summary(entries: Sequence[Entry]) -> str:
    """How far the suite is from what was asked."""
    found = [e for e in entries if e["found"]]
    exact = [e for e in found if e["same"] == e["right"] == e["fresh"]]
    proved = [e for e in found if e["verdict"].startswith("proved")]
    ratios = [e["bits"] / e["reference_bits"] for e in found if e["reference_bits"]]
    rows = [
        ("equal to the network and computing the task", f"{len(exact)} of {len(entries)}", "62"),
        ("proved, or proved to the training length", f"{len(proved)} of {len(entries)}", "50"),
        ("most lines of a program", str(max(e["lines"] for e in found)), "12 in the body"),
        ("bits, median of the reference's", f"{statistics.median(ratios):.2f}", "1.2"),
        ("seconds a network, median", f"{statistics.median(e['seconds'] for e in entries):.1f}",
         "20 with proofs"),
        ("seconds in all, one core each", f"{sum(e['seconds'] for e in entries):.0f}", "1800"),
    ]  # fmt: skip
    return table(("what", "reached", "asked"), rows)


def _rows(entries: Sequence[Entry]) -> str:
    return table(
        ("task", "program", "same", "task", "evidence", "departs", "bits", "reference", "s"),
        [_row(e) for e in entries],
    )


def _row(entry: Entry) -> tuple[Any, ...]:
    name = entry["name"].removeprefix("rnn_").removesuffix("_numerical")
    if not entry["found"]:
        return (name, "none found", "", "", "", "", "", "", entry["seconds"])
    body = "; ".join(line.strip() for line in entry["program"].splitlines()[1:])
    share = {k: "all" if entry[k] == entry["fresh"] else f"{entry[k]:,}" for k in ("same", "right")}
    evidence = f"{entry['verdict']} {entry['length'] or 'for every length'}"
    return (
        name, f"`{body}`", share["same"], share["right"], evidence,
        entry["departs"] or "", round(entry["bits"]), round(entry["reference_bits"] or 0) or "",
        entry["seconds"],
    )  # fmt: skip


def main() -> None:
    """Run what the options choose."""
    parser = argparse.ArgumentParser(prog="benchmarks.rnn.run", description=__doc__)
    parser.add_argument("--task", action="append", help="only tasks whose name holds this")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    wanted = options.task or [""]
    chosen = [t for t in trained() if any(w in t.name for w in wanted)]
    entries = measured(distil_task, chosen, options.jobs, json.dumps)
    command = f"python -m benchmarks.rnn.run --jobs {options.jobs}"
    publish(page(entries, provenance(command, code_version())), PAGE, not options.task)


if __name__ == "__main__":
    main()
