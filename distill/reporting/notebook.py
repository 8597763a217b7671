"""What a notebook shows of a result: HTML without scripts, in the notebook's own colours."""

from __future__ import annotations

from collections.abc import Iterable

from distill.distillation import Distilled
from distill.evidence import Claim, Evidence
from distill.export.python import claim_text
from distill.export.summary import plain_python
from distill.reporting.markup import Markup, cut, tag
from distill.reporting.words import share

_PROGRAM = 4000
_CLAIM = 600
_BOX = "border:1px solid rgba(128,128,128,.4);border-radius:6px;padding:.6em .9em;max-width:62em"
_PRE = "margin:0 0 .6em;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.35"
_NAME = "text-align:left;vertical-align:top;padding:.1em 1em .1em 0;opacity:.7;font-weight:normal"
_TEXT = "text-align:left;padding:.1em 0;overflow-wrap:anywhere"


def result_html(found: Distilled) -> str:
    """A result: its program, what is known about it, and its sizes."""
    bits = found.evidence.bits
    sizes = f"{bits['program']:,.0f} bits, the network's own {bits['network']:,.0f}"
    rows = [
        *_evidence_rows(found.evidence),
        ("size", f"{sizes} ({share(bits['program'], bits['network'])})"),
        *((f"{x.name} means", x.told) for x in found.labels.meant),
        *([("note", found.note)] if found.note else []),
    ]
    text = plain_python(found.program).rstrip()
    return tag("div", tag("pre", cut(text, _PROGRAM), style=_PRE), _table(rows), style=_BOX)


def evidence_html(evidence: Evidence) -> str:
    """All claims, a line each."""
    return tag("div", _table(_evidence_rows(evidence)), style=_BOX)


def claim_html(claim: Claim) -> str:
    """One claim, with its counterexamples' inputs."""
    rows = [(claim.verdict, claim_text(claim))]
    rows += [("differs at", str(shown.get("inputs"))) for shown in claim.counterexamples]
    return tag("div", _table(rows), style=_BOX)


def _evidence_rows(evidence: Evidence) -> list[tuple[str, str]]:
    rows = [
        ("domain", evidence.domain),
        ("output", evidence.output),
        ("verdict", f"{evidence.verdict} ({evidence.method})"),
        ("program", claim_text(evidence.program_vs_deployed)),
    ]
    if evidence.hashes["network"] != evidence.hashes["original"]:
        rows.append(("deployed", claim_text(evidence.deployed_vs_original)))
    if evidence.program_vs_original is not None:
        rows.append(("whole", claim_text(evidence.program_vs_original)))
    return rows


def _table(rows: Iterable[tuple[str, str]]) -> Markup:
    return tag(
        "table",
        (
            tag("tr", tag("th", name, style=_NAME), tag("td", cut(text, _CLAIM), style=_TEXT))
            for name, text in rows
        ),
        style="border-collapse:collapse;margin:0",
    )
