"""The rung for decisions with a band in parts: every part is proved, and widened where it must."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from distill.band import Part
from distill.evidence import Claim
from distill.guard import guard_of, scores_of
from distill.run.budget import ended
from distill.verify.bounds import Limit
from distill.verify.boxes import Piece, cuts_of, pieces_of
from distill.verify.narrow import narrowest
from distill.verify.pairs import pairs_of
from distill.verify.square import Square
from distill.verify.widths import Cut, parts_of
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import Columns, DomainError
from dsl.types import BOOL, Category

_SPARE = 1.0 + 1e-6
"""Above what is needed, so that a checker that rounds elsewhere still confirms it."""


@dataclass(frozen=True, eq=False)
class Proved:
    """A part as it was proved: the trees of cuts piece by piece, and boxes looked at."""

    part: Part
    trees: tuple[dict, ...]
    boxes: int


def parted(
    square: Square,
    found: Columns,
    seed: int,
    max_boxes: int,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Square, Claim] | None:
    """A proved claim with a band in parts and its square, or None where none was shown.

    `found`: inputs on which the two sides may differ.
    """
    output, domain = square.target.output, square.target.domain
    scored, guard = scores_of(square.program), guard_of(square.program)
    if scored is None or guard is None or domain.where is not None or square.margin > 0:
        return None
    if not (isinstance(output.type, Category) or output.type == BOOL):
        return None
    begin = time.perf_counter()
    if ended(should_stop):
        return None
    try:
        cuts = parts_of(square, found, seed)
        pieces = list(pieces_of(square))
        compared = list(pieces_of(replace(square, program=scored)))
        if cuts is None or not pieces:
            return None
        shown = _all_shown(square, cuts, pieces, compared, Limit(max_boxes, should_stop))
    except (Unsupported, DomainError):
        return None
    if shown is None:
        return None
    done = replace(square, guard=guard, parts=tuple(p.part for p in shown))
    return done, _claim(done, cuts, shown, begin)


def _claim(square: Square, cuts: Cut, shown: list[Proved], begin: float) -> Claim:
    boxes = sum(p.boxes for p in shown)
    trees = [
        _spliced(cuts, _axes(square), iter([p.trees[i] for p in shown]))
        for i in range(len(shown[0].trees))
    ]
    pieces = [cuts_of(piece, tree) for piece, tree in zip(pieces_of(square), trees, strict=True)]
    return Claim(
        "proved",
        "bounds",
        f"equal on every input of the domain outside the band ({boxes:,} boxes)",
        achieved=0.0,
        exempt=square.exempt,
        band=square.band,
        widths=square.widths,
        arithmetic=ARITHMETIC,
        count=boxes,
        seconds=time.perf_counter() - begin,
        certificate={"kind": "decisions", "margin": 0.0, "pieces": pieces},
    )


def _leaves(cuts: Cut) -> Iterator[Part]:
    if cuts.part is not None:
        yield cuts.part
    for half in cuts.halves:
        yield from _leaves(half)


def _all_shown(
    square: Square, cuts: Cut, pieces: list[Piece], compared: list[Piece], limit: Limit
) -> list[Proved] | None:
    """Every part proved, one by one, within the limit for all of them."""
    shown, left, parts = [], limit.max_boxes, list(_leaves(cuts))
    for place, part in enumerate(parts):
        fair = Limit(min(4 * left // (len(parts) - place), left), limit.should_stop)
        proved = _shown(square, part, pieces, compared, fair)
        if proved is None:
            return None
        left -= proved.boxes
        shown.append(proved)
    return shown


def _shown(
    square: Square, part: Part, pieces: list[Piece], compared: list[Piece], limit: Limit
) -> Proved | None:
    """A part with the narrowest margin that is shown on all pieces; None where none is."""
    level = 0.0 if isinstance(square.target.output.type, Category) else square.target.output.level
    margin, used, trees = part.margin, 0, []
    for left, (piece, other) in enumerate(zip(pieces, compared, strict=True)):
        if ended(limit.should_stop):
            return None
        pairs = pairs_of(piece, other.program, part.weight, level)
        most = Limit((limit.max_boxes - used) // (len(pieces) - left), limit.should_stop)
        found = narrowest(piece, pairs, _free(part, piece, square), margin, most)
        margin, used = max(margin, found.margin * _SPARE), used + found.boxes
        trees.append(found.tree)
    return Proved(part.wider(margin), tuple(trees), used) if np.isfinite(margin) else None


def _free(part: Part, piece: Piece, square: Square) -> tuple:
    """The part's corners over the piece's own scalars."""
    names = {f.name for f in piece.domain.fields}
    kept = [f.name in names for f in square.target.domain.fields for _ in range(f.scalars)]
    ends = ([e for e, k in zip(side, kept, strict=True) if k] for side in (part.lower, part.upper))
    return tuple(ends)


def _axes(square: Square) -> dict[int, int]:
    """The axes of a piece, by the domain's: truths and categories are none."""
    fields = square.target.domain.fields
    listed = [f.item == BOOL or isinstance(f.item, Category) for f in fields]
    cut = [not one for one, f in zip(listed, fields, strict=True) for _ in range(f.scalars)]
    return {axis: sum(cut[:axis]) for axis, free in enumerate(cut) if free}


def _spliced(cuts: Cut, axes: dict[int, int], trees: Iterator[dict]) -> dict:
    """One tree: the cuts into parts, and below each part the cuts of its proof."""
    columns: dict[str, list] = {"axis": [-1], "place": [0.0], "child": [0]}
    waiting = [(cuts, 0)]
    while waiting:
        cut, node = waiting.pop()
        if cut.part is not None:
            _graft(columns, node, next(trees))
            continue
        first = len(columns["axis"])
        _set(columns, node, axes[cut.axis], cut.place, first)
        _extend(columns, 2)
        waiting += [(cut.halves[1], first + 1), (cut.halves[0], first)]
    return columns


def _graft(columns: dict[str, list], node: int, tree: dict) -> None:
    """A tree with one root in place of a leaf."""
    start = len(columns["axis"]) - 1
    _extend(columns, len(tree["axis"]) - 1)
    for index, (axis, place, child) in enumerate(
        zip(tree["axis"], tree["place"], tree["child"], strict=True)
    ):
        where = node if index == 0 else start + index
        _set(columns, where, axis, place, child + start if axis >= 0 else 0)


def _set(columns: dict[str, list], node: int, axis: int, place: float, child: int) -> None:
    columns["axis"][node], columns["place"][node] = axis, place
    columns["child"][node] = child


def _extend(columns: dict[str, list], count: int) -> None:
    columns["axis"] += [-1] * count
    columns["place"] += [0.0] * count
    columns["child"] += [0] * count
