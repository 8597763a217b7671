"""One network of the suite distilled in a worker process, and what became of it."""

from __future__ import annotations

import runpy
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import realdata, tasks
from benchmarks.held_out import held_out
from benchmarks.judge import judge
from benchmarks.memory import peak_mib, reset_peak
from benchmarks.reference_programs import reference_bits
from benchmarks.train.measure import judged_points
from distill.api import distill
from distill.distillation import Distillation
from dsl.meanings.array import run

NETWORKS = Path(__file__).parent / "networks"
PYTHON_EXAMPLES = 20
Entry = dict[str, Any]
"""What the index of networks says about one, or what is known after its distillation."""


@dataclass(frozen=True)
class Job:
    """A network to distil: its entry of the index, seconds, and the folder for what is saved."""

    entry: Entry
    budget: float
    folder: Path


class Overtime(Exception):
    """A distillation ran far beyond its budget."""


def distil_one(job: Job) -> Entry:
    """Distil and judge one network; an exception becomes the result's `error`."""
    kept = ("name", "file", "task", "family", "inputs", "outputs", "hidden", "activation", "seed")
    known = {k: job.entry[k] for k in kept}
    start = time.perf_counter()
    try:
        with at_most(4 * job.budget + 60):
            return known | _distilled(job, start)
    except Exception as error:  # a bench goes on, and its table says what failed
        seconds = round(time.perf_counter() - start, 2)
        return known | {"error": f"{type(error).__name__}: {error}", "seconds": seconds}


def _distilled(job: Job, start: float) -> Entry:
    entry = job.entry
    real = entry["family"] == "real data"
    data = realdata.split(entry["task"], entry["seed"]).x if real else None
    reset_peak()
    found = distill(
        NETWORKS / entry["file"], entry["inputs"], entry["outputs"], data=data, budget=job.budget
    )
    seconds, memory = round(time.perf_counter() - start, 2), peak_mib()
    place = found.save(job.folder / f"{entry['name']}.distilled")
    after = held_out(found, entry) if real else judged(found, entry)
    measured = {"seconds": seconds, "peak_mib": memory, "python_fault": python_fault(found, place)}
    return measured | about(found) | after


def about(found: Distillation) -> Entry:
    """The program, its evidence and its sizes as plain data."""
    evidence, routes = found.evidence, [a.route for a in found.front if a.program == found.program]
    program, deployed = evidence.program_vs_deployed, evidence.deployed_vs_original
    return {
        "program": " ".join(str(found.program).split()),
        "verdict": evidence.verdict, "method": evidence.method, "statement": program.statement,
        "eps": program.achieved, "tolerance": program.tolerance,
        "left_out": program.left_out, "deployed_left_out": deployed.left_out,
        "bits": round(evidence.bits["program"], 1),
        "network_bits": round(evidence.bits["network"], 1),
        "route": routes[0] if routes else other_route(found), "found": found.found,
        "steps": evidence.steps, "note": found.note,
    }  # fmt: skip


def other_route(found: Distillation) -> str:
    """How a program came about that is none of the front."""
    return "tidied" if found.network is found.original else "simplified network"


def python_fault(found: Distillation, place: Path) -> str:
    """What is wrong with program.py on a few inputs of the domain; empty where nothing is."""
    columns = found.domain.sample(np.random.default_rng(0), PYTHON_EXAMPLES)
    wanted = np.asarray(run(found.program, columns), dtype=np.float64)
    try:
        predict = runpy.run_path(str(place / "program.py"))["predict"]
        got = [predict(*found.domain.row(columns, i)) for i in range(PYTHON_EXAMPLES)]
    except Exception as error:  # whatever a generated program may do
        return f"{type(error).__name__}: {error}"
    close = np.allclose(np.asarray(got, dtype=np.float64), wanted, rtol=1e-9, atol=1e-9)
    return "" if close else "other values than program.dsl"


def judged(found: Distillation, entry: Entry) -> Entry:
    """Whether the program computes its task, and for Boolean ones the reference's bits."""
    task = tasks.BY_NAME[entry["task"]]
    columns = judged_points(task)

    def network(some: tuple[np.ndarray, ...]) -> np.ndarray:
        return np.asarray(found.original.run(found.domain.encode(some)), dtype=np.float64)

    judgement = judge(task, lambda some: np.asarray(run(found.program, some)), network, columns)
    boolean = task.family == "boolean"
    reference = {"reference_bits": round(reference_bits(task.name), 1)} if boolean else {}
    return asdict(judgement) | reference


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `Overtime` in the main thread after so many seconds."""

    def stop(number: int, frame: Any) -> None:
        raise Overtime(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
