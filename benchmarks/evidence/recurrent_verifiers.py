"""One recurrent trial: what every verifier of loops says of it, and what is wrong with that."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.evidence.recurrent import (
    LoopTrial,
    contradicted,
    random_loop_trial,
    replays,
    rounding_contradicted,
)
from benchmarks.evidence.verifiers import answered, due
from distill.checker.finding import verdict_of
from distill.checker.loops import loop_findings
from distill.evidence import Claim
from distill.literal_loop import literal_loop
from distill.recurrent_target import Oracle
from distill.verify.cells import cells_claim
from distill.verify.exceptions import excepted_claim
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.linear_loops import linear_claim
from distill.verify.polytopes import polytopes_claim
from distill.verify.real_linear_loops import real_linear_claim
from distill.verify.real_words import real_claim
from distill.verify.unrolled import unrolled_claim
from distill.verify.words import differences, run_claim, words_claim
from dsl.loop import Loop

Verifier = Callable[[Loop, Oracle, int], Claim | None]


def excepted(loop: Loop, oracle: Oracle, seed: int) -> Claim | None:
    """Equality but for close decisions, where words of the oracle's length differ."""
    total = (oracle.domain.symbols or 0) ** oracle.length
    if not 0 < total <= 1 << 14:
        return None
    words = oracle.domain.words(oracle.length, 0, total)
    if not differences(loop, oracle, words).any():
        return None
    return excepted_claim(loop, oracle, [words], True, time.perf_counter())


_BOXES, _CELLS, _POLYTOPES = 80_000, 50_000, 100_000
"""Steps of growing boxes, cells and polytopes, as `distill.run.budget` counts them."""


def literal(loop: Loop, oracle: Oracle, seed: int) -> Claim | None:
    """The network's own literal loop, whatever the trial's loop is."""
    return None if oracle.real else unrolled_claim(oracle, seed)


def responses(loop: Loop, oracle: Oracle, seed: int) -> Claim | None:
    """Real outputs: affine cells beside linear loops."""
    return real_linear_claim(loop, oracle)


VERIFIERS: dict[str, Verifier] = {
    "closed boxes": lambda loop, oracle, seed: closed_claim(loop, oracle, seed, _BOXES),
    "boxes": lambda loop, oracle, seed: boxes_claim(loop, oracle, seed, _BOXES),
    "cells": lambda loop, oracle, seed: cells_claim(loop, oracle, seed, _CELLS),
    "polytopes": lambda loop, oracle, seed: polytopes_claim(loop, oracle, seed, _POLYTOPES),
    "linear loops": lambda loop, oracle, seed: linear_claim(loop, oracle),
    "exceptions": excepted,
    "literal loop": literal,
    "runs": lambda loop, oracle, seed: run_claim(loop, oracle, seed, time.perf_counter()),
    "words": words_claim,
}
"""Of an oracle and a seed, for discrete outputs: `runs` is what `words` does where no proof is
found, `words` is everything."""

OF_REALS: dict[str, Verifier] = {"real responses": responses, "real words": real_claim}
SELDOM = {"words": 24}
"""Asked in every so many trials, since it takes seconds."""

CHECKED = {"closed boxes": 2, "boxes": 3, "cells": 3, "polytopes": 2, "literal loop": 8, "runs": 12,
           "real responses": 3}  # fmt: skip
"""Whose proofs the independent checker looks at, in every so many trials; 4 for others."""


def asked(real: bool, number: int) -> list[str]:
    """The verifiers that look at a trial, by its number."""
    return [n for n in (OF_REALS if real else VERIFIERS) if due(number, SELDOM.get(n, 1))]


def asked_in(result: dict[str, Any]) -> list[str]:
    """The verifiers that a trial's result is to hold a line of."""
    return asked(any(line["by"] in OF_REALS for line in result["lines"]), result["number"])


def result(kind: str, seed: int, number: int, names: Sequence[str] | None = None) -> dict[str, Any]:
    """A trial as plain data: whether the sides differ, and a line for each verifier asked.

    names: of verifiers, by default all those that the trial is to be asked of.
    """
    made = random_loop_trial(kind, seed, number)
    names = asked(made.oracle.real, number) if names is None else names
    return {
        "kind": kind, "number": number, "seed": seed, "differs": made.first is not None,
        "clear": False, "banded": False, "first": made.first,
        "lines": [line(name, made, number) for name in names],
    }  # fmt: skip


def line(name: str, made: LoopTrial, number: int) -> dict[str, Any]:
    """What one verifier says of a trial, and why that is wrong if it is."""
    verifier = {**VERIFIERS, **OF_REALS}[name]
    own = name == "literal loop"
    claim, found = answered(
        name,
        lambda: verifier(made.loop, made.oracle, number),
        lambda c: (rounding_contradicted if own else contradicted)(made, c),
    )
    if claim is None:
        return found
    if claim.verdict == "refuted":
        found["replays"] = replays(made, claim)
    if claim.verdict in ("proved", "proved_to_length") and due(number, CHECKED.get(name, 4)):
        rng = np.random.default_rng([9, number])
        loop = _literal(made.oracle) if own else made.loop
        found["checked"] = verdict_of(loop_findings(made.oracle, loop, claim, rng))
    return found


def _literal(oracle: Oracle) -> Loop:
    return literal_loop(oracle.network, oracle.domain.item, oracle.output, oracle.at_end)
