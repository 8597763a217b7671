"""Programs of networks that are put together from known modules:
`python -m benchmarks.structure.programs [--budget SECONDS]`.

Circuits of known modules, wires carried on by units of their own and hidden units shuffled, and the
glued networks of `benchmarks.structure.networks`, whose modules are random, so that most of their
programs are the modules' own arithmetic. Writes benchmarks/results/structure_programs.md.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

import distill
from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from benchmarks.structure.circuits import adder_chain, multiplier, sorting_network
from benchmarks.structure.networks import glued
from distill.distillation import Distillation
from distill.load import network_from_normal_form
from distill.normal_form import NormalForm
from distill.reconstruct import own_form
from dsl.program import Call, Program, walk

PAGE = Path(__file__).parents[1] / "results" / "structure_programs.md"
GLUED = 30
Entry = dict[str, Any]
Task = tuple[str, NormalForm, str, str | None]


def main() -> None:
    """Distil everything, write the page after each."""
    parser = argparse.ArgumentParser(description="Write benchmarks/results/structure_programs.md.")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each")
    parser.add_argument("--glued", type=int, default=GLUED, help="so many glued networks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    head = provenance("python -m benchmarks.structure.programs", code_version())
    circuits, others = [], []
    for task in _circuits():
        circuits.append(distilled(task, given.budget))
        publish(page(circuits, others, head), PAGE, True)
    for task in _glued(given.glued):
        others.append(distilled(task, given.budget / 3))
        publish(page(circuits, others, head), PAGE, True)


def _circuits() -> Iterator[Task]:
    for bits in (4, 6):
        inputs = f"a: bool[{bits}] * b: bool[{bits}]"
        yield f"{bits}-bit adders in a chain", adder_chain(bits, bits), inputs, (
            f"bool[{bits + 1}] above 0.5"
        )  # fmt: skip
    inputs = "a: bool[3] * b: bool[3]"
    yield "3-bit by 3-bit multiplier", multiplier(3, 0), inputs, "bool[6] above 0.5"
    for count in (4, 8):
        inputs = f"x: real(-1,1)[{count}]"
        yield f"sorting network of {count}", sorting_network(count, count), inputs, None


def _glued(count: int) -> Iterator[Task]:
    for number in range(count):
        kind, form, _ = glued(number)
        yield kind, form, f"x: real(-1,1)[{form.input_width}]", None


def distilled(task: Task, budget: float) -> Entry:
    """One network with its program, as a row of the tables."""
    name, form, inputs, outputs = task
    begin = time.process_time()
    found = distill.distill(network_from_normal_form(form), inputs, outputs, budget=budget)
    assert isinstance(found, Distillation)
    assert found.literal is not None
    own = own_form(found.literal, found.domain, found.output)
    bits = found.evidence.bits
    return {
        "name": name, "units": form.kinks, "pieces": len(found.pieces),
        "verdicts": Counter(p.claim.verdict for p in found.pieces),
        "again": _called_again(found.program), "verdict": found.evidence.verdict,
        "method": found.evidence.method, "bits": bits["program"],
        "share": bits["program"] / bits["network"], "seconds": time.process_time() - begin,
        "back": own is not None, "program": str(found.program),
    }  # fmt: skip


def _called_again(program: Program) -> int:
    """How many functions are called more than once."""
    calls = Counter(
        node.name for d in program.definitions for node in walk(d.body) if isinstance(node, Call)
    )
    return sum(count > 1 for count in calls.values())


def page(circuits: Sequence[Entry], others: Sequence[Entry], head: str) -> str:
    """The tables as markdown, and the circuits' programs."""
    columns = ("network", "units", "parts", "parts proved", "functions called again", "verdict",
               "bits", "of the network's own", "rebuilt exactly", "seconds")  # fmt: skip
    texts = [f"### {e['name']}\n\n```\n{e['program'].rstrip()}\n```" for e in circuits]
    shorter = sum(e["share"] < 1 and e["pieces"] > 0 for e in others)
    return "\n\n".join([
        "# Programs of networks that fall apart", head,
        "Parts: values that were cut out and given a program each; none where the whole has a "
        "very short one. A part is proved beside its own arithmetic, the whole beside the network. "
        "Rebuilt exactly: the last level of the hierarchy has every weight of the network.",
        "## Circuits of known modules", table(columns, map(_row, circuits)),
        *texts,
        "## Networks glued from random modules",
        f"{shorter} of {len(others)} have a program for every module that is shorter than the "
        "network's own arithmetic; random modules have no short program, so most are literal.",
        table(columns, map(_row, others)),
    ]) + "\n"  # fmt: skip


def _row(e: Entry) -> tuple[object, ...]:
    proved = e["verdicts"].get("proved", 0)
    return (
        e["name"], e["units"], e["pieces"] or "whole", f"{proved} of {e['pieces']}",
        e["again"], f"{e['verdict']} ({e['method']})", f"{e['bits']:,.0f}",
        f"{100 * e['share']:.2g} %", "yes" if e["back"] else "**no**", f"{e['seconds']:.0f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
