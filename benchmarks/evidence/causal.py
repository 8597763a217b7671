"""Is the program the network's own? `python -m benchmarks.evidence.causal [--wired] [--task T]`.

Looks for the inner variables of programs in networks, by interchange interventions beside two
controls: in networks that are wired by hand and compute as the program does, in pairs of networks
that compute one function in two ways, and for every register and every shared value of the loops
that are found for the 62 networks of the recurrent suite.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.evidence.wired import COUNTER, NETWORKS, PAIRS, Pair, Wired, counter, mixed
from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.rnn.networks import Trained, network, trained
from benchmarks.side_by_side import measured, publish
from benchmarks.store import code_version
from distill.align.alignment import SAMPLES, align_loop, align_program
from distill.align.locate import TRAINING
from distill.align.report import AlignmentReport, percent
from distill.loops import distil_recurrent
from distill.recurrent_target import Oracle, parse_reading
from distill.target import make_target, resolve_output
from dsl.domain_text import parse_domain
from dsl.loop_text import parse_loop
from dsl.sequences import parse_sequences
from dsl.text import parse_program

PAGE = Path(__file__).parents[1] / "results" / "causal.md"
SEED = 0

Entry = dict[str, Any]


def align_task(task: Trained) -> Entry:
    """The loop of one network, and what is known about each of its variables."""
    found = distil_recurrent(network(task.name), task.inputs, length=task.length)
    entry: Entry = {"name": task.name, "found": not found.literal, "variables": []}
    if found.literal:
        return entry
    begin = time.perf_counter()
    report = align_loop(found.program, found.oracle, SAMPLES, SEED)
    seconds = time.perf_counter() - begin
    hidden = found.oracle.network.hidden
    return entry | {"hidden": hidden, "seconds": seconds, "variables": variables_of(report)}


def variables_of(report: AlignmentReport) -> list[Entry]:
    """What is known about each variable, as plain data."""
    return [
        {"kind": v.kind, "located": v.located, "reason": v.reason, "cells": v.cells(),
         "interchange": v.to_json()["interchange"]}
        for v in report.variables
    ]  # fmt: skip


def aligned(program: Wired, network: Wired, seed: int) -> AlignmentReport:
    """One program's variables in the mixed network that computes as the other one does."""
    made = mixed(network, seed)
    read = resolve_output(made, network.output)
    target = make_target(made, parse_domain(network.domain), read)
    return align_program(parse_program(program.text), target, SAMPLES, SEED)


def align_wired() -> list[Entry]:
    """Every hand-wired network, the recurrent one last."""
    found = [
        {"name": wired.name, "variables": variables_of(aligned(wired, wired, place))}
        for place, wired in enumerate(NETWORKS)
    ]
    reading, at_end = parse_reading("seq(int)", 0.5)
    domain = parse_sequences("seq(x: bool)")
    oracle = Oracle(counter(SEED), domain, reading, _LENGTH, at_end, 0.0)
    report = align_loop(parse_loop(COUNTER), oracle, SAMPLES, SEED)
    return [*found, {"name": "count modulo 3, recurrent", "variables": variables_of(report)}]


def align_pairs() -> list[Entry]:
    """All pairs, each mixed in a way of its own."""
    return [align_pair(pair, place) for place, pair in enumerate(PAIRS)]


def align_pair(pair: Pair, seed: int) -> Entry:
    """Both programs of a pair in both networks: their `let` variables, network by network."""
    sides = pair.first, pair.second
    tables = [
        [[v for v in variables_of(aligned(program, network, seed)) if v["kind"] == "let"]
         for network in sides]
        for program in sides
    ]  # fmt: skip
    return {"name": pair.name, "tables": tables, "bodies": [side.body for side in sides]}


def page(
    entries: Sequence[Entry], wired: Sequence[Entry], pairs: Sequence[Entry], head: str
) -> str:
    """The tables as markdown."""
    return hand_part(wired, pairs, head) + suite_part(entries, head)


