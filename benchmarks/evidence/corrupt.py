"""Claims and certificates corrupted so that nothing supports them: the checker must object.

A corruption is made only where it is known to be one: a certificate that doesn't tile its domain,
a set without a state that is reached, a number that an exactly evaluated point or word contradicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.evidence import corrupt_loops
from benchmarks.evidence.exact import below, largest, program_at
from benchmarks.evidence.feedforward import checked
from benchmarks.evidence.judge import contradicted, known, margin, truly_differs
from benchmarks.evidence.networks import KINKED, STYLES
from benchmarks.evidence.programs import constant, scaled
from benchmarks.evidence.trials import (
    REALS,
    Rng,
    Row,
    Sides,
    Trial,
    as_row,
    copy,
    finite,
    literal,
    missed,
    pyramid,
    sides,
    smooth,
    trial,
)
from benchmarks.evidence.verifiers import VERIFIERS, bounds
from distill.evidence import Claim
from distill.load.normal import network_from_normal_form
from distill.normal_form import Affine, NormalForm
from distill.target import make_target
from distill.verify.boxes import bounds_claim
from distill.verify.relational import relational

_EXTRA = 1_000
"""Boxes that the checker bounds beyond twice those of a corrupted certificate: it would spend all
of its 4,000 on most of them."""

_ATTEMPTS = 6
"""Squares that are tried until one is proved."""


@dataclass(frozen=True, eq=False)
class Corrupted:
    """A trial with a claim about it that nothing supports; told: what was done."""

    trial: Trial
    claim: Claim
    kind: str
    told: str


def kind_seed_number(place: int, seed: int) -> tuple[str, int, int]:
    """What the corruption at a place, counted from 0, is of: the kind of claim, seed, number."""
    rounds, which = divmod(place, len(KINDS))
    return KINDS[which], seed, rounds * _APART + which


def result(name: str, seed: int, number: int, most: int | None = None) -> dict[str, Any]:
    """A claim of a kind, what the checker says of it, and of it corrupted in (at most so many)
    ways."""
    rng = np.random.default_rng([seed, number, 200])
    if name in corrupt_loops.BASES:
        before, made = corrupt_loops.outcomes(name, rng, most)
    else:
        drawn = (BASES[name](rng) for _ in range(_ATTEMPTS))
        base = next((b for b in drawn if b is not None), None)
        before, made = (None, []) if base is None else _outcomes(*base, rng, most)
    return {"kind": name, "seed": seed, "number": number, "before": before, "made": made}


def _outcomes(
    base: Trial, claim: Claim, rng: Rng, most: int | None
) -> tuple[str | None, list[dict[str, str]]]:
    sound = not truly_differs(base)[0]
    before = checked(base, claim) if sound else None
    made = [
        {"kind": c.kind, "told": c.told, "said": checked(c.trial, c.claim, _EXTRA)}
        for c in islice(corruptions(base, claim, rng), most)
    ]
    return before, made


def corruptions(base: Trial, claim: Claim, rng: Rng) -> Iterator[Corrupted]:
    """What nothing supports, of every kind that fits the claim."""
    if truly_differs(base)[0]:
        told = "a claim that a planted point contradicts is called proved"
        raised = replace(claim, verdict="proved", achieved=claim.tolerance)
        yield Corrupted(base, raised, "verdict raised", told)
        yield from _nudged(base, raised)
        return
    if claim.certificate is not None:
        cases = claim.certificate["kind"] == "phases"
        yield from (_cases_wrongly if cases else _cut_wrongly)(base, claim, rng)
    yield from _nudged(base, claim)
    yield from _other_margins(base, claim)
    if base.kind == "outside":
        yield from widened(base, claim)
    yield from _flipped(base, claim, rng)
    if claim.method == "exhaustive":
        for step in (-1, 1):
            told = f"{claim.count} inputs become {claim.count + step}"
            yield Corrupted(base, replace(claim, count=claim.count + step), "count changed", told)


def _cut_wrongly(base: Trial, claim: Claim, rng: Rng) -> Iterator[Corrupted]:
    """Trees of cuts that tile no domain."""
    assert claim.certificate is not None
    pieces = claim.certificate["pieces"]
    which = int(rng.integers(len(pieces)))
    cuts = pieces[which]["cuts"]

    def changed(text: str, name: str, told: str) -> Corrupted:
        new = [{"cuts": text} if i == which else piece for i, piece in enumerate(pieces)]
        certificate = {**(claim.certificate or {}), "pieces": new}
        return Corrupted(base, replace(claim, certificate=certificate), name, told)

    leaves = [i for i, letter in enumerate(cuts) if letter == "."]
    place = leaves[int(rng.integers(len(leaves)))]
    yield changed(cuts[:place] + cuts[place + 1 :], "leaf removed", f"leaf at {place}")
    yield changed(cuts + ".", "leaf added", "a leaf more than cuts")
    yield changed(cuts.replace(".", "z..", 1), "cut elsewhere", "a cut along no axis")
    yield changed(cuts.replace(".", "a@1e9;..", 1), "cut elsewhere", "a cut outside its box")
    fewer = {**claim.certificate, "pieces": pieces[:-1]}
    yield Corrupted(base, replace(claim, certificate=fewer), "piece removed", "the last piece")


def _cases_wrongly(base: Trial, claim: Claim, rng: Rng) -> Iterator[Corrupted]:
    """Trees of cases that leave some out, are about other relus, or have no multipliers."""
    assert claim.certificate is not None
    pieces = claim.certificate["pieces"]
    which = int(rng.integers(len(pieces)))
    nodes, other = pieces[which]["nodes"], "0" * 64
    multipliers = pieces[which]["multipliers"]

    def changed(name: str, told: str, **parts: Any) -> Corrupted:
        new = [{**p, **parts} if i == which else p for i, p in enumerate(pieces)]
        certificate = {**(claim.certificate or {}), "pieces": new}
        return Corrupted(base, replace(claim, certificate=certificate), name, told)

    yield changed("case removed", "the last case", nodes=nodes[:-1])
    yield changed("case added", "a case more than decisions", nodes=[*nodes, -1])
    yield changed("decision elsewhere", "about no relu", nodes=[10**6, -1, *nodes])
    yield changed("other relus", "another hash", relus=other)
    if multipliers and len(nodes) > 1:
        half = multipliers[: len(multipliers) // 2]
        yield changed("multipliers cut off", "half of them", multipliers=half)
        yield changed("decision repeated", "on and off at once", nodes=[nodes[0], *nodes, -1])
    fewer = {**claim.certificate, "pieces": pieces[:-1]}
    yield Corrupted(base, replace(claim, certificate=fewer), "piece removed", "the last piece")


def _nudged(base: Trial, claim: Claim) -> Iterator[Corrupted]:
    """A bound or a margin just below what a known point shows."""
    target = base.square.target
    if target.output.discrete:
        return
    found = known(base)
    if not found:
        return
    gap = largest([f.gap_run if claim.method == "exhaustive" else f.gap for f in found])
    least = float(gap) * (1 - 1e-6 * (claim.method == "relational"))  # a program in another order
    while least > 0 and not below(Fraction(least), gap):
        least = float(np.nextafter(least, 0.0))
    if least <= 0:
        return
    told = f"within {least!r}, and a known point is {float(gap)!r} apart"
    for tolerance in (least, claim.tolerance):
        nudged = replace(claim, verdict="proved", achieved=least, tolerance=tolerance)
        if contradicted(base, nudged):
            yield Corrupted(base, nudged, "bound nudged", told)


def _other_margins(base: Trial, claim: Claim) -> Iterator[Corrupted]:
    """A margin below that of a decision that differs, and one that leaves out more than is said."""
    target = base.square.target
    if not target.output.discrete or claim.band != "network" or claim.method == "exhaustive":
        return
    for found in known(base):
        smaller = replace(claim, margin=0.9 * float(margin(target, found.exact)))
        if smaller.margin < claim.margin and contradicted(base, smaller):
            yield Corrupted(base, smaller, "margin shrunk", f"{claim.margin} to {smaller.margin}")
    drawn = target.domain.sample(np.random.default_rng(0), 4_000)
    margins = target.output.margin(target.raw(drawn))
    larger = replace(claim, margin=float(np.quantile(margins, 0.5)))
    if float((margins <= larger.margin).mean()) > claim.left_out + 0.1:
        yield Corrupted(base, larger, "margin enlarged", "half of the domain, and less is said")


def _flipped(base: Trial, claim: Claim, rng: Rng) -> Iterator[Corrupted]:
    """One weight of the network changes its sign, where that makes the claim false."""
    for _ in range(3):
        form = _with_flip(base.form, rng)
        if form is None:
            return
        square, old = base.square, base.square.target
        network = network_from_normal_form(form)
        target = make_target(network, old.domain, old.reading, old.tolerance, old.margin)
        other = replace(base, square=replace(square, target=target), form=form)
        if contradicted(other, replace(claim, achieved=claim.tolerance)):
            yield Corrupted(other, claim, "weight flipped", "a weight of the network")


def _with_flip(form: NormalForm, rng: Rng) -> NormalForm | None:
    places = [
        (index, term, int(row), int(column))
        for index, node in enumerate(form.nodes)
        if isinstance(node, Affine)
        for term, (_, matrix) in enumerate(node.terms)
        for row, column in np.argwhere(matrix)
    ]
    if not places:
        return None
    index, term, row, column = places[int(rng.integers(len(places)))]
    nodes, node = list(form.nodes), form.nodes[index]
    assert isinstance(node, Affine)
    terms = [(source, matrix.copy()) for source, matrix in node.terms]
    terms[term][1][row, column] *= -1
    nodes[index] = Affine(tuple(terms), node.bias)
    return NormalForm(tuple(nodes), form.output)


Base = tuple[Trial, Claim]


def _proved(base: Trial, claim: Claim | None) -> Base | None:
    return None if claim is None or claim.verdict != "proved" else (base, claim)


def by_bounds(rng: Rng) -> Base | None:
    """A real output proved by bounds."""
    base = (missed, smooth)[int(rng.integers(2))](rng, False)
    return _proved(base, bounds(base.square, 0))


def of_decisions(rng: Rng) -> Base | None:
    """A truth proved by bounds, its program's level a little beside the network's."""
    domain = REALS[int(rng.integers(4))]
    made = sides(domain, 1, rng, STYLES[int(rng.integers(2))], KINKED)
    low, high = made.domain.value_box()
    rows = [
        as_row(made.domain, p.astype(np.float32)) for p in rng.uniform(low, high, (60, len(low)))
    ]
    values = [(_value(made, row), row) for row in rows]
    above = sorted((v for v in values if v[0] > 1e-3), key=lambda v: v[0])
    if not above:
        return None
    least, row = above[0]
    level = float(np.float32(1.5 * least))
    moved = [("sum", made.scores[0], constant(-level))]
    beside = Sides(made.domain, made.builder, made.output, moved, made.inputs)
    base = trial("decision", False, beside, "bool", 0.01, 4.0 * least, [row])
    return _proved(base, bounds(base.square, 0))


def _value(made: Sides, row: Row) -> float:
    names = [f.name for f in made.domain.fields]
    return float(program_at(made.scores[0], dict(zip(names, row, strict=True))))


def listed(rng: Rng) -> Base | None:
    """All inputs of a finite domain."""
    base = finite(rng, False)
    return _proved(base, VERIFIERS["exhaustive"](base.square, 0))


def planted(rng: Rng) -> Base | None:
    """A claim that wasn't proved, since it is false."""
    base = (missed, pyramid, smooth)[int(rng.integers(3))](rng, True)
    claim = bounds(base.square, 0)
    return None if claim is None or claim.verdict == "proved" else (base, claim)


