"""Train the suite: `python -m benchmarks.train [--family F] [--task T] [--jobs K]`.

Writes the networks that compute their task to `benchmarks/networks/`, and what
is known about every training, discarded ones too, to its `index.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks import realdata, tasks
from benchmarks.train.classify import classify
from benchmarks.train.measure import computes
from benchmarks.train.recipe import train
from benchmarks.train.write import suffix, write

FOLDER = Path(__file__).parent.parent / "networks"
Entry = dict[str, Any]


def train_one(job: tuple[str, int]) -> Entry:
    """Train, judge and write one network; returns its entry of the index."""
    torch.set_num_threads(1)
    return train_data_set(*job) if job[0] in realdata.DATA_SETS else train_task(*job)


def train_data_set(name: str, number: int) -> Entry:
    """Train on one split of a data set; there is no truth to miss, so every split counts."""
    architecture = realdata.architectures()[number]
    part, start = realdata.split(name, architecture.seed), time.perf_counter()
    trained = classify(name, part, architecture)
    file = f"{name}_{architecture.label}.onnx"
    (FOLDER / file).write_bytes(trained.model.SerializeToString())
    return {
        "name": file.removesuffix(".onnx"), "file": file, "task": name, "family": "real data",
        "inputs": realdata.domain(name, part.x), "outputs": realdata.DATA_SETS[name].outputs,
        **asdict(architecture), "parameters": trained.parameters,
        "computes_task": True, "wrong": round(1 - trained.accuracy, 7),
        "train_accuracy": round(trained.train_accuracy, 7), "accuracy": round(trained.accuracy, 7),
        "train_points": len(part.x), "held_out_points": len(part.x_held_out),
        "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def train_task(name: str, number: int) -> Entry:
    """Train on a task with a known function; a network that fails it is not written."""
    task = tasks.BY_NAME[name]
    architecture = task.architectures[number]
    start = time.perf_counter()
    trained = train(task, architecture)
    seconds = time.perf_counter() - start
    label = f"{task.name}_{architecture.label}"
    good = computes(task, trained.score)
    file = label + suffix(architecture.format)
    (FOLDER / file).unlink(missing_ok=True)
    if good:
        write(trained.model, FOLDER / file, architecture.format)
    known = {k: None if v != v else round(v, 7) for k, v in asdict(trained.score).items()}
    return {
        "name": label, "file": file if good else None, "task": task.name, "family": task.family,
        "inputs": task.inputs, "outputs": output_type(task.outputs, architecture.sigmoid_output),
        **asdict(architecture), "parameters": sum(p.numel() for p in trained.model.parameters()),
        "computes_task": good, **known, "attempts": trained.attempts, "seconds": round(seconds, 1),
    }  # fmt: skip


def output_type(outputs: str, sigmoid: bool) -> str:
    """The `--outputs` text: a decision at 0.5 is spelled out."""
    return f"{outputs} above 0.5" if sigmoid else outputs


def jobs(family: str | None, name: str | None) -> list[tuple[str, int]]:
    """The (task, architecture) pairs that the options choose."""
    available = [(t.name, t.family, len(t.architectures)) for t in tasks.ALL]
    splits = len(realdata.architectures())
    available += [(data, "real data", splits) for data in realdata.DATA_SETS]
    chosen = (a for a in available if family in (None, a[1]) and name in (None, a[0]))
    return [(task, number) for task, _, count in chosen for number in range(count)]


def save(entries: Iterable[Entry], index: Path) -> None:
    """Merge entries into the index by name; what is no longer planned leaves with its file."""
    known = json.loads(index.read_text()) if index.exists() else []
    merged = {entry["name"]: entry for entry in (*known, *entries)}
    for stale in merged.keys() - planned():
        (FOLDER / (merged.pop(stale)["file"] or stale)).unlink(missing_ok=True)
    lines = (json.dumps(merged[name]) for name in sorted(merged))
    index.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def planned() -> set[str]:
    """Names of all networks of the suite."""
    known = {f"{t.name}_{a.label}" for t in tasks.ALL for a in t.architectures}
    real = {f"{d}_{a.label}" for d in realdata.DATA_SETS for a in realdata.architectures()}
    return known | real


def report(entry: Entry) -> str:
    """One line about a training."""
    verdict = "ok  " if entry["computes_task"] else "FAIL"
    kinds = ("wrong", "worst", "margin", "attempts")
    numbers = " ".join(f"{k} {entry[k]}" for k in kinds if entry.get(k) is not None)
    return f"{verdict} {entry['name']:40} {numbers} {entry['seconds']} s"


def main() -> None:
    """Train what the options choose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family")
    parser.add_argument("--task")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    entries = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for entry in pool.map(train_one, jobs(options.family, options.task)):
            print(report(entry), flush=True)
            entries.append(entry)
    save(entries, FOLDER / "index.json")


if __name__ == "__main__":
    main()
