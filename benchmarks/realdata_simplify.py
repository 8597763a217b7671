"""Simplify the real-data networks and compare with the plain baseline.

    python -m benchmarks.realdata_simplify [DATA SET ...] [--splits 10] [--jobs 2]

prints per split and pooled: accuracy on the held-out part before and after, answers lost
and won, McNemar's p, bits against the network's and the baseline's, seconds.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.prune_and_round import prune_and_round
from benchmarks.realdata import DATA_SETS, Split, domain, split
from distill.literal import literal_program
from distill.load import load
from distill.normal_form import NormalForm
from distill.simplify import choose, simplify_keeping
from distill.target import Output, resolve_output
from dsl.cost import program_bits
from dsl.domain_text import parse_domain
from dsl.types import Category

NETWORKS = Path(__file__).parent / "networks"
NETWORK_BITS = 32.0


@dataclass(frozen=True)
class Row:
    """One network: right answers on `count` held-out rows, and bits of the three programs."""

    name: str
    count: int
    right: int
    lost: int
    won: int
    bits: float
    network_bits: float
    baseline_bits: float
    baseline_right: int
    seconds: float
    note: str


def measure(name: str, seed: int, activation: str = "relu") -> Row:
    """Simplify one network; labels only judge."""
    network = load(str(NETWORKS / f"{name}_{activation}50x50_s{seed}.onnx"))
    parts, output = split(name, seed), resolve_output(network, DATA_SETS[name].outputs)
    form, inputs = network.normal_form(), parse_domain(domain(name, parts.x))

    def bits(one: NormalForm) -> float:
        return program_bits(literal_program(one, inputs, output))

    kind = "category" if isinstance(output.type, Category) else "bool"
    start = time.perf_counter()
    chosen = choose(simplify_keeping(form, parts.x, kind, output.level, bits=bits))
    seconds = time.perf_counter() - start
    whole = program_bits(literal_program(form, inputs, output, plain_matrices=True), NETWORK_BITS)
    plain = prune_and_round(form, parts.x, lambda f: _right(f, output, parts, True).mean(), bits)
    before, after = (_right(f, output, parts, False) for f in (form, chosen.form))
    return Row(
        f"{name} {activation} {seed}",
        len(before),
        int(before.sum()),
        int((before & ~after).sum()),
        int((after & ~before).sum()),
        chosen.bits,
        whole,
        bits(plain) if plain else whole,
        int(_right(plain or form, output, parts, False).sum()),
        seconds,
        chosen.note,
    )


def _right(form: NormalForm, output: Output, parts: Split, training: bool) -> np.ndarray:
    x, y = (parts.x, parts.y) if training else (parts.x_held_out, parts.y_held_out)
    return output.decode(form.run(x)).astype(np.int64) == y


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact p that answers are lost as often as won."""
    total = lost + won
    tail = sum(math.comb(total, k) for k in range(min(lost, won) + 1)) / 2**total
    return min(1.0, 2 * tail)


def line(row: Row) -> str:
    """A row of the table."""
    after = row.right - row.lost + row.won
    return (
        f"{row.name:24} {row.right / row.count:6.2%} -> {after / row.count:6.2%}  "
        f"-{row.lost} +{row.won}  p {mcnemar(row.lost, row.won):.2f}  {row.bits:6.0f} bits  "
        f"{row.bits / row.network_bits:5.1%} of network  {row.bits / row.baseline_bits:5.1%} of "
        f"baseline ({row.baseline_right / row.count:6.2%})  {row.seconds:5.1f} s  {row.note}"
    )


def pooled(name: str, rows: Iterable[Row]) -> Row:
    """The sums over splits."""
    found = list(rows)
    sums = {
        key: sum(getattr(row, key) for row in found)
        for key in Row.__dataclass_fields__
        if key not in ("name", "note")
    }
    worst = max(row.bits / row.baseline_bits for row in found)
    return Row(f"{name} ALL", **sums, note=f"worst of baseline {worst:.1%}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(DATA_SETS))
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--activation", default="relu")
    options = parser.parse_args()
    for name in options.names:
        with ProcessPoolExecutor(options.jobs) as pool:
            seeds = range(options.splits)
            rows = []
            for row in pool.map(
                measure, [name] * len(seeds), seeds, [options.activation] * len(seeds)
            ):
                rows.append(row)
                print(line(row), flush=True)
        print(line(pooled(name, rows)), flush=True)


if __name__ == "__main__":
    main()
