"""One recurrent trial: what every verifier of loops says of it, and what is wrong with that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.evidence.recurrent import BEYOND, LoopTrial, contradicted, random_loop_trial
from benchmarks.evidence.verifiers import answered, due
from distill.checker.finding import verdict_of
from distill.checker.loops import loop_findings
from distill.evidence import Claim
from distill.recurrent_target import Oracle
from distill.verify.cells import cells_claim
from distill.verify.exceptions import excepted_claim
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.linear_loops import linear_claim
from distill.verify.words import differences, words_claim
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


VERIFIERS: dict[str, Verifier] = {
    "closed boxes": closed_claim,
    "boxes": boxes_claim,
    "cells": cells_claim,
    "linear loops": lambda loop, oracle, seed: linear_claim(loop, oracle),
    "exceptions": excepted,
    "words": words_claim,
}
"""Of an oracle and a seed; `SELDOM`: asked in every so many trials, since they take seconds."""
SELDOM = {"cells": 12, "words": 16, "boxes": 2}

CHECKED = {"closed boxes": 1, "exceptions": 1, "cells": 12}
"""Whose proofs the independent checker looks at, in every so many trials."""


def result(kind: str, seed: int, number: int) -> dict[str, Any]:
    """A trial as plain data: whether the sides differ, and a line for each verifier asked."""
    made = random_loop_trial(kind, seed, number)
    often = {"words": 4, "cells": 3} if kind == "totals" else SELDOM
    names = [name for name in VERIFIERS if due(number, often.get(name, 1))]
    return {
        "kind": kind, "number": number, "seed": seed, "differs": made.first is not None,
        "clear": False, "banded": False, "beyond": (made.first or 0) > BEYOND,
        "lines": [line(name, made, number) for name in names],
    }  # fmt: skip


def line(name: str, made: LoopTrial, number: int) -> dict[str, Any]:
    """What one verifier says of a trial, and why that is wrong if it is."""
    claim, found = answered(
        name,
        lambda: VERIFIERS[name](made.loop, made.oracle, number),
        lambda c: contradicted(made, c),
    )
    if claim is None:
        return found
    if claim.verdict in ("proved", "proved_to_length") and due(number, CHECKED.get(name, 4)):
        rng = np.random.default_rng([9, number])
        found["checked"] = verdict_of(loop_findings(made.oracle, made.loop, claim, rng))
    return found
