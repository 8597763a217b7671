"""What one step of a check found, and what many of them come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["holds", "refuted", "unknown", "note"]
Verdict = Literal["holds", "refuted", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how much of it, and what came out.

    `refuted`: something is contradicted; `unknown`: it could not be confirmed; a `note` informs
    and decides nothing.
    """

    state: State
    text: str

    @property
    def line(self) -> str:
        """The text with its state in front."""
        return f"{self.state}: {self.text}"


def judged(good: bool, yes: str, no: str, otherwise: State = "refuted") -> Finding:
    """`holds` with one text, or `otherwise` with the other."""
    return Finding("holds", yes) if good else Finding(otherwise, no)


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The weakest state, notes left aside."""
    states = {finding.state for finding in findings}
    if "refuted" in states:
        return "refuted"
    return "unknown" if "unknown" in states else "holds"
