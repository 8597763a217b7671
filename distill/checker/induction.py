"""Induction again: the listed sets of hidden states lead into each other, with right outputs.

A certificate lists, for every state of the program, cells, a polytope (`polytopes`) or a box of the
hidden space, perhaps in coordinates of its own. From the exact first state, and from every point of
every set, each item must lead into the set of the program's next state, and the network's output
must be decoded as the program's. Boxes are bounded by this room's means, with the rounding of
float32; one whose image isn't inside is halved. The program is followed by its exact meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.finding import Finding
from distill.checker.frame import frame_of
from distill.checker.images import Boxes, Stepper
from distill.checker.machine import EDGES, TooMany, items_of, machine_of, with_memory
from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.checker.polytopes import polytopes_finding
from distill.checker.regions import Cells, Hulls, Region, widths_of
from distill.checker.tree import Refused
from distill.evidence import Claim
from distill.recurrent_target import Oracle
from dsl.algebra import Undefined, Unsupported
from dsl.cost import loop_bits
from dsl.domain import DomainError
from dsl.loop import Loop
from dsl.types import BOOL, INT

_PAIRS, _AT_ONCE = 1 << 23, 1 << 16
"""Boxes times items that are bounded, at most, and how many of them are held at once."""
_EXTRA = 200_000
"""Boxes that are bounded beyond those, by halving."""
_DEEP = 256
"""Halves that are looked at together, the newest first: a set that leads elsewhere soon shows."""
_LONGEST, _MEMORY = 1_000, 4
_WORK = 2e7
"""Bits of program times states and items that the exact meaning is run on, at most."""
FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, MemoryError)


def induction_finding(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    """Whether the claim's certificate shows it."""
    try:
        return _shown(oracle, loop, claim)
    except (Refused, TooMany, Undefined, Unsupported, DomainError) as reason:
        return Finding("unknown", f"the induction isn't confirmed: {str(reason)[:200]}")
    except FAULTS as fault:
        kind = type(fault).__name__
        return Finding("unknown", f"the certificate of the induction is malformed ({kind})")


