"""The second square: a simplified network against the original one.

Two networks that were fitted to each other agree where the data lie, not everywhere in
the box around them. The claim is therefore about a named distribution.
"""

from __future__ import annotations

import time

import numpy as np

from distill.evidence import Claim
from distill.target import Target
from dsl.domain import Columns, rows

_WIDER = 1.05


def deployed_claim(original: Target, deployed: Target, seed: int) -> Claim:
    """What is known about the deployed network beside the original.

    On the user's data where there are some, else on uniform draws. Where decisions differ the
    network's margin that covers the differences is exempt, and its share is measured.
    """
    begin = time.perf_counter()
    columns, source = _points(original, seed)
    raw = original.raw(columns)
    ours, theirs = original.output.decode(raw), deployed.values(columns)
    count = rows(columns)
    if not original.output.discrete:
        worst = float(np.abs(ours - theirs).max(initial=0.0))
        return _real(original, worst, count, source, begin)
    differs = (ours != theirs).reshape(count, -1).any(1)
    margins = original.output.margin(raw)
    widest = float(margins[differs].max(initial=0.0)) * _WIDER if differs.any() else 0.0
    left_out = float((margins <= widest).mean()) if differs.any() else 0.0
    counted = max(int(count * (1 - left_out)), 1)
    statement = (
        f"same decision on {count - int(differs.sum()):,} of {count:,} {source}; none differs "
        f"outside the exempt margin: at most {3 / counted:.2g} of such inputs (95 % confidence)"
    )
    return Claim(
        "tested",
        "sampling",
        statement,
        achieved=0.0,
        exempt=f"original network's decision margin <= {widest:.4g}" if differs.any() else None,
        left_out=left_out,
        arithmetic="both networks in float32 as run",
        count=count,
        seconds=time.perf_counter() - begin,
    )


def differing_share(original: Target, deployed: Target, seed: int) -> float:
    """The share of the user's data, or of uniform draws, on which the decisions differ."""
    columns, _ = _points(original, seed)
    differs = original.values(columns) != deployed.values(columns)
    return float(differs.reshape(rows(columns), -1).any(1).mean())


def _points(target: Target, seed: int) -> tuple[Columns, str]:
    if target.data is not None:
        return target.data, "data inputs (they also guided the simplification)"
    rng = np.random.default_rng([seed, 7])
    return target.domain.sample(rng, 50_000), "independent uniform draws"


def _real(target: Target, worst: float, count: int, source: str, begin: float) -> Claim:
    holds = worst <= target.tolerance
    return Claim(
        "tested" if holds else "refuted",
        "sampling",
        f"largest difference {worst:.4g} on {count:,} {source}",
        tolerance=target.tolerance,
        achieved=worst,
        arithmetic="both networks in float32 as run",
        count=count,
        seconds=time.perf_counter() - begin,
    )
