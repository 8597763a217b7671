"""Certificates of loops corrupted: sets without a state that is reached, longer claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.evidence.exact import network_exactly
from benchmarks.evidence.recurrent import (
    BEYOND,
    LoopTrial,
    Rng,
    clock,
    contradicted,
    drift,
    flag,
    totals,
)
from distill.checker.finding import verdict_of
from distill.checker.loops import loop_findings
from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.evidence import Claim
from distill.verify.cells import cells_claim
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.linear_loops import linear_claim
from distill.verify.machine import steps_of
from distill.verify.packed import packed_floats, packed_rows
from distill.verify.polytopes import polytopes_claim

_WORDS, _LENGTH = 12, 40


@dataclass(frozen=True, eq=False)
class Passed:
    """Where a run of the network has been: after how many items, the program's state, h exactly."""

    items: int
    state: int
    hidden: np.ndarray


def checked(made: LoopTrial, claim: Claim) -> str:
    """What the independent checker says, by the door that `distill check` uses."""
    rng = np.random.default_rng([11, made.oracle.length])
    return verdict_of(loop_findings(made.oracle, made.loop, claim, rng))


def outcomes(name: str, rng: Rng, most: int | None) -> tuple[str | None, list[dict[str, str]]]:
    """What the checker says of a claim, and of it corrupted in several ways."""
    made, claim = BASES[name](rng)
    if claim is None or claim.verdict not in ("proved", "proved_to_length"):
        return None, []
    found = [
        {"kind": kind, "told": told, "said": checked(made, other)}
        for kind, told, other in islice(_corrupted(made, claim, rng), most)
    ]
    return checked(made, claim), found


def _corrupted(made: LoopTrial, claim: Claim, rng: Rng) -> Iterator[tuple[str, str, Claim]]:
    if made.first is not None:
        longer = replace(claim, length_bound=made.first)
        if contradicted(made, longer):
            yield "length stretched", f"to {made.first}", longer
        endless = replace(claim, verdict="proved", length_bound=None)
        yield "length removed", "a word beyond differs", endless
        if claim.certificate is not None and claim.certificate["kind"] in _ENDLESS:
            other = {**claim.certificate, "kind": _ENDLESS[claim.certificate["kind"]]}
            yield "length removed", "of another kind", replace(endless, certificate=other)
    certificate = claim.certificate
    if certificate is None or certificate.get("memory"):
        return
    within = claim.length_bound or _LENGTH
    passed = [p for p in _passed(made, rng) if p.items < within]
    for _ in range(3 * bool(passed)):
        yield from _without_one(made, claim, passed[int(rng.integers(len(passed)))])


_ENDLESS = {"layers": "cells", "boxes": "hulls"}


def _passed(made: LoopTrial, rng: Rng) -> Iterator[Passed]:
    """States that are reached within the claim: all but the first, h in rationals as floats."""
    steps = steps_of(made.loop, made.oracle, _LENGTH + 1)
    assert steps is not None
    items = made.oracle.domain.item.points(0, steps.next.shape[1])
    seen = made.oracle.domain.item.encode(items)
    initial = made.oracle.network.initial
    for _ in range(_WORDS):
        hidden, state = [_rational(v) for v in initial], 0
        for t in range(1, _LENGTH):
            item = int(rng.integers(len(seen)))
            if steps.next[state, item] < 0:
                break
            hidden = network_exactly(made.form, [*hidden, *map(_rational, seen[item])])[
                : len(initial)
            ]
            state = int(steps.next[state, item])
            yield Passed(t, state, np.array([float(v) for v in hidden]))


def _rational(value: Any) -> Any:
    from fractions import Fraction

    return Fraction(float(value))


def _without_one(made: LoopTrial, claim: Claim, passed: Passed) -> Iterator[tuple[str, str, Claim]]:
    """The set in which a reached state lies strictly, removed or shrunk so that it doesn't."""
    certificate, hidden = claim.certificate or {}, made.oracle.network.hidden
    axes = np.array(certificate.get("matrix", np.eye(hidden)))
    seen = axes @ passed.hidden
    kind = certificate["kind"]
    if kind in ("cells", "layers"):
        yield from _without_cell(claim, certificate, passed, seen)
        return
    if kind == "polytopes":
        yield from _without_polytope(claim, certificate, passed)
        return
    front = 1 if kind == "hulls" else 2
    rows = unpacked_rows(certificate["states"], front)
    ends = unpacked_floats(certificate["ends"], 2 * hidden)
    here = rows[:, -1] == passed.state
    if kind == "boxes":
        here &= rows[:, 0] == passed.items
    for place in np.flatnonzero(here)[:1]:
        told = f"the box of state {passed.state}"
        fewer = {"states": packed_rows(np.delete(rows, place, 0)),
                 "ends": packed_floats(np.delete(ends, place, 0))}  # fmt: skip
        yield "box removed", told, replace(claim, certificate={**certificate, **fewer})
        for axis in range(hidden):
            smaller = ends.copy()
            smaller[place, hidden + axis] = seen[axis] - 1e-3 * max(1.0, abs(seen[axis]))
            shrunk = {**certificate, "ends": packed_floats(smaller)}
            yield "box shrunk", f"{told}, axis {axis}", replace(claim, certificate=shrunk)


