"""Real-data classifiers made easier to read: `python -m benchmarks.structure.prepare`.

Each is prepared from the training part of its split, without labels, and beside that trained on for
as long with no penalty; the held-out part judges. Writes benchmarks/results/prepare.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import distill
from benchmarks.machine import provenance
from benchmarks.realdata import DATA_SETS, SEEDS, TANH_SEEDS, domain, split
from benchmarks.report import table
from benchmarks.side_by_side import measured, publish
from benchmarks.store import code_version
from distill.distillation import Distillation
from distill.load import load, network_from_normal_form
from distill.normal_form import NormalForm
from distill.preparation.prepare import EPOCHS, Task, make_task, plain, prepared
from distill.preparation.report import Measures
from distill.preparation.training import Strengths
from distill.run.budget import silent
from dsl.domain_text import parse_domain

PAGE = Path(__file__).parents[1] / "results" / "prepare.md"
NETWORKS = Path(__file__).parents[1] / "networks"
Entry = dict[str, Any]
LOSS = 0.005
WITHOUT_CUTS = Strengths(cut=0.0, minimum=0.0)
SIDES = ("before", "plain", "prepared")
ABLATED = range(1)
"""Splits on which relu networks are also prepared without the penalties on cuts."""

DISTIL_SECONDS = 20.0


def main() -> None:
    """Prepare all networks, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(DATA_SETS))
    parser.add_argument("--splits", type=int, default=len(SEEDS))
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    chosen = [
        (name, activation, seed)
        for name in options.names
        for activation, seeds in (("relu", SEEDS), ("tanh", TANH_SEEDS))
        for seed in seeds
        if seed < options.splits
    ]
    entries = measured(of_network, chosen, options.jobs, shown)
    whole = options.names == list(DATA_SETS) and options.splits == len(SEEDS)
    head = provenance("python -m benchmarks.structure.prepare", code_version())
    publish(page(entries, head), PAGE, whole)


def of_network(which: tuple[str, str, int]) -> Entry:
    """One network before, trained on plainly, prepared without cuts' penalties, and prepared."""
    torch.set_num_threads(1)
    name, activation, seed = which
    parts = split(name, seed)
    outputs, inputs = DATA_SETS[name].outputs, domain(name, parts.x)
    model = load(str(NETWORKS / f"{name}_{activation}50x50_s{seed}.onnx"))
    task = make_task(model, parts.x, None, outputs, LOSS, seed, parse_domain(inputs))
    begin = time.process_time()
    found = prepared(task, EPOCHS, Strengths(), silent)
    seconds = time.process_time() - begin
    forms = {
        "before": task.form,
        "plain": plain(task, EPOCHS),
        "prepared": found.form,
    }
    if seed in ABLATED and activation == "relu":
        forms["without cuts"] = prepared(task, EPOCHS, WITHOUT_CUTS, silent).form
    held_out = parts.x_held_out, parts.y_held_out
    sides = {side: _side(task, form, *held_out) for side, form in forms.items()}
    entry = {"data": name, "activation": activation, "seed": seed, "seconds": seconds,
             "changed": found.changed, "sides": sides}  # fmt: skip
    if seed == 0 and activation == "relu":
        entry["distilled"] = [_distilled(f, parts.x, inputs, outputs, held_out)
                              for f in (task.form, found.form)]  # fmt: skip
    return entry


def _side(task: Task, form: NormalForm, x: np.ndarray, y: np.ndarray) -> Entry:
    found: Measures = task.measured(form)
    right = task.output.decode(form.run(x)).astype(np.int64) == y
    return {
        "right": int(right.sum()), "rows": len(y), "weights": found.weights, "units": found.units,
        "modularity": found.modularity, "cut": found.cut, "bits": found.bits,
    }  # fmt: skip


def _distilled(
    form: NormalForm, x: np.ndarray, inputs: str, outputs: str,
    held_out: tuple[np.ndarray, np.ndarray],
) -> Entry:  # fmt: skip
    """The program that a form is distilled to."""
    found = distill.distill(
        network_from_normal_form(form), inputs, outputs, data=x, budget=DISTIL_SECONDS
    )
    assert isinstance(found, Distillation)
    right = found.batch(held_out[0]).astype(np.int64) == held_out[1]
    return {"bits": found.evidence.bits["program"], "right": float(right.mean())}


def shown(entry: Entry) -> str:
    """A line for each network."""
    sides = entry["sides"]
    told = [
        f"{name} {100 * s['right'] / s['rows']:.2f} % {s['weights']} weights modularity "
        f"{s['modularity']:.2f} cut {s['cut']:.2f} {s['bits']:,.0f} bits"
        for name, s in sides.items()
    ]
    head = f"{entry['data']} {entry['activation']} {entry['seed']} {entry['seconds']:.1f} s"
    return "; ".join([head, *told, str(entry.get("distilled", ""))])


def _sums(entries: Sequence[Entry], key: str, sides: Sequence[str] = SIDES) -> list[float]:
    return [float(np.mean([e["sides"][s][key] for e in entries])) for s in sides]


