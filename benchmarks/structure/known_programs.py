"""Programs of networks glued from modules whose function is known:
`python -m benchmarks.structure.known_programs [--count N]`.

Writes benchmarks/results/structure_known.md. Steps are bounded, so the machine's load changes
nothing.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score

import distill
from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from benchmarks.structure.known import Plan, network_of, planned
from distill.decompose.links import Links, links_of
from distill.decompose.parts import parts_of
from distill.distillation import Distillation
from distill.load import network_from_normal_form
from distill.piece import Piece
from dsl.cost import program_bits
from dsl.meanings.array import run
from dsl.types import BOOL

PAGE = Path(__file__).parents[1] / "results" / "structure_known.md"
COUNT = 30
STEPS = 12_000_000
"""Of each network: what 20 seconds of an ordinary core are taken for."""
_LITERAL = 0.5
"""A piece's program of more than this part of its own arithmetic's bits is none."""
_DRAWS = 10_000
Entry = dict[str, Any]


def main() -> None:
    """Distil everything, write the page after each."""
    parser = argparse.ArgumentParser(description="Write benchmarks/results/structure_known.md.")
    parser.add_argument("--count", type=int, default=COUNT, help="so many networks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    head = provenance("python -m benchmarks.structure.known_programs", code_version())
    entries = []
    for seed in range(given.count):
        entries.append(distilled(seed))
        publish(page(entries, head), PAGE, True)


def distilled(seed: int) -> Entry:
    """One network with what was recovered of its plan, as a row of the table."""
    plan = planned(seed)
    form, labels = network_of(plan, seed)
    reads, gives = _types(plan)
    begin = time.process_time()
    found = distill.distill(network_from_normal_form(form), reads, gives, budget=300.0, steps=STEPS)
    seconds = time.process_time() - begin
    assert isinstance(found, Distillation)
    links, bits = links_of(form), found.evidence.bits
    literal = sum(map(_is_literal, found.pieces))
    return {
        "kind": plan.kind, "names": [m.name for m, _ in plan.modules], "units": len(labels),
        "score": _agreement(links, labels), "planted": plan.wires,
        "wires": sum(part.width for part in parts_of(links)),
        "pieces": len(found.pieces), "literal": literal, "bits": bits["program"],
        "known": plan.bits, "network": bits["network"], "verdict": found.evidence.verdict,
        "method": found.evidence.method, "off": _off(plan, found), "program": str(found.program),
        "good": not literal and bits["program"] <= _LITERAL * bits["network"],
        "proved": Counter(p.claim.verdict for p in found.pieces)["proved"], "seconds": seconds,
    }  # fmt: skip


def _types(plan: Plan) -> tuple[str, str]:
    if plan.item == BOOL:
        return f"x: bool[{plan.inputs}]", f"bool[{len(plan.outputs)}] above 0.5"
    return f"x: real(-1,1)[{plan.inputs}]", f"real[{len(plan.outputs)}]"


def _agreement(links: Links, labels: list[int]) -> float:
    place = {unit: i for i, part in enumerate(parts_of(links)) for unit in part.units}
    return float(adjusted_rand_score(labels, [place[unit] for unit in links.hidden]))


def _is_literal(piece: Piece) -> bool:
    return program_bits(piece.spec) > _LITERAL * program_bits(piece.body, 32.0)


def _off(plan: Plan, found: Distillation) -> float:
    """How far the program is from what the modules were to compute, at most, on draws."""
    columns = found.domain.sample(np.random.default_rng(3), _DRAWS)
    wanted = plan.run(found.domain.encode(columns)).astype(float)
    return float(np.abs(np.asarray(run(found.program, columns)).astype(float) - wanted).max())


def page(entries: Sequence[Entry], head: str) -> str:
    """The table as markdown, and the programs."""
    right = sum(e["score"] >= 0.95 for e in entries)
    good = sum(e["good"] for e in entries)
    exact = sum(e["good"] and e["off"] <= 1e-6 for e in entries)
    columns = ("modules are", "modules", "units", "adjusted Rand index", "numbers between parts",
               "planted", "pieces", "with a program", "bits", "of the network's own",
               "bits planted", "verdict", "off", "seconds")  # fmt: skip
    texts = [f"### {i}: {', '.join(e['names'])}\n\n```\n{e['program'].rstrip()}\n```"
             for i, e in enumerate(entries)]  # fmt: skip
    return "\n\n".join([
        "# Networks glued from known modules", head,
        "Two to four modules whose function is known (comparators, clips, adders, choices, some of "
        "them trained) on inputs of their own, on the same ones, in a chain with fresh inputs, or "
        "before one; hidden units scaled and shuffled. Numbers between parts: what parts take from "
        "parts. Pieces: values that were cut out and given a program each, none where the whole "
        "has a very short one or a truth table; a piece has a program where that takes at most "
        "half the bits of the network's own arithmetic for it. Bits planted: the modules' bodies, "
        "a function counted once, without what joins them. Off: the largest distance on "
        f"{_DRAWS:,} draws of the program from what the modules were to compute, also where a "
        f"module was trained and errs. Each run has {STEPS:,} steps.",
        f"- adjusted Rand index at least 0.95 in {right} of {len(entries)}\n"
        f"- every module has its program in {good} of {len(entries)}; in {exact} it is exactly "
        "what was planted\n"
        f"- processor seconds: {max((e['seconds'] for e in entries), default=0):.0f} at most",
        table(columns, map(_row, enumerate(entries))),
        "## Programs", *texts,
    ]) + "\n"  # fmt: skip


def _row(numbered: tuple[int, Entry]) -> tuple[object, ...]:
    number, e = numbered
    pieces = f"{e['pieces'] - e['literal']} of {e['pieces']}" if e["pieces"] else (
        "the whole" if e["good"] else "**no**"
    )  # fmt: skip
    return (
        f"{number}: {e['kind']}", len(e["names"]), e["units"], f"{e['score']:.3f}", e["wires"],
        e["planted"], e["pieces"] or "whole", pieces, f"{e['bits']:,.0f}",
        f"{100 * e['bits'] / e['network']:.2g} %", f"{e['known']:,.0f}",
        f"{e['verdict']} ({e['method']})", f"{e['off']:.1g}", f"{e['seconds']:.0f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
