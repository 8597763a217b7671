"""Evidence as sections of the page: claims in plain words, counterexamples, attempts, variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.evidence import NOT_LOOKED_FOR, Claim
from distill.reporting.markup import Markup, cut, join, tag
from distill.reporting.words import ladder, rung, seconds, share
from distill.walkthrough import place_text, shown

_LONG = 400
_COUNTED = ("passed", "trials")

Counter = tuple[str, Mapping[str, Any]]
"""The id of a counterexample on the page, and what evidence.json holds of it."""


def counterexamples(found: Distillation | LoopDistillation) -> list[Counter]:
    """Those of the claim about the program, each with an id."""
    claim = found.evidence.program_vs_deployed
    first = [claim.counterexample] if claim.counterexample is not None else []
    return [(f"counterexample-{i}", c) for i, c in enumerate(claim.counterexamples or first, 1)]


def evidence_section(found: Distillation | LoopDistillation, counters: list[Counter]) -> Markup:
    """All claims with what refutes them, the ladder, and who was asked."""
    evidence = found.evidence
    named: list[tuple[str, Claim]] = [("Program and network", evidence.program_vs_deployed)]
    if evidence.hashes.get("network") != evidence.hashes.get("original"):
        named.append(("Simplified and original network", evidence.deployed_vs_original))
    if evidence.program_vs_original is not None:
        named.append(("Program and original network", evidence.program_vs_original))
    parts = [tag("div", (_claim(t, c) for t, c in named), class_="claims")]
    if counters:
        parts.append(tag("h3", "Counterexamples"))
        parts += [_counterexample(link, counter) for link, counter in counters]
    parts.append(tag("details", tag("summary", "what the verdicts mean"), ladder(evidence.verdict)))
    if evidence.attempts:
        rows = [
            tag("tr", tag("td", a.name), tag("td", a.verdict),
                tag("td", "" if a.achieved is None else f"{a.achieved:.4g}"),
                tag("td", f"{a.count:,}" if a.count else ""), tag("td", f"{a.seconds:.2f} s"),
                tag("td", a.note))
            for a in evidence.attempts
        ]  # fmt: skip
        heads = ("verifier", "says", "within", "looked at", "time", "why not more")
        parts.append(
            tag("details", tag("summary", f"verifiers asked: {len(rows)}"), _table(heads, rows))
        )
    return join(parts)


def _claim(title: str, claim: Claim) -> Markup:
    facts = []
    if claim.achieved is not None:
        facts.append(("largest difference", f"{claim.achieved:.4g}"))
    if claim.tolerance is not None:
        facts.append(("allowed", f"{claim.tolerance:.4g}"))
    if claim.exempt:
        facts.append(("left out", f"{claim.exempt} ({100 * claim.left_out:.2g} % of the domain)"))
    if claim.length_bound is not None:
        facts.append(("up to length", f"{claim.length_bound:,}"))
    if claim.arithmetic:
        facts.append(("arithmetic", claim.arithmetic))
    facts.append(("method", claim.method))
    where = [
        tag("li", f"where {r.get('condition')}: {_percent(r.get('differing'))} of what lies there")
        for r in claim.regions
    ]  # fmt: skip
    return tag(
        "article", tag("h3", title), tag("p", rung(claim.verdict)),
        tag("p", cut(claim.statement, 4 * _LONG)), _facts(facts),
        tag("p", "They differ") if where else None, tag("ul", where) if where else None,
    )  # fmt: skip


def _counterexample(link: str, counter: Mapping[str, Any]) -> Markup:
    inputs = counter.get("inputs")
    program, network = shown(counter.get("program")), shown(counter.get("network"))
    head = f"{cut(shown(inputs), 80)}: program {program}, network {network}"
    rows = [(str(k), cut(t, _LONG)) for k, v in counter.items() if (t := _replayed(v))]
    return tag("details", tag("summary", head), _facts(rows), id=link, class_="counter")


def _replayed(value: Any) -> str:
    if isinstance(value, dict):
        told = (f"{k} {shown(v)}" for k, v in value.items() if v is not None)
        return ", ".join(told)
    return "" if value is None else shown(value, 64)


def _facts(rows: list[tuple[str, str]]) -> Markup:
    return tag("dl", [(tag("dt", k), tag("dd", v)) for k, v in rows])


def _table(heads: tuple[str, ...], rows: list[Markup]) -> Markup:
    head = tag("thead", tag("tr", (tag("th", h) for h in heads)))
    return tag("div", tag("table", head, tag("tbody", rows)), class_="scroll")


def variables_section(found: Distillation | LoopDistillation) -> Markup:
    """Where the program's inner variables live in the network."""
    told = found.evidence.variables
    rows = list(_variables(found.located))
    if not rows:
        asked = told == NOT_LOOKED_FOR
        text = "Nobody has looked yet: distill locate DIR does." if asked else (
            told or "The program has no inner variable that a network could hold."
        )  # fmt: skip
        return tag("p", text)
    heads = ("variable", "where", "read", "followed", "verdict")
    intro = "The same function need not be the same algorithm: a variable is located where "
    intro += "exchanging it in the network changes the output as it does in the program."
    return join([tag("p", intro, class_="note"), _table(heads, rows)])