def hand_part(wired: Sequence[Entry], pairs: Sequence[Entry], head: str) -> str:
    """The page up to the recurrent suite."""
    parts = [
        "# Causal faithfulness", _METHOD,
        "## Networks wired by hand", head, _WIRED, wired_rows(wired),
        "## Pairs of networks that compute one function in two ways", _PAIRS,
        *(pair_rows(entry) for entry in pairs),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n\n"


def suite_part(entries: Sequence[Entry], head: str) -> str:
    """The rest of the page, with a head of its own since it takes far longer."""
    return "\n\n".join([_SUITE, head, _TEXT, summary(entries), _rows(entries)]) + "\n"


_SUITE = "## The recurrent suite"
_LENGTH = 8
_METHOD = f"""A variable's place is chosen with {TRAINING} pairs of inputs and tried on others: its
component is taken from one input's activations and written into another's, and the output must be
that of the program with the variable forced. *Everywhere*: of {SAMPLES:,} independent pairs; *where
it matters*: of {SAMPLES:,} pairs on which the forced program's output differs from the base's own,
with the exact 95 % interval (Clopper and Pearson). *Random*: subspaces of the same size at the same
place, drawn anew; *shuffled*: beside the program with another input's value. *Read*: how well a
linear decoder of the place tells the value, on rows of its own. Located: read at 95 %, followed at
90 % (real outputs: 99 % of the change), and the interval above those of both controls; where
exchanging the whole wire would do as well, also 90 % of the variance explained."""

_WIRED = """Each network (`benchmarks/evidence/wired.py`) computes its program's variables stage by
stage; behind every stage all channels are rotated at random, so that a variable is a direction of
what is handed on. Where a relu bends at the variable itself, its neuron is found instead."""

_PAIRS = """Two networks, wired and mixed as above, and for each the program that computes as it
does. Every cell lists the program's `let` variables that are located in the network, with the
accuracy where it matters (real outputs: the share of the change). What both have besides, such as
the number that is compared last, isn't counted."""

_TEXT = """Every register (a list's numbers one by one) and every `let` of the loops that are found
for the 62 recurrent networks is looked for in the network: a register in the state behind a step, a
`let` in the wires of the cell. The component is exchanged at the same step of two sequences (any
two steps where the variable only depends on the step), both go on with the base's items, and all
later rounded outputs must be those of the loop with the variable forced."""


def wired_rows(entries: Sequence[Entry]) -> str:
    """The hand-wired networks, a row for each variable, and what they come to."""
    head = ("network", "variable", "place", "read", "everywhere", "where it matters", "random",
            "shuffled", "verdict")  # fmt: skip
    variables = [v for e in entries for v in e["variables"]]
    held = [v for v in variables if v["located"]]
    rows = [(e["name"], *v["cells"]) for e in entries for v in e["variables"]]
    told = (
        f"{len(held)} of {len(variables)} located in {len(entries)} networks; least accuracy of a "
        f"located one where it matters (real outputs: share of the change) "
        f"{percent(min(map(_accuracy, held)))}; medians of controls: random "
        f"{_median(held, 'random')}, shuffled {_median(held, 'shuffled')}."
    )
    return f"{told}\n\n{table(head, rows)}"


def pair_rows(entry: Entry) -> str:
    """The two by two table of a pair."""
    head = ("program", "its own network", "the other network")
    rows = []
    for place, (body, cells) in enumerate(zip(entry["bodies"], entry["tables"], strict=True)):
        own, other = cells[place], cells[1 - place]
        rows.append((f"`{body}`", _cell(own), _cell(other)))
    return f"**{entry['name']}**\n\n{table(head, rows)}"


def _cell(variables: Sequence[Entry]) -> str:
    held = [v for v in variables if v["located"]]
    named = ", ".join(f"{v['cells'][0]} ({percent(_accuracy(v))})" for v in held)
    return f"{len(held)} of {len(variables)}" + (f": {named}" if named else "")


def _accuracy(variable: Entry) -> float:
    """Where it matters: the accuracy, or the share of a real output's change."""
    explained = variable["interchange"]["explained"]
    found = variable["interchange"]["where_it_matters"]
    return found["passed"] / found["trials"] if explained is None else explained


def told_apart(entry: Entry) -> bool:
    """Whether every variable of a pair is located in its own network and in no other."""
    (own, other), (third, fourth) = entry["tables"]
    inside = all(v["located"] for v in (*own, *fourth))
    return inside and not any(v["located"] for v in (*other, *third))


def summary(entries: Sequence[Entry]) -> str:
    """Shares that are located, and medians of the accuracies."""
    rows = []
    for kind in ("register", "let"):
        chosen = [v for e in entries for v in e["variables"] if v["kind"] == kind]
        held = [v for v in chosen if v["located"]]
        rows.append((
            f"{kind}s", len(chosen), len(held), _least(held), _median(held, "where_it_matters"),
            _median(held, "random"), _median(held, "shuffled"),
        ))  # fmt: skip
    whole = [e for e in entries if e["variables"] and all(v["located"] for v in e["variables"])]
    some = [e for e in entries if e["variables"]]
    head = ("variables", "in all", "located", "least accuracy", "median", "median of random",
            "median of shuffled")  # fmt: skip
    seconds = statistics.median(e["seconds"] for e in some) if some else 0.0
    return (
        f"{table(head, rows)}\n\nNetworks with all variables located: {len(whole)} of {len(some)} "
        f"whose loop has any ({len(entries) - len(some)} have none). Seconds a network, median: "
        f"{seconds:.1f}. Accuracies are those where it matters."
    )


def _values(rows: Sequence[Entry], key: str) -> list[float]:
    found = [v["interchange"][key] for v in rows]
    return [s["passed"] / s["trials"] for s in found if s and s["trials"]]


def _least(rows: Sequence[Entry]) -> str:
    found = _values(rows, "where_it_matters")
    return f"{100 * min(found):.1f} %" if found else ""


def _median(rows: Sequence[Entry], key: str) -> str:
    found = _values(rows, key)
    return f"{100 * statistics.median(found):.1f} %" if found else ""


def _rows(entries: Sequence[Entry]) -> str:
    head = ("task", "state", "variable", "place", "read", "everywhere", "where it matters",
            "random", "shuffled", "verdict")  # fmt: skip
    rows = [
        (e["name"].removeprefix("rnn_").removesuffix("_numerical"), e["hidden"], *v["cells"])
        for e in entries
        for v in e["variables"]
    ]
    return table(head, rows)


def _shown(entry: Entry) -> str:
    held = sum(v["located"] for v in entry["variables"])
    return f"{entry['name']}: {held} of {len(entry['variables'])} located"


def main() -> None:
    """Run what the options choose."""
    parser = argparse.ArgumentParser(prog="benchmarks.evidence.causal", description=__doc__)
    parser.add_argument("--task", action="append", help="only tasks whose name holds this")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--wired", action="store_true", help="only the networks wired by hand")
    options = parser.parse_args()
    command = "python -m benchmarks.evidence.causal"
    if options.wired:
        hand = hand_part(align_wired(), align_pairs(), _head(f"{command} --wired"))
        before = PAGE.read_text()
        publish(hand + before[before.index(_SUITE) :], PAGE, True)
        return
    wanted = options.task or [""]
    chosen = [t for t in trained() if any(w in t.name for w in wanted)]
    entries = measured(align_task, chosen, options.jobs, _shown)
    head = _head(f"{command} --jobs {options.jobs}")
    publish(page(entries, align_wired(), align_pairs(), head), PAGE, not options.task)


def _head(command: str) -> str:
    return provenance(command, code_version())


if __name__ == "__main__":
    main()
