"""One feed-forward trial: what every verifier says of it, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.evidence.judge import contradicted, replays, truly_differs
from benchmarks.evidence.trials import Trial, random_trial
from benchmarks.evidence.verifiers import VERIFIERS, answered, asked, due
from distill.checker.finding import verdict_of
from distill.checker.folder import square_findings
from distill.checker.proof import EXTRA_BOXES
from distill.evidence import Claim

CHECKED = {
    "exhaustive": 2, "relational": 4, "bounds": 2, "lockstep": 4, "tuned": 4, "parted": 8,
    "phases": 2, "smt": 4, "ladder": 9,
}  # fmt: skip
"""Whose proofs the independent checker looks at, in every so many trials."""


def asked_in(result: dict[str, Any]) -> list[str]:
    """The verifiers that a trial's result is to hold a line of."""
    return asked(result["kind"], result["number"])


def result(kind: str, seed: int, number: int, names: Sequence[str] | None = None) -> dict[str, Any]:
    """A trial as plain data: whether the sides differ, and a line for each verifier asked.

    names: of verifiers, by default all those that the trial is to be asked of.
    """
    made = random_trial(kind, seed, number)
    differs, clear = truly_differs(made)
    wanted = asked(kind, number) if names is None else names
    lines = [line(name, made, number, differs) for name in wanted]
    return {
        "kind": kind, "number": number, "seed": seed, "differs": differs, "clear": clear,
        "banded": made.square.target.output.discrete and not made.square.target.finite,
        "lines": lines,
    }  # fmt: skip


def line(name: str, made: Trial, number: int, differs: bool) -> dict[str, Any]:
    """What one verifier says of a trial, and why that is wrong if it is."""
    claim, found = answered(
        name, lambda: VERIFIERS[name](made.square, number), lambda c: contradicted(made, c)
    )
    if claim is None:
        return found
    if claim.verdict == "refuted":
        found["replays"] = replays(made, claim)
    if claim.verdict == "proved" and name in CHECKED and due(number, CHECKED[name]):
        found["checked"] = checked(made, claim)
    return found


def checked(made: Trial, claim: Claim, extra: int = EXTRA_BOXES) -> str:
    """What the independent checker says of a claim, by the door that `distill check` uses."""
    square, rng = made.square, np.random.default_rng([7, claim.count])
    return verdict_of(square_findings(square.target, square.program, claim, rng, extra))
