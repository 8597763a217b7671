"""The statistical rung: independent draws from a named distribution, and a hunt beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.verify.gradients import climbed
from distill.verify.kinks import both_forms, crossings, nearby
from distill.verify.lower import difference, network_over_scalars
from distill.verify.refutation import ARITHMETIC, refuted
from distill.verify.shrink import thought_of
from distill.verify.square import Square, tolerance
from dsl.algebra import Unsupported
from dsl.domain import Columns, rows

DRAWS = 100_000
_BLOCK = 20_000
_FOLLOWED = 2
"""Rounds in which bends of deep layers are followed."""

_CLIMBERS = 48
"""Points that are moved along the gradient."""


def sampling(square: Square, seed: int, draws: int = DRAWS) -> Claim:
    """No difference in `draws` independent uniform draws: at most 3/n of it differs (95 %)."""
    begin, rng = time.perf_counter(), np.random.default_rng([seed, 1])
    allowed, seen, left_out, worst = tolerance(square.target), 0, 0, 0.0
    while seen < draws:
        columns = square.target.domain.sample(rng, min(_BLOCK, draws - seen))
        found = square.compare(columns)
        wrong = found.wrong(allowed, square.margin)
        if wrong.any():
            row = int(np.argmax(np.where(wrong, found.distance, -1)))
            return refuted(square, columns, found, row, seen + rows(columns), begin, "sampling")
        counted = found.margin > square.margin
        worst = max(worst, float(found.distance[counted].max(initial=0.0)))
        left_out += int((~counted).sum())
        seen += rows(columns)
    return _tested(square, seen, left_out, worst, begin)


def _tested(square: Square, seen: int, left_out: int, worst: float, begin: float) -> Claim:
    counted = max(seen - left_out, 1)
    statement = (
        f"no difference in {counted:,} independent uniform draws: with 95 % confidence "
        f"at most {3 / counted:.2g} of the domain differs"
    )
    return Claim(
        "tested",
        "sampling",
        statement,
        tolerance=None if square.target.output.discrete else square.target.tolerance,
        achieved=worst,
        exempt=square.exempt,
        margin=square.margin,
        band=square.band,
        widths=square.widths,
        left_out=left_out / seen,
        arithmetic=ARITHMETIC,
        count=seen,
        seconds=time.perf_counter() - begin,
    )


def hunt(square: Square, seed: int, rounds: int = 12, width: int = 256) -> Columns:
    """Inputs on which network and program are far apart, worst first.

    Starts from corners, draws, what hypothesis thinks of and where bends of both sides meet, then
    moves the worst ones about in shrinking steps, and in the end along the gradient; whole values
    stay whole.
    """
    domain = square.target.domain
    rng = np.random.default_rng([seed, 2])
    low, high = domain.value_box()
    whole = domain.integral()
    start = domain.flatten(domain.sample(rng, 8 * width))
    corners = np.where(rng.random((width, len(low))) < 0.5, low, high)
    points = np.concatenate([start, corners, domain.flatten(thought_of(domain, seed=seed))])
    points = np.concatenate([points, *_at_bends(square, points, width, rng)])
    for step in range(rounds):
        points = _best(square, points, width)
        radius = (high - low) * 0.3 * 0.5**step
        moved = points + rng.normal(size=points.shape) * np.maximum(radius, whole * 0.7)
        moved = np.clip(np.where(whole, np.rint(moved), moved), low, high)
        points = np.concatenate([points, moved])
    points = _best(square, points, width)
    points = np.concatenate([points, _uphill(square, points)])
    return domain.unflatten(_best(square, points, width))


def _uphill(square: Square, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The worst points, farther up where real outputs differ; none where they have no form."""
    domain = square.target.domain
    form = network_over_scalars(square.target.form, domain)
    if form is None or square.target.output.discrete:
        return points[:0]
    try:
        gap = difference(form, square.program, domain)
    except Unsupported:
        return points[:0]
    return climbed(gap, points[:_CLIMBERS], *domain.value_box(), domain.integral())


def _at_bends(
    square: Square, points: NDArray[np.float64], width: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Where bends of network and program meet, those of deep layers seen from the worst points."""
    form = both_forms(square)
    if form is None:
        return
    domain = square.target.domain
    low, high, whole = *domain.value_box(), domain.integral()
    found = crossings(form, low, high, rng)
    yield np.where(whole, np.rint(found), found)
    points = np.concatenate([points, found])
    for _ in range(_FOLLOWED):
        seen = np.repeat(_best(square, np.where(whole, np.rint(points), points), width), 4, axis=0)
        points = nearby(form, seen, low, high, rng)
        yield np.where(whole, np.rint(points), points)
        points = np.concatenate([seen, points])


def _best(square: Square, points: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    columns = square.target.domain.unflatten(points)
    inside = square.target.domain.contains(columns)
    points = points[inside]
    found = square.compare(tuple(c[inside] for c in columns))
    score = found.distance
    if square.target.output.discrete:
        score = np.where(found.distance > 0, found.margin, -found.margin)
    return points[np.argsort(-score, kind="stable")[:width]]
