"""Every state of float32 that a network reaches, where they are few: all of them are run.

A cell that keeps something without pulling it back to where it was (a carry, a parity) has no
boxes that close: for all that bounds know, the rounding of every step moves its state on. What
float32 does is often to come back to the same few numbers. Then sequences of all lengths reach
finitely many pairs of a hidden state and a state of the program, and every item is tried on each.

Such a proof is about sums in a stated order (`float_steps`), products rounded or fused. Where few
pairs are reached even if every item may be run either way, it covers any mixture; else both ways
are listed by themselves. The network's own run has to come back to few states as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from distill.evidence import Claim
from distill.normal_form import Array, NormalForm
from distill.recurrent_target import Oracle
from distill.verify.float_steps import has_one_result, stepped
from distill.verify.machine import Ints, Steps, steps_of
from distill.verify.packed import packed_rows
from dsl.loop import Loop
from dsl.types import BOOL, INT

_STATES, _RUNS = 20_000, 1 << 19
"""States that are kept, and steps of the network that are run, at most."""

ORDER = "network in float32, sums from first term to last and then the bias, products {}"
"""The order of arithmetic that a proof is about."""

ROUNDED, FUSED = "rounded", "fused"
Step = Callable[[Array], Array]
"""(h, x) side by side (n, H + d) to (h', y) (n, H + k)."""


def float_states_claim(loop: Loop, oracle: Oracle) -> Claim | None:
    """Equality on sequences of every length; None where the states are many, or an output wrong."""
    begin = time.perf_counter()
    cell = oracle.network.cell
    if oracle.output.scalar not in (INT, BOOL) or oracle.domain.symbols is None or cell.opaque:
        return None
    form, steps = cell.normal_form(), steps_of(loop, oracle)
    if steps is None or not has_one_result(form):
        return None
    item = oracle.domain.item
    items = item.encode(item.points(0, steps.next.shape[1]))
    if not oracle.representable(items) or _reached(oracle, steps, items, [cell.run]) is None:
        return None
    ways = {ROUNDED: _in_order(form, False), FUSED: _in_order(form, True)}
    for parts in ((tuple(ways),), ((ROUNDED,), (FUSED,))):
        found = [_reached(oracle, steps, items, [ways[w] for w in part]) for part in parts]
        sets = {part: rows for part, rows in zip(parts, found, strict=True) if rows is not None}
        if len(sets) == len(parts):
            return _claim(sets, steps, begin)
    return None


def _in_order(form: NormalForm, fused: bool) -> Step:
    return lambda inputs: stepped(form, inputs, fused).astype(np.float64)


def _reached(oracle: Oracle, steps: Steps, items: Array, ways: Iterable[Step]) -> Ints | None:
    """Rows (n, 1 + H) of a program's state and the bits of a hidden state, in order.

    Each step may be any of the ways. None at a limit, or where an output is wrong.
    """
    start = np.concatenate([[0.0], oracle.network.initial + 0.0])
    seen = {start.tobytes()}
    waiting, left = start[None], _RUNS
    while len(waiting):
        left -= len(waiting) * len(items)
        if left < 0:
            return None
        states = waiting[:, 0].astype(np.int64)
        fresh: set[bytes] = set()
        for way in ways:
            after = _after(oracle, steps, items, states, waiting[:, 1:], way)
            if after is None:
                return None
            fresh.update(row.tobytes() for row in after)
        fresh -= seen
        seen |= fresh
        if len(seen) > _STATES:
            return None
        waiting = np.frombuffer(b"".join(sorted(fresh))).reshape(-1, len(start))
    rows = np.frombuffer(b"".join(seen)).reshape(-1, len(start))
    bits = np.ascontiguousarray(rows[:, 1:], dtype=np.float32).view(np.int32)
    found = np.column_stack([rows[:, 0], bits]).astype(np.int64)
    return found[np.lexsort(found.T[::-1])]


def _after(
    oracle: Oracle, steps: Steps, items: Array, states: Ints, hidden: Array, way: Step
) -> Array | None:
    """Rows (n * a, 1 + H) that items lead to from rows; None where an output is wrong."""
    count, wide = len(items), hidden.shape[1]
    inputs = np.concatenate([np.repeat(hidden, count, 0), np.tile(items, (len(states), 1))], 1)
    with np.errstate(all="ignore"):
        found = np.asarray(way(inputs), dtype=np.float64)
    if not np.isfinite(found).all():
        return None
    outputs = oracle.output.decode(found[:, wide:])
    if (outputs.ravel() != steps.outputs[states].ravel()).any():
        return None
    after = steps.next[states].astype(np.float64).reshape(-1, 1)
    return np.concatenate([after, found[:, :wide] + 0.0], 1)


def _claim(sets: dict[tuple[str, ...], Ints], steps: Steps, begin: float) -> Claim:
    mixed = len(sets) == 1
    told = [f"{len(rows):,}" for rows in sets.values()]
    count, items = steps.next.shape
    reaches = f"{told[0]} states of float32" if mixed else (
        f"{told[0]} states of float32 with rounded products and {told[1]} with fused ones"
    )  # fmt: skip
    text = (
        f"equal on sequences of every length: beside the {count:,} states of the program the "
        f"network reaches {reaches}, and all {items:,} items lead from each of them to another "
        "with equal outputs"
    )
    kept: list[dict[str, Any]] = [
        {"products": list(part), "states": packed_rows(rows)} for part, rows in sets.items()
    ]
    how = "rounded or fused at every item" if mixed else "all rounded or all fused"
    return Claim(
        "proved",
        "exhaustive",
        text,
        achieved=0.0,
        arithmetic=f"{ORDER.format(how)}; program in whole numbers",
        count=sum(len(rows) for rows in sets.values()) * items,
        seconds=time.perf_counter() - begin,
        certificate={"kind": "floats", "runs": kept},
    )
