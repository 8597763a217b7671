"""Modules that a network holds several times: how many are written once.
`python -m benchmarks.structure.repeats [--budget SECONDS]`.

The network is asked for its composed program (`hierarchy.composed`), whether or not the whole has a
short one. Writes benchmarks/results/structure_repeats.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from benchmarks.structure.repeated import Repeats, networks
from distill.hierarchy.composed import Composed, composed
from distill.load import network_from_normal_form
from distill.run.budget import Budget, default_steps
from distill.standing import Settings
from distill.synthesize.judge import judge, judging_points
from distill.target import make_target, resolve_output
from dsl.domain_text import parse_domain
from dsl.program import Definition, free_variables, substitute, var
from dsl.text import show

PAGE = Path(__file__).parents[1] / "results" / "structure_repeats.md"
GOAL = 0.9
Entry = dict[str, Any]


def main() -> None:
    """Take everything apart, write the page after each."""
    parser = argparse.ArgumentParser(description="Write benchmarks/results/structure_repeats.md.")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each")
    given = parser.parse_args()
    torch.set_num_threads(1)
    head = provenance("python -m benchmarks.structure.repeats", code_version())
    entries: list[Entry] = []
    for one in networks():
        entries.append(taken_apart(one, given.budget))
        publish(page(entries, head), PAGE, True)


def taken_apart(one: Repeats, seconds: float) -> Entry:
    """One network with its composed program, as a row of the table."""
    network = network_from_normal_form(one.form)
    target = make_target(network, parse_domain(one.inputs), resolve_output(network, one.outputs))
    points = judging_points(target, 0)
    begin = time.process_time()
    budget = Budget(default_steps(seconds), 10 * seconds)
    tried: Iterator[Composed] = composed(target, Settings(), budget)
    good = (c for c in tried if judge(target, c.candidate, points).holds)
    found = next(good, None)
    took = time.process_time() - begin
    entry = {"name": one.name, "units": one.form.kinks, "values": one.values,
             "functions": one.functions, "repeats": one.values - one.functions,
             "seconds": took, "steps": budget.spent}  # fmt: skip
    if found is None:
        return entry | {"pieces": 0, "written": 0, "once": 0, "program": ""}
    called = [f for f in found.functions if len(free_variables(f.body)) > 1]
    written = len({same_for_all_orders(f) for f in called})
    extra = max(written - one.functions, 0)
    once = max(entry["repeats"] - extra, 0)
    return entry | {"pieces": len(found.pieces), "written": written, "once": once,
                    "program": str(found.candidate.program)}  # fmt: skip


def same_for_all_orders(definition: Definition) -> str:
    """A text that definitions share if they are the same up to names and order of parameters."""
    texts = []
    for order in islice(permutations(range(len(definition.parameters))), 5040):
        named = {n: var(f"p{order[i]}", t) for i, (n, t) in enumerate(definition.parameters)}
        texts.append(show(substitute(definition.body, named)))
    return min(texts)


def page(entries: Sequence[Entry], head: str) -> str:
    """The table as markdown, and the programs."""
    repeats, once = sum(e["repeats"] for e in entries), sum(e["once"] for e in entries)
    whole = sum(e["once"] == e["repeats"] for e in entries)
    rows = [
        (e["name"], e["units"], e["values"], e["functions"], e["written"] or "none",
         f"{e['once']} of {e['repeats']}", f"{e['seconds']:.0f}")
        for e in entries
    ]  # fmt: skip
    columns = ("network", "units", "values that modules give", "different ones", "functions found",
               "repeats written once", "seconds")  # fmt: skip
    texts = [f"### {e['name']}\n\n```\n{e['program'].rstrip()}\n```" for e in entries]
    return "\n\n".join([
        "# Repeated modules", head,
        "A network holds a module several times, its hidden units shuffled; in the random ones "
        "wires are scaled and shifted, truths turned round, and a copy reads the last copy's value "
        "in any of its places. Each value that a module gives beyond the first of its function is "
        "a repeat; it is written once if its function is one found before, up to the order of what "
        "it reads, truths turned round and scale. The programs are those put together from parts, "
        "asked for even where the whole has a short one.",
        f"- repeats written once: {once} of {repeats} ({100 * once / max(repeats, 1):.0f} %; the "
        f"goal is {100 * GOAL:.0f} %)\n- networks whose repeats are all written once: {whole} of "
        f"{len(entries)}",
        table(columns, rows), "## Programs", *texts,
    ]) + "\n"  # fmt: skip


if __name__ == "__main__":
    main()
