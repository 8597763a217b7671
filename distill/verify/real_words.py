"""Loops of real outputs beside recurrent networks: how far the two are apart."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.evidence import Claim
from distill.recurrent_target import Oracle
from distill.verify.real_linear_loops import real_linear_claim
from distill.verify.words import DRAWS, all_words, drawn, longest_listed
from dsl.domain import Columns
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop

_ARITHMETIC = "network in float32 as run, program in float64"


@dataclass(frozen=True)
class Apart:
    """The largest difference seen, a sequence that shows it up to its item, sequences run."""

    largest: float
    example: dict[str, Any] | None
    count: int


def real_claim(loop: Loop, oracle: Oracle, seed: int) -> Claim:
    """What is known about a loop beside its network, within the oracle's tolerance.

    Affine cells beside linear loops are compared by their responses, for every length where both
    forget, else as far as the bounds show. Else all sequences of the network's own length are run
    where they are few, or as many as for discrete outputs are drawn.
    """
    begin = time.perf_counter()
    proof = real_linear_claim(loop, oracle)
    if proof is not None:
        return proof
    every = longest_listed(oracle) >= oracle.length
    length = oracle.length
    blocks = all_words(oracle, length) if every else drawn(oracle, seed, length, DRAWS)
    found = apart(loop, oracle, blocks)
    if found.largest > oracle.tolerance:
        return _refuted(found, oracle, begin)
    return _within(found, oracle, every, begin)


def apart(loop: Loop, oracle: Oracle, blocks: Iterable[Columns]) -> Apart:
    """How far outputs that count are apart on sequences, at most."""
    best = Apart(-1.0, None, 0)
    count = 0
    for columns in blocks:
        with np.errstate(all="ignore"):
            ours, theirs = oracle.values(columns), run_loop(loop, columns)
        gap = np.where(oracle.counts(ours.shape[1]), oracle.distances(ours, theirs), 0.0)
        count += len(gap)
        row, step = np.unravel_index(int(gap.argmax()), gap.shape)
        if gap[row, step] > best.largest:
            example = _example(oracle, columns, int(row), int(step), ours, theirs)
            best = Apart(float(gap[row, step]), example, count)
    return Apart(max(best.largest, 0.0), best.example, count)


def _example(
    oracle: Oracle, columns: Columns, row: int, step: int, ours: Any, theirs: Any
) -> dict[str, Any]:
    names = [f.name for f in oracle.domain.item.fields]
    return {
        "inputs": {n: c[row, : step + 1].tolist() for n, c in zip(names, columns, strict=True)},
        "network": np.asarray(ours[row, step]).tolist(),
        "program": np.asarray(theirs[row, step]).tolist(),
    }


def _within(found: Apart, oracle: Oracle, every: bool, begin: float) -> Claim:
    far = f"the outputs are at most {found.largest:.3g} apart (asked for: {oracle.tolerance:.3g})"
    if every:
        text = f"on all {found.count:,} sequences of length {oracle.length} {far}"
    else:
        text = (
            f"on {found.count:,} independent uniform sequences of length {oracle.length} {far}: "
            f"with 95 % confidence at most {3 / found.count:.2g} of them differ by more"
        )
    return Claim(
        "proved_to_length" if every else "tested",
        "exhaustive" if every else "sampling",
        text,
        tolerance=oracle.tolerance,
        achieved=found.largest,
        arithmetic=_ARITHMETIC,
        count=found.count,
        seconds=time.perf_counter() - begin,
        length_bound=oracle.length,
    )


def _refuted(found: Apart, oracle: Oracle, begin: float) -> Claim:
    return Claim(
        "refuted",
        "exhaustive",
        f"differs by {found.largest:.3g} on a sequence",
        tolerance=oracle.tolerance,
        achieved=found.largest,
        arithmetic=_ARITHMETIC,
        seconds=time.perf_counter() - begin,
        counterexample=found.example,
        length_bound=oracle.length,
    )
