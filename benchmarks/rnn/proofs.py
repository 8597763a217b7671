"""Which recurrent networks are proved for every length: `python -m benchmarks.rnn.proofs`.

All networks of the suite and of its families with whole or true outputs and few state dimensions.
A network that departs from its program at some item can be proved up to a length only; those that
no search made depart are the ones to prove. Every proof is re-checked.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.rnn.departures import FEW as FEW_DRAWS
from benchmarks.rnn.departures import LONG, MANY, SHORT, departs_early, departs_late
from benchmarks.rnn.networks import Trained, model_of, trained
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from distill.checker.finding import verdict_of
from distill.checker.loops import loop_findings
from distill.errors import BadInput
from distill.evidence import Claim
from distill.loops import make_oracle
from distill.recurrent_target import Oracle
from distill.synthesize.loops.search import search_loops
from distill.verify.words import proof_of
from dsl.loop import Loop
from dsl.loop_text import parse_loop

PAGE = Path(__file__).parents[1] / "results" / "recurrent_proofs.md"
FAMILIES = ("published", "sizes", "further")
FEW, MOST = 4, 16
SEARCH, FOLLOW = 30, 10
"""Seconds of computing for a program, and for following the worst states."""

Entry = dict[str, Any]


def chosen() -> Iterator[Trained]:
    """The suite's networks, and those of the families that learned their task and aren't large."""
    yield from trained()
    for family in FAMILIES:
        yield from (t for t in trained(family) if t.entry["learned"] and t.entry["hidden"] <= MOST)


def examined(task: Trained, programs: dict[str, str]) -> Entry | None:
    """What is known about one network; None where it is too large, or has no program."""
    net = model_of(task)
    if net.hidden > MOST:
        return None
    try:
        oracle = make_oracle(net, task.inputs, None, task.length)
    except BadInput:  # its outputs are real numbers
        return None
    if task.name not in programs:
        begin = time.process_time()
        found = search_loops(oracle, 0, lambda: time.process_time() - begin > SEARCH)
        programs[task.name] = str(found[0].loop) if found else ""
    if not programs[task.name]:
        return None
    entry = {"name": task.name, "hidden": net.hidden}
    return entry | proved(parse_loop(programs[task.name]), oracle)


def proved(loop: Loop, oracle: Oracle) -> Entry:
    """The proof for every length, re-checked, else where the network departs from the program."""
    departs = departs_early(loop, oracle, FEW_DRAWS)
    if departs is not None:
        return {"departs": departs}
    begin = time.process_time()
    claim = proof_of(loop, oracle, 0)
    if claim is not None and claim.verdict == "proved":
        return _checked(loop, oracle, claim, time.process_time() - begin)
    departs, followed = departs_early(loop, oracle, MANY), 0
    if departs is None:
        departs, followed = departs_late(loop, oracle, FOLLOW)
    if departs is not None:
        return {"departs": departs}
    length = claim.length_bound if claim is not None else 0
    return {"proved": False, "length": length, "followed": followed}


def _checked(loop: Loop, oracle: Oracle, claim: Claim, seconds: float) -> Entry:
    begin = time.process_time()
    again = Claim.from_json(json.loads(json.dumps(claim.to_json())))
    findings = list(loop_findings(oracle, loop, again, np.random.default_rng(5)))
    return {
        "proved": True,
        "by": shape(claim),
        "count": claim.count,
        "any_order": "any order" in claim.arithmetic or claim.method == "relational",
        "seconds": round(seconds, 1),
        "checked": verdict_of(findings) == "holds",
        "check_seconds": round(time.process_time() - begin, 1),
    }


def shape(claim: Claim) -> str:
    """What a proof rests on, in a word or two."""
    kind = (claim.certificate or {}).get("kind")
    names = {"hulls": "boxes", "cells": "grid cells", "floats": "states of float32",
             "polytopes": "polytopes"}  # fmt: skip
    return names.get(kind or "", "impulse responses")


def page(entries: Sequence[Entry], head: str) -> str:
    """The tables as markdown."""
    few = [e for e in entries if e["hidden"] <= FEW]
    many = [e for e in entries if e["hidden"] > FEW]
    parts = ["# Recurrent networks for every length", head, _TEXT, summary(few, many)]
    for title, part in ((f"Up to {FEW} state dimensions", few), (f"{FEW + 1} to {MOST}", many)):
        parts += [f"## {title}", _stays(part), "Those that depart:", _departing(part)]
    return "\n\n".join(parts) + "\n"


_TEXT = f"""The suite of 62 and the families `{"`, `".join(FAMILIES)}`, each network beside the
program that the search finds for it. A network *departs* if one of many sequences shows a
difference: {MANY.short:,} uniform ones of {SHORT} items, {MANY.rows} of {MANY.length:,} (uniform,
and with items repeated), pairs of items in turn, and hidden states that are farthest out, followed
under every item for {FOLLOW} seconds (for programs of endlessly many states square waves of
{LONG:,} items). Such a network is right up to a length only. The others are those that may be right
for every length; what can't be proved of them may still depart later than was looked.
*By*: boxes of the hidden space that lead into each other, grid cells or polytopes that do, impulse
responses that fade (affine cells), all for float32 in any order of summation; or all states of
float32 that are reached, which is about sums in a stated order. *Checked*: the checker's own
arithmetic confirms the certificate. Seconds are of computing, without the search for the
program."""


def summary(few: Sequence[Entry], many: Sequence[Entry]) -> str:
    """How many are proved."""
    rows = []
    for title, part in ((f"up to {FEW}", few), (f"{FEW + 1} to {MOST}", many)):
        stays = [e for e in part if "proved" in e]
        good = [e for e in stays if e["proved"]]
        checked = [e for e in good if e["checked"]]
        share = f"{100 * len(good) / max(len(stays), 1):.0f} %"
        any_order = sum(e["any_order"] for e in good)
        rows.append(
            (title, len(part), len(part) - len(stays), len(stays), len(good), share, any_order,
             len(checked))
        )  # fmt: skip
    head = ("state dimensions", "networks", "depart", "stay", "proved for every length", "share",
            "in any order of summation", "checked")  # fmt: skip
    return table(head, rows)


def _stays(entries: Sequence[Entry]) -> str:
    rows = []
    for e in entries:
        if e.get("proved"):
            rows.append((e["name"], e["hidden"], e["by"], f"{e['count']:,}", e["seconds"],
                         "yes" if e["checked"] else "no", e["check_seconds"]))  # fmt: skip
        elif "proved" in e:
            shown = f"to length {e['length']}" if e["length"] else "not proved"
            rows.append((e["name"], e["hidden"], f"**{shown}**, followed for {e['followed']:,} "
                         "items", "", "", "", ""))  # fmt: skip
    head = ("network", "state", "by", "looked at", "seconds", "checked", "seconds to check")
    return table(head, rows)


def _departing(entries: Sequence[Entry]) -> str:
    rows = [(e["name"], e["hidden"], f"{e['departs']:,}") for e in entries if "departs" in e]
    return table(("network", "state", "departs at item"), rows)


def _kept(path: Path | None) -> dict[str, Entry]:
    lines = path.read_text().splitlines() if path else []
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    return {entry["name"]: entry for entry in entries}


def main() -> None:
    """Examine what the options choose."""
    parser = argparse.ArgumentParser(prog="benchmarks.rnn.proofs", description=__doc__)
    parser.add_argument("--task", action="append", help="only networks whose name holds this")
    parser.add_argument("--programs", type=Path, help="JSON of programs found before, by name")
    parser.add_argument("--kept", type=Path, help="what an interrupted run printed, a line each")
    options = parser.parse_args()
    programs = json.loads(options.programs.read_text()) if options.programs else {}
    wanted = options.task or [""]
    kept = _kept(options.kept)
    entries = []
    for task in (t for t in chosen() if any(w in t.name for w in wanted)):
        entry = kept.get(task.name) or examined(task, programs)
        if entry is not None:
            print(json.dumps(entry), flush=True)
            entries.append(entry)
        if options.programs:
            options.programs.write_text(json.dumps(programs))
    more = ["an interrupted run, gone on with"] if kept else []
    head = provenance("python -m benchmarks.rnn.proofs", code_version(), more)
    publish(page(entries, head), PAGE, not options.task)


if __name__ == "__main__":
    main()