def own_arithmetic(rng: Rng) -> Base | None:
    """The network's own arithmetic."""
    base = literal(rng, False)
    return _proved(base, relational(base.square))


def outside(rng: Rng) -> Base | None:
    """Equal on the domain, and farther and farther apart beyond its end."""
    made = sides(REALS[int(rng.integers(2))], 1, rng, STYLES[int(rng.integers(2))], KINKED)
    high = float(made.domain.value_box()[1][0])
    beyond = ("relu", ("sum", made.inputs[0], constant(-high)))
    moved = [("sum", made.scores[0], scaled(4.0, beyond))]
    beside = Sides(made.domain, made.builder, made.output, moved, made.inputs)
    corner = as_row(made.domain, made.domain.value_box()[1])
    base = trial("outside", False, beside, "real", 0.05, 0.0, [corner])
    return _proved(base, bounds_claim(base.square, 200))


def widened(base: Trial, claim: Claim) -> Iterator[Corrupted]:
    """The same claim on a domain that reaches half a unit farther."""
    domain = base.square.target.domain
    first = domain.fields[0]
    assert first.high is not None
    wider = replace(
        domain, fields=(replace(first, high=first.high + Fraction(1, 2)), *domain.fields[1:])
    )
    old = base.square.target
    target = make_target(old.network, wider, old.reading, old.tolerance, old.margin)
    row = as_row(wider, wider.value_box()[1])
    other = replace(base, square=replace(base.square, target=target), points=(row,))
    if contradicted(other, claim):
        yield Corrupted(other, claim, "domain widened", "the first input reaches farther")


def by(name: str) -> Callable[[Rng], Base | None]:
    """A rounded copy proved by a verifier, or (by luck of the draw) none."""

    def base(rng: Rng) -> Base | None:
        made = copy(rng, False)
        return _proved(made, VERIFIERS[name](made.square, 0))

    return base


BASES: dict[str, Callable[[Rng], Base | None]] = {
    "bounds": by_bounds, "decisions": of_decisions, "listed": listed, "planted": planted,
    "literal": own_arithmetic, "outside": outside,
    "lockstep": by("lockstep"), "tuned": by("tuned"), "phases": by("phases"), "smt": by("smt"),
}  # fmt: skip
KINDS = (*BASES, *corrupt_loops.BASES)
"""Claims of feed-forward squares and of loops, by name."""

_APART = 14
"""Between numbers of one kind; so many kinds there were when results were first kept."""
