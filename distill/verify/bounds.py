"""Branch and bound over boxes: is |output| <= eps for every real x of the domain?

Sound CROWN bounds (`crown`) on every box; boxes that are not decided are halved along the
axis of largest |slope| x width, worst box first, thousands at a time. Work is counted in
boxes, so the same question gives the same answer on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from distill.errors import BadInput
from distill.normal_form import Affine, Array, Elementwise, NormalForm
from distill.run.budget import ended, spend, steps_left
from distill.run.workers import blocks, side_by_side
from distill.verify import certificate
from distill.verify.ascent import Tuner
from distill.verify.branching import scores
from distill.verify.crown import Enclosure, enclose, needed
from distill.verify.exact import surely_exceeds
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

Status = Literal["proved", "refuted", "unknown"]

_BATCH_NUMBERS = 2**18
_BLOCK_NUMBERS = 2**15
"""Numbers of a wire over a batch of boxes, and over the block that one thread bounds."""

_BOX_STEPS, _BOX_MULTIPLY_ADDS = 3, 400
"""Steps of a box beside its multiply-adds, and how many of those are a step."""

_POINTS = 64
"""Points with large outputs that are kept."""

_ROOM = 1.0 + 1e-9
"""Above the tightest bound, so that a checker that rounds elsewhere still confirms it."""


@dataclass(frozen=True)
class Limit:
    """When to stop: after `max_boxes` boxes, or when `should_stop()` (asked between batches)."""

    max_boxes: int = 200_000
    should_stop: Callable[[], bool] | None = None

    def count(self, form: NormalForm, boxes: int) -> None:
        """Count boxes that were bounded as steps of the stage that may stop this."""
        spend(self.should_stop, boxes * box_price(form))

    def reached(self, boxes: int) -> bool:
        """Whether work has to stop after this many boxes."""
        return boxes >= self.max_boxes or (self.should_stop is not None and self.should_stop())


@dataclass(frozen=True, eq=False)
class BoundsResult:
    """What a search showed about max |output| over the domain.

    `eps`: the claim that `status` is about; `achieved`: |output| <= achieved is proved in any
    case (inf when nothing is); `found`: largest |output| seen in float64, at `point`, which is
    the confirmed counterexample when refuted; `boxes`: boxes bounded; `certificate`: JSON-able
    proof of `achieved` (None when refuted or not asked for); `tree`: the cuts made; `points`
    (k, n): where |output| was found to be large, largest first.
    """

    status: Status
    eps: float
    achieved: float
    found: float
    point: Array | None
    boxes: int
    certificate: dict | None
    tree: Tree
    points: Array


def bound_box(form: NormalForm, lower: Array, upper: Array) -> Interval:
    """Outer bounds (low, high), each (b, m), of the outputs over boxes `lower`, `upper` (b, n)."""
    parts = [
        enclose(form, lower[start : start + size], upper[start : start + size])
        for size in [_batch(form)]
        for start in range(0, max(len(lower), 1), size)
    ]
    return np.concatenate([p.low for p in parts]), np.concatenate([p.high for p in parts])


def box_price(form: NormalForm) -> int:
    """Steps of bounding a box: every bent wire and the output, back through all layers below."""
    widths, wanted = form.widths(), needed(form)
    elementwise = [n for n in (form.nodes[i] for i in wanted) if isinstance(n, Elementwise)]
    bent = {source for node in elementwise for source in node.sources} | {form.output}
    total = below = 0
    for index in wanted:
        node = form.nodes[index]
        if isinstance(node, Affine):
            below += sum(matrix.size for _, matrix in node.terms)
        total += 2 * widths[index] * below if index in bent else 0
    return _BOX_STEPS + total // _BOX_MULTIPLY_ADDS


def block_size(form: NormalForm) -> int:
    """Boxes that one thread bounds at a time, whatever the number of jobs."""
    return _rows(form, _BLOCK_NUMBERS)


def prove_within(
    form: NormalForm,
    lower: Array,
    upper: Array,
    eps: float,
    limit: Limit | None = None,
    *,
    integral: Mask | None = None,
    certify: bool = True,
    tune: Tuner | None = None,
) -> BoundsResult:
    """Prove or refute |output_k(x)| <= eps for every output k and every x of the boxes.

    `lower`, `upper`: (n,) or (b, n); axes in `integral` (n,) take whole values only. `tune` makes
    bounds tighter at about the price of another box; then no slopes can be certified.
    Raises: BadInput for a negative or infinite eps and for boxes that are none.
    """
    if not (np.isfinite(eps) and eps >= 0):
        raise BadInput(f"The tolerance has to be a finite number >= 0, not {eps}.")
    search = _start(form, lower, upper, integral, limit, certify)
    search.goal, search.tune = float(eps), tune
    _run(search, confirm=True)
    return _finish(search)


def best_bound(
    form: NormalForm,
    lower: Array,
    upper: Array,
    limit: Limit | None = None,
    *,
    integral: Mask | None = None,
    tolerance: float = 0.05,
    certify: bool = True,
) -> BoundsResult:
    """The smallest eps provable within the limit, worst box first; `eps` and `achieved` are it.

    Stops early when `achieved` is within the relative `tolerance` of the largest |output| found.
    """
    search = _start(form, lower, upper, integral, limit, certify)
    search.tolerance = tolerance
    _run(search, confirm=False)
    return _finish(search)


@dataclass(eq=False)
class _Search:
    """State of one branch and bound; `bounds`, `scores` go with `open`."""

    form: NormalForm
    roots: Boxes
    integral: Mask
    limit: Limit
    certify: bool
    tree: Tree
    open: Boxes
    bounds: Array
    scores: Array
    goal: float = 0.0
    tune: Tuner | None = None
    tolerance: float | None = None
    closed: float = 0.0
    stuck: list[Boxes] = field(default_factory=list)
    slopes: list[certificate.LeafSlopes] = field(default_factory=list)
    found: float = -np.inf
    point: Array | None = None
    points: Array | None = None
    sizes: Array | None = None
    refuted: bool = False
    boxes: int = 0


def _start(
    form: NormalForm,
    lower: Array,
    upper: Array,
    integral: Mask | None,
    limit: Limit | None,
    certify: bool,
) -> _Search:
    roots, whole = root_boxes(lower, upper, integral)
    if roots.lower.shape[1] != form.input_width:
        raise BadInput(
            f"The boxes have {roots.lower.shape[1]} axes; the form takes {form.input_width} inputs."
        )
    empty = roots.take(np.zeros(len(roots), bool))
    return _Search(
        form,
        roots,
        whole,
        limit or Limit(),
        certify,
        Tree(len(roots)),
        empty,
        np.zeros(0),
        np.zeros((0, roots.lower.shape[1])),
    )


def _batch(form: NormalForm) -> int:
    return _rows(form, _BATCH_NUMBERS)


def _rows(form: NormalForm, numbers: int) -> int:
    widths = form.widths()
    rows = max(widths[index] for index in needed(form))
    return int(np.clip(numbers // max(rows, 1), 64, 4096))


def _run(search: _Search, confirm: bool) -> None:
    """Bound the roots, then halve the worst boxes until all are below the goal."""
    size = _batch(search.form)
    for start in range(0, len(search.roots), size):
        _assess(search, search.roots.take(np.arange(start, min(start + size, len(search.roots)))))
    while len(search.open) and not search.limit.reached(search.boxes) and _affordable(search):
        if confirm and search.found > search.goal and _confirmed(search):
            return
        _close_good(search)
        chosen = _worst(search, size // 2)
        if len(chosen) == 0:
            break
        _divide(search, chosen)
    if confirm and search.found > search.goal:
        _confirmed(search)


def _affordable(search: _Search) -> bool:
    """Whether steps are left to halve more boxes and bound all open ones again in the end."""
    left = steps_left(search.limit.should_stop)
    open_boxes = len(search.open) + sum(len(part) for part in search.stuck)
    return left is None or left > box_price(search.form) * (open_boxes + _batch(search.form))


def _confirmed(search: _Search) -> bool:
    """Check the worst point found without rounding; forget it if it does not hold up."""
    assert search.point is not None
    search.refuted = surely_exceeds(search.form, search.point, search.goal)
    if not search.refuted:
        search.found = search.goal
    return search.refuted


def _worst(search: _Search, most: int) -> np.ndarray:
    """Indices of the open boxes to halve now: the worse half of them, at most `most`."""
    count = min(most, search.limit.max_boxes - search.boxes, max(len(search.open) // 2, 16))
    count = min(count, len(search.open))
    if count <= 0:
        return np.zeros(0, dtype=np.int64)
    return np.sort(np.argpartition(-search.bounds, count - 1)[:count])


def _divide(search: _Search, chosen: np.ndarray) -> None:
    parents, worth = search.open.take(chosen), search.scores[chosen]
    _keep(search, np.setdiff1d(np.arange(len(search.open)), chosen))
    axes = choose_axes(parents, worth, search.integral)
    if (axes < 0).any():
        search.stuck.append(parents.take(axes < 0))
    cut = axes >= 0
    if cut.any():
        _assess(search, halve(parents.take(cut), axes[cut], search.integral, search.tree))


def _keep(search: _Search, rest: np.ndarray) -> None:
    search.open = search.open.take(rest)
    search.bounds, search.scores = search.bounds[rest], search.scores[rest]


def _assess(search: _Search, boxes: Boxes) -> None:
    """Bound boxes, look for large outputs in them, close or queue them."""
    index = np.arange(len(boxes))
    parts = [boxes.take(index[some]) for some in blocks(len(boxes), block_size(search.form))]
    search.boxes += len(boxes)
    search.limit.count(search.form, len(boxes) * (1 + (search.tune is not None)))
    for part in side_by_side(search.limit.should_stop, partial(_assessed, search), parts):
        _look(search, part.points, part.sizes)
        _close(search, part.boxes, part.bounds, part.enclosure, part.bounds <= search.goal)
        still = part.bounds > search.goal
        search.open = join([search.open, part.boxes.take(still)])
        search.bounds = np.concatenate([search.bounds, part.bounds[still]])
        search.scores = np.concatenate([search.scores, part.scores[still]])


@dataclass(frozen=True, eq=False)
class _Assessed:
    """What one block of boxes is found to be; `sizes` (2b,) of the outputs at `points` (2b, n)."""

    boxes: Boxes
    enclosure: Enclosure
    bounds: Array
    scores: Array
    points: Array
    sizes: Array


def _assessed(search: _Search, boxes: Boxes) -> _Assessed:
    enclosure, bounds = _bounded(search, boxes)
    worth = np.zeros_like(boxes.lower)
    if not (bounds <= search.goal).all():
        worth = scores(search.form, enclosure)
    points, sizes = _sizes(search, boxes, enclosure)
    return _Assessed(boxes, enclosure, bounds, worth, points, sizes)


def _bounded(search: _Search, boxes: Boxes) -> tuple[Enclosure, Array]:
    enclosure = enclose(search.form, boxes.lower, boxes.upper)
    below = enclosure.below
    if search.tune is not None and (below < -search.goal).any():
        below = search.tune.below(enclosure, search.goal)
    return enclosure, -below.min(axis=1)


def _close(search: _Search, boxes: Boxes, bounds: Array, enclosure: Enclosure, done: Mask) -> None:
    if not done.any():
        return
    search.closed = max(search.closed, float(bounds[done].max()))
    if search.certify:
        search.slopes.append(certificate.leaf_slopes(search.form, enclosure, boxes.node, done))


def _close_good(search: _Search) -> None:
    """When hunting for the best bound: boxes that cannot worsen the result any more are done."""
    if search.tolerance is None:
        return
    search.goal = max(search.goal, search.found * (1.0 + search.tolerance))
    done = search.bounds <= search.goal
    if done.any():
        search.stuck.append(search.open.take(done))
        _keep(search, np.flatnonzero(~done))


def _sizes(search: _Search, boxes: Boxes, enclosure: Enclosure) -> tuple[Array, Array]:
    """|outputs| at the centre of every box and at the corner where its worst bound is attained."""
    worst = enclosure.below.argmin(axis=1)
    slopes = enclosure.slopes[np.arange(len(boxes)), worst]
    corners = np.where(slopes > 0, boxes.lower, boxes.upper)
    points = np.concatenate([centres(boxes, search.integral), corners])
    with np.errstate(all="ignore"):
        sizes = np.abs(search.form.run(points)).max(axis=1)
    return points, np.where(np.isfinite(sizes), sizes, -np.inf)


def _look(search: _Search, points: Array, sizes: Array) -> None:
    best = int(sizes.argmax())
    if sizes[best] > search.found:
        search.found, search.point = float(sizes[best]), points[best]
    if search.points is not None and search.sizes is not None:
        points = np.concatenate([search.points, points])
        sizes = np.concatenate([search.sizes, sizes])
    largest = np.argsort(-sizes, kind="stable")[:_POINTS]
    search.points, search.sizes = points[largest], sizes[largest]


def _finish(search: _Search) -> BoundsResult:
    """Bound what is left once more (for the certificate) and sum up."""
    rest = join([search.open, *search.stuck])
    late = ended(search.limit.should_stop)
    if late and len(rest):
        search.closed = np.inf
    elif not search.refuted:
        for start in range(0, len(rest), size := _batch(search.form)):
            boxes = rest.take(np.arange(start, min(start + size, len(rest))))
            search.limit.count(search.form, len(boxes))
            enclosure, bounds = _bounded(search, boxes)
            _close(search, boxes, bounds, enclosure, np.ones(len(boxes), bool))
    achieved = np.inf if search.refuted else search.closed
    if search.tolerance is not None or achieved > search.goal:
        achieved *= _ROOM
    eps = search.goal if search.tolerance is None else achieved
    status: Status = "proved" if achieved <= eps and np.isfinite(achieved) else "unknown"
    proof = None
    if search.certify and np.isfinite(achieved):
        proof = certificate.write(
            search.form,
            search.roots,
            search.integral,
            max(eps, achieved),
            search.tree,
            search.slopes,
        )
    return BoundsResult(
        "refuted" if search.refuted else status,
        eps,
        achieved,
        search.found,
        search.point,
        search.boxes,
        proof,
        search.tree,
        np.zeros((0, search.form.input_width)) if search.points is None else search.points,
    )
