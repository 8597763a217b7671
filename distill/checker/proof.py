"""Proofs over boxes: the tree of cuts is walked, and every leaf is bounded again.

From a certificate only the cuts are taken, and they only say where to look: the boxes follow from
them and tile the domain, programs are lowered by this room, lines get slopes of its own choice,
ranges are exact (but for smooth functions) and the rounding of both runs is added. A leaf that is
not confirmed at once is cut further. Where there is no certificate (smt, milp) the domain is the
leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from distill.checker.cuts import leaves_of
from distill.checker.exact import exact, largest
from distill.checker.finding import Finding
from distill.checker.float_error import errors_within, float_errors, total
from distill.checker.leaf import Weights, exact_weights, wire_ranges
from distill.checker.lockstep import lockstep_form
from distill.checker.lower import Sides, both_sides, network_side, with_output
from distill.checker.parts import in_parts
from distill.checker.phases import cases_top
from distill.checker.quick import boxes_at_once, quick_ranges, small, walked
from distill.checker.relus import relu_graph, relus_of
from distill.checker.slopes import own_slopes
from distill.checker.smooth import NoBound
from distill.checker.tree import Refused, claimed_roots
from distill.checker.tuned import tuned_tops
from distill.evidence import Claim
from distill.guard import guard_of
from distill.normal_form import Affine, Array, NormalForm
from distill.target import Target
from dsl.algebra import Unsupported
from dsl.domain import Domain, DomainError
from dsl.meanings.interval import evaluate_boxes, well_defined
from dsl.program import Program
from dsl.types import BOOL, Category, TypeMismatch

Mask = NDArray[np.bool_]
Confirm = Callable[[Array, Array], Mask]
"""Which of the boxes (b, n), (b, n) show the claim."""

_BATCH = 128
_BOXES = 1024
_CLOSE = 1e-6
"""Share of the numbers' size by which floats may miss what exact numbers show."""
_LOST = 1e-11
"""Share of the largest wire that floats may lose to rounding, where exact numbers lose nothing."""
EXTRA_BOXES = 4_000
"""Boxes that a proof may be cut into beyond twice its own."""
_MOST_PIECES = 4096
_SOLVERS = ("smt", "milp")
"""Methods that leave no certificate."""
FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)
"""What reading wrong evidence may raise; any of them means: not shown."""


@dataclass(frozen=True, eq=False)
class Question:
    """Is every output of `form` at most `goal` less `times` the network's and program's rounding?

    `network` and `program`: the wires whose rounding counts; nodes from `start` are the program's.
    """

    form: NormalForm
    weights: dict[int, Weights]
    network: int
    program: tuple[int, ...]
    start: int
    goal: float
    times: float


def proof_finding(
    target: Target, program: Program, claim: Claim, extra: int = EXTRA_BOXES
) -> Finding:
    """Whether a proof by bounds, or by a solver, is confirmed on every box.

    extra: boxes that it may be cut into beyond twice its own.
    """
    try:
        if (claim.certificate or {}).get("kind") == "phases":
            return _by_cases(target, program, claim)
        lower, upper = _leaves(claim, target.domain)
        ask = _confirmer(target, program, claim)
    except (Unsupported, DomainError, TypeMismatch) as error:
        return Finding("unknown", f"the proof can't be re-checked: {error}")
    except Refused as refused:
        return Finding("unknown", f"the certificate doesn't show the claim: {refused}")
    except FAULTS as fault:
        return Finding("unknown", f"the certificate is malformed ({type(fault).__name__})")
    good, asked = confirm(ask, lower, upper, target.domain.integral(), extra)
    share = 100.0 * good / len(lower)
    text = f"{good:,} of {len(lower):,} boxes of the proof confirmed ({asked:,} bounded again)"
    if good == len(lower):
        return Finding("holds", text)
    if claim.method in _SOLVERS:
        told = "the solver left no proof to walk, and halving the domain doesn't show its claim"
        return Finding("unknown", f"{told} ({good:,} of {len(lower):,} boxes, {asked:,} bounded)")
    return Finding("unknown", f"{text}: {share:.3g} % of the leaves")


