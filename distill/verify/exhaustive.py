"""Rung 1: every input of a finite domain, in blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.run.budget import spend, steps_left
from distill.verify.refutation import differing, others
from distill.verify.replay import replay
from distill.verify.square import Difference, Square, counterexample, tolerance
from dsl.domain import Columns, taken

LIMIT = 1 << 24
BLOCK = 1 << 13
"""Rows whose arrays stay in a processor's cache."""


def exhaustive(
    square: Square, limit: int = LIMIT, should_stop: Callable[[], bool] | None = None
) -> Claim | None:
    """Compare on all inputs; None where the domain is infinite, larger than `limit`,
    or dearer to list than the steps that are left.

    The network runs in float32 as in its own framework; a decision whose margin is within
    float32 rounding could fall otherwise with another order of summation, and is then no proof.
    """
    domain = square.target.domain
    total, price = domain.count, 1 + square.target.form.multiply_adds // 1000
    if total is None or total > limit or total * price > (steps_left(should_stop) or np.inf):
        return None
    begin, allowed = time.perf_counter(), tolerance(square.target)
    seen, left_out, worst, closest, scale = 0, 0, 0.0, np.inf, 0.0
    for columns in domain.blocks(BLOCK):
        if seen and should_stop is not None and should_stop():
            return None
        found = square.compare(columns)
        spend(should_stop, len(found.margin) * price)
        wrong = np.flatnonzero(found.wrong(allowed, square.margin) | _beyond(found, allowed))
        if len(wrong):
            shown = _examples(square, columns, found, wrong)
            return _claim(square, "refuted", seen + len(found.margin), begin, examples=shown)
        counted = found.margin > square.margin
        seen += len(found.margin)
        left_out += int((~counted).sum())
        worst = max(worst, float(found.distance[counted].max(initial=0.0)))
        closest = min(closest, float(found.margin[counted].min(initial=np.inf)))
        scale = max(scale, found.scale)
    sure = not square.target.output.discrete or closest > 1e-5 * max(scale, 1e-9)
    return _claim(square, "proved" if sure else "tested", seen, begin, worst, left_out, closest)


def _examples(
    square: Square, columns: Columns, found: Difference, wrong: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """The first difference, and up to three of other regions among those of the same block."""
    first = taken(columns, wrong[:1])
    given = counterexample(square, columns, found, int(wrong[0]))
    shown = [{**replay(square, first).to_json(), **given}]
    if not differing(square)(first)[0]:
        return shown
    rest = others(square, first, taken(columns, wrong[1:]))
    return shown + [replay(square, one).to_json() for one in rest]


def _beyond(found: Difference, allowed: float) -> NDArray[np.bool_]:
    """Rows (n,) whose values are farther apart than allowed, though not once that is rounded."""
    beyond = np.zeros(len(found.distance), dtype=np.bool_)
    for row in np.flatnonzero((found.distance == allowed) & (allowed > 0)):
        pairs = zip(np.ravel(found.network[row]), np.ravel(found.program[row]), strict=True)
        gaps = (abs(Fraction(float(a)) - Fraction(float(b))) for a, b in pairs)
        beyond[row] = any(gap > Fraction(allowed) for gap in gaps)
    return beyond


def _claim(
    square: Square,
    verdict: str,
    seen: int,
    begin: float,
    worst: float = 0.0,
    left_out: int = 0,
    closest: float = np.inf,
    examples: Sequence[dict[str, Any]] = (),
) -> Claim:
    discrete = square.target.output.discrete
    statement = f"equal on all {seen:,} inputs" if discrete else f"within eps on all {seen:,}"
    if verdict == "refuted":
        statement = f"differs on an input (one of the first {seen:,})"
    elif np.isfinite(closest):
        statement += f"; smallest decision margin {closest:.4g}"
    return Claim(
        verdict,
        "exhaustive",
        statement,
        tolerance=None if discrete else square.target.tolerance,
        achieved=None if verdict == "refuted" else worst,
        exempt=square.exempt if left_out else None,
        margin=square.margin,
        band=square.band,
        widths=square.widths,
        left_out=left_out / max(seen, 1),
        arithmetic="network in float32 as run, program exact or float64",
        count=seen,
        seconds=time.perf_counter() - begin,
        counterexample=examples[0] if examples else None,
        counterexamples=list(examples),
    )
