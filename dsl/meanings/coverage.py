"""Which examples take which side of a program's decisions, and which lines no example reaches.

An example comes to a branch only where it takes that branch, and to a definition where it comes to
a call of it; what a Let names counts wherever the Let does. A definition that is called twice, and
a step that is repeated over a sequence, count for an example if they do once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.domain import Columns
from dsl.loop import Loop
from dsl.meanings.array import node_value, schedule, strict_children
from dsl.meanings.deciding import kind_of, margin_of, sides_of, takes_of, truth_margin
from dsl.meanings.loop_array import start_of, step_loop
from dsl.program import Call, Definition, Expression, Let, Prim, Program, Var
from dsl.recursion import Steps, unrolled
from dsl.types import BOOL, element

Place = tuple[str, Expression]
"""A definition's (or loop's) name, and a node in it."""
_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Decision:
    """A node that decides, on n examples.

    owner: the name of its definition; kind: see `deciding.kind_of`; takes (n, sides): whether an
    example takes a side, at least once; margin (n,): how far it is from another side at its
    nearest, infinite where it never comes here or no number decides.
    """

    owner: str
    node: Expression
    sides: tuple[str, ...]
    takes: NDArray[np.bool_]
    margin: NDArray[np.float64]

    @property
    def kind(self) -> str:
        """What it is: a choice, a comparison, a table ..."""
        return kind_of(self.node)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many examples take each side."""
        return tuple(self.takes.sum(0).tolist())

    @property
    def reached(self) -> int:
        """How many examples come here."""
        return int(self.takes.any(1).sum())

    @property
    def unseen(self) -> tuple[int, ...]:
        """Sides that no example takes."""
        return tuple(i for i, count in enumerate(self.counts) if not count)

    def nearest(self, most: int) -> list[int]:
        """The examples nearest to another side, the nearest first."""
        order = np.argsort(self.margin, kind="stable")[:most]
        return [int(i) for i in order if np.isfinite(self.margin[i])]


@dataclass(frozen=True, eq=False)
class Coverage:
    """decisions: in the order of the program; reached: how many of `count` examples come to each
    node; arguments: of every definition what it was called with, a batch per call."""

    count: int
    decisions: tuple[Decision, ...]
    reached: Mapping[Place, int]
    arguments: Mapping[str, tuple[Columns, ...]]

    def find(self, owner: str, node: Expression) -> Decision | None:
        """The decision at a node."""
        return next((d for d in self.decisions if d.owner == owner and d.node is node), None)


def coverage(program: Program, columns: Columns) -> Coverage:
    """What a program's decisions are on the rows of `columns`."""
    known = {d.name: d for d in program.definitions}
    names = [name for name, _ in program.main.parameters]
    parts = []
    for rows in _blocks(columns):
        tally = _Tally(len(rows[0]))
        scope = _Scope(dict(zip(names, rows, strict=True)), {}, known, program.main.name)
        _follow(unrolled(_frame(program.main.body, scope)), np.ones(tally.count, bool), tally)
        parts.append(tally)
    return _put_together(parts, [d.name for d in reversed(program.definitions)])


def loop_coverage(loop: Loop, columns: Columns) -> Coverage:
    """The same of a loop, on sequences (n, T, ...): each is an example."""
    parts = []
    for rows in _blocks(columns):
        count, length = rows[0].shape[:2]
        tally, state = _Tally(count), start_of(loop, count)
        for t in range(length):
            items = tuple(c[:, t] for c in rows)
            last = t == length - 1 or not loop.at_end
            _step(loop, state, items, tally, last)
            state = step_loop(loop, state, items)[1]
        parts.append(tally)
    return _put_together(parts, [loop.name])


def _step(loop: Loop, state: Mapping[str, Any], items: Columns, tally: _Tally, out: bool) -> None:
    named = {**state, **{name: c for (name, _), c in zip(loop.inputs, items, strict=True)}}
    margins: dict[str, Any] = {}
    here = np.ones(tally.count, dtype=bool)

    def follow(expression: Expression) -> _Frame:
        frame = unrolled(_frame(expression, _Scope(named, margins, {}, loop.name)))
        _follow(frame, here, tally)
        return frame

    for name, value in loop.lets:
        frame = follow(value)
        named[name], margins[name] = frame.values[value], frame.margins[value]
    if out:
        follow(loop.output)
    for register in loop.registers:
        follow(register.update)


@dataclass(frozen=True, eq=False)
class _Scope:
    named: Mapping[str, Any]
    margins: Mapping[str, Any]
    known: Mapping[str, Definition]
    owner: str


@dataclass(eq=False)
class _Frame:
    """An expression's nodes, children first, with what they are worth; those under other names
    (bodies of Lets and of definitions) are frames of their own."""

    owner: str
    order: list[Expression]
    values: dict[Expression, Any] = field(default_factory=dict)
    margins: dict[Expression, Any] = field(default_factory=dict)
    inner: dict[Expression, _Frame] = field(default_factory=dict)
    given: dict[Expression, Columns] = field(default_factory=dict)


