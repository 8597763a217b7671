"""Points of a domain to look at: all of a small one, else draws with some corners."""

from __future__ import annotations

import numpy as np

from distill.target import Target
from dsl.domain import Columns


def points_of(
    target: Target, seed: tuple[int, int], draws: int, corners: int, list_at_most: int
) -> Columns:
    """All points of a finite domain of at most `list_at_most`, else `draws` uniform ones.

    For real outputs up to `corners` corners of the box are added, where errors tend to be
    largest; for discrete ones they would count ties for more than their share.
    """
    total = target.domain.count
    if total is not None and total <= list_at_most:
        return target.domain.points(0, total)
    rng = np.random.default_rng(seed)
    drawn = target.domain.sample(rng, draws)
    if target.output.discrete:
        return drawn
    low, high = target.domain.value_box()
    extra = target.domain.unflatten(np.where(rng.random((corners, len(low))) < 0.5, low, high))
    keep = target.domain.contains(extra)
    return tuple(np.concatenate([d, e[keep]]) for d, e in zip(drawn, extra, strict=True))
