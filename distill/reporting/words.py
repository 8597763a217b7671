"""What evidence means, in plain words: verdicts as rungs of a ladder, each with a sign."""

from __future__ import annotations

from distill.reporting.markup import Markup, tag

RUNGS = (
    ("refuted", "✗", "Refuted", "an input is known at which the two differ"),
    ("unknown", "?", "Unknown", "nothing could be decided"),
    ("tested", "≈", "Tested", "no difference at many independent draws; that is no proof"),
    ("proved_to_solver_tolerance", "∼", "Proved up to a solver's rounding",
     "a solver in floating point found no difference"),
    ("proved_to_length", "✓", "Proved up to a length", "equal on every sequence up to that length"),
    ("proved", "✓", "Proved", "holds for every input of the domain, rounding included"),
)  # fmt: skip


def rung(verdict: str) -> Markup:
    """A verdict as a badge: its sign and its words, so that colour isn't needed."""
    for name, sign, words, meaning in RUNGS:
        if name == verdict:
            return tag("span", f"{sign} {words}", class_=f"badge {name}", title=meaning)
    return tag("span", verdict, class_="badge unknown")


def ladder(verdict: str) -> Markup:
    """All rungs, the strongest on top, with the one that was reached marked."""
    rows = []
    for name, sign, words, meaning in reversed(RUNGS):
        here = name == verdict
        mark = tag("em", " ← here") if here else None
        kind, current = ("here", "true") if here else (None, None)
        words_ = tag("b", f"{sign} {words}")
        rows.append(tag("li", words_, f": {meaning}", mark, class_=kind, aria_current=current))
    return tag("ol", rows, class_="ladder")


def share(part: float, whole: float) -> str:
    """A part in per cent of a whole."""
    found = 100 * part / whole if whole else 0.0
    return f"{found:.2g} %" if found < 99.5 else f"{found:,.0f} %"


def seconds(value: float) -> str:
    """A time as people say it."""
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"