def _frame(expression: Expression, scope: _Scope) -> Steps[_Frame]:
    frame = _Frame(scope.owner, schedule(expression))
    for node in frame.order:
        below = strict_children(node)
        arguments = [frame.values[c] for c in below]
        margins = [frame.margins[c] for c in below]
        if isinstance(node, Let | Call):
            body = node.children[1] if isinstance(node, Let) else scope.known[node.name].body
            inner = yield _frame(body, _inside(node, scope, arguments, margins))
            frame.inner[node] = inner
            frame.values[node], frame.margins[node] = inner.values[body], inner.margins[body]
            if isinstance(node, Call):
                frame.given[node] = tuple(arguments)
            continue
        frame.values[node] = node_value(node, arguments, scope.named, np, scope.known)
        frame.margins[node] = _margin(node, scope, arguments, margins)
    return frame


def _inside(node: Let | Call, scope: _Scope, values: list[Any], margins: list[Any]) -> _Scope:
    if isinstance(node, Let):
        named = {**scope.named, node.name: values[0]}
        return _Scope(named, {**scope.margins, node.name: margins[0]}, scope.known, scope.owner)
    names = [name for name, _ in scope.known[node.name].parameters]
    return _Scope(
        dict(zip(names, values, strict=True)), dict(zip(names, margins, strict=True)),
        scope.known, node.name,
    )  # fmt: skip


def _margin(node: Expression, scope: _Scope, arguments: list[Any], margins: list[Any]) -> Any:
    if isinstance(node, Var):
        return scope.margins.get(node.name, np.full((1,), np.inf))
    if isinstance(node, Prim) and element(node.type) == BOOL:
        return truth_margin(node, arguments, margins)
    return np.full((1,), np.inf)


class _Tally:
    """What a block of rows did, summed over calls and steps."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.reached: dict[Place, NDArray[np.bool_]] = {}
        self.takes: dict[Place, NDArray[np.bool_]] = {}
        self.margin: dict[Place, NDArray[np.float64]] = {}
        self.given: dict[str, list[Columns]] = {}

    def add(self, frame: _Frame, node: Expression, here: NDArray[np.bool_]) -> None:
        """Rows `here` (n,) come to a node."""
        place = (frame.owner, node)
        self.reached[place] = self.reached.get(place, np.zeros(self.count, bool)) | here
        if not sides_of(node):
            return
        arguments = [frame.values[c] for c in node.children]
        margins = [frame.margins[c] for c in node.children]
        takes = takes_of(node, arguments, frame.values[node], self.count) & here[:, None]
        margin = np.where(here, margin_of(node, arguments, margins, self.count), np.inf)
        if place in self.takes:
            takes, margin = takes | self.takes[place], np.minimum(margin, self.margin[place])
        self.takes[place], self.margin[place] = takes, margin


def _follow(frame: _Frame, here: NDArray[np.bool_], tally: _Tally) -> None:
    """Send rows through an expression from its root down."""
    waiting = [(frame, here)]
    while waiting:
        frame, here = waiting.pop()
        comes: dict[Expression, NDArray[np.bool_]] = {frame.order[-1]: here}
        for node in reversed(frame.order):
            mask = comes[node]
            tally.add(frame, node, mask)
            for child, part in _sent(frame, node, mask):
                comes[child] = comes[child] | part if child in comes else part
            if node in frame.inner:
                waiting.append((frame.inner[node], mask))
            if node in frame.given and mask.any():
                rows = tuple(
                    np.broadcast_to(a, (tally.count, *a.shape[1:]))[mask] for a in frame.given[node]
                )
                tally.given.setdefault(frame.inner[node].owner, []).append(rows)


def _sent(
    frame: _Frame, node: Expression, mask: NDArray[np.bool_]
) -> Iterable[tuple[Expression, NDArray[np.bool_]]]:
    """The children that rows go on to."""
    if isinstance(node, Prim) and node.primitive.name == "if_":
        values = [frame.values[c] for c in node.children]
        takes = takes_of(node, values, frame.values[node], len(mask))
        condition, yes, no = node.children
        yield condition, mask
        yield yes, mask & takes[:, 0]
        yield no, mask & takes[:, 1]
        return
    for child in strict_children(node):
        yield child, mask


def _put_together(parts: list[_Tally], owners: list[str]) -> Coverage:
    places = list(dict.fromkeys(p for part in parts for p in part.reached))
    decided = sorted((p for p in places if sides_of(p[1])), key=lambda p: owners.index(p[0]))
    decisions = tuple(
        Decision(
            *place,
            sides_of(place[1]),
            np.concatenate([p.takes[place] for p in parts]),
            np.concatenate([p.margin[place] for p in parts]),
        )
        for place in decided
    )
    given: dict[str, tuple[Columns, ...]] = {}
    for part in parts:
        for name, calls in part.given.items():
            given[name] = given.get(name, ()) + tuple(calls)
    reached = {place: int(sum(p.reached[place].sum() for p in parts)) for place in places}
    return Coverage(sum(p.count for p in parts), decisions, reached, given)


def _blocks(columns: Columns) -> Iterable[Columns]:
    for start in range(0, len(columns[0]), _ROWS):
        yield tuple(c[start : start + _ROWS] for c in columns)
