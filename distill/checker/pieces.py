"""Pieces of a program that was put together: each beside the network's own arithmetic for it.

The claim about the whole was found for the whole and doesn't rest on them, so what can only be
drawn here is a note. Pieces on few points are compared on all of them, in exact rationals.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from distill.checker.finding import Finding, judged
from distill.piece import Piece, with_bodies
from dsl.algebra import Undefined, Unsupported
from dsl.domain import Domain
from dsl.meanings.array import run
from dsl.meanings.exact import run_exact
from dsl.program import Program
from dsl.text import ParseError
from dsl.types import INT, TypeMismatch, element

if TYPE_CHECKING:
    from distill.distillation import Distillation

_LISTED = 4096
"""Points up to which a piece is compared on all of them."""
_DRAWN = 2000
_ROUNDING = 1e-6
"""Of float64, as a part of the values, where distances were drawn."""


def piece_findings(found: Distillation) -> Iterator[Finding]:
    """Findings about every piece, and whether they make up the network."""
    for piece in found.pieces:
        yield _one(piece)
    if found.pieces:
        yield _whole(found)


def _one(piece: Piece) -> Finding:
    if piece.spec.main.parameters != piece.body.main.parameters:
        return Finding("refuted", f"part {piece.name}: program and network take other values")
    if piece.claim.verdict in ("unknown", "refuted"):
        return Finding("note", f"part {piece.name}: nothing was shown")
    count = piece.domain.count
    discrete = element(piece.spec.main.result) == INT or not piece.claim.tolerance
    try:
        if count is not None and count <= _LISTED and discrete:
            return _listed(piece, count)
        return _drawn(piece)
    except (Unsupported, Undefined, TypeMismatch) as error:
        return Finding("unknown", f"part {piece.name}: it can't be run ({error})")


def _listed(piece: Piece, count: int) -> Finding:
    """All points, in exact arithmetic."""
    columns = piece.domain.points(0, count)
    for place in range(count):
        row = piece.domain.row(columns, place)
        if run_exact(piece.spec, row) != run_exact(piece.body, row):
            return Finding("refuted", f"part {piece.name}: program and network differ at {row}")
    return Finding("holds", f"part {piece.name}: equal on all {count:,} inputs, in exact rationals")


def _drawn(piece: Piece) -> Finding:
    ours, theirs = _values(piece.spec, piece.domain), _values(piece.body, piece.domain)
    room = float(piece.claim.achieved or 0.0) + _ROUNDING * max(1.0, float(np.abs(theirs).max()))
    apart = np.abs(ours - theirs).max(initial=0.0)
    if piece.claim.exempt is None and apart > room:
        return Finding(
            "refuted",
            f"part {piece.name}: program and network are {apart:.4g} apart, and the claim says "
            f"{piece.claim.achieved or 0.0:.4g}",
        )
    return Finding(
        "note",
        f"part {piece.name}: within {apart:.4g} on {_DRAWN:,} draws; its proof isn't re-checked, "
        "and the claim about the whole doesn't rest on it",
    )


def _values(program: Program, domain: Domain) -> np.ndarray:
    columns = domain.sample(np.random.default_rng(51), _DRAWN)
    return np.asarray(run(program, columns), dtype=float).reshape(_DRAWN, -1)


def _whole(found: Distillation) -> Finding:
    """Whether the pieces' own arithmetic, put together, is the network's."""
    main = found.program.main
    try:
        bodies = with_bodies(found.pieces, main.parameters, main.result)
        columns = found.domain.sample(np.random.default_rng(52), _DRAWN)
        ours = np.asarray(run(bodies, columns), dtype=float).reshape(len(columns[0]), -1)
    except (ParseError, TypeMismatch, Undefined, Unsupported) as error:
        return Finding("refuted", f"the parts don't make up a program: {error}")
    raw = np.asarray(found.network.run(found.domain.encode(columns)), dtype=np.float64)
    theirs = np.asarray(found.output.decode(raw), dtype=float).reshape(len(ours), -1)
    room = 0.0 if found.output.discrete else 1e-4 * max(1.0, float(np.abs(theirs).max()))
    wrong = int((np.abs(ours - theirs) > room).any(1).sum())
    return judged(
        wrong == 0,
        f"the parts' own arithmetic, put together, is the network's on {len(ours):,} draws",
        f"the parts' own arithmetic, put together, isn't the network's on {wrong:,} of "
        f"{len(ours):,} draws",
    )
