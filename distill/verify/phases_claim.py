"""The rung of cases: which relus of network and program are on, each case bounded exactly.

Halving boxes needs very many of them where bends cut through all; cases follow the bends. The
certificate holds the decisions and the multipliers of every case, so that checking it takes only
sums of rationals.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np

from distill.evidence import Claim
from distill.normal_form import Array
from distill.run.budget import Stop, spend, steps_left
from distill.run.limited import Failure, Limits, run_limited
from distill.verify.boxes import Piece, named, pieces_of, rounding_of
from distill.verify.canonical import System, canonical
from distill.verify.layers import Row
from distill.verify.lower import difference
from distill.verify.packed import packed_floats
from distill.verify.phases import Tree, searched
from distill.verify.refutation import confirmed, with_reals
from distill.verify.square import Square
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import DomainError
from dsl.meanings.interval import well_defined

PROGRAM_PRICE = 5_000
"""Steps of a linear program of some ten relus."""

_RELUS_AT_MOST = 64
_ROOM = 1.02
"""Above what rounding may add, so that a checker that bounds it otherwise still confirms it."""

_PROCESS = Limits(seconds=300.0, mebibytes=4096)


def phases_claim(square: Square, programs: int, should_stop: Stop | None = None) -> Claim | None:
    """|network - program| <= eps by cases, with at most `programs` linear programs; None where
    the two aren't made of kinks. A difference that holds up where it is run refutes."""
    begin, left = time.perf_counter(), steps_left(should_stop)
    if should_stop is not None and should_stop():
        return None
    most = programs if left is None else min(programs, left // PROGRAM_PRICE)
    if most < 1:
        return None
    try:
        return _claim(square, most, should_stop, begin)
    except (Unsupported, DomainError):
        return None


def _claim(square: Square, most: int, stop: Stop | None, begin: float) -> Claim | None:
    eps, achieved, cases, parts = square.target.tolerance, 0.0, 0, []
    pieces = list(pieces_of(square))
    for piece in pieces:
        whole = named(piece, piece.lower[None], piece.upper[None])
        system = canonical(difference(piece.form, piece.program, piece.domain))
        if system is None or len(system.rows) > _RELUS_AT_MOST:
            return None
        error = _ROOM * rounding_of(piece)
        if not well_defined(piece.program, whole)[0] or not eps - error > 0:
            return None
        goal = float(np.nextafter(eps - error, -np.inf))
        tree = _searched(both_ways(system), piece, goal, most, stop)
        if isinstance(tree, Failure):
            return _unknown(f"no cases: {tree.text}", eps, begin)
        most, cases = max(most - tree.programs, 1), cases + len(tree.leaves)
        if tree.trouble:
            points = [] if tree.point is None else piece.whole(_inside(tree.point, piece))
            found = confirmed(square, np.asarray(points), begin, "phases")
            if isinstance(found, Claim):
                return found
            return with_reals(_unknown(f"{tree.trouble} ({cases:,} shown)", eps, begin), found)
        achieved = max(achieved, float(np.nextafter(float(tree.top) + error, np.inf)))
        parts.append(_part(system, tree))
    return _proved(min(achieved, eps), cases, parts, eps, begin) if parts else None


def _inside(point: Array, piece: Piece) -> Array:
    """A point of the piece, as one row."""
    whole = piece.domain.integral()
    return np.clip(np.where(whole, np.rint(point), point), piece.lower, piece.upper)[None]


def both_ways(system: System) -> System:
    """The system with the negatives of its outputs behind them."""
    negatives = tuple(Row({}).plus(row, Fraction(-1)) for row in system.outputs)
    return System(system.inputs, system.rows, (*system.outputs, *negatives))


def _searched(
    system: System, piece: Piece, goal: float, most: int, stop: Stop | None
) -> Tree | Failure:
    question = system, piece.lower, piece.upper, goal, most
    found = run_limited(searched, *question, limits=_PROCESS, stop=stop)
    if not isinstance(found, Failure):
        spend(stop, PROGRAM_PRICE * found.programs)
    return found


def _part(system: System, tree: Tree) -> dict[str, Any]:
    """A piece of the certificate: the relus' digest, decisions before their cases, multipliers."""
    rows = np.concatenate([leaf.multipliers for leaf in tree.leaves])
    return {"relus": system.digest, "nodes": tree.nodes, "multipliers": packed_floats(rows)}


def _proved(achieved: float, cases: int, parts: list[Any], eps: float, begin: float) -> Claim:
    text = (
        f"within {achieved:.4g} on every input of the domain ({cases:,} cases of which relus are "
        "on, each bounded in rationals)"
    )
    return Claim(
        "proved",
        "phases",
        text,
        tolerance=eps,
        achieved=achieved,
        arithmetic=ARITHMETIC,
        count=cases,
        seconds=time.perf_counter() - begin,
        certificate={"kind": "phases", "pieces": parts},
    )


def _unknown(text: str, eps: float, begin: float) -> Claim:
    seconds = time.perf_counter() - begin
    return Claim("unknown", "phases", text, eps, arithmetic=ARITHMETIC, seconds=seconds)
