"""A loop as a machine: the states that its exact meaning reaches, listed breadth first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.algebra import leaves
from dsl.domain import Domain
from dsl.loop import Loop
from dsl.meanings.loop_exact import exact_start, step_loop_exact

STATES, EDGES = 5_000, 80_000
_BITS = 4_096
"""Numbers that grow longer are not followed."""


class TooMany(Exception):
    """A loop has more states than are listed, or numbers that are too long."""


@dataclass(frozen=True, eq=False)
class Machine:
    """Successors (s, a) and outputs (s, a, k) as numbers for all states and items.

    State 0 is the first; the others are numbered as items, in the domain's order, lead to them
    from earlier ones. Successors of states that weren't followed are -1.
    """

    next: NDArray[np.int64]
    outputs: NDArray[np.float64]


def machine_of(
    loop: Loop, items: list[tuple[Any, ...]], depth: int | None = None, most: int = EDGES
) -> Machine:
    """All states, or those that are reached by fewer than `depth` items.

    Raises:
        TooMany: there are too many; Unsupported, Undefined: as the exact meaning.
    """
    first = exact_start(loop)
    known = {_key(first): 0}
    waiting = deque([(first, 0)])
    following: list[list[int]] = []
    outputs: list[list[list[float]]] = []
    for done in count():
        if not waiting or waiting[0][1] == depth:
            break
        if len(known) > STATES or done * len(items) > most:
            raise TooMany(f"the loop has more than {min(STATES, most // len(items)):,} states")
        state, far = waiting.popleft()
        following.append([])
        outputs.append([])
        for output, after in _steps(loop, state, items):
            key = _key(after)
            if key not in known:
                known[key] = len(known)
                waiting.append((after, far + 1))
            following[-1].append(known[key])
            outputs[-1].append([float(v) for v in leaves(output)])
    width = len(outputs[0][0]) if outputs else 1
    rest = len(known) - len(following)
    unknown = np.full((rest, len(items)), -1, dtype=np.int64)
    nothing = np.full((rest, len(items), width), np.nan)
    return Machine(
        np.concatenate([np.array(following, dtype=np.int64).reshape(-1, len(items)), unknown]),
        np.concatenate([np.array(outputs).reshape(-1, len(items), width), nothing]),
    )


def with_memory(machine: Machine, items: int) -> Machine:
    """The machine whose states also say what the last `items` items were.

    Raises:
        TooMany: there are too many.
    """
    if not items:
        return machine
    pairs: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    numbers = {pairs[0]: 0}
    following: list[list[int]] = []
    place = 0
    while place < len(pairs):
        state, last = pairs[place]
        place += 1
        following.append([-1] * machine.next.shape[1])
        for item in range(machine.next.shape[1]):
            after = int(machine.next[state, item])
            if after < 0:
                continue
            pair = after, (*last, item)[-items:]
            if pair not in numbers:
                numbers[pair] = len(pairs)
                pairs.append(pair)
            following[-1][item] = numbers[pair]
        if len(pairs) > STATES or place * machine.next.shape[1] > EDGES:
            raise TooMany(f"with its last {items} items the loop has too many states")
    held = np.array([state for state, _ in pairs])
    return Machine(np.array(following, dtype=np.int64), machine.outputs[held])


def items_of(domain: Domain, most: int) -> list[tuple[Any, ...]]:
    """Every item as plain values. Raises: TooMany, DomainError."""
    total = domain.count
    if total is None or not 1 <= total <= most:
        raise TooMany(f"the domain has {'infinitely many' if total is None else total} items")
    columns = domain.points(0, total)
    return [domain.row(columns, place) for place in range(total)]


def _steps(
    loop: Loop, state: dict[str, Any], items: list[tuple[Any, ...]]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    for item in items:
        output, after = step_loop_exact(loop, state, item)
        if any(_long(v) for held in after.values() for v in leaves(held)):
            raise TooMany(f"the loop's numbers grow beyond {_BITS} bits")
        yield output, after


def _long(value: Any) -> bool:
    parts = (getattr(value, "numerator", 0), getattr(value, "denominator", 1))
    return any(int(part).bit_length() > _BITS for part in parts)


def _key(state: dict[str, Any]) -> tuple:
    """Equal for equal states; true is no 1."""
    return tuple((type(v) is bool, v) for held in state.values() for v in leaves(held))
