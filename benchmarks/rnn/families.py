"""Distil the families of recurrent networks: `python -m benchmarks.rnn.families [--family F]`.

Cells of other kinds, tasks beyond the 62, published sizes, several sizes and seeds, the 62 with
disturbed weights, and networks trained by other people, where DISTILL_THIRD_PARTY names a folder
of them. No proofs are tried here, and a search ends after 30 seconds: a loop counts when it gives
the network's outputs on all of 65,536 fresh sequences, or differs on few (*same*) while it
computes the task on all: then the network errs there. Real outputs are the network's within a
tolerance: one and a half times the largest error that the network itself makes on its task, as
its training measured it. Of a disturbed network the program must be that of the clean one, the
task's.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.rnn.networks import Trained, arrays_of, families, trained
from benchmarks.rnn.networks import model_of as model_of_task
from benchmarks.rnn.third_party import third_party
from benchmarks.rnn.train.known import TASKS
from benchmarks.side_by_side import measured, publish
from benchmarks.store import code_version
from distill.errors import BadInput
from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.recurrent_target import Oracle
from distill.synthesize.loops.real_search import search_real_loops
from distill.synthesize.loops.search import search_loops
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop

PAGE = Path(__file__).parents[1] / "results" / "recurrent_families.md"
NOISY, THIRD_PARTY = "noise", "third party"
NOISE = 0.001
SECONDS = 30
"""Of computing that a search may take."""

ALLOWED = 1.5
"""Times a network's own largest error on its task that a loop of real outputs may differ by."""

FRESH = 65_536
_BLOCK = 1 << 12
_NEARLY = 0.95

