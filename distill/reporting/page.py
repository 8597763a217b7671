"""The whole page, put together from its sections."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from distill.data_rows import Agreement, DataRows
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.reporting.axes import figure
from distill.reporting.claims import (
    counterexamples,
    evidence_section,
    sizes_section,
    variables_section,
)
from distill.reporting.driven import data_section, decision_ids
from distill.reporting.heat_map import patterns
from distill.reporting.listing import Anchors, listing
from distill.reporting.loop_views import loop_plots
from distill.reporting.markup import Markup, cut, join, tag
from distill.reporting.modules import Module, claim_words, modules_of
from distill.reporting.network_picture import network_picture
from distill.reporting.network_view import NetworkView, network_view
from distill.reporting.style import CSS, SCRIPT
from distill.reporting.words import rung, seconds, share
from dsl.domain import Columns
from dsl.meanings.coverage import Coverage
from dsl.meanings.english import to_english
from dsl.meanings.loop_english import loop_english

_TITLE = 300
_ENGLISH = 4000

Sections = list[tuple[str, str, Markup]]
"""Id, title and content."""


def page(
    found: Distillation | LoopDistillation, name: str,
    data: tuple[DataRows, Agreement, Coverage] | None = None,
) -> str:  # fmt: skip
    """The report of a finished distillation as HTML; the same result, the same page."""
    sections = _sections(found, data)
    script = Markup(SCRIPT)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{cut(name, 80)}: distilled"),
        tag("style", Markup(CSS)),
    )
    body = tag(
        "body", _header(found, name), _navigation(sections),
        tag("main", (tag("section", tag("h2", title), content, id=link)
                     for link, title, content in sections),
            tag("p", "Nothing on this page holds that.", id="nothing", hidden=True),
            tag("footer", "Written by distill report from the files of this folder; the page loads "
                "nothing from anywhere.")),
        patterns(), tag("script", script),
    )  # fmt: skip
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(
    found: Distillation | LoopDistillation, data: tuple[DataRows, Agreement, Coverage] | None
) -> Sections:
    seen = None if data is None else data[2]
    ids = decision_ids(seen)
    counters = counterexamples(found)
    rows = None if data is None else data[0].columns
    modules, plots, anchors = _modules(found, counters, rows)
    links = ids if data is not None else {}
    program = join([_english(found), listing(found, seen, anchors, links)])
    view = network_view(found)
    sections = [
        ("program", "The program", program),
        ("modules", "What it computes" if len(modules) < 2 else "Its modules", plots),
        ("network", "The network", _network(found, view)),
        ("evidence", "What is known", evidence_section(found, counters)),
        ("variables", "Where its variables live", variables_section(found)),
    ]
    if data is not None:
        sections.append(("data", "On the data", data_section(found, *data, ids)))
    sections.append(("size", "Size and time", sizes_section(found)))
    return sections


def _header(found: Distillation | LoopDistillation, name: str) -> Markup:
    evidence = found.evidence
    own, theirs = evidence.bits["program"], evidence.bits["network"]
    sizes = f"{own:,.0f} bits, the network's own {theirs:,.0f} ({share(own, theirs)})"
    facts = [
        ("domain", cut(evidence.domain, 2 * _TITLE)), ("output", cut(evidence.output, _TITLE)),
        ("size", sizes), ("time", seconds(evidence.seconds)),
    ]  # fmt: skip
    none = None if found.found else tag(
        "p", "No short program was found in the budget: this is the network's own arithmetic."
    )  # fmt: skip
    return tag(
        "header",
        tag("div", tag("h1", cut(name, _TITLE)),
            tag("div", rung(evidence.verdict), tag("span", _short_claim(found)), class_="lead-in"),
            none, tag("dl", [(tag("dt", k), tag("dd", v)) for k, v in facts]), class_="inner"),
    )  # fmt: skip


def _short_claim(found: Distillation | LoopDistillation) -> str:
    """The statement of the claim that the verdict of the whole rests on."""
    evidence = found.evidence
    claim, told = evidence.program_vs_deployed, ""
    if claim.verdict != evidence.verdict:
        claim, told = evidence.deployed_vs_original, "simplified and original network: "
    return told + cut(claim.statement, _TITLE)


def _navigation(sections: Sections) -> Markup:
    links = [tag("a", title, href=f"#{link}") for link, title, _ in sections]
    search = tag("input", type="search", id="search", placeholder="Search", hidden=True,
                 aria_label="Search this page", autocomplete="off")  # fmt: skip
    return tag("nav", tag("div", links, search, class_="inner"))


def _english(found: Distillation | LoopDistillation) -> Markup:
    loop = isinstance(found, LoopDistillation)
    text = loop_english(found.program) if loop else to_english(found.program)
    meant = [
        tag("p", tag("strong", cut(x.name, _TITLE)), " means: ", cut(x.meaning, _ENGLISH),
            tag("em", f" (unverified, by {cut(x.by, _TITLE)})") if x.by else None)
        for x in found.labels.meant
    ]  # fmt: skip
    return join([*meant, *(tag("p", cut(line, _ENGLISH)) for line in text.splitlines()[:40])])


def _modules(
    found: Distillation | LoopDistillation, counters: list[Any], examples: Columns | None
) -> tuple[list[Module], Markup, Anchors]:
    """The modules, what is shown of them, and the id of each by its name."""
    if isinstance(found, LoopDistillation):
        name = found.program.name
        return [Module(name, "", "", "", loop_plots(found))], loop_plots(found), {name: "modules"}
    points = [(c["inputs"], link) for link, c in counters if isinstance(c.get("inputs"), list)]
    modules = modules_of(found, points, examples)
    anchors = {m.name: f"module-{i}" for i, m in enumerate(modules)}
    shown = [
        tag("section",
            tag("h3", tag("code", cut(m.name, 80)), tag("small", f" {m.kind}")) if len(modules) > 1
            else None,
            tag("p", m.says) if number else None, claim_words(m.claim),
            tag("details", tag("summary", "its program"), tag("pre", cut(m.source, 4000)))
            if m.source else None, m.body, id=anchors[m.name])
        for number, m in enumerate(modules)
    ]  # fmt: skip
    return modules, join(shown), anchors


def _network(found: Distillation | LoopDistillation, view: NetworkView | None) -> Markup:
    network = found.network.cell if isinstance(found, LoopDistillation) else found.network
    told = network.summary()
    kinds = ", ".join(f"{count} {kind}" for kind, count in told["operations"].items())
    facts = tag("p", f"{told['parameters']:,} parameters; {kinds}.", class_="note")
    if view is None:
        return join([facts, tag("p", "It can't be drawn unit by unit.", class_="note")])
    words = ["Lines are weights: the thicker the larger, dashed ones negative."]
    if view.groups:
        how = "joined to others by narrow wires alone" if view.kind == "part" else (
            "joined more to each other than to others"
        )  # fmt: skip
        words.append(f"Units of one letter are a {view.kind}, {how}.")
    if view.held:
        words.append("Rounded labels are variables of the program, above the units they live in.")
    if isinstance(found, LoopDistillation):
        words.append("One step: state and item in, next state and output out.")
    return join([facts, figure(network_picture(view), " ".join(words))])
