"""How far the verifiers reach: `python -m benchmarks.evidence.power [--group G] [--jobs K]`.

Every problem of `problems` goes up the ladder, with a limit on processor seconds, and to plain
z3. Writes benchmarks/results/power.md once all groups are done.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.evidence.problems import (
    Make,
    Problem,
    boolean_problems,
    large_problems,
    small_problems,
)
from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.store import code_version
from distill.run.budget import Budget
from distill.run.limited import Failure, Limits, run_limited
from distill.verify.ladder import verify
from distill.verify.lower import network_over_scalars
from distill.verify.plan import Effort
from distill.verify.smt import asked
from dsl.domain_text import show_domain

PAGE = Path(__file__).parent.parent / "results" / "power.md"
Entry = dict[str, Any]
_SECONDS, _SOLVER_SECONDS = 120.0, 20.0
_SOLVER_WIRES = 200
"""z3 alone isn't asked about larger networks: it has answered none of 100 relus within a minute."""

_UNLIMITED = 2**31 - 1
_ASKED = {"small": 5.0, "boolean": 10.0, "large": 120.0}


GROUPS: dict[str, list[Make]] = {
    "small": small_problems(),
    "boolean": boolean_problems(),
    "large": large_problems(),
}


def all_judged(work: tuple[str, Make]) -> list[Entry]:
    """What the ladder says of every problem of one network."""
    torch.set_num_threads(1)
    group, made = work
    return [judged(problem, group) for problem in made()]


def judged(problem: Problem, group: str) -> Entry:
    """What the ladder says of a problem, and how long it and plain z3 take."""
    budget = Budget(steps=10**12, seconds=_SECONDS, clock=processor_seconds)
    begin, wall = processor_seconds(), time.perf_counter()
    claim = verify(problem.square, 0, Effort(should_stop=budget.stage(1.0)))
    seconds, wall = processor_seconds() - begin, time.perf_counter() - wall
    answer, solver = plain_solver(problem)
    return {
        "group": group, "problem": problem.name, "verifier": claim.method,
        "verdict": claim.verdict, "eps": problem.square.target.tolerance,
        "found": problem.found, "achieved": claim.achieved, "statement": claim.statement,
        "seconds": seconds, "wall": wall, "z3": answer, "z3_seconds": solver,
        "attempts": [attempt.line for attempt in claim.attempts],
    }  # fmt: skip


def processor_seconds() -> float:
    """Seconds of the processor that this process and its ended children have used."""
    return sum(os.times()[:4])


def plain_solver(problem: Problem) -> tuple[str, float]:
    """What z3 alone answers about the same question within its seconds, and how many it took."""
    square = problem.square
    form = network_over_scalars(square.target.form, square.target.domain)
    if form is None or square.target.output.discrete or sum(form.widths()) > _SOLVER_WIRES:
        return "not asked", 0.0
    question = str(square.program), show_domain(square.target.domain), square.target.tolerance
    begin = processor_seconds()
    limits = Limits(seconds=_SOLVER_SECONDS)
    found = run_limited(asked, form, *question, _UNLIMITED, None, limits=limits)
    seconds = processor_seconds() - begin
    return (found.reason if isinstance(found, Failure) else found[0]), seconds


def page(entries: Sequence[Entry], head: str) -> str:
    """The table and what it comes to."""
    parts = ["# How far the verifiers reach", head, EXPLANATION, summary(entries), rows(entries)]
    return "\n\n".join(parts) + "\n"


def summary(entries: Sequence[Entry]) -> str:
    """Each group: how many were decided rigorously, or to the solver's tolerance, and how fast."""
    found = []
    for group in dict.fromkeys(e["group"] for e in entries):
        mine = [e for e in entries if e["group"] == group]
        rigorous = [e for e in mine if e["verdict"] in ("proved", "refuted")]
        nearly = sum(e["verdict"] == "proved_to_solver_tolerance" for e in mine)
        times = sorted(e["seconds"] for e in rigorous) or [0.0]
        middle, most = times[len(times) // 2], times[-1]
        by_solver = sum(e["z3"] in ("sat", "unsat") for e in mine)
        found.append(
            (group, len(mine), len(rigorous), nearly, f"{middle:.1f}", f"{most:.1f}",
             _ASKED[group], by_solver)
        )  # fmt: skip
    head = ("group", "problems", "decided rigorously", "to solver tolerance", "seconds, median",
            "seconds, most", "asked", "decided by plain z3")  # fmt: skip
    return table(head, found)


def rows(entries: Sequence[Entry]) -> str:
    """A row for every problem."""
    head = ("problem", "verifier", "verdict", "largest found", "eps", "achieved", "s", "z3",
            "z3 s", "z3 s / s")  # fmt: skip
    return table(head, [_row(e) for e in entries])


def _row(entry: Entry) -> tuple[Any, ...]:
    achieved, asked_z3 = entry["achieved"], entry["z3"] != "not asked"
    return (
        entry["problem"], entry["verifier"], entry["verdict"], f"{entry['found']:.4g}",
        f"{entry['eps']:.4g}", "" if achieved is None else f"{achieved:.4g}",
        f"{entry['seconds']:.1f}", entry["z3"] if asked_z3 else "",
        f"{entry['z3_seconds']:.1f}" if asked_z3 else "",
        f"{entry['z3_seconds'] / entry['seconds']:.2g}" if asked_z3 else "",
    )  # fmt: skip


EXPLANATION = """\
Networks trained in seconds beside the function that they were taught (`function`) and beside
themselves with weights rounded to two decimals and those below 0.02 left out (`rounded`). *Found*
is the largest difference that 100,000 draws and a hunt show; eps is 1.25 times that for small
networks and 4 times for those of 8 inputs and 100 relus. Decisions (majority of truths) have to be
equal. Seconds are of the processor, all rungs of the ladder and processes of solvers included, at
most 120 a problem; *z3* is z3 alone on the same question, ended by `time` after 20 (or 160 by the
clock), and not asked about 100 relus. *Achieved* is what is proved, or, where the verdict is
`tested`, the largest difference drawn."""


def main() -> None:
    """Run what the options choose."""
    parser = argparse.ArgumentParser(prog="benchmarks.evidence.power", description=__doc__)
    parser.add_argument("--group", choices=list(_ASKED), help="only this group, no page")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    chosen = [options.group] if options.group else list(GROUPS)
    work = [(group, made) for group in chosen for made in GROUPS[group]]
    entries: list[Entry] = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for found in pool.map(all_judged, work):
            entries += found
            print("\n".join(json.dumps(entry) for entry in found), flush=True)
    command = f"python -m benchmarks.evidence.power --jobs {options.jobs}"
    text = page(entries, provenance(command, code_version()))
    print(text)
    if options.group is None:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