def _by_cases(target: Target, program: Program, claim: Claim) -> Finding:
    """A proof by cases. Raises: Unsupported, Refused, and what bad JSON raises."""
    if target.output.discrete or claim.certificate is None:
        raise Refused("It is for real outputs.")
    domain, parts = target.domain, claim.certificate["pieces"]
    low, high = domain.value_box()
    pieces = list(_pieces(domain, low, high))
    if len(pieces) != len(parts):
        raise Refused("It is for another number of boxes.")
    question, cases = _gap_question(target, program, claim), 0
    for (first, last), part in zip(pieces, parts, strict=True):
        box = first[None], last[None]
        if not well_defined(program, _named(domain, *box))[0]:
            raise Refused("The program may be undefined.")
        free = ~_listed(domain)
        fixed = {int(i): float(first[i]) for i in np.flatnonzero(~free)}
        top = cases_top(relus_of(_half(question.form), fixed), part, first[free], last[free])
        ranges = quick_ranges(question.form, *box)
        rounding = _rounding(question, errors_within(question.form, ranges, question.start))[0]
        if not (small(ranges)[0] and np.isfinite(rounding)):
            raise Refused("The rounding has no bound.")
        if top + Fraction(float(rounding)) > Fraction(question.goal):
            raise Refused(f"Its cases show {float(top):.6g} before rounding.")
        cases += part["nodes"].count(-1)
    return Finding("holds", f"all {cases:,} cases of the proof confirmed, in rationals")


def _half(form: NormalForm) -> NormalForm:
    """A gap's form without the negatives, which are its second half of outputs."""
    last = form.nodes[form.output]
    assert isinstance(last, Affine)
    width = len(last.bias) // 2
    terms = tuple((source, matrix[:width]) for source, matrix in last.terms)
    return NormalForm((*form.nodes[: form.output], Affine(terms, last.bias[:width])), form.output)


def _leaves(claim: Claim, domain: Domain) -> tuple[Array, Array]:
    """Leaf boxes over all scalars of the domain. Raises: Refused, and what bad JSON raises."""
    low, high = domain.value_box()
    certificate = claim.certificate
    if certificate is None:
        if claim.method not in _SOLVERS:
            raise Refused("there is none.")
        return _stacked(list(_pieces(domain, low, high)))
    pieces, trees = list(_pieces(domain, low, high)), certificate["pieces"]
    if len(pieces) != len(trees):
        raise Refused("It is for another number of boxes.")
    found = []
    for (first, last), tree in zip(pieces, trees, strict=True):
        found.append(_walked(tree, domain, first, last))
    return _stacked(found)