def _without_polytope(
    claim: Claim, certificate: dict[str, Any], passed: Passed
) -> Iterator[tuple[str, str, Claim]]:
    hidden, many = len(passed.hidden), certificate["directions"]
    states = unpacked_rows(certificate["states"], 1)[:, 0]
    rows = unpacked_floats(certificate["rows"], hidden).reshape(len(states), many, hidden)
    ends = unpacked_floats(certificate["ends"], 2 * many)
    for place in np.flatnonzero(states == passed.state):
        seen = rows[place] @ passed.hidden
        kept = np.delete(np.arange(len(states)), place)
        bases = unpacked_rows(certificate["bases"], hidden).reshape(len(states), -1, hidden)
        fewer = {"states": packed_rows(states[kept, None]), "ends": packed_floats(ends[kept]),
                 "rows": packed_floats(rows[kept].reshape(-1, hidden)),
                 "bases": packed_rows(bases[kept].reshape(-1, hidden))}  # fmt: skip
        told = f"the polytope of state {passed.state}"
        yield "polytope removed", told, replace(claim, certificate={**certificate, **fewer})
        for line in range(min(many, 6)):
            smaller = ends.copy()
            smaller[place, many + line] = seen[line] - 1e-3 * max(1.0, abs(seen[line]))
            shrunk = {**certificate, "ends": packed_floats(smaller)}
            text = f"{told}, direction {line}"
            yield "polytope shrunk", text, replace(claim, certificate=shrunk)


def _without_cell(
    claim: Claim, certificate: dict[str, Any], passed: Passed, seen: np.ndarray
) -> Iterator[tuple[str, str, Claim]]:
    front = 1 if certificate["kind"] == "cells" else 2
    rows = unpacked_rows(certificate["cells"], front + len(seen))
    share = seen / np.array(certificate["widths"])
    if (np.abs(share - np.rint(share)) < 1e-3).any():
        return  # on an edge another cell holds it too
    place = np.floor(share).astype(np.int64)
    here = (rows[:, front:] == place).all(1) & (rows[:, front - 1] == passed.state)
    if here.any():
        fewer = {**certificate, "cells": packed_rows(rows[~here])}
        yield "cell removed", f"the cell of {place.tolist()}", replace(claim, certificate=fewer)


Base = tuple[LoopTrial, Claim | None]


def hulls(rng: Rng) -> Base:
    """Boxes that close."""
    made = (drift, flag, clock)[int(rng.integers(3))](rng, False)
    return made, closed_claim(made.loop, made.oracle)


def polytopes(rng: Rng) -> Base:
    """Polytopes that close."""
    made = (drift, flag, clock)[int(rng.integers(3))](rng, False)
    return made, polytopes_claim(made.loop, made.oracle, steps_at_most=300_000)


def boxes(rng: Rng) -> Base:
    """Boxes up to a length; beyond it some word may differ."""
    made = (drift, flag, clock)[int(rng.integers(3))](rng, bool(rng.integers(2)))
    return made, boxes_claim(made.loop, made.oracle)


def cells(rng: Rng) -> Base:
    """Grid cells."""
    made = totals(rng, bool(rng.integers(2)))
    return made, cells_claim(made.loop, made.oracle)


def linear(rng: Rng) -> Base:
    """Impulse responses of affine cells; the sums differ some time later."""
    made = totals(rng, True)
    while made.first is None or made.first <= BEYOND:
        made = totals(rng, True)
    return made, linear_claim(made.loop, made.oracle)


BASES: dict[str, Callable[[Rng], Base]] = {
    "hulls": hulls, "boxes": boxes, "cells": cells, "linear": linear, "polytopes": polytopes,
}  # fmt: skip
