"""The program as a listing: lines with folds, names that link to their modules, and, with data, how
many examples come to each line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice

from distill.decided import NEVER, DrivenLine, driven_lines
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.reporting.markup import Markup, cut, join, tag
from dsl.lines import lines_of
from dsl.loop import Loop
from dsl.meanings.coverage import Coverage, Decision
from dsl.program import Program

LEVELS = 6
_LONGEST = 700
"""Characters of a line, and _LINES lines of a level, that are shown."""
_LINES = 400
_DIGITS = re.compile(r"(\d*\.\d{6})\d{3,}")
"""Decimals that are cut, with dots for the digits left out."""
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_']*")
_KEYWORDS = frozenset(
    "def let in if then else and or not xor true false loop start out next".split()  # noqa: SIM905
)

Anchors = Mapping[str, str]
"""The id of each module by its name."""


def levels_of(found: Distillation | LoopDistillation) -> list[Program | Loop]:
    """The program, then deeper and deeper levels, the network's own arithmetic last."""
    if found.literal is not None and found.literal == found.program:
        return [found.program]
    if isinstance(found, LoopDistillation):
        return [found.program, *([] if found.literal is None else [found.literal])]
    every: list[Program | Loop] = list(islice(found.levels(), 40))
    return every if len(every) <= LEVELS else [*every[: LEVELS - 1], every[-1]]


def listing(
    found: Distillation | LoopDistillation, seen: Coverage | None, anchors: Anchors,
    links: Mapping[Decision, str],
) -> Markup:  # fmt: skip
    """All levels as folds, the program open; links: the id of what is told of each decision."""
    folds = []
    every = levels_of(found)
    for number, level in enumerate(every):
        own = number == len(every) - 1 and number > 0
        title = "the program" if not number else f"level {number}"
        title += ": the network's own arithmetic" if own else ""
        counted = seen if not number else None
        body = _level(level, counted, anchors, links)
        folds.append(tag("details", tag("summary", title), body, open=not number, class_="level"))
    return join(folds)


def _level(
    level: Program | Loop, seen: Coverage | None, anchors: Anchors, links: Mapping[Decision, str]
) -> Markup:
    lines: Sequence[DrivenLine]
    if seen is None:
        lines = [DrivenLine(line, None, ()) for line in lines_of(level)]
    else:
        lines = driven_lines(level, seen)
    more = len(lines) - _LINES
    folds = []
    for _, some in groupby(lines[:_LINES], key=lambda one: one.line.owner):
        head, *rest = some
        rows = [_row(one, seen, anchors, links) for one in rest]
        summary = tag("summary", tag("code", _text(head.line.text, anchors)))
        folds.append(tag("details", summary, rows, open=True, class_="definition"))
    if more > 0:
        folds.append(tag("p", f"{more:,} more lines; program.dsl has them.", class_="note"))
    return tag("div", folds, class_="code")


def _row(
    one: DrivenLine, seen: Coverage | None, anchors: Anchors, links: Mapping[Decision, str]
) -> Markup:
    gutter: Markup | None = None
    if seen is not None:
        count = "" if one.count is None else f"{one.count:,}"
        told = f"{count} of {seen.count:,} examples come here" if count else None
        link = next((links[d] for d in one.decisions if d in links), None)
        inner = tag("a", count, href=f"#{link}") if link and count else count
        gutter = tag("span", inner, class_="count", title=told)
    mark = tag("span", f"∅ {NEVER}", class_="never") if one.unseen else None
    text = tag("code", _text(one.line.text, anchors))
    style = f"--depth:{min(one.line.depth, 12)}"
    kind = "line unseen" if one.unseen else "line"
    return tag("div", gutter, tag("span", text, mark, class_="text", style=style), class_=kind)


def _text(text: str, anchors: Anchors) -> Markup:
    """A line with its keywords marked and its names linked."""
    return join(_pieces(cut(_DIGITS.sub(r"\1…", text), _LONGEST), anchors))


def _pieces(text: str, anchors: Anchors) -> Iterator[str]:
    place = 0
    for match in _WORD.finditer(text):
        word = match[0]
        if word not in _KEYWORDS and word not in anchors:
            continue
        yield text[place : match.start()]
        place = match.end()
        if word in _KEYWORDS:
            yield tag("b", word)
        else:
            yield tag("a", word, href=f"#{anchors[word]}")
    yield text[place:]
