"""Run the suite and print its tables: `python -m benchmarks.run [--family F] [--task T] ...`

Results are kept as JSON lines under build/bench, so an interrupted run goes on where it
stopped. A table whose networks all were chosen is written to benchmarks/results; one that the
options narrow is only printed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks import real_report, report, search_results, speed
from benchmarks.distil_one import NETWORKS, Job, distil_one
from benchmarks.machine import provenance
from benchmarks.store import FOLDER, Store, code_version
from benchmarks.targets import misses

RESULTS = Path(__file__).parent / "results"
REAL = "real data"
PARTS = ("distil", "speed", "search")
QUICK_BUDGET = 5.0
Entry = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the options choose."""
    options = _parser().parse_args(arguments)
    index = json.loads((NETWORKS / "index.json").read_text())
    entries = chosen(index, options)
    whole = {e["name"] for e in index if e["computes_task"]} == {e["name"] for e in entries}
    parts = options.part or PARTS
    store = Store(FOLDER / "results.jsonl", code_version(), options.budget, options.real_budget)
    if "distil" in parts:
        results = distil_all(entries, store, options.jobs, FOLDER)
        tables(results, index, provenance(command(options), store.code))
    if "speed" in parts:
        publish(speed.page(entries, FOLDER, provenance(command(options), store.code)),
                RESULTS / "speed.md" if whole else None)  # fmt: skip
    if "search" in parts and whole:
        publish(search_results.page(provenance(command(options) + " --part search", store.code)),
                RESULTS / "search_speed.md")  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.run")
    add = parser.add_argument
    add("--family", choices=(*report.FAMILIES, REAL), action="append", help="may be repeated")
    add("--task", action="append", help="only networks of this task or data set")
    add("--jobs", type=int, default=2, help="worker processes")
    add("--budget", type=float, default=20.0, help="seconds that the search of a network may take")
    add("--real-budget", type=float, default=60.0, help="the same for real data")
    add("--quick", action="store_true", help=f"one network a task, {QUICK_BUDGET:g} s each")
    add("--part", choices=PARTS, action="append", help="default: all of them")
    return parser


def command(options: argparse.Namespace) -> str:
    """The command line that gives the same tables."""
    budgets = f"--budget {options.budget:g} --real-budget {options.real_budget:g}"
    kinds = [f" --family {shlex.quote(f)}" for f in options.family or ()]
    kinds += [f" --task {name}" for name in options.task or ()]
    return f"python -m benchmarks.run {budgets} --jobs {options.jobs}" + "".join(kinds)


def chosen(index: Sequence[Entry], options: argparse.Namespace) -> list[Entry]:
    """The networks that compute their task, as far as the options choose them."""
    found = [
        e
        for e in index
        if e["computes_task"]
        and e["family"] in (options.family or [e["family"]])
        and e["task"] in (options.task or [e["task"]])
    ]
    if options.quick:
        options.budget = options.real_budget = QUICK_BUDGET
        found = list({e["task"]: e for e in reversed(found)}.values())
    order = (*report.FAMILIES, REAL)
    return sorted(found, key=lambda e: (order.index(e["family"]), e["name"]))


def distil_all(entries: Sequence[Entry], store: Store, jobs: int, folder: Path) -> list[Entry]:
    """Results of all networks: those known already, and new ones by worker processes."""
    known = store.known()
    left = [Job(e, store.seconds(e), folder) for e in entries if e["name"] not in known]
    for count, result in enumerate(worked(left, jobs), 1):
        store.add(result)
        known[result["name"]] = result
        print(progress(result, count, len(left)), file=sys.stderr, flush=True)
    return [known[e["name"]] for e in entries]


def worked(left: Sequence[Job], jobs: int) -> Iterator[Entry]:
    """Results as they come."""
    if not left:
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(left)), fresh, load_libraries) as pool:
        for done in as_completed([pool.submit(distil_one, job) for job in left]):
            yield done.result()


def load_libraries() -> None:
    """Import in a worker what a distillation may need, before any clock runs."""
    for name in ("torch", "z3", "sympy", "onnx", "scipy.optimize"):
        importlib.import_module(name)


def progress(result: Entry, count: int, total: int) -> str:
    """One line about a result."""
    if "error" in result:
        return f"{count}/{total} {result['name']}: {result['error']}"
    wrong = "" if result["family"] == REAL else "; ".join(misses(result))
    return (
        f"{count}/{total} {result['name']}: {result['verdict']}, {result['bits']:.0f} bits, "
        f"{result['seconds']:.1f} s" + (f" (misses: {wrong})" if wrong else "")
    )


def tables(results: Sequence[Entry], index: Sequence[Entry], made: str) -> None:
    """Print the tables of both kinds; write those that are complete."""
    pages: tuple[tuple[bool, str, Callable[..., str]], ...] = (
        (False, "feedforward.md", report.feedforward),
        (True, "realdata.md", real_report.real_data),
    )
    for real, file, page in pages:
        mine = [r for r in results if (r["family"] == REAL) == real]
        every = [e for e in index if (e["family"] == REAL) == real]
        if mine:
            complete = len(mine) == sum(e["computes_task"] for e in every)
            publish(page(mine, every, made), RESULTS / file if complete else None)


def publish(page: str, file: Path | None) -> None:
    """Print a page, and write it where it is complete."""
    print(page)
    if file is not None:
        file.parent.mkdir(exist_ok=True)
        file.write_text(page)


if __name__ == "__main__":
    main()
