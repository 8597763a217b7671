"""The repeated step of an unrolled model: which values are its state, and one step of them.

A value crosses item t when what depends on later items reads it. The state after item t is the
narrowest set of values that all crossing ones can be computed from without looking further back:
a minimum vertex cut of step t, by width. The step is shown to repeat by matching the state's
computation at each item with that at the item before, values by values, weights included.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.load.sequence.values import CONSTANT, ITEM, TAKE, Value, fixed_numbers, spelled
from distill.network import AFFINE_KINDS

Outputs = Mapping[int, Value]
"""The output after an item; at the last one only where the model answers at the end."""

SHORTEST = 4
"""Items that a model must take for its repeated step to be seen."""

_FEED_FORWARD = "run a feed-forward model without --recurrent, on a domain without seq(...)"


class NoRecurrence(BadInput):
    """Nothing is carried from item to item."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step: after `item`, the state's values `after` depend on it and on `before`.

    initial: the numbers of the state before the first item, None where the model holds them in
    a form that can't be told from the step's own weights.
    """

    item: int
    before: tuple[Value, ...]
    after: tuple[Value, ...]
    initial: NDArray[np.float64] | None


def repeated_step(outputs: Outputs, length: int) -> Step:
    """The step that the model repeats at each of its items.

    Raises:
        NoRecurrence: no item depends on those before it.
        BadInput: too few items, outputs that look ahead, or steps that differ.
    """
    if length < SHORTEST:
        raise BadInput(
            f"A model of {length} items doesn't show a repeated step; export it for "
            f"{SHORTEST} items or more, or for any length; {_FEED_FORWARD}."
        )
    if any(v.last > t for t, v in outputs.items()):
        raise BadInput(
            "The output at an item depends on later items; only networks that read their "
            "sequence forward can be run item by item."
        )
    until = _last_readers(outputs)
    item = length - 2
    older, old, now = (_crossing(until, t) for t in (item - 2, item - 1, item))
    if not old:
        raise NoRecurrence(
            "A model of sequences is needed and there is no recurrence in it: no output depends on "
            f"earlier items; {_FEED_FORWARD}."
        )
    after, before = _cut(now, old, item), _cut(old, older, item - 1)
    _refuse_growth(after, before, item)
    before = _paired(after, before, item, outputs)
    return Step(item, before, after, _initial(after, before, item, outputs))


def _last_readers(outputs: Outputs) -> list[tuple[Value, int]]:
    """All values that outputs depend on, in order, each with the latest item that reads it."""
    until: dict[int, int] = defaultdict(lambda: -1)
    found: dict[int, Value] = {}
    for time, value in outputs.items():
        until[value.number] = max(until[value.number], time)
    waiting = list(outputs.values())
    while waiting:
        value = waiting.pop()
        if value.number not in found:
            found[value.number] = value
            waiting.extend(value.sources)
            for source in value.sources:
                until[source.number] = max(until[source.number], value.last)
    return [(found[n], until[n]) for n in sorted(found)]


def _crossing(until: Sequence[tuple[Value, int]], item: int) -> list[Value]:
    """The values up to an item that later ones or later outputs read."""
    return [v for v, last in until if 0 <= v.last <= item < last]


def _refuse_growth(after: Sequence[Value], before: Sequence[Value], item: int) -> None:
    sizes = [sum(v.width for v in state) for state in (after, before)]
    if sizes[0] != sizes[1]:
        raise BadInput(
            "A model of sequences is needed and there is no step in it that repeats: later items "
            f"need {sizes[0]} numbers of the first {item + 1}, and {sizes[1]} of the first {item}; "
            f"{_FEED_FORWARD}."
        )


def _cut(now: Sequence[Value], old: Sequence[Value], item: int) -> tuple[Value, ...]:
    """The narrowest state after an item, nearest to its readers; marked values are preferred.

    now, old: what crosses this item and the one before.
    """
    graph = nx.DiGraph()
    graph.add_edges_from(((v.number, 1), "readers") for v in now)
    read, known = {v.number for v in now}, {v.number for v in old}
    values: dict[int, Value] = {}
    waiting = list(now)
    while waiting:
        value = waiting.pop()
        if value.number in values:
            continue
        values[value.number] = value
        kept = value.last == item or value.number in read
        capacity = {"capacity": _price(value)} if kept else {}
        graph.add_edge((value.number, 0), (value.number, 1), **capacity)
        if value.number in known or value.kind == ITEM:
            graph.add_edge("past", (value.number, 0))
            continue
        for source in value.sources:
            if source.last >= 0:
                graph.add_edge((source.number, 1), (value.number, 0))
                waiting.append(source)
    # of all minimum cuts networkx gives the one nearest to the sink
    _, (far, _) = nx.minimum_cut(graph, "past", "readers")
    return tuple(values[n] for n in sorted(values) if (n, 0) in far and (n, 1) not in far)


_WIDTH = 1 << 10


def _price(value: Value) -> int:
    """Its width; among equally wide ones marked states first, affine results last."""
    moved = value.kind in AFFINE_KINDS or value.kind in (TAKE, ITEM)
    rank = 0 if "state" in value.attributes else 2 if moved else 1
    return value.width * _WIDTH + rank


Binding = dict[int, Value]
"""For the state's values before a step, by number, the values that stand for them elsewhere."""


