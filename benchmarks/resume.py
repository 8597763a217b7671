"""Runs killed at random moments, then gone on with: `python -m benchmarks.resume [--kills N]`.

A network of several modules is distilled by `distill run` in a process of its own, which is killed
(SIGKILL) at a moment drawn from the whole length of an undisturbed run; the same command with
`--resume` has to end with the same program and evidence. Between the two nothing but what the
killed process left is looked at: is its sqlite file whole, and are all results that were in it when
the process died still there, and used, at the end? Writes benchmarks/results/resume.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from benchmarks.structure.networks import glued
from distill.load import network_from_normal_form
from distill.load.write import write_onnx
from distill.normal_form import NormalForm
from distill.run.store import FILE

PAGE = Path(__file__).parent / "results" / "resume.md"
ROOT = Path(__file__).resolve().parent.parent
NETWORK = 6
STEPS = 40_000


@dataclass(frozen=True)
class Job:
    """A network file and the command that distils it; env: where seal and cache are."""

    model: Path
    inputs: str
    steps: int = STEPS
    env: dict[str, str] = field(default_factory=dict)

    def command(self, out: Path, *more: str) -> list[str]:
        """The words of the command."""
        return [
            sys.executable, "-m", "distill", "run", str(self.model), "--inputs", self.inputs,
            "--exact", "--steps", str(self.steps), "--budget", "3600", "--no-cache",
            "--out", str(out), *more,
        ]  # fmt: skip

    def started(self, out: Path, *more: str) -> subprocess.Popen[str]:
        """The command begun."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **self.env}
        return subprocess.Popen(
            self.command(out, *more),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )


@dataclass(frozen=True)
class Left:
    """What a killed run left: keys of its results, and whether the file was whole."""

    killed: bool
    keys: frozenset[str]
    whole: bool


def job_of(folder: Path, form: NormalForm, steps: int = STEPS) -> Job:
    """A network as a file, with a place of its own for seal and cache."""
    write_onnx(network_from_normal_form(form), folder / "model.onnx")
    env = {"XDG_STATE_HOME": str(folder / "state"), "DISTILL_CACHE": ""}
    return Job(folder / "model.onnx", f"x: real(-1,1)[{form.input_width}]", steps, env)


def result_of(out: Path) -> dict[str, object]:
    """What has to be the same whether or not a run was killed: all but the seconds."""
    evidence = json.loads((out / "evidence.json").read_text())
    return {
        "program": (out / "program.dsl").read_text(),
        "front": (out / "front.json").read_text() if (out / "front.json").exists() else "",
        "sha256": evidence["sha256"],
        "steps": evidence["steps"],
        "verdicts": [evidence["verdict"], *(part["verdict"] for part in evidence["parts"])],
    }


def killed_after(job: Job, out: Path, seconds: float) -> Left:
    """Begin a run to `out`, kill it after so many seconds, and look at what it left."""
    process = job.started(out)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return Left(process.returncode == -signal.SIGKILL, *look(out))


def look(out: Path) -> tuple[frozenset[str], bool]:
    """Keys of the results beside an unfinished folder, and whether sqlite finds its file whole."""
    place = out.parent / f".{out.name}.unfinished" / FILE
    if not place.exists():
        return frozenset(), True
    connection = sqlite3.connect(place)
    try:
        whole = connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        tables = connection.execute("select count(*) from sqlite_master where name = 'results'")
        if not tables.fetchone()[0]:
            return frozenset(), whole
        return frozenset(r[0] for r in connection.execute("select key from results")), whole
    finally:
        connection.close()


@dataclass(frozen=True)
class Trial:
    """One kill: when, what was left, how the run that went on ended.

    known, made: stages that it took over and that it worked out; same: whether program, evidence
    and steps are those of the undisturbed run.
    """

    moment: float
    left: Left
    known: int
    made: int
    same: bool
    seconds: float


def trial(job: Job, out: Path, moment: float, wanted: dict[str, object]) -> Trial:
    """Kill a run at a moment, look at what it left, go on, compare; `out` is removed again."""
    left = killed_after(job, out, moment)
    begin = time.perf_counter()
    going_on = job.started(out, "--resume")
    _, said = going_on.communicate()
    took = time.perf_counter() - begin
    counts = _TOLD.search(said)
    known, made = (int(counts[1]), int(counts[2])) if counts else (0, -1)
    same = going_on.returncode in ENDED and result_of(out) == wanted
    clean = [p.name for p in out.parent.iterdir() if p.name.startswith(".")] == []
    shutil.rmtree(out, ignore_errors=True)
    return Trial(moment, left, known, made, same and clean, took)


ENDED = (0, 3)
"""Exit codes of a finished run: a program was found, or the literal program stands."""

_TOLD = re.compile(r"(\d+) stages were known, (\d+) were worked out")


def undisturbed(job: Job, out: Path) -> tuple[dict[str, object], int, float]:
    """The result of a run that nobody kills, its number of stages, and its seconds."""
    begin = time.perf_counter()
    process = job.started(out, "--resume")
    _, said = process.communicate()
    took = time.perf_counter() - begin
    counts = _TOLD.search(said)
    if process.returncode not in ENDED or counts is None:
        raise RuntimeError(f"the undisturbed run ended with {process.returncode}: {said}")
    found = result_of(out)
    shutil.rmtree(out)
    return found, int(counts[2]), took


def main() -> None:
    """Kill and go on, so many times, and write the page."""
    parser = argparse.ArgumentParser(description="Write benchmarks/results/resume.md.")
    parser.add_argument("--kills", type=int, default=50, help="so many runs are killed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = job_of(folder, glued(NETWORK)[1])
        wanted, stages, took = undisturbed(job, folder / "out")
        draws = random.Random(0)
        trials = []
        for _ in range(given.kills):
            trials.append(trial(job, folder / "out", draws.uniform(0, took), wanted))
            last = trials[-1]
            print(f"{last.moment:.1f} s: {last.known} known, {last.made} made, same {last.same}")
    head = provenance("python -m benchmarks.resume", code_version())
    publish(page(trials, stages, took, head), PAGE, given.kills >= 50)


def page(trials: list[Trial], stages: int, took: float, head: str) -> str:
    """The page of results."""
    killed = [t for t in trials if t.left.killed]
    lost = sum(t.made > stages - len(t.left.keys) for t in killed)
    rows = [
        ("runs begun", len(trials)),
        ("killed by SIGKILL before their end", len(killed)),
        ("killed before the first stage was finished", sum(not t.left.keys for t in killed)),
        ("damaged sqlite files", sum(not t.left.whole for t in trials)),
        (
            "finished stages found in the files after the kills",
            sum(len(t.left.keys) for t in killed),
        ),
        ("runs that worked out a stage again that was finished", lost),
        ("after `--resume`: another program, evidence or steps", sum(not t.same for t in trials)),
    ]
    saved = sum(t.seconds for t in killed) / max(len(killed), 1)
    return f"""# Runs that are killed and go on

`distill run` on a network of modules in a chain ({stages} stages: searches and claims of its values
and of the whole) is killed at random moments of its length ({took:.1f} s undisturbed), and then run
again with `--resume`. Program, front, hashes, steps and verdicts have to be those of the
undisturbed run.

{head}

{table(("", "count"), rows)}

A run that went on took {saved:.1f} s on average, start of the process included.
"""


if __name__ == "__main__":
    main()
