"""Rigorous claims about boxes of real inputs, by linear bounds and splitting.

The network's float32 rounding (any order of summation) is bounded and added: what is
proved over the reals with eps holds for the float32 network with eps plus that bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.guard import guard_of
from distill.normal_form import Builder, NormalForm, append
from distill.verify.bounds import BoundsResult, Limit, best_bound, bound_box, prove_within
from distill.verify.cuts import cuts_text
from distill.verify.decide import HOLDS, SPLIT, category_codes, prove_boxes, sign_codes
from distill.verify.envelope import FLOAT64, PROGRAM, SPARE, float_error
from distill.verify.layers import layered
from distill.verify.lower import difference, lower_program, network_over_scalars
from distill.verify.refutation import confirmed, with_reals
from distill.verify.square import Square
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import Domain, DomainError
from dsl.expand import written_out
from dsl.meanings.interval import evaluate_boxes, well_defined
from dsl.program import Program, const, program, substitute
from dsl.types import BOOL, Category, Int, Real

Array = NDArray[np.float64]
_ROOTS_AT_MOST = 256


@dataclass(frozen=True, eq=False)
class Piece:
    """A box of the domain with its program: truth-valued scalars are fixed, the rest is free.

    free (scalars,): which are, and fixed (scalars,): the others' values; None where all are free.
    """

    form: NormalForm
    program: Program
    domain: Domain
    lower: Array
    upper: Array
    free: NDArray[np.bool_] | None = None
    fixed: Array | None = None

    def whole(self, points: Array) -> Array:
        """Points (k, n) of the piece as scalars of the domain (k, scalars)."""
        if self.free is None or self.fixed is None:
            return points
        found = np.repeat(self.fixed[None], len(points), axis=0)
        found[:, self.free] = points
        return found


def bounds_claim(
    square: Square, max_boxes: int, should_stop: Callable[[], bool] | None = None
) -> Claim | None:
    """A claim by bounds, or None where this rung can't be used on such a square."""
    domain = square.target.domain
    if domain.where is not None or not any(isinstance(f.item, Real) for f in domain.fields):
        return None
    try:
        pieces = list(pieces_of(square))
        if not pieces:
            return None
        limit = Limit(max(max_boxes // len(pieces), 1), should_stop)
        if square.target.output.discrete:
            return _decision_claim(square, pieces, limit)
        return _real_claim(square, pieces, limit)
    except (Unsupported, DomainError):
        return None


def pieces_of(square: Square) -> Iterator[Piece]:
    """The domain cut along its fields of truths and categories, which are listed; no pieces where
    nothing else is left to be bounded."""
    domain = square.target.domain
    form = network_over_scalars(square.target.form, domain)
    if form is None or not any(isinstance(f.item, Real | Int) for f in domain.fields):
        return
    listed = [f for f in domain.fields if f.item == BOOL or isinstance(f.item, Category)]
    total = int(np.prod([float(f.choices or 1) ** f.scalars for f in listed]))
    if total > _ROOTS_AT_MOST:
        return
    low, high = domain.value_box()
    choices = [np.ndindex(*((f.choices or 1,) * f.scalars)) for f in listed]
    for values in product(*choices):
        fixed = {f.name: v for f, v in zip(listed, values, strict=True)}
        yield _fixed_piece(square, form, fixed, low.copy(), high.copy())


def _fixed_piece(
    square: Square, form: NormalForm, fixed: dict[str, tuple[int, ...]], low: Array, high: Array
) -> Piece:
    domain, literals = square.target.domain, {}
    select, shift = np.eye(domain.scalars), np.zeros(domain.scalars)
    free = np.ones(domain.scalars, dtype=bool)
    place = 0
    for field in domain.fields:
        if field.name in fixed:
            values = fixed[field.name]
            free[place : place + field.scalars] = False
            shift[place : place + field.scalars] = values
            value = _nested(values, field.shape) if field.shape else values[0]
            literals[field.name] = const(value, field.type)
        place += field.scalars
    if not literals:
        return Piece(form, square.program, domain, low, high)
    rest = Domain(tuple(f for f in domain.fields if f.name not in fixed))
    builder = Builder(rest.scalars)
    entry = builder.affine([(0, select[:, free])], shift)
    body = substitute(written_out(square.program).main.body, literals)
    smaller = program(rest.parameters, body, square.program.main.result)
    behind = builder.build(append(builder, form, entry))
    return Piece(behind, smaller, rest, low[free], high[free], free, shift)


def _nested(values: tuple[int, ...], shape: tuple[int, ...]) -> tuple:
    return (
        tuple(values)
        if len(shape) == 1
        else tuple(
            _nested(values[i : i + len(values) // shape[0]], shape[1:])
            for i in range(0, len(values), len(values) // shape[0])
        )
    )


def _real_claim(square: Square, pieces: list[Piece], limit: Limit) -> Claim | None:
    begin, eps = time.perf_counter(), square.target.tolerance
    achieved, boxes, certificates = 0.0, 0, []
    seen: list[Array] = []
    for piece in pieces:
        if not well_defined(piece.program, named(piece, piece.lower[None], piece.upper[None]))[0]:
            return None
        gap = difference(piece.form, piece.program, piece.domain)
        gap = layered(gap) or gap
        error = rounding_of(piece)
        found, points = _tightest(gap, piece, eps - error, limit)
        seen.append(piece.whole(points))
        achieved = max(achieved, float(np.nextafter(found.achieved + error, np.inf)))
        boxes += found.boxes
        certificates.append(cuts_of(piece, found.tree.columns()))
    told = [] if achieved <= eps else confirmed(square, np.concatenate(seen), begin, "bounds")
    if isinstance(told, Claim):
        return replace(told, count=boxes)
    verdict = "proved" if achieved <= eps else "unknown"
    wording = f"within {achieved:.4g} on every input of the domain ({boxes:,} boxes)"
    claim = Claim(
        verdict,
        "bounds",
        wording if np.isfinite(achieved) else "no bound found",
        tolerance=eps,
        achieved=float(achieved) if np.isfinite(achieved) else None,
        arithmetic=ARITHMETIC,
        count=boxes,
        seconds=time.perf_counter() - begin,
        certificate={"kind": "within", "pieces": certificates},
    )
    return with_reals(claim, told)


def _tightest(
    gap: NormalForm, piece: Piece, eps: float, limit: Limit
) -> tuple[BoundsResult, Array]:
    """A quick best bound; where it isn't enough, all of the limit on the bound asked for.

    And points where the gap was found to be large, (k, n).
    """
    quick = Limit(limit.max_boxes // 6, limit.should_stop)
    integral = piece.domain.integral()
    box = piece.lower, piece.upper
    found = best_bound(gap, *box, quick, integral=integral, certify=False)
    if found.achieved <= eps or eps <= 0:
        return found, found.points
    asked = prove_within(gap, *box, eps, limit, integral=integral, certify=False)
    points = np.concatenate([asked.points, found.points])
    return (asked if asked.achieved < found.achieved else found), points


def cuts_of(piece: Piece, tree: dict[str, list]) -> dict[str, str]:
    """What a certificate holds of a piece: the cuts that tile its box, as text."""
    return {"cuts": cuts_text(tree, piece.lower, piece.upper, piece.domain.integral())}


def rounding_of(piece: Piece) -> float:
    """Bound of the network's float32 and the program's float64 rounding over the whole box."""
    box = piece.lower[None], piece.upper[None]
    error = float(float_error(piece.form, *box).max())
    builder = Builder(piece.domain.scalars)
    wires = lower_program(piece.program, piece.domain, builder)
    own = (float(float_error(builder.build(w), *box, FLOAT64, PROGRAM).max()) for w in wires)
    return (error + max(own)) * SPARE


def named(piece: Piece, lower: Array, upper: Array) -> dict[str, tuple[Array, Array]]:
    """Boxes (b, n), (b, n) of a piece as ends by field."""
    found, place = {}, 0
    for field in piece.domain.fields:
        part = slice(place, place + field.scalars)
        shape = (len(lower), *field.shape)
        found[field.name] = (lower[:, part].reshape(shape), upper[:, part].reshape(shape))
        place += field.scalars
    return found


def _decision_claim(square: Square, pieces: list[Piece], limit: Limit) -> Claim | None:
    """Decisions agree wherever the float32 network's margin exceeds the square's."""
    begin, boxes, trees = time.perf_counter(), 0, []
    verdict = "proved"
    for piece in pieces:
        error = float(float_error(piece.form, piece.lower[None], piece.upper[None]).max())
        if not np.isfinite(error) or (square.guard is None and square.margin < 2.0 * error):
            return None
        decide = _decider(square, piece, 2.0 * error)
        if decide is None:
            return None
        integral = piece.domain.integral()
        found = prove_boxes(
            piece.lower, piece.upper, decide, limit, integral=integral, form=piece.form
        )
        boxes += found.boxes
        trees.append(cuts_of(piece, found.tree))
        if found.point is not None:
            told = confirmed(square, piece.whole(found.point[None]), begin, "bounds")
            if isinstance(told, Claim):
                return replace(told, count=boxes)
        if found.status != "proved":
            verdict = "unknown"
            break
    wording = "equal on every input of the domain" if verdict == "proved" else "not decided"
    return Claim(
        verdict,
        "bounds",
        f"{wording} ({boxes:,} boxes)",
        achieved=0.0 if verdict == "proved" else None,
        exempt=square.exempt,
        margin=square.margin,
        band=square.band,
        widths=square.widths,
        arithmetic=ARITHMETIC,
        count=boxes,
        seconds=time.perf_counter() - begin,
        certificate={"kind": "decisions", "margin": square.margin, "pieces": trees},
    )


def _decider(
    square: Square, piece: Piece, rounding: float
) -> Callable[[Array, Array], NDArray[np.int8]] | None:
    """How boxes are decided: by the network's margin less its rounding, or outside the band."""
    output = square.target.output
    margin = square.margin - rounding if square.guard is None else 0.0
    shy = 0.0 if square.guard is None else rounding
    category = isinstance(output.type, Category)
    if not category and output.type != BOOL:
        return None

    def decide(lower: Array, upper: Array) -> NDArray[np.int8]:
        low, high = bound_box(piece.form, lower, upper)
        network = (low - shy, high + shy)
        ends = named(piece, lower, upper)
        answer = evaluate_boxes(piece.program, ends)
        if category:
            codes = category_codes(network, answer, margin)
        else:
            low, high = (side[:, 0] - output.level for side in network)
            codes = sign_codes((low, high), answer, margin)
        codes = np.where((codes == HOLDS) & ~well_defined(piece.program, ends), SPLIT, codes)
        return np.where(_in_band(square, piece, ends), HOLDS, codes) if square.guard else codes

    return decide


def _in_band(
    square: Square, piece: Piece, named: dict[str, tuple[Array, Array]]
) -> NDArray[np.bool_]:
    """Boxes that lie in the exempt band around the program's guard."""
    guard = guard_of(piece.program)
    assert guard is not None
    return evaluate_boxes(guard, named)[1] <= square.margin


def with_margin(square: Square, margin: float) -> Square:
    """The same square with decisions closer than `margin` exempt."""
    return replace(square, margin=margin)
