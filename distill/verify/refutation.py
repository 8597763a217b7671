"""Refuted claims: simple counterexamples, one for every region that was found to fail.

What a claim shows was run again (`replay`). Where it is final it is also told where the two sides
differ, as conditions in the language, and each counterexample was run by the original framework.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.regions import Region, regions
from distill.verify.failing import MOST, Differs, joined_to, one_of_each
from distill.verify.replay import REALS_ONLY, Replay, replay
from distill.verify.shrink import plainer, shrunk
from distill.verify.square import Difference, Square, tolerance
from dsl.domain import Columns, DomainError, rows, taken
from dsl.meanings.array import run
from dsl.program import program

ARITHMETIC = "network in float32 as run, program in float64"
OVER_REALS = "; over the reals they differ"
_LOOKED_AT = 256


def differing(square: Square) -> Differs:
    """Which rows refute a claim about the square."""
    allowed = tolerance(square.target)
    return lambda columns: square.compare(columns).wrong(allowed, square.margin)


def refuted(
    square: Square,
    columns: Columns,
    found: Difference,
    row: int,
    seen: int,
    begin: float,
    method: str,
) -> Claim:
    """The claim that replayed differences make: a simple example, and one of each other region.

    At the edge of rounding a network may give other values in a batch than alone, since sums are
    added in another order; the example then shows those that it gave.
    """
    wrong = found.wrong(tolerance(square.target), square.margin)
    differs = differing(square)
    alone = taken(columns, np.array([row]))
    if differs(alone)[0]:
        simple = shrunk(square.target.domain, alone, lambda one: bool(differs(one)[0]))
        shown, apart = _examples(square, simple, columns, found, wrong)
    else:
        shown, apart = [_plain(square, columns, found, row)], float(found.distance[row])
    return Claim(
        "refuted",
        method,
        f"differs on an input (found within {seen:,} tried)",
        tolerance=None if square.target.output.discrete else square.target.tolerance,
        achieved=apart,
        exempt=square.exempt,
        margin=square.margin,
        band=square.band,
        widths=square.widths,
        arithmetic=ARITHMETIC,
        count=seen,
        seconds=time.perf_counter() - begin,
        counterexample=shown[0],
        counterexamples=shown,
    )


def others(square: Square, first: Columns, wrong: Columns) -> list[Columns]:
    """Simple differing inputs in other regions than the first, from differing rows, worst first."""
    if not rows(wrong):
        return []
    domain, differs = square.target.domain, differing(square)
    points = np.concatenate([domain.flatten(first), domain.flatten(wrong)])
    made = []
    for row in one_of_each(domain, differs, points)[1:]:
        start = points[row]

        def stays(one: Columns, start: NDArray[np.float64] = start) -> bool:
            inside = domain.contains(one)[0] and differs(one)[0]
            return bool(inside) and joined_to(domain, differs, start, domain.flatten(one)[0])

        alone = domain.unflatten(start[None])
        if differs(alone)[0]:
            made.append(plainer(domain, alone, stays))
    return made


def _examples(
    square: Square, simple: Columns, columns: Columns, found: Difference, wrong: NDArray[np.bool_]
) -> tuple[list[dict[str, Any]], float]:
    """The counterexamples as plain data, and how far apart the two are at the first."""
    worst = np.argsort(-np.where(wrong, found.distance, -1.0), kind="stable")
    worst = worst[: min(int(wrong.sum()), _LOOKED_AT)]
    every = [simple, *others(square, simple, taken(columns, worst))]
    seen = square.compare(simple)
    return [replay(square, one).to_json() for one in every], float(seen.distance[0])


def _plain(square: Square, columns: Columns, found: Difference, row: int) -> dict[str, Any]:
    """One row as it came out within its batch."""
    one = replay(square, taken(columns, np.array([row])))
    given = found.network[row].tolist(), found.program[row].tolist()
    kind = one.kind if one.refutes else "float32 only"
    return replace(one, network=given[0], program=given[1], kind=kind).to_json()


def confirmed(
    square: Square, points: NDArray[np.float64], begin: float, method: str
) -> Claim | list[Replay]:
    """A refutation where the network, as it runs, and the program differ at one of the points
    (k, scalars); else those at which they differ over the reals."""
    if not len(points):
        return []
    columns = square.target.domain.unflatten(points)
    columns = taken(columns, square.target.domain.contains(columns))
    if not rows(columns):
        return []
    found = square.compare(columns)
    wrong = found.wrong(tolerance(square.target), square.margin)
    if wrong.any():
        row = int(np.argmax(np.where(wrong, found.distance, -1.0)))
        return refuted(square, columns, found, row, rows(columns), begin, method)
    worst = np.argsort(-found.distance, kind="stable")[:MOST]
    seen = (replay(square, taken(columns, np.array([row]))) for row in worst)
    return [one for one in seen if one.kind == REALS_ONLY]


def with_reals(claim: Claim, found: list[Replay]) -> Claim:
    """A claim that isn't refuted beside inputs where the two differ over the reals only."""
    if not found:
        return claim
    shown = [*claim.counterexamples, *(one.to_json() for one in found)][:MOST]
    told = f"{claim.statement}{OVER_REALS} at {found[0].inputs}, in float32 not"
    return replace(claim, statement=told, counterexamples=shown)


def finished(square: Square, claim: Claim, seed: int) -> Claim:
    """A final claim with what a reader should see of a refutation: where the two differ, and each
    counterexample as the original framework gives it, one for every region and others behind."""
    if not claim.counterexamples:
        return claim
    domain = square.target.domain
    columns = [_columns(square, shown) for shown in claim.counterexamples]
    if claim.verdict != "refuted":
        shown = [replay(square, one, framework=True).to_json() for one in columns]
        return replace(claim, counterexamples=shown)
    known = tuple(np.concatenate(parts) for parts in zip(*columns, strict=True))
    try:
        found = regions(domain, differing(square), known, [square.program], seed)
    except DomainError:
        found = ()
    shown = list(_shown(square, claim, columns, found))
    text = claim.statement + _beside_framework(shown)
    return replace(
        claim,
        statement=text,
        regions=[region.to_json(domain) for region in found],
        counterexample=shown[0],
        counterexamples=shown,
    )


def _shown(
    square: Square, claim: Claim, columns: list[Columns], found: tuple[Region, ...]
) -> Iterator[dict[str, Any]]:
    """The first counterexample, one of each region without any, then the other ones."""
    holding = [[_holds(square, region, one) for one in columns] for region in found]
    fresh = [r.example for r, held in zip(found, holding, strict=True) if not any(held)]
    for place, one in enumerate([columns[0], *fresh, *columns[1:]][:MOST]):
        made = replay(square, one, framework=True)
        # a row may differ in its batch and not alone: what was given then is what is shown
        given = {**claim.counterexamples[0], "framework": made.to_json()["framework"]}
        if place == 0 and not made.refutes:
            yield given
        elif made.refutes:
            yield made.to_json()


def _holds(square: Square, region: Region, one: Columns) -> bool:
    parameters = square.target.domain.parameters
    return bool(np.all(run(program(parameters, region.condition), one)))


def _columns(square: Square, shown: dict[str, Any]) -> Columns:
    domain = square.target.domain
    return domain.column(tuple(shown["inputs"][field.name] for field in domain.fields))


def _beside_framework(shown: list[dict[str, Any]]) -> str:
    """Half a sentence where the original framework shows none of the differences."""
    theirs = [one["framework"] for one in shown if one.get("framework")]
    if not theirs or any(one["differs"] for one in theirs):
        return ""
    return f"; {theirs[0]['name']} shows no difference: it is at the edge of rounding"