Entry = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A network of a family."""

    family: str
    item: Trained


def jobs(chosen: Sequence[str]) -> Iterator[Job]:
    """All networks of the chosen families that learned their task."""
    for family in families():
        if family in chosen:
            yield from (Job(family, t) for t in trained(family) if t.entry["learned"])
    if NOISY in chosen:
        yield from (Job(NOISY, t) for t in trained())
    if THIRD_PARTY in chosen:
        yield from (Job(THIRD_PARTY, t) for t in third_party(_folder()))


def _folder() -> str | None:
    return os.environ.get("DISTILL_THIRD_PARTY")


def model_of(job: Job) -> RecurrentNetwork:
    """The network of a job."""
    if job.family == NOISY:
        return disturbed(job.item.name)
    if job.family == THIRD_PARTY:
        return job.item.entry["network"]
    return model_of_task(job.item)


def disturbed(name: str, seed: int = 0) -> RecurrentNetwork:
    """A network of the 62 with noise of 0.1 % of its size on every weight."""
    rng = np.random.default_rng([seed, 77])
    arrays = {
        key: value.astype(np.float64) * (1 + NOISE * rng.standard_normal(value.shape))
        for key, value in arrays_of(name).items()
    }
    step, readout = (
        [
            (_rounded(arrays[f"{part}.{i}.weight"]), _rounded(arrays[f"{part}.{i}.bias"]))
            for i in range(sum(k.startswith(f"{part}.") for k in arrays) // 2)
        ]
        for part in ("hidden", "output")
    )
    return RecurrentNetwork(cell_of_layers(step, readout), np.zeros(len(step[-1][1])))


def _rounded(values: np.ndarray) -> np.ndarray:
    """Numbers that float32 has."""
    return values.astype(np.float32).astype(np.float64)


def distilled(job: Job) -> Entry:
    """What comes of one network."""
    begin = time.process_time()
    entry: Entry = {"family": job.family, "name": job.item.name.split("/")[-1]}
    entry |= {k: job.item.entry[k] for k in ("cell", "hidden") if k in job.item.entry}
    try:
        inputs, length = job.item.inputs, job.item.length
        if job.family == NOISY:  # how long it holds is part of the question
            inputs, length = f"{inputs[:-1]}, 1..{length})", None
        oracle = _oracle(job, inputs, length)
        search = search_real_loops if oracle.real else search_loops
        found = search(oracle, 0, lambda: time.process_time() - begin > SECONDS)
    except BadInput as error:
        return entry | {"why": str(error), "seconds": _since(begin), "same": 0, "right": 0}
    entry["seconds"] = _since(begin)
    if not found:
        return entry | {"why": "no loop was found", "same": 0, "right": 0}
    best = found[0]
    entry |= {"program": str(best.loop), "bits": round(best.bits, 1), "route": best.route}
    return entry | _compared(job, oracle, best.loop)


def _oracle(job: Job, inputs: str, length: int | None) -> Oracle:
    """The network on its domain; real outputs within what the network errs by, and half more."""
    entry = job.item.entry
    if job.item.outputs != "real":
        return make_oracle(model_of(job), inputs, None, length)
    allowed = float(f"{ALLOWED * entry['largest_error']:.2g}")
    return make_oracle(model_of(job), inputs, "seq(real)", length, tolerance=allowed)


def _since(begin: float) -> float:
    return round(time.process_time() - begin, 1)


def _compared(job: Job, oracle: Oracle, loop: Loop) -> Entry:
    """Shares of fresh sequences on which the loop is the network, and the task."""
    kind, allowed = (float, oracle.tolerance) if oracle.real else (np.int64, 0.0)
    rng = np.random.default_rng(90_210)
    task = TASKS.get(job.item.entry.get("task", job.item.name))
    same = right = learned = 0
    for _ in range(FRESH // _BLOCK):
        columns = oracle.domain.sample(rng, _BLOCK, job.item.length)
        with np.errstate(all="ignore"):
            ours = run_loop(loop, columns).reshape(_BLOCK, job.item.length, -1).astype(kind)
        theirs = oracle.values(columns).reshape(ours.shape).astype(kind)
        same += _near(ours, theirs, allowed)
        if task is not None:
            items = np.concatenate([c.reshape(*c.shape[:2], -1) for c in columns], 2)
            truth = task.truth(items if task.real else items.astype(np.int64)).reshape(ours.shape)
            right += _near(ours, truth, allowed)
            learned += _near(theirs, truth, allowed)
    entry: Entry = {"same": same / FRESH} | ({"within": allowed} if oracle.real else {})
    if task is not None:
        entry |= {"right": right / FRESH, "network_right": learned / FRESH}
    return entry


def _near(values: np.ndarray, others: np.ndarray, allowed: float) -> int:
    """Sequences (n, T, k) on which all values are within `allowed` of the others."""
    return int((np.abs(values - others) <= allowed).all((1, 2)).sum())


def counts(entry: Entry) -> bool:
    """Whether a network is distilled: its loop is the network, or the network errs where not."""
    if entry["family"] == NOISY:
        return entry.get("right") == 1.0
    if entry["same"] == 1.0:
        return True
    return entry["same"] >= _NEARLY and entry.get("right") == 1.0


def page(entries: Sequence[Entry], head: str) -> str:
    """The tables as markdown."""
    names = list(dict.fromkeys(e["family"] for e in entries))
    parts = ["# Families of recurrent networks", head, (__doc__ or "").split("\n\n")[1]]
    parts.append(
        table(
            ("family", "networks", "distilled", "share", "seconds, median"),
            [_family_row(n, [e for e in entries if e["family"] == n]) for n in names],
        )
    )
    for name in names:
        rows = [_row(e) for e in entries if e["family"] == name]
        head_row = ("network", "cell", "program", "same", "task", "network's task", "bits", "s")
        parts += [f"## {name}", table(head_row, rows)]
    return "\n\n".join(parts) + "\n"


def _family_row(name: str, entries: Sequence[Entry]) -> tuple[Any, ...]:
    good = sum(counts(e) for e in entries)
    seconds = float(np.median([e["seconds"] for e in entries]))
    return name, len(entries), good, f"{100 * good / len(entries):.0f} %", f"{seconds:.1f}"


def _row(entry: Entry) -> tuple[Any, ...]:
    body = "; ".join(line.strip() for line in entry.get("program", "").splitlines()[1:])
    shown = f"`{body[:400]}{' ...' * (len(body) > 400)}`" if body else entry["why"]
    shares = [_share(entry.get(k)) for k in ("same", "right", "network_right")]
    cell = f"{entry.get('cell', 'relu-mlp')} {entry.get('hidden', '')}".strip()
    if "within" in entry:
        shown += f" within {entry['within']:.2g}"
    return (entry["name"], cell, shown, *shares, entry.get("bits", ""), entry["seconds"])


def _share(value: float | None) -> str:
    if value is None:
        return ""
    return "all" if value == 1.0 else f"{100 * value:.3f} %"


def main() -> None:
    """Run what the options choose."""
    parser = argparse.ArgumentParser(prog="benchmarks.rnn.families", description=__doc__)
    parser.add_argument("--family", action="append", help="only this one")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    everything = [*families(), NOISY, *([THIRD_PARTY] if _folder() else [])]
    entries = measured(distilled, jobs(options.family or everything), options.jobs, json.dumps)
    command = f"python -m benchmarks.rnn.families --jobs {options.jobs}"
    publish(page(entries, provenance(command, code_version())), PAGE, not options.family)


if __name__ == "__main__":
    main()