def _variables(located: Mapping[str, Any] | None) -> Iterator[Markup]:
    told = (located or {}).get("variables")
    for row in told if isinstance(told, list) else ():
        if not isinstance(row, dict):
            continue
        place = row.get("place")
        where = place_text(place) if isinstance(place, dict) else "nowhere"
        followed = _followed(row.get("interchange"))
        verdict = str(row.get("verdict", ""))
        sign = "✓" if verdict == "located" else "–"
        yield tag(
            "tr", tag("td", tag("code", str(row.get("variable", "")))), tag("td", where),
            tag("td", _percent(row.get("read"))), tag("td", _percent(followed)),
            tag("td", f"{sign} {verdict}", tag("small", f" {row.get('reason') or ''}")),
        )  # fmt: skip


def _followed(change: Any) -> float | None:
    """The share of pairs on which the network's output followed the variable."""
    found = change.get("everywhere") if isinstance(change, dict) else None
    passed, trials = (found.get(k) if isinstance(found, dict) else None for k in _COUNTED)
    if not (isinstance(passed, int) and isinstance(trials, int) and trials > 0):
        return None
    return passed / trials


def _percent(value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{100 * value:.1f} %" if number else ""


def sizes_section(found: Distillation | LoopDistillation) -> Markup:
    """Bits, time, seed, versions and hashes."""
    evidence = found.evidence
    bits = evidence.bits
    largest = max(bits["program"], bits["network"], 1.0)
    bars = [
        tag("div", tag("span", name, class_="bar-name"),
            tag("span", class_="bar", style=f"--share:{100 * bits[key] / largest:.2f}%"),
            tag("span", f"{bits[key]:,.0f} bits", class_="bar-value"), class_="bar-row")
        for name, key in (("program", "program"), ("network", "network"))
    ]  # fmt: skip
    facts = [
        (
            "share",
            f"the program has {share(bits['program'], bits['network'])} of the network's bits",
        ),
        ("time", f"{seconds(evidence.seconds)}, {evidence.steps:,} steps of work"),
        ("seed", str(evidence.seed)),
        ("versions", ", ".join(f"{k} {v}" for k, v in sorted(evidence.versions.items()))),
    ]
    facts += [(f"sha256 of {k}", v) for k, v in evidence.hashes.items()]
    if found.note:
        facts.insert(2, ("note", found.note))
    others = [
        tag("tr", tag("td", f"{a.bits:,.0f}"), tag("td", f"{a.error:.4g}"),
            tag("td", tag("code", cut(" ".join(str(a.program).split()), _LONG))))
        for a in sorted(found.front, key=lambda a: a.bits)
    ]  # fmt: skip
    front = None
    if others:
        summary = tag("summary", f"{len(others)} other programs: bits against error")
        front = tag("details", summary, _table(("bits", "error", "program"), others))
    return join([tag("div", bars, class_="bars"), _facts(facts), front])