def _stacked(boxes: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    lows, highs = zip(*boxes, strict=True)
    return np.vstack(lows), np.vstack(highs)


def _listed(domain: Domain) -> Mask:
    """Scalars that are listed, not cut: truths and categories."""
    flags = [f.item == BOOL or isinstance(f.item, Category) for f in domain.fields]
    return np.repeat(flags, [f.scalars for f in domain.fields])


def _pieces(domain: Domain, low: Array, high: Array) -> Iterator[tuple[Array, Array]]:
    """The domain's box for every choice of the listed scalars, the last counting fastest."""
    listed = _listed(domain)
    sizes = tuple(int(n) for n in (high - low + 1)[listed])
    if prod(sizes) > _MOST_PIECES:
        raise Unsupported("there are too many truths and categories to list")
    for choice in np.ndindex(*sizes):
        first, last = low.copy(), high.copy()
        first[listed] = last[listed] = low[listed] + choice
        yield first, last


def _walked(tree: dict, domain: Domain, low: Array, high: Array) -> tuple[Array, Array]:
    """A piece's leaves: its tree cuts the free scalars."""
    free, whole = ~_listed(domain), domain.integral()
    roots = claimed_roots(low[free], high[free], whole[free], int(free.sum()))
    leaves = leaves_of(tree["cuts"], roots)
    first, last = (np.tile(end, (len(leaves.node), 1)) for end in (low, high))
    first[:, free], last[:, free] = leaves.lower, leaves.upper
    return first, last


def _confirmer(target: Target, program: Program, claim: Claim) -> Confirm:
    output = target.output
    if not output.discrete:
        return _within(target, program, claim)
    network = network_side(target.form, target.domain)
    if claim.band == "both":
        return _defined(in_parts(target, program, claim.widths), program, target)
    if claim.band == "program":
        return _outside_band(network, program, target, claim.margin)
    if isinstance(output.type, Category) and target.core.output_width > 1:
        return _same_category(network, program, target, claim.margin)
    if output.type == BOOL:
        return _same_side(network, program, target, claim.margin)
    raise Unsupported(f"decisions of {output.type} have no proof by bounds")


def _defined(shown: Confirm, program: Program, target: Target) -> Confirm:
    def ask(lower: Array, upper: Array) -> Mask:
        return shown(lower, upper) & well_defined(program, _named(target.domain, lower, upper))

    return ask


def _outside_band(sides: Sides, program: Program, target: Target, margin: float) -> Confirm:
    """Inside the band around the program's own guard, or the same decision with room to spare."""
    guard = guard_of(program)
    if guard is None:
        raise Unsupported("the program has no guard to lay a band around")
    category = isinstance(target.output.type, Category)
    same = (_same_category if category else _same_side)(sides, program, target, 0.0)

    def ask(lower: Array, upper: Array) -> Mask:
        inside = evaluate_boxes(guard, _named(target.domain, lower, upper))[1] <= margin
        found = inside.copy()
        found[~inside] = same(lower[~inside], upper[~inside])
        return found

    return ask


def _within(target: Target, program: Program, claim: Claim) -> Confirm:
    """|network - program| and both roundings stay within what was achieved."""
    question = _gap_question(target, program, claim)
    holds = _HARDER.get(claim.method, _either_way)(question)

    def ask(lower: Array, upper: Array) -> Mask:
        defined = well_defined(program, _named(target.domain, lower, upper))
        return defined & holds(lower, upper)

    return ask


def _gap_question(target: Target, program: Program, claim: Claim) -> Question:
    """The gap, and its negative behind it, beside the least that was claimed."""
    sides = both_sides(target.form, program, target.domain)
    width = len(sides.program)
    gap = np.hstack([np.eye(width), -np.eye(width)])
    allowed = [v for v in (claim.achieved, claim.tolerance) if v is not None]
    return _question(sides, np.vstack([gap, -gap]), np.zeros(2 * width), min(allowed), 1.0)


def _either_way(question: Question) -> Confirm:
    """As it stands or, for boxes that this doesn't show, as relus of exact sums, where what both
    sides share cancels."""
    known: list[NormalForm | None] = []

    def ask(lower: Array, upper: Array) -> Mask:
        good = shown(question, lower, upper)
        if good.all():
            return good
        if not known:  # exact sums take long, and most claims need none
            known.append(_relu_graph_or_none(question.form))
        if known[0] is not None:
            tops = partial(_tops, known[0])
            good[~good] = _rewritten(question, known[0], tops, lower[~good], upper[~good])
        return good

    return ask


def _relu_graph_or_none(form: NormalForm) -> NormalForm | None:
    try:
        return relu_graph(form)
    except Unsupported:
        return None


def _in_lockstep(question: Question) -> Confirm:
    """With changes of paired relus, which are looked for on the boxes asked about first; where
    there are none, as other claims."""
    known: list[Confirm] = []

    def ask(lower: Array, upper: Array) -> Mask:
        if not known:
            known.append(_paired(question, lower.min(axis=0), upper.max(axis=0)))
        return known[0](lower, upper)

    return ask


def _paired(question: Question, lower: Array, upper: Array) -> Confirm:
    try:
        form = lockstep_form(question.form, lower, upper)
    except Unsupported:
        return _either_way(question)
    return partial(_rewritten, question, form, partial(_tops, form))


def _tops(form: NormalForm, lower: Array, upper: Array) -> Array:
    return quick_ranges(form, lower, upper)[form.output][1]


def _with_tuning(question: Question) -> Confirm:
    """With slopes that are chosen for every box."""
    form = relu_graph(question.form)

    def tops(lower: Array, upper: Array) -> Array:
        return tuned_tops(walked(form, lower, upper), question.goal)

    return partial(_rewritten, question, form, tops)


_HARDER: dict[str, Callable[[Question], Confirm]] = {
    "lockstep": _in_lockstep,
    "tuned": _with_tuning,
}
"""Methods whose boxes are bounded in another form of the question, which is equal to it."""


def _rewritten(
    question: Question,
    form: NormalForm,
    tops: Callable[[Array, Array], Array],
    lower: Array,
    upper: Array,
) -> Mask:
    """On which boxes the tops of `form` and the rounding of the question's are small enough."""
    size, good = boxes_at_once(form), np.zeros(len(lower), dtype=bool)
    for start in range(0, len(lower), size):
        part = slice(start, start + size)
        low, high = lower[part], upper[part]
        ranges = quick_ranges(question.form, low, high)
        errors = errors_within(question.form, ranges, question.start)
        with np.errstate(all="ignore"):
            rounding = np.nextafter(_rounding(question, errors), np.inf)
            bound = np.nextafter(tops(low, high).max(axis=1) + rounding, np.inf)
        good[part] = small(ranges) & (bound <= question.goal)
    return good


def _same_category(sides: Sides, program: Program, target: Target, margin: float) -> Confirm:
    """No other output exceeds that of the program's category by more than the margin."""
    width = target.core.output_width

    def question(chosen: int) -> Question:
        rest = np.delete(np.eye(width), chosen, axis=0)
        rest[:, chosen] = -1.0
        return _question(sides, rest, np.zeros(width - 1), margin, 2.0)

    questions = [question(chosen) for chosen in range(width)]

    def ask(lower: Array, upper: Array) -> Mask:
        named = _named(target.domain, lower, upper)
        low, high = evaluate_boxes(program, named)
        good = np.zeros(len(lower), dtype=bool)
        for chosen, asked in enumerate(questions):
            here = (low == chosen) & (high == chosen)
            good[here] = shown(asked, lower[here], upper[here])
        return good & well_defined(program, named)

    return ask


def _same_side(sides: Sides, program: Program, target: Target, margin: float) -> Confirm:
    """The output is beyond the level on the program's side, or within the margin of it."""
    level = np.array([target.output.level])
    below = _question(sides, np.eye(1), -level, margin, 2.0)
    above = _question(sides, -np.eye(1), level, margin, 2.0)

    def ask(lower: Array, upper: Array) -> Mask:
        named = _named(target.domain, lower, upper)
        low, high = evaluate_boxes(program, named)
        good = well_defined(program, named)
        for question, needed in ((above, high > 0), (below, low < 1)):
            asked = good & needed
            good[asked] = shown(question, lower[asked], upper[asked])
        return good

    return ask


def _question(sides: Sides, matrix: Array, bias: Array, goal: float, times: float) -> Question:
    form = with_output(sides, matrix, bias)
    weights = exact_weights(form)
    return Question(form, weights, sides.form.output, sides.program, sides.start, goal, times)


def simple_question(form: NormalForm, goal: float) -> Question:
    """Are all outputs of a float32 network, its rounding added, at most `goal`?"""
    return Question(form, exact_weights(form), form.output, (), len(form.nodes), goal, 1.0)


def _named(domain: Domain, lower: Array, upper: Array) -> dict[str, tuple[Array, Array]]:
    found, place = {}, 0
    for field in domain.fields:
        part, shape = slice(place, place + field.scalars), (len(lower), *field.shape)
        found[field.name] = (lower[:, part].reshape(shape), upper[:, part].reshape(shape))
        place += field.scalars
    return found


def shown(question: Question, lower: Array, upper: Array) -> Mask:
    """On which boxes the question is answered with yes; a box without bounds isn't.

    Floats that are rounded outward decide first, exact numbers where those come too close to tell.
    """
    size, good = boxes_at_once(question.form), np.zeros(len(lower), dtype=bool)
    for start in range(0, len(lower), size):
        part = slice(start, start + size)
        good[part], close = _quickly(question, lower[part], upper[part])
        for rows in np.array_split(np.flatnonzero(close), len(lower) // _BATCH + 1):
            good[start + rows] = _exactly(question, lower[start + rows], upper[start + rows])
    return good


def _quickly(question: Question, lower: Array, upper: Array) -> tuple[Mask, Mask]:
    """Boxes that floats show, and those that exact numbers may show in spite of them."""
    try:
        ranges = quick_ranges(question.form, lower, upper)
    except NoBound:
        return np.zeros(len(lower), dtype=bool), np.ones(len(lower), dtype=bool)
    sure = small(ranges)
    errors = errors_within(question.form, ranges, question.start)
    low, high = ranges[question.form.output]
    with np.errstate(all="ignore"):
        rounding = np.nextafter(_rounding(question, errors), np.inf)
        bound = np.nextafter(high.max(axis=1) + rounding, np.inf)
        scale = abs(question.goal) + np.maximum(np.abs(low), np.abs(high)).max(axis=1)
        reach = np.maximum.reduce(
            [np.abs(end).max(axis=1) for ends in ranges.values() for end in ends]
        )
        good = sure & (bound <= question.goal)
        return good, np.asarray(
            ~good & (~sure | (bound - question.goal <= _CLOSE * scale + _LOST * reach)), dtype=bool
        )


def _rounding(question: Question, errors: dict[int, Array]) -> Array:
    """What rounding may add to the answer on every box."""
    sources = [question.network, *question.program]
    kinds = [errors[s].max(axis=1) for s in sources if s in errors]
    rounding = kinds[0] + (np.maximum.reduce(kinds[1:]) if len(kinds) > 1 else 0.0)
    return question.times * rounding * (1 + 1e-9)


def _exactly(question: Question, lower: Array, upper: Array) -> Mask:
    if not len(lower):
        return np.zeros(0, dtype=bool)
    try:
        return _bounded(question, lower, upper)
    except (NoBound, OverflowError):
        if len(lower) == 1:
            return np.zeros(1, dtype=bool)
        half = len(lower) // 2
        parts = [_exactly(question, lower[:half], upper[:half])]
        return np.concatenate([*parts, _exactly(question, lower[half:], upper[half:])])


def _bounded(question: Question, lower: Array, upper: Array) -> Mask:
    box = exact(lower), exact(upper)
    ranges = wire_ranges(question.form, question.weights, box, own_slopes)
    errors = float_errors(question.form, ranges, question.start)
    highest = ranges[question.form.output][1]
    worst = largest(*(highest[:, k] for k in range(highest.shape[1])))
    return ~total(worst, _rounding(question, errors)).above(exact(question.goal))


def confirm(
    ask: Confirm, lower: Array, upper: Array, whole: Mask, extra: int = EXTRA_BOXES
) -> tuple[int, int]:
    """How many boxes are confirmed, and how many were bounded for that.

    What isn't confirmed is halved, level by level, for `extra` boxes beyond twice the given ones.
    """
    scale = np.maximum((upper - lower).max(axis=0), 1e-300)
    total_boxes, most, asked = len(lower), 2 * len(lower) + extra, 0
    boxes, bad = (lower, upper, np.arange(total_boxes)), np.zeros(total_boxes, dtype=bool)
    while len(boxes[2]) and asked + len(boxes[2]) <= most:
        asked += len(boxes[2])
        failed = ~_in_batches(ask, boxes[0], boxes[1])
        boxes, stuck = _halved(*(part[failed] for part in boxes), scale, whole)
        bad[stuck] = True
    bad[boxes[2]] = True
    return int((~bad).sum()), asked


def _in_batches(ask: Confirm, lower: Array, upper: Array) -> Mask:
    starts = range(0, len(lower), _BOXES)
    return np.concatenate([ask(lower[i : i + _BOXES], upper[i : i + _BOXES]) for i in starts])


Boxes = tuple[Array, Array, NDArray[np.int64]]
"""Corners, and the number of the leaf that a box is part of."""


def _halved(
    low: Array, high: Array, leaf: NDArray[np.int64], scale: Array, whole: Mask
) -> tuple[Boxes, NDArray[np.int64]]:
    """Both halves along the longest axis, and the leaves whose boxes can't be cut."""
    width = (high - low) / scale
    middle = low + 0.5 * (high - low)
    middle = np.where(whole, np.floor(middle), middle)
    can = np.where(whole, high - low >= 1, (low < middle) & (middle < high))
    rows, axis = np.arange(len(low)), np.where(can, width, -1.0).argmax(axis=1)
    cut = can.any(axis=1)
    place = middle[rows, axis]
    left, right = high.copy(), low.copy()
    left[rows, axis] = place
    right[rows, axis] = place + whole[axis]
    halves = (
        np.concatenate([low[cut], right[cut]]),
        np.concatenate([left[cut], high[cut]]),
        np.concatenate([leaf[cut], leaf[cut]]),
    )
    return halves, leaf[~cut]
