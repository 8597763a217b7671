"""The user's data on the page: agreement, differing examples, and what drives each decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from distill.data_rows import Agreement, DataRows
from distill.decided import NEAREST, NEVER
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.reporting.markup import Markup, cut, join, tag
from distill.walkthrough import shown
from dsl.domain import Domain
from dsl.meanings.coverage import Coverage, Decision
from dsl.sequences import Sequences

_LISTED = 20
_SIDES = 32
_DECISIONS = 60


def decision_ids(seen: Coverage | None) -> dict[Decision, str]:
    """An id for every decision that is told of."""
    found = () if seen is None else seen.decisions[:_DECISIONS]
    return {decision: f"decision-{i}" for i, decision in enumerate(found, 1)}


def data_section(
    found: Distillation | LoopDistillation, data: DataRows, both: Agreement, seen: Coverage,
    ids: Mapping[Decision, str],
) -> Markup:  # fmt: skip
    """Everything that the data say."""
    parts = [_agreement(data, both, len(data.numbers)), _differing(found, data, both)]
    if ids:
        parts.append(tag("h3", "What data drives which decision", id="decisions"))
        parts += [_decision(found, d, link, data, both) for d, link in ids.items()]
        more = len(seen.decisions) - len(ids)
        if more > 0:
            parts.append(tag("p", f"{more:,} more decisions aren't listed.", class_="note"))
    return join(parts)


def _agreement(data: DataRows, both: Agreement, count: int) -> Markup:
    outside = data.total - count
    facts = [f"{count:,} examples lie in the domain"]
    if outside:
        facts[0] += f", {outside:,} outside of it, where the program answers nothing"
    same = count - len(both.differing)
    facts.append(f"program and network agree on {same:,} of {count:,} ({100 * same / count:.4g} %)")
    if both.program.dtype.kind == "f":
        gap = np.abs(both.program.astype(float) - both.network)
        facts.append(f"they are {np.nanmax(gap):.4g} apart at most")
    labels = data.labels
    if labels is not None and labels.size == both.program.size and both.program.dtype.kind != "f":
        wanted = labels.reshape(both.program.shape).astype(np.float64)
        sides = [("network", both.network), ("program", both.program)]
        if both.original is not None:
            sides.insert(0, ("original network", both.original))
        for name, values in sides:
            right = int((values.astype(float) == wanted).reshape(count, -1).all(1).sum())
            facts.append(f"the {name} is right on {right:,} labels ({100 * right / count:.4g} %)")
    return tag("ul", (tag("li", fact) for fact in facts))


def _differing(
    found: Distillation | LoopDistillation, data: DataRows, both: Agreement
) -> Markup | None:
    if not len(both.differing):
        return None
    shown_ = both.differing[:_LISTED].tolist()
    more = len(both.differing) - len(shown_)
    note = tag("p", f"and {more:,} more", class_="note") if more else None
    title = f"the {len(both.differing):,} examples on which they differ"
    return tag("details", tag("summary", title), _examples(found, shown_, data, both, None), note)


def _examples(
    found: Distillation | LoopDistillation, places: list[int], data: DataRows, both: Agreement,
    margin: Any,
) -> Markup:  # fmt: skip
    domain = found.domain
    rows = []
    for place in places:
        cells = [tag("td", str(data.numbers[place]))]
        if margin is not None:
            cells.append(tag("td", f"{margin[place]:.4g}"))
        cells.append(tag("td", cut(_given(domain, data, place), 160)))
        cells.append(tag("td", cut(shown(both.program[place].tolist()), 60), class_="value"))
        cells.append(tag("td", cut(shown(both.network[place].tolist()), 60), class_="value"))
        rows.append(tag("tr", cells))
    far = () if margin is None else ("distance",)
    heads = ("example", *far, "inputs", "program", "network")
    head = tag("thead", tag("tr", (tag("th", h) for h in heads)))
    return tag("div", tag("table", head, tag("tbody", rows)), class_="scroll")


def _given(domain: Domain | Sequences, data: DataRows, place: int) -> str:
    fields = domain.item.fields if isinstance(domain, Sequences) else domain.fields
    return ", ".join(
        f"{field.name} = {shown(column[place].tolist())}"
        for field, column in zip(fields, data.columns, strict=True)
    )


def _decision(
    found: Distillation | LoopDistillation, decision: Decision, link: str, data: DataRows,
    both: Agreement,
) -> Markup:  # fmt: skip
    text = cut(" ".join(repr(decision.node).split()), 120)
    largest = max(*decision.counts, 1)
    bars = []
    for side, count in list(zip(decision.sides, decision.counts, strict=True))[:_SIDES]:
        never = tag("span", f"∅ {NEVER}", class_="never") if not count else None
        bars.append(
            tag("div", tag("span", cut(side, 40), class_="bar-name", title=side),
                tag("span", class_="bar", style=f"--share:{100 * count / largest:.2f}%"),
                tag("span", f"{count:,}", never, class_="bar-value"), class_="bar-row")
        )  # fmt: skip
    more = len(decision.sides) - _SIDES
    if more > 0:
        bars.append(tag("p", f"{more:,} more sides", class_="note"))
    near = decision.nearest(NEAREST)
    nearest = None
    if near:
        summary = tag("summary", "examples nearest to another side")
        nearest = tag("details", summary, _examples(found, near, data, both, decision.margin))
    unseen = len(decision.unseen)
    sign = f" ∅ {unseen} of {len(decision.sides)} sides unseen" if unseen else ""
    head = tag(
        "summary", tag("code", text),
        tag("small", f" {decision.kind} in {decision.owner}, {decision.reached:,} examples{sign}"),
    )  # fmt: skip
    return tag(
        "details", head, tag("div", bars, class_="bars"), nearest, id=link, class_="decision",
        open=bool(unseen),
    )  # fmt: skip
