"""Loops on whole batches of sequences, by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.loop import Loop
from dsl.meanings.array import dtype_of, run_expression

Sequences = tuple[NDArray[Any], ...]
"""One array (n, T) or (n, T, ...) per field of an item."""


def run_loop(loop: Loop, columns: Sequences) -> NDArray[Any]:
    """Outputs (n, T) or (n, T, k) for n sequences of T items, one per item in any case."""
    return follow_loop(loop, columns)[0]


def trace_loop(loop: Loop, columns: Sequences) -> dict[str, NDArray[Any]]:
    """What every register holds before each item: (n, T, ...) by name."""
    return follow_loop(loop, columns)[1]


def step_loop(
    loop: Loop, state: Mapping[str, NDArray[Any]], items: Sequences
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Outputs (n, ...) and next register values for registers and items, each (n, ...)."""
    count = len(items[0])
    named: dict[str, Any] = dict(state)
    named |= {name: c for (name, _), c in zip(loop.inputs, items, strict=True)}
    for name, value in loop.lets:
        named[name] = run_expression(value, named)
    after = {
        r.name: _full(run_expression(r.update, named), count).astype(dtype_of(r.type))
        for r in loop.registers
    }
    return _full(run_expression(loop.output, named), count), after


def start_of(loop: Loop, count: int) -> dict[str, NDArray[Any]]:
    """What the registers hold before the first item, `count` times."""
    return {r.name: _started(r.start.value, dtype_of(r.type), count) for r in loop.registers}


def follow_loop(loop: Loop, columns: Sequences) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Outputs as of `run_loop`, and registers as of `trace_loop`, from one run."""
    count, length = columns[0].shape[:2]
    state = start_of(loop, count)
    outputs: list[NDArray[Any]] = []
    held: dict[str, list[NDArray[Any]]] = {name: [] for name in state}
    for t in range(length):
        for name, values in state.items():
            held[name].append(values)
        output, state = step_loop(loop, state, tuple(c[:, t] for c in columns))
        outputs.append(output)
    return np.stack(outputs, 1), {name: np.stack(v, 1) for name, v in held.items()}


def _started(value: Any, dtype: Any, count: int) -> NDArray[Any]:
    one = np.asarray(_plain(value), dtype=dtype)
    return np.broadcast_to(one, (count, *one.shape))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, bool | int) else float(value)


def _full(values: NDArray[Any], count: int) -> NDArray[Any]:
    return np.broadcast_to(values, (count, *values.shape[1:]))
