"""A function of few truths, categories or small whole numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distill.reporting.markup import Markup, tag
from distill.walkthrough import shown

LARGEST = 64
"""Rows up to which a table is printed."""


def truth_table(
    names: Sequence[str], inputs: Sequence[Sequence[Any]], program: Sequence[Any],
    network: Sequence[Any] | None,
) -> Markup:  # fmt: skip
    """A row for each input: its scalars, the program's value, the network's beside it."""
    heads = [*names, "program", *(() if network is None else ("network",))]
    rows = []
    for place, scalars in enumerate(inputs):
        own = shown(program[place])
        cells = [_cell(shown(v)) for v in scalars]
        cells.append(_cell(own, "value"))
        if network is not None:
            other = shown(network[place])
            cells.append(_cell(other + ("" if other == own else " ≠"), "value"))
        rows.append(tag("tr", cells))
    head = tag("thead", tag("tr", (tag("th", name) for name in heads)))
    return tag("div", tag("table", head, tag("tbody", rows), class_="truth"), class_="scroll")


def _cell(text: str, kind: str = "") -> Markup:
    """Truths are told apart by weight too: `false` is pale."""
    faint = "faint" if text in ("false", "0") else ""
    return tag("td", text, class_=" ".join(filter(None, (kind, faint))) or None)
