"""HTML and SVG put together so that nothing reaches the page unescaped.

`tag` escapes every text and every attribute by `escaped`; only what `tag` made itself passes as it
is. Control characters and those that change the direction of writing are shown as escapes.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

VOID = frozenset({"meta", "br", "input", "link", "hr"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | Markup | None | Iterable["Child"]


def escaped(text: str) -> Markup:
    """Any text as HTML, in content and in attributes."""
    return Markup(html.escape("".join(map(_harmless, text)), quote=True))


def _harmless(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return ascii(character)[1:-1]


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """An element. In attribute names `_` is `-`, one behind the name is left off (`class_`); those
    that are None or False are left out, True stands alone."""
    opening = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        written = key.rstrip("_").replace("_", "-")
        opening.append(written if value is True else f'{written}="{escaped(_text(value))}"')
    start = f"<{' '.join(opening)}>"
    if name in VOID:
        return Markup(start)
    return Markup(f"{start}{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Texts, escaped, and markup one after the other."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            parts.append(child if isinstance(child, Markup) else escaped(child))
        else:
            parts.append(join(child))
    return Markup("".join(parts))


def number(value: float) -> str:
    """A coordinate: at most two decimals, no more digits than it needs."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _text(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def cut(text: str, most: int) -> str:
    """A text's beginning, with dots for the rest."""
    return text if len(text) <= most else text[: max(most - 1, 1)] + "…"
