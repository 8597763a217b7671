"""Proofs of decisions outside a band in parts: network and program are bounded together.

A decision is a set of pairs: a signed number f of the network's (its output above the level; one
output less another) and the number d that the program compares in its place. Where the two decide
differently, some pair has d >= 0 >= f (or the reverse), and what the band measures is at most
weight * d - f. Adding multiples of what is >= 0 there only makes it larger, so

    a * weight * d - b * f <= margin on a box, for some a, b >= 1

is enough, as is d < 0 or f > 0 on it. All are linear in f and d, and are bounded as one form, in
which what network and program have in common cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from distill.normal_form import Array, Builder, NormalForm, append
from distill.verify.boxes import Piece, named
from distill.verify.branching import scores
from distill.verify.crown import enclose
from distill.verify.envelope import FLOAT64, PROGRAM, float_error
from distill.verify.lower import lower_program
from distill.verify.split import Boxes, Index
from dsl.algebra import Unsupported
from dsl.meanings.interval import well_defined
from dsl.program import Program

MULTIPLES = ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (2.0, 1.0), (1.0, 2.0), (8.0, 1.0), (1.0, 8.0))
"""(a, b) of the sums that are bounded for a pair; the first is what the band measures."""
_SUMS = [place for place, (a, b) in enumerate(MULTIPLES) if a and b]
_SLACK = 1.0 + 1e-6


@dataclass(frozen=True, eq=False)
class Pairs:
    """All sums of all pairs as outputs of one form, (pairs * multiples), and what rounding adds.

    rounding: (multiples,), how far a computed sum may be from the real one; classes: (pairs, 2),
    what a pair decides between, true and false being 0 and 1.
    """

    form: NormalForm
    rounding: Array
    classes: Index


def pairs_of(piece: Piece, scored: Program, weight: float, level: float) -> Pairs:
    """The pairs of a piece; `scored` is what its program compares, `weight` the part's.

    Raises: Unsupported, where the program has no form or rounding no bound.
    """
    builder = Builder(piece.domain.scalars)
    network = append(builder, piece.form, 0)
    wires = lower_program(scored, piece.domain, builder)
    box = piece.lower[None], piece.upper[None]
    errors = [float(float_error(builder.build(w), *box, FLOAT64, PROGRAM).max()) for w in wires]
    own, theirs = 2.0 * float(float_error(piece.form, *box).max()), 2.0 * max(errors)
    if not np.isfinite(own + theirs):  # 0 times it would be no number, and get lost
        raise Unsupported("rounding has no bound on the domain")
    matrix, bias = _matrix(len(wires), weight, level)
    split = builder.width(network)
    terms = [(network, matrix[:, :split])]
    terms += [(w, matrix[:, split + i : split + i + 1]) for i, w in enumerate(wires)]
    form = builder.build(builder.affine(terms, bias))
    a, b = np.array(MULTIPLES).T
    classes = np.array(list(combinations(range(max(len(wires), 2)), 2)))
    return Pairs(form, (a * weight * theirs + b * own) * _SLACK, classes)


def _matrix(width: int, weight: float, level: float) -> tuple[Array, Array]:
    """Rows `a * weight * d - b * f` over (network's outputs, program's scores), and their bias."""
    unit = np.eye(width)
    one = [unit[0]] if width == 1 else [unit[i] - unit[j] for i, j in combinations(range(width), 2)]
    rows = [np.concatenate([-b * pair, a * weight * pair]) for pair in one for a, b in MULTIPLES]
    bias = np.array([b * level if width == 1 else 0.0 for _ in one for _, b in MULTIPLES])
    return np.array(rows), bias


def needs(piece: Piece, pairs: Pairs, boxes: Boxes) -> tuple[Array, Array, float]:
    """The margin that each box needs (b,), scores of its axes (b, n), widest gap seen in them.

    A box needs nothing (-inf) where both sides decide alike, and cannot be shown (inf) where the
    program may be undefined.
    """
    enclosure = enclose(pairs.form, boxes.lower, boxes.upper)
    short = _needed(pairs, enclosure.high, -enclosure.low)
    worst = np.argmax(short, axis=1) % len(pairs.classes) * len(MULTIPLES)
    defined = well_defined(piece.program, named(piece, boxes.lower, boxes.upper))
    most = short.max(axis=1)
    need = np.where(defined & ~np.isnan(most), most, np.inf)
    seen = _apart(pairs, 0.5 * (boxes.lower + boxes.upper))
    return need, scores(pairs.form, enclosure, worst), float(seen.max(initial=0.0))


def _needed(pairs: Pairs, *highs: Array) -> Array:
    """The margin that shows each pair (b, 2 pairs), -inf where no margin is needed.

    `highs`: upper bounds of the sums and of their negatives: a pair (i, j) is asked about for
    program i and network j, and the reverse.
    """
    sums = [h.reshape(len(h), -1, len(MULTIPLES)) + pairs.rounding for h in highs]
    first, second = pairs.classes.T
    program = _lead(sums[0][..., 1], sums[1][..., 1], pairs.classes)
    network = _lead(sums[1][..., 2], sums[0][..., 2], pairs.classes)
    found = []
    for known, ours, theirs in ((sums[0], first, second), (sums[1], second, first)):
        leads = program[:, ours], network[:, theirs]
        least = np.minimum(known[..., _SUMS].min(axis=2), leads[0] + leads[1])
        found.append(np.where((leads[0] < 0) | (leads[1] < 0), -np.inf, least))
    return np.hstack(found)


def _lead(first: Array, second: Array, classes: Index) -> Array:
    """Bounds (b, k) of how far each class is ahead of the others; never chosen where below 0.

    `first`, `second`: bounds of the first class of a pair less the second, and the reverse.
    """
    found = np.full((len(first), classes.max() + 1), np.inf)
    for pair, (one, other) in enumerate(classes):
        found[:, one] = np.minimum(found[:, one], first[:, pair])
        found[:, other] = np.minimum(found[:, other], second[:, pair])
    return found


def _apart(pairs: Pairs, points: Array) -> Array:
    """How wide a band each point needs (n,): 0 where the two sides decide alike."""
    sums = pairs.form.run(points).reshape(len(points), -1, len(MULTIPLES))
    program = _lead(sums[..., 1], -sums[..., 1], pairs.classes)
    network = _lead(-sums[..., 2], sums[..., 2], pairs.classes)
    apart = program.argmax(axis=1) != network.argmax(axis=1)
    return np.where(apart, program.max(axis=1) + network.max(axis=1), 0.0)
