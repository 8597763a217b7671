"""What was found about every inner variable of a program, as data, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from distill.align.interchange import Interchange, Share
from distill.align.place import Place

LOCATED, NOT_LOCATED = "located", "equivalent, not located"
_NAMED = 6
HEAD = (
    "variable", "place", "read", "everywhere", "where it matters", "random", "shuffled", "verdict",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class VariableReport:
    """One variable: where it lives and what interventions there do.

    kind: "let", "call", "expression" or "register"; read: how well it is decoded at the place;
    verdict: `LOCATED` or `NOT_LOCATED`; reason: why not, else empty.
    """

    name: str
    kind: str
    place: Place | None
    read: float
    interchange: Interchange | None
    verdict: str
    reason: str = ""

    @property
    def located(self) -> bool:
        """Whether the network has the variable."""
        return self.verdict == LOCATED

    def cells(self) -> tuple[str, ...]:
        """What a table shows of it, in the order of `HEAD`."""
        head = (self.name, "nowhere" if self.place is None else str(self.place))
        verdict = self.verdict if self.located else f"{self.verdict}: {self.reason}"
        if self.interchange is None:
            return (*head, percent(self.read) if self.place else "", "", "", "", "", verdict)
        found = self.interchange
        return (
            *head, percent(self.read), percent(found.everywhere.value),
            _with_bound(found.where_it_matters, found.explained),
            _control(found.random, found.random_explained),
            _control(found.shuffled, found.shuffled_explained), verdict,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "variable": self.name,
            "kind": self.kind,
            "place": None if self.place is None else self.place.to_json(),
            "read": self.read,
            "interchange": None if self.interchange is None else asdict(self.interchange),
            "verdict": self.verdict,
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False)
class AlignmentReport:
    """All inner variables of a program, and what was left out.

    samples: pairs of inputs for each accuracy; omitted: how many variables weren't looked for,
    there being too many of them or of their numbers; ends: names of variables that are all of the
    input, or the output.
    """

    variables: tuple[VariableReport, ...]
    samples: int
    seed: int
    omitted: int = 0
    ends: tuple[str, ...] = ()

    @property
    def located(self) -> int:
        """How many variables the network has."""
        return sum(v.located for v in self.variables)

    @property
    def headline(self) -> str:
        """Which variables are the network's own, in a line; empty where none was looked for."""
        if not self.variables:
            return ""
        told = [f"{self.located} of {len(self.variables)} located in the network"]
        for words, own in ((LOCATED, True), (NOT_LOCATED, False)):
            names = [v.name for v in self.variables if v.located is own]
            told += [f"{words}: {_listed(names)}"] if names else []
        return "; ".join(told)

    def summary(self) -> str:
        """A table with a line per variable, and what it rests on."""
        rows = [HEAD, *(v.cells() for v in self.variables)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        return "\n".join([*(lines if self.variables else ()), *self.remarks()])

    def remarks(self) -> Iterator[str]:
        """What a reader should know beside the table, a sentence each."""
        if not self.variables:
            none = "The program has no inner variable to look for."
            yield "No inner variable was looked for." if self.ends or self.omitted else none
        else:
            yield (
                f"{self.located} of {len(self.variables)} located; accuracies on {self.samples:,} "
                "pairs of inputs, in brackets the exact 95 % interval; seed "
                f"{self.seed}."
            )
        if self.ends:
            yield f"Not looked for, being the input or the output itself: {', '.join(self.ends)}."
        if self.omitted:
            yield f"Not looked for, being too many or too wide: {self.omitted} more."

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "located": self.located,
            "headline": self.headline,
            "samples": self.samples,
            "seed": self.seed,
            "omitted": self.omitted,
            "ends": list(self.ends),
            "variables": [v.to_json() for v in self.variables],
        }

    def __repr__(self) -> str:
        return self.summary()


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def percent(share: float) -> str:
    """`99.8 %`; all and nothing without digits, and nothing else is rounded to them."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    return f"{min(max(100 * share, 0.1), 99.9):.1f} %"


def _with_bound(found: Share, explained: float | None) -> str:
    text = f"{percent(found.value)} ({100 * found.low:.1f} to {100 * found.high:.1f})"
    return text if explained is None else f"{text}, {percent(explained)} of the change"


def _control(found: Share | None, explained: float | None) -> str:
    if found is None:
        return "none: all of it"
    text = percent(found.value)
    return text if explained is None else f"{text}, {percent(explained)} of the change"
