"""Branch and bound where the caller decides boxes: HOLDS, FAILS or SPLIT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Array, NormalForm
from distill.run.workers import blocks, side_by_side
from distill.verify.bounds import Limit, Status, block_size
from distill.verify.rounding import Interval
from distill.verify.split import (
    Boxes,
    Mask,
    Tree,
    centres,
    choose_axes,
    halve,
    join,
    root_boxes,
)

HOLDS, FAILS, SPLIT = 1, -1, 0
Codes = NDArray[np.int8]
Decide = Callable[[Array, Array], "Codes | tuple[Codes, Array]"]
"""(lower, upper), each (b, n), to codes (b,), or to codes and scores (b, n) of the axes."""

_BATCH = 2048


@dataclass(frozen=True, eq=False)
class DecisionResult:
    """`point` lies in a box that FAILS (refuted); `open`: boxes (lower, upper) left undecided;
    `boxes`: boxes asked about; `tree`: JSON-able columns of the cuts (see `split`)."""

    status: Status
    point: Array | None
    open: Interval
    boxes: int
    tree: dict


def prove_boxes(
    lower: Array,
    upper: Array,
    decide: Decide,
    limit: Limit | None = None,
    *,
    integral: Mask | None = None,
    form: NormalForm | None = None,
) -> DecisionResult:
    """Halve boxes until `decide` HOLDS on all of them, FAILS on one, or the limit is reached.

    form: what `decide` bounds, by which its work is counted and cut into blocks.
    `lower`, `upper`: (n,) or (b, n), finite. Raises: BadInput for boxes that are none.
    """
    limit = limit or Limit()
    queue, whole = root_boxes(lower, upper, integral)
    tree, left, asked = Tree(len(queue)), [], 0
    while len(queue) and not limit.reached(asked):
        boxes, queue = _split_off(queue, min(_BATCH, limit.max_boxes - asked))
        codes, scores = _ask(decide, boxes, limit, form)
        asked += len(boxes)
        if (codes == FAILS).any():
            point = centres(boxes.take(codes == FAILS), whole)[0]
            return _result("refuted", point, [*left, queue], asked, tree)
        undecided = boxes.take(codes != HOLDS)
        axes = choose_axes(undecided, scores[codes != HOLDS], whole)
        left.append(undecided.take(axes < 0))
        cut = halve(undecided.take(axes >= 0), axes[axes >= 0], whole, tree)
        queue = join([cut, queue])
    done = not len(queue) and not any(len(part) for part in left)
    return _result("proved" if done else "unknown", None, [*left, queue], asked, tree)


def _split_off(queue: Boxes, count: int) -> tuple[Boxes, Boxes]:
    index = np.arange(len(queue))
    return queue.take(index < count), queue.take(index >= count)


def _ask(
    decide: Decide, boxes: Boxes, limit: Limit, form: NormalForm | None
) -> tuple[Codes, Array]:
    def answered(some: slice) -> tuple[Codes, Array]:
        answer = decide(boxes.lower[some], boxes.upper[some])
        return answer if isinstance(answer, tuple) else (answer, np.zeros_like(boxes.lower[some]))

    if form is None:
        return answered(slice(None))
    limit.count(form, len(boxes))
    parts = blocks(len(boxes), block_size(form))
    found = side_by_side(limit.should_stop, answered, parts)
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def _result(
    status: Status, point: Array | None, left: list[Boxes], asked: int, tree: Tree
) -> DecisionResult:
    rest = join(left)
    return DecisionResult(status, point, (rest.lower, rest.upper), asked, tree.columns())


def sign_codes(network: Interval, truth: Interval, margin: float = 0.0) -> Codes:
    """Codes of "value > 0 is what the program says, unless |value| <= margin", per box.

    `network`: outer bounds of the network's value (b,) minus the level; `truth`: the program's
    answer as bounds (b,) in [0, 1]. A value of exactly 0 counts as within any margin.
    """
    low, high = network
    surely, never = truth[0] >= 1, truth[1] <= 0
    within = (low >= -margin) & (high <= margin)
    holds = within | surely & (low >= -margin) | never & (high <= margin)
    fails = surely & (high < -margin) | never & (low > margin)
    return np.where(holds, HOLDS, np.where(fails, FAILS, SPLIT)).astype(np.int8)


def category_codes(network: Interval, chosen: Interval, margin: float = 0.0) -> Codes:
    """Codes of "argmax is the program's category, unless top1 - top2 <= margin", per box.

    `network`: outer bounds of the k outputs (b, k); `chosen`: the program's index as bounds (b,).
    """
    low, high = network
    decided = chosen[0] == chosen[1]
    rows, index = np.arange(len(low)), np.clip(chosen[0], 0, low.shape[1] - 1).astype(np.int64)
    others = np.ones_like(low, bool)
    others[rows, index] = False
    rival_high = np.where(others, high, -np.inf).max(axis=1)
    holds = decided & (low[rows, index] >= _up_sum(rival_high, -margin))
    fails = decided & _surely_first(low, high, others, margin)
    return np.where(holds, HOLDS, np.where(fails, FAILS, SPLIT)).astype(np.int8)


def _up_sum(values: Array, margin: float) -> Array:
    return np.nextafter(values + margin, np.inf)


def _surely_first(low: Array, high: Array, others: Mask, margin: float) -> Mask:
    """Where one category beats all others, the program's among them, by more than the margin.

    A single category, with no rival, beats none: it holds, which is asked first.
    """
    best = np.where(others, low, -np.inf).argmax(axis=1)
    rows = np.arange(len(low))
    rest = high.copy()
    rest[rows, best] = -np.inf
    return low[rows, best] > _up_sum(rest.max(axis=1), margin)
