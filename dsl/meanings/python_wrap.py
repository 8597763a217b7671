"""Python source broken into lines that fit, at brackets and operators."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_WIDTH = 96

_LEVELS = (
    (" if ", " else "),
    (" or ",),
    (" and ",),
    (" < ", " <= ", " > ", " >= ", " == ", " != ", " in ", " not in "),
    (" ^ ",),
    (" + ", " - "),
    (" * ", " / ", " // ", " % "),
)
"""Python's operators, the loosest first: a part of a chain holds only tighter ones."""

_COMPARISONS = 3
_LEAD = re.compile("(?:" + "|".join(re.escape(w[1:]) for level in _LEVELS for w in level) + ")")
"""The operator that a later part of a chain begins with."""


def wrap(head: str, text: str, width: int = _WIDTH) -> list[str]:
    """`head + text` as lines of at most `width` where it can be broken."""
    if len(head) + len(text) <= width:
        return [head + text]
    opened = _split_brackets(text)
    if opened is not None:
        start, items, end = opened
        if start == "(" and len(items) == 1:  # a group; with a comma it would be a tuple
            return _wrapped_operators(head, items[0], width, text)
        return [head + start, *_indented(items, ",", width), end]
    return _wrapped_operators(head, text, width, text)


def _wrapped_operators(head: str, text: str, width: int, whole: str) -> list[str]:
    """A chain of operators, a line for each part; `whole` where it is none."""
    parts = _split_operators(text)
    if len(parts) == 1:
        return [head + whole]
    return [head + "(", *_indented(parts, "", width), ")"]


def _indented(items: list[str], end: str, width: int) -> list[str]:
    lines: list[str] = []
    for item in items:
        lead = _LEAD.match(item)
        head = lead[0] if lead else ""
        wrapped = wrap(head, item[len(head) :], width - 4)
        wrapped[-1] += end
        if lines and end and len(lines[-1]) + len(item) + 2 < width and len(wrapped) == 1:
            lines[-1] += " " + wrapped[0]
        else:
            lines += ["    " + line for line in wrapped]
    return lines


def _depths(text: str) -> Iterable[tuple[int, int]]:
    depth = 0
    for place, char in enumerate(text):
        if char in "([{":
            depth += 1
        yield place, depth
        if char in ")]}":
            depth -= 1


def _split_brackets(text: str) -> tuple[str, list[str], str] | None:
    """(`f(`, arguments, `)`) if the whole text is one call or one list without `for`."""
    match = re.match(r"[\w.]*[\[(]", text)
    if match is None or " for " in text or (match[0][-1] == "[" and match[0] != "["):
        return None  # an index with a comma would be a tuple
    start = match.end()
    closing = next((p for p, d in _depths(text) if d == 1 and text[p] in ")]" and p >= start), -1)
    if closing != len(text) - 1:
        return None
    cuts = [p for p, d in _depths(text) if d == 1 and text[p] == "," and p >= start]
    edges = [start - 1, *cuts, closing]
    items = [text[a + 1 : b].strip() for a, b in pairwise(edges)]
    return text[:start], items, text[closing:]


def _split_operators(text: str) -> list[str]:
    outside = {p for p, d in _depths(text) if d == 0}
    for level, words in enumerate(_LEVELS):
        if level == _COMPARISONS and text.startswith("not "):
            return [text]
        cuts = [p for w in words for p in _find(text, w) if p in outside]
        cuts = [p for p in cuts if not text[:p].endswith(" not")]  # `not in` is one operator
        if cuts:
            edges = [0, *(p + 1 for p in sorted(cuts)), len(text)]
            return [text[a:b].strip() for a, b in pairwise(edges)]
    return [text]


def _find(text: str, word: str) -> list[int]:
    return [m.start() for m in re.finditer(re.escape(word), text)]
