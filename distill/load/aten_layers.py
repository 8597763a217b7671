"""Whether a call of a recurrent layer fits together: torch itself crashes on some that don't."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from distill.errors import BadInput

GATES = {
    "aten.rnn_tanh.input": 1,
    "aten.rnn_relu.input": 1,
    "aten.gru.input": 3,
    "aten.lstm.input": 4,
}


def refuse_odd_layers(target: str, given: Mapping[str, Any]) -> None:
    """Raise BadInput for a recurrent layer's call whose tensors aren't those of its settings.

    given: the call's arguments, tensors by value.
    """
    if target in GATES and not _fits(GATES[target], target, given):
        raise BadInput(
            f"The weights or states of the operation {target} don't fit together; layers that "
            "project their state (proj_size) can't be read."
        )


def _fits(gates: int, target: str, given: Mapping[str, Any]) -> bool:
    state, weights = given.get("hx"), given.get("params")
    states: Any = state if isinstance(state, list) else [state]
    x, layers, both = given.get("input"), given.get("num_layers"), given.get("bidirectional")
    tensors = [x, *states, *(weights if isinstance(weights, list) else [None])]
    plain = isinstance(layers, int) and 0 < layers < 1000 and isinstance(both, bool)
    if not plain or not all(
        isinstance(t, torch.Tensor) and t.dtype.is_floating_point for t in tensors
    ):
        return False
    shapes = [tuple(t.shape) for t in tensors if isinstance(t, torch.Tensor)]
    (items, *first), inner = shapes[: 1 + len(states)], shapes[1 + len(states) :]
    if len(states) != (2 if target == "aten.lstm.input" else 1) or len(items) not in (2, 3):
        return False
    hidden = first[0][-1] if first[0] else 0
    batch = items[:-1][0 if given.get("batch_first") else 1 :][:1] if len(items) == 3 else ()
    amount = int(layers or 0) * (2 if both else 1)
    if any(shape != (amount, *batch, hidden) for shape in first):
        return False
    return inner == _weights(gates, items[-1], hidden, given)


def _weights(gates: int, width: int, hidden: int, given: Mapping[str, Any]) -> list[tuple]:
    """The shapes that a layer's weights must have."""
    sides = 2 if given["bidirectional"] else 1
    rows, found = gates * hidden, []
    for layer in range(given["num_layers"]):
        inner = hidden * sides if layer else width
        biases = [(rows,), (rows,)] if given.get("has_biases") else []
        found += [(rows, inner), (rows, hidden), *biases] * sides
    return found
