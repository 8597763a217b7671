"""Which data drives which line of a program: its lines with how many examples come to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from distill.data_rows import DataRows
from dsl.lines import Line, lines_of
from dsl.loop import Loop
from dsl.meanings.array import schedule
from dsl.meanings.coverage import Coverage, Decision
from dsl.meanings.deciding import COMPARISONS
from dsl.program import Expression, Let, Prim, Program

NEAREST = 5
NEVER = "no example comes here"


@dataclass(frozen=True, eq=False)
class DrivenLine:
    """A line, how many examples come to it (None where it begins a definition), and the decisions
    on it."""

    line: Line
    count: int | None
    decisions: tuple[Decision, ...]

    @property
    def unseen(self) -> bool:
        """Whether no example comes here: behaviour the network has and the data never showed."""
        return self.count == 0


def driven_lines(program: Program | Loop, seen: Coverage) -> tuple[DrivenLine, ...]:
    """Every line of a program with what examples do there."""
    told: set[Decision] = set()
    return tuple(_driven(line, seen, told) for line in lines_of(program))


def _driven(line: Line, seen: Coverage, told: set[Decision]) -> DrivenLine:
    if line.node is None or line.heads:
        return DrivenLine(line, None, ())
    count = seen.reached.get((line.owner, line.node))
    if line.branch is not None:
        choice = seen.find(line.owner, line.branch[0])
        count = 0 if choice is None else choice.counts[line.branch[1]]
    nodes = [n for n in (line.decides, *reversed(_nodes(line.node))) if n is not None]
    found = [d for d in (seen.find(line.owner, node) for node in nodes) if d not in (None, *told)]
    decisions = [d for d in found if d is not None and not _said_before(d, line)]
    told.update(decisions)
    return DrivenLine(line, count, tuple(decisions))


def _said_before(decision: Decision, line: Line) -> bool:
    """Whether a comparison is the condition of the line's choice: its counts are the choice's."""
    condition = line.decides.children[0] if line.decides is not None else None
    return (
        decision.node is condition
        and isinstance(decision.node, Prim)
        and decision.node.primitive.name in COMPARISONS
    )


def _nodes(node: Expression) -> list[Expression]:
    """All nodes below, children first, bodies of Lets too."""
    found = schedule(node)
    for inner in list(found):
        if isinstance(inner, Let):
            found = _nodes(inner.children[1]) + found
    return found


def decided_text(program: Program | Loop, seen: Coverage, rows: DataRows) -> str:
    """The lines with their counts, then every decision with its sides and nearest examples."""
    return "\n".join(_told(driven_lines(program, seen), seen, rows))


def _told(lines: tuple[DrivenLine, ...], seen: Coverage, rows: DataRows) -> Iterator[str]:
    outside = rows.total - seen.count
    rest = f", {outside:,} more lie outside the domain" if outside else ""
    yield f"{seen.count:,} examples{rest}; how many come to each line:"
    wide = len(f"{seen.count:,}")
    for one in lines:
        count = " " * wide if one.count is None else f"{one.count:,}".rjust(wide)
        mark = f"    <- {NEVER}" if one.unseen else ""
        yield f"{count}  {'  ' * one.line.depth}{_short(one.line.text)}{mark}"
    for decision in (d for one in lines for d in one.decisions):
        yield f"{decision.owner}: {_short(' '.join(repr(decision.node).split()))}"
        for side, count in zip(decision.sides, decision.counts, strict=True):
            yield f"  {count:>{wide},}  {side}" + (f"    <- {NEVER}" if not count else "")
        near = decision.nearest(NEAREST)
        if near:
            told = (f"{rows.numbers[i]} ({decision.margin[i]:.3g})" for i in near)
            yield f"  nearest to another side: example {', '.join(told)}"


def _short(text: str, most: int = 120) -> str:
    return text if len(text) <= most else text[: most - 4] + " ..."
