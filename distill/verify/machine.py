"""A loop as a machine, for proofs: its states with their successors and outputs, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent_target import Oracle
from dsl.domain import rows
from dsl.loop import Loop
from dsl.meanings.loop_array import start_of, step_loop
from dsl.types import REAL, element

_STATES = 1_500
_EDGES = 60_000

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Steps:
    """The program on all its states and items: successors (s, a) and outputs (s, a)."""

    next: Ints
    outputs: NDArray[Any]


def steps_of(loop: Loop, oracle: Oracle, depth: int | None = None) -> Steps | None:
    """Every state that the program can reach with its steps; None where they are too many.

    Registers of reals have as many values as there are words: none of them is listed. With a depth,
    states reached by that many items are enough; where they lead is -1.
    """
    found = _explored(loop, oracle, depth)
    while found is None and depth is not None and depth > oracle.length:
        depth = max(depth * 2 // 3, oracle.length)
        found = _explored(loop, oracle, depth)
    return found


def _explored(loop: Loop, oracle: Oracle, depth: int | None) -> Steps | None:
    count = oracle.domain.symbols
    real = any(element(register.type) == REAL for register in loop.registers)
    if count is None or count > _EDGES or real:
        return None
    letters = oracle.domain.item.points(0, count)
    known: dict[tuple, int] = {}
    first = _key(start_of(loop, 1), 0)
    waiting, lines, outputs = [(first, 0)], [], []
    known[first] = 0
    while waiting:
        state, far = waiting.pop(0)
        named = {
            r.name: np.repeat(np.array([v]), rows(letters), axis=0)
            for r, v in zip(loop.registers, state, strict=True)
        }
        with np.errstate(all="ignore"):
            output, after = step_loop(loop, named, letters)
        outputs.append(np.array(output))
        if far == depth:
            lines.append([-1] * count)
            continue
        line = []
        for item in range(rows(letters)):
            reached = _key(after, item)
            if reached not in known:
                known[reached] = len(known)
                waiting.append((reached, far + 1))
            line.append(known[reached])
        lines.append(line)
        if len(known) > _STATES or len(known) * count > _EDGES:
            return None
    return Steps(np.array(lines), np.stack(outputs))


def _key(state: dict[str, NDArray[Any]], row: int) -> tuple:
    return tuple(tuple(v[row].tolist()) if v.ndim > 1 else v[row].item() for v in state.values())


def remembering(steps: Steps, items: int) -> Steps | None:
    """The same program with its last `items` items as part of its state, numbered breadth first.

    What a network still knows of them then keeps its states apart. None where they are too many.
    """
    if not items:
        return steps
    count = steps.next.shape[1]
    known: dict[tuple[int, tuple[int, ...]], int] = {(0, ()): 0}
    order: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    lines: list[list[int]] = []
    for state, recent in order:  # grows while it is read
        line = []
        for item, after in enumerate(steps.next[state].tolist()):
            reached = after, (*recent, item)[-items:]
            if after >= 0 and reached not in known:
                known[reached] = len(known)
                order.append(reached)
            line.append(known[reached] if after >= 0 else -1)
        lines.append(line)
        if len(known) > _STATES or len(known) * count > _EDGES:
            return None
    return Steps(np.array(lines), steps.outputs[[state for state, _ in order]])