def _shown(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    if oracle.output.scalar not in (INT, BOOL) or oracle.network.cell.opaque:
        raise Refused("only whole numbers and truth values of known cells are followed.")
    certificate, length = claim.certificate, claim.length_bound
    if not isinstance(certificate, dict):
        raise Refused("there is no certificate.")
    items = items_of(oracle.domain.item, EDGES)
    seen = oracle.domain.item.encode(oracle.domain.item.points(0, len(items)))
    if not oracle.representable(seen):
        raise Refused("items or the first state aren't numbers of float32.")
    plain = machine_of(loop, items, length, min(EDGES, int(_WORK / loop_bits(loop))))
    machine = with_memory(plain, _memory(certificate.get("memory", 0)))
    hidden = oracle.network.hidden
    if certificate["kind"] == "polytopes" and length is None:
        return polytopes_finding(oracle, machine, seen, certificate)
    frame = frame_of(certificate.get("matrix", np.eye(hidden)), hidden)
    stepper = Stepper(oracle.network.cell.normal_form(), frame, seen, machine, oracle.output)
    kind, initial = certificate["kind"], oracle.network.initial
    if length is None and kind in ("cells", "hulls"):
        region = (_cells if kind == "cells" else _hulls)(certificate, hidden)
        return _everywhere(stepper, region, initial)
    if length is not None and kind in ("layers", "boxes"):
        steps = (_layers if kind == "layers" else _boxes)(certificate, hidden)
        return _up_to(stepper, steps, length, initial)
    raise Refused("the certificate is of another kind than the claim.")


def _memory(value: Any) -> int:
    """How many of the last items count as part of the program's states."""
    if type(value) is not int or not 0 <= value <= _MEMORY:
        raise Refused(f"a memory is of 0 to {_MEMORY} items.")
    return value


def _cells(certificate: dict[str, Any], hidden: int) -> Cells:
    rows = unpacked_rows(certificate["cells"], 1 + hidden)
    return Cells(rows[:, 0], rows[:, 1:], widths_of(certificate["widths"], hidden))


def _hulls(certificate: dict[str, Any], hidden: int) -> Hulls:
    """One box for each state of the program that is reached at all."""
    rows = unpacked_rows(certificate["states"], 1)
    ends = unpacked_floats(certificate["ends"], 2 * hidden)
    if len(rows) != len(ends) or len(np.unique(rows)) != len(rows):
        raise Refused("a box is listed twice, or without its ends.")
    return Hulls(rows[:, 0], ends[:, :hidden], ends[:, hidden:])


Step = tuple[Region, Region]
"""What is reached by so many items, and what of it wasn't looked at after fewer."""


def _layers(certificate: dict[str, Any], hidden: int) -> list[Step]:
    """Cells by the number of items, 1, 2, ..., that reach them first."""
    rows = unpacked_rows(certificate["cells"], 2 + hidden)
    widths = widths_of(certificate["widths"], hidden)
    found: list[Step] = []
    for step in range(1, _steps_in(rows) + 1):
        parts = (rows[mask] for mask in (rows[:, 0] <= step, rows[:, 0] == step))
        known, new = (Cells(part[:, 1], part[:, 2:], widths) for part in parts)
        found.append((known, new))
    return found


def _boxes(certificate: dict[str, Any], hidden: int) -> list[Step]:
    """The boxes after 1, 2, ... items, for those states of the program that are reached then."""
    rows = unpacked_rows(certificate["states"], 2)
    ends = unpacked_floats(certificate["ends"], 2 * hidden)
    if len(rows) != len(ends) or len(np.unique(rows, axis=0)) != len(rows):
        raise Refused("a box is listed twice, or without its ends.")
    found: list[Step] = []
    for step in range(1, _steps_in(rows) + 1):
        here = rows[:, 0] == step
        hulls = Hulls(rows[here, 1], ends[here, :hidden], ends[here, hidden:])
        found.append((hulls, hulls))
    return found


def _steps_in(rows: NDArray[np.int64]) -> int:
    """The last step that is listed. Raises: Refused, where they aren't 1, 2, ..."""
    last = int(rows[:, 0].max(initial=0))
    if last > _LONGEST or rows[:, 0].min(initial=1) < 1:
        raise Refused("sets are listed for other steps than 1, 2, ...")
    return last


def _everywhere(stepper: Stepper, region: Region, initial: NDArray[np.float64]) -> Finding:
    _check_states(stepper, region)
    asked = _lead(stepper, [_start(stepper, initial)], region)
    asked += _lead(stepper, _with_items(stepper, region), region)
    sets = "cells" if isinstance(region, Cells) else "boxes"
    return Finding(
        "holds",
        f"{len(region.states):,} {sets} for {len(stepper.machine.next):,} states of the program "
        f"lead into each other with right outputs under all {len(stepper.items):,} items "
        f"({asked:,} boxes bounded, float32 rounding added)",
    )


def _up_to(
    stepper: Stepper, steps: list[Step], length: int, initial: NDArray[np.float64]
) -> Finding:
    if len(steps) + 1 < length or length < 1:
        raise Refused(f"{len(steps)} steps are listed, and the claim is about {length}.")
    asked, boxes = 0, iter([_start(stepper, initial)])
    for goal, new in steps[: length - 1]:
        asked += _lead(stepper, boxes, goal)
        _check_states(stepper, new)
        boxes = _with_items(stepper, new)
    asked += _lead(stepper, boxes, None)
    return Finding(
        "holds",
        f"sets for the program's states lead into each other with right outputs up to item "
        f"{length} ({asked:,} boxes bounded, float32 rounding added)",
    )


def _start(stepper: Stepper, initial: NDArray[np.float64]) -> Boxes:
    low, high = stepper.frame.seen(initial)
    count = len(stepper.items)
    ends = np.repeat(low, count, 0), np.repeat(high, count, 0)
    return Boxes(np.zeros(count, dtype=np.int64), np.arange(count), *ends)


def _check_states(stepper: Stepper, region: Region) -> None:
    states = region.states
    if len(states) * len(stepper.items) > _PAIRS:
        raise Refused(f"there are more than {_PAIRS:,} steps to bound.")
    if not ((states >= 0) & (states < len(stepper.machine.next))).all():
        raise Refused("a set is listed for a state that the program hasn't.")
    if (stepper.machine.next[states] < 0).any():
        raise Refused("a set is listed for a state that is reached too late.")


def _with_items(stepper: Stepper, region: Region) -> Iterator[Boxes]:
    """Every set of a region under every item."""
    (low, high), count = region.ends(), len(stepper.items)
    size = max(_AT_ONCE // count, 1)
    for start in range(0, len(region.states), size):
        rows = slice(start, start + size)
        states = np.repeat(region.states[rows], count)
        ends = np.repeat(low[rows], count, 0), np.repeat(high[rows], count, 0)
        yield Boxes(states, np.tile(np.arange(count), len(states) // count), *ends)


def _lead(stepper: Stepper, parts: Iterable[Boxes], goal: Region | None) -> int:
    """How many boxes were bounded to show that all lead into the goal with right outputs.

    Without a goal only outputs count. Raises: Refused.
    """
    asked = extra = 0
    for boxes in parts:
        reach = np.maximum(np.abs(boxes.lower), np.abs(boxes.upper)).max(0)
        scale = np.maximum((boxes.upper - boxes.lower).max(0), 1e-6 * reach + 1e-300)
        waiting = [boxes]
        asked += len(boxes)
        while waiting:
            rest = _unshown(stepper, waiting.pop(), goal)
            if ((rest.upper - rest.lower) <= 1e-6 * scale).all(1).any():
                raise Refused("a set doesn't lead into another one with right outputs.")
            if len(rest):
                waiting += rest.halved(scale).split(_DEEP)
                extra += 2 * len(rest)
            if extra > _EXTRA:
                raise Refused("not all sets lead into each other with right outputs.")
    return asked + extra


def _unshown(stepper: Stepper, boxes: Boxes, goal: Region | None) -> Boxes:
    """Boxes whose images aren't inside, or whose outputs may be wrong."""
    bad = np.zeros(len(boxes), dtype=np.bool_)
    for rows, right, low, high in stepper.images(boxes):
        part = boxes.at(rows)
        after = stepper.machine.next[part.states, part.items]
        bad[rows] = ~(right if goal is None else right & goal.hold(after, low, high))
    return boxes.at(np.flatnonzero(bad))