def _matched(a: Value, b: Value, shift: int, binding: Binding, inputs: set[int]) -> bool:
    """Whether b is computed `shift` items earlier as a is; binds what stands for `inputs`."""
    waiting, done = [(a, b)], set()
    while waiting:
        ours, theirs = waiting.pop()
        if (ours.number, theirs.number) in done:
            continue
        done.add((ours.number, theirs.number))
        if ours.number in inputs:
            if binding.setdefault(ours.number, theirs) is not theirs or ours.shape != theirs.shape:
                return False
        elif ours.kind == CONSTANT:
            if ours is not theirs:
                return False
        elif not _alike(ours, theirs, shift):
            return False
        else:
            waiting.extend(zip(ours.sources, theirs.sources, strict=True))
    return True


def _alike(a: Value, b: Value, shift: int) -> bool:
    """Whether two values are the same operation, of whatever sources."""
    if a.kind != b.kind or a.shape != b.shape or len(a.sources) != len(b.sources):
        return False
    if a.kind == ITEM:
        return a.last - shift == b.last
    same = a.array is b.array or (
        a.array is not None and b.array is not None and np.array_equal(a.array, b.array)
    )
    return same and spelled(a.attributes) == spelled(b.attributes)


def _paired(
    after: Sequence[Value], before: Sequence[Value], item: int, outputs: Outputs
) -> tuple[Value, ...]:
    """The state before a step in the order of that after it. Raises BadInput where steps differ."""
    inputs = {v.number for v in before}
    binding: Binding = {}
    answers = item not in outputs or _matched(outputs[item], outputs[item - 1], 1, binding, inputs)
    order = next(_orders(after, before, binding, inputs), None) if answers else None
    if order is None:
        raise _differ(item, item + 1)
    return order


def _differ(one: int, other: int) -> BadInput:
    return BadInput(
        f"The model computes item {one} otherwise than item {other}, in its form or its weights; "
        "a recurrent network repeats one step."
    )


def _orders(
    after: Sequence[Value], before: Sequence[Value], binding: Binding, inputs: set[int]
) -> Iterator[tuple[Value, ...]]:
    """All orders of `before` whose values are computed as those of `after`, one item earlier."""
    if not after and not before:
        yield ()
    for value in before if after else ():
        trial = dict(binding)
        if _matched(after[0], value, 1, trial, inputs):
            rest = [v for v in before if v is not value]
            for order in _orders(after[1:], rest, trial, inputs):
                yield (value, *order)


def _initial(
    after: Sequence[Value], before: Sequence[Value], item: int, outputs: Outputs
) -> NDArray[np.float64] | None:
    """The state before the first item, the step matched at all items from last to first.

    Raises:
        BadInput: some step but the first differs.
    """
    inputs = {v.number for v in before}
    last = _bound(after, item, [], item + 1, outputs, inputs)
    if last is None or any(
        last[b.number] is not a for a, b in zip(after, before, strict=True) if b.number in last
    ):
        raise _differ(item + 2, item + 1)
    state: Sequence[Value] = before
    for time in range(item - 1, -1, -1):
        binding = _bound(after, item, state, time, outputs, inputs)
        if binding is None or len(binding) < len(inputs):
            if time:
                raise _differ(time + 1, item + 1)
            return None
        state = [binding[v.number] for v in before]
    if any(v.last >= 0 for v in state):
        return None
    return np.concatenate([np.ravel(fixed_numbers(v)) for v in state]).astype(np.float64)


def _bound(
    after: Sequence[Value],
    item: int,
    state: Sequence[Value],
    time: int,
    outputs: Outputs,
    inputs: set[int],
) -> Binding | None:
    """What stands for `inputs` at another time, where state and output are computed alike there."""
    binding: Binding = {}
    pairs = list(zip(after, state, strict=False))
    if item in outputs:
        pairs.append((outputs[item], outputs[time]))
    fits = all(_matched(a, b, item - time, binding, inputs) for a, b in pairs)
    return binding if fits else None
