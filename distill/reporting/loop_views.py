"""A loop's plots: its states as a graph where they are few, and one sequence walked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.reporting.axes import figure
from distill.reporting.curve import curve
from distill.reporting.machine import STATES, machine
from distill.reporting.markup import Markup, join, tag
from distill.walkthrough import Explanation, Step, explain, shown
from dsl.domain import rows
from dsl.loop import Loop
from dsl.meanings.loop_array import start_of, step_loop
from dsl.types import BOOL, REAL, element

_LETTERS = 16
"""Different items up to which states are drawn as a graph."""
_WALKED = 10


@dataclass(frozen=True)
class Graph:
    """states: values of the registers, the start first; edges: from, to, item's number, output."""

    states: tuple[tuple[Any, ...], ...]
    edges: tuple[tuple[int, int, int, Any], ...]


def graph_of(found: LoopDistillation) -> Graph | None:
    """All states that the loop can be in; None where they, or the items, are too many."""
    loop, item = found.program, found.domain.item
    count = found.domain.symbols
    if count is None or count > _LETTERS or not loop.registers:
        return None
    if any(element(r.type) == REAL for r in loop.registers):
        return None
    letters = item.points(0, count)
    first = _state(start_of(loop, 1), 0)
    known, order, edges = {first: 0}, [first], []
    for state in order:  # grows while it is read
        named = {
            r.name: np.repeat(np.array([v]), rows(letters), axis=0)
            for r, v in zip(loop.registers, state, strict=True)
        }
        output, after = step_loop(loop, named, letters)
        for letter in range(rows(letters)):
            reached = _state(after, letter)
            if reached not in known:
                known[reached] = len(known)
                order.append(reached)
            edges.append((known[state], known[reached], letter, output[letter].tolist()))
        if len(order) > STATES:
            return None
    return Graph(tuple(order), tuple(edges))


def _state(held: dict[str, Any], row: int) -> tuple[Any, ...]:
    def frozen(value: Any) -> Any:
        return tuple(map(frozen, value)) if isinstance(value, list) else value

    return tuple(frozen(v[row].tolist()) for v in held.values())


def loop_plots(found: LoopDistillation) -> Markup:
    """The graph where there is one, then a drawn sequence step by step."""
    parts: list[Markup] = []
    graph = graph_of(found)
    if graph is not None:
        parts.append(_drawn(found, graph))
    walked = _walked(found)
    if walked is not None:
        parts.append(walk_table(walked.steps, found.program))
        if element(found.output.type) == REAL:
            parts.append(_over_time(walked.steps))
    return join(parts)


def _drawn(found: LoopDistillation, graph: Graph) -> Markup:
    loop, item = found.program, found.domain.item
    letters = item.points(0, found.domain.symbols or 0)
    names = ", ".join(r.name for r in loop.registers)
    states = [", ".join(_brief(v) for v in state) for state in graph.states]
    shown_items = [", ".join(_brief(v) for v in item.row(letters, i)) for i in range(rows(letters))]
    edges = [(a, b, f"{shown_items[i]} → {_brief(out)}") for a, b, i, out in graph.edges]
    fields = ", ".join(name for name, _ in loop.inputs)
    caption = (
        f"States of the loop: each circle is a value of {names}, the double one the first. An "
        f"arrow says {fields} → output; true is 1 and false 0."
    )
    return figure(machine(states, edges, f"{len(states)} states of {names}"), caption)


def _brief(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple | list):
        return "".join(map(_brief, value)) if all(isinstance(v, bool) for v in value) else (
            "(" + " ".join(map(_brief, value)) + ")"
        )  # fmt: skip
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _walked(found: LoopDistillation) -> Explanation | None:
    """A sequence drawn at random, walked through."""
    domain = found.domain
    length = min(domain.longest or _WALKED, max(domain.shortest, _WALKED))
    if length > 40:
        return None
    drawn = domain.sample(np.random.default_rng(0), 1, length)
    rows_ = [tuple(c[0, t].tolist() for c in drawn) for t in range(length)]
    items = rows_ if len(drawn) > 1 else [row[0] for row in rows_]
    try:
        return explain(found, inputs=items)
    except BadInput:
        return None


def walk_table(steps: Sequence[Step], loop: Loop) -> Markup:
    """A row for every item: what came in, what the registers held, what came out."""
    first = steps[0]
    heads = ["item", *(v.name for v in first.inputs), *(v.name for v in first.variables)]
    lines = []
    for step in steps:
        cells = [tag("td", str(step.item))]
        cells += [tag("td", shown(v.value)) for v in step.inputs]
        for held in step.variables:
            where = ", ".join(f"{a:.3g}" for a in held.activation[:4])
            beside = tag("small", f" {where}", title=held.place) if where else None
            cells.append(tag("td", shown(held.value), beside))
        same = step.program == step.network or element(loop.output.type) == REAL
        cells.append(tag("td", shown(step.program), class_="value"))
        cells.append(tag("td", shown(step.network) + ("" if same else " ≠"), class_="value"))
        lines.append(tag("tr", cells))
    head = tag("thead", tag("tr", (tag("th", h) for h in (*heads, "program", "network"))))
    table = tag("table", head, tag("tbody", lines), class_="truth")
    held = any(v.activation for v in first.variables)
    note = "; small: the network's activation where the variable was located" if held else ""
    kind = " (truths)" if element(loop.output.type) == BOOL else ""
    caption = f"One sequence, drawn at random, step by step{kind}{note}."
    return tag("figure", tag("div", table, class_="scroll"), tag("figcaption", caption))


def _over_time(steps: Sequence[Step]) -> Markup:
    x = np.arange(len(steps), dtype=np.float64)
    program, network = (
        np.array([np.ravel(np.asarray(getattr(s, side), dtype=np.float64)) for s in steps])
        for side in ("program", "network")
    )
    parts = [f"[{i}]" for i in range(program.shape[1])]
    drawn = curve(x, program, network, ("item", "the output"), parts)
    return figure(drawn, "The output over the items; the wide pale band is the network's own.")