def _accuracies(entries: Sequence[Entry], sides: Sequence[str] = SIDES) -> list[float]:
    rows = sum(e["sides"]["before"]["rows"] for e in entries)
    return [100 * sum(e["sides"][s]["right"] for e in entries) / rows for s in sides]


def _ablated(entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    sides = ("without cuts", "prepared")
    both = [e for e in entries if sides[0] in e["sides"]]
    rows = []
    for data, activation in sorted({(e["data"], e["activation"]) for e in both}):
        here = [e for e in both if (e["data"], e["activation"]) == (data, activation)]
        keys = (("weights", "{:,.0f}"), ("modularity", "{:.2f}"), ("cut", "{:.2f}"),
                ("bits", "{:,.0f}"))  # fmt: skip
        rows.append((
            data, activation, *_cells(_accuracies(here, sides), "{:.2f}"),
            *(c for key, form in keys for c in _cells(_sums(here, key, sides), form)),
        ))  # fmt: skip
    return rows


def _misses(entries: Sequence[Entry]) -> str:
    accuracy, modular, cut = (
        _accuracies(entries),
        _sums(entries, "modularity"),
        _sums(entries, "cut"),
    )
    weights, bits = _sums(entries, "weights"), _sums(entries, "bits")
    found = []
    if accuracy[2] < accuracy[0] - 0.5:
        found.append("accuracy")
    if weights[2] >= weights[1]:
        found.append("sparsity")
    if modular[2] <= modular[1] or cut[2] >= cut[1]:
        found.append("modularity")
    if bits[2] > bits[0] / 2:
        found.append("bits")
    return ", ".join(found) or "none"


def _cells(values: Sequence[float], form: str) -> list[str]:
    return [" / ".join(form.format(v) for v in values)]


def page(entries: Sequence[Entry], head: str) -> str:
    """The tables as markdown."""
    groups = sorted({(e["data"], e["activation"]) for e in entries})
    rows, distilled = [], []
    for data, activation in groups:
        here = [e for e in entries if (e["data"], e["activation"]) == (data, activation)]
        rows.append((
            data, activation, len(here),
            *_cells(_accuracies(here), "{:.2f}"), *_cells(_sums(here, "weights"), "{:,.0f}"),
            *_cells(_sums(here, "units"), "{:.0f}"), *_cells(_sums(here, "modularity"), "{:.2f}"),
            *_cells(_sums(here, "cut"), "{:.2f}"), *_cells(_sums(here, "bits"), "{:,.0f}"),
            f"{np.mean([e['seconds'] for e in here]):.0f}", _misses(here),
        ))  # fmt: skip
    for e in entries:
        if "distilled" in e:
            before, after = e["distilled"]
            distilled.append((
                e["data"], f"{before['bits']:,.0f}", f"{after['bits']:,.0f}",
                f"{100 * before['right']:.2f}", f"{100 * after['right']:.2f}",
            ))  # fmt: skip
    each = [_each(e) for e in entries]
    three = "before / plain / prepared"
    return "\n\n".join([
        "# Networks made easier to read", head,
        "The networks of [real data](realdata.md), prepared from the training part of their split "
        "without labels, with a loss of 0.5 % allowed. *Plain*: trained on towards the same "
        "outputs for as many batches with no penalty, nothing taken away. Accuracy is in per cent "
        "on the held-out part, all splits together; the rest are means over splits: weights and "
        "hidden units that are linked, Newman's modularity of Louvain's clusters, the normalised "
        "cut into 4 clusters (both with inputs in standard deviations, units without links left "
        "out), and the bits of the literal program. Asked: accuracy within 0.5 points of before, "
        "fewer weights, larger modularity and smaller cut than plain, bits at most half.",
        f"## Data sets: {three}",
        table(("data", "network", "splits", "accuracy", "weights", "units", "modularity",
               "normalised cut", "bits", "s", "misses"), rows),
        "## Programs distilled from the networks of the first split",
        f"`distill run` for {DISTIL_SECONDS:g} s, of the network as it was and as prepared; "
        "accuracy of the programs in per cent.",
        table(("data", "bits before", "bits prepared", "right before", "right prepared"),
              distilled),
        "## What the penalties on cuts do",
        "The first split, prepared without the penalties on the normalised cut "
        "and on minimum cuts, and with them.",
        table(("data", "network", "accuracy", "weights", "modularity", "normalised cut", "bits"),
              _ablated(entries)),
        f"## Splits: {three}",
        table(("network", "right", "weights", "modularity", "normalised cut", "bits", "s"), each),
    ]) + "\n"  # fmt: skip


def _each(entry: Entry) -> tuple[str, ...]:
    sides = [entry["sides"][s] for s in SIDES]

    def cell(key: str, form: str) -> str:
        return " / ".join(form.format(s[key]) for s in sides)

    return (
        f"{entry['data']}_{entry['activation']}50x50_s{entry['seed']}",
        f"{cell('right', '{}')} of {sides[0]['rows']}", cell("weights", "{:,}"),
        cell("modularity", "{:.2f}"), cell("cut", "{:.2f}"), cell("bits", "{:,.0f}"),
        f"{entry['seconds']:.0f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
