"""The recurrent operators of ONNX, item by item: RNN, GRU and LSTM in one direction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.load.assemble import quoted
from distill.load.gates import ACTIVATIONS, ORDERS, Layer, step
from distill.load.sequence.unrolled import Unrolled
from distill.load.sequence.values import Patchwork
from distill.network import Operation
from distill.operations.kind import Attributes, Tensor

LAYERS = frozenset({"RNN", "GRU", "LSTM"})

_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")


def run_layer(unrolled: Unrolled, operation: Operation) -> None:
    """Add a layer's results Y, Y_h and Y_c.

    Raises:
        BadInput: it runs backwards or both ways, has weights that aren't fixed, peepholes, clipped
            or coupled gates, or stops early.
    """
    given = {str(k): v for k, v in zip(_INPUTS, operation.inputs, strict=False)}
    attributes = operation.attributes
    _refuse_other(unrolled, operation.kind, given, attributes)
    kind = operation.kind
    weights = {k: _weights(unrolled, given, k) for k in "WRB"}
    hidden = weights["R"].shape[1]
    layer = _layer(unrolled, kind, weights, hidden, attributes)
    last = bool(attributes.get("layout", 0))
    sequence = unrolled.patch(given["X"])
    items = [sequence[:, t] if last else sequence[t] for t in range(sequence.shape[int(last)])]
    batch = items[0].shape[0]
    state = tuple(
        unrolled.put(_first(unrolled, given.get(n, ""), (batch, hidden), last, sequence.dtype))
        for n in ("initial_h", "initial_c")[: 2 if kind == "LSTM" else 1]
    )
    outputs = []
    for item in items:
        state = tuple(step(unrolled.emit, unrolled.parts, layer, unrolled.put(item), state))
        outputs.append(unrolled.patch(state[0]))
    _store(unrolled, operation.outputs, outputs, [unrolled.patch(s) for s in state], last)


def _refuse_other(
    unrolled: Unrolled, kind: str, given: Mapping[str, str], attributes: Attributes
) -> None:
    direction = attributes.get("direction", "forward")
    if direction != "forward":
        raise BadInput(
            f"The {kind} layer reads in the direction {quoted(direction)}; only layers that read "
            "forward can be run item by item."
        )
    if given.get("P") or attributes.get("input_forget") or attributes.get("clip"):
        raise BadInput(f"A {kind} layer with peepholes, coupled gates or clipping can't be read.")
    lengths = given.get("sequence_lens")
    if lengths:
        steps = unrolled.tensors[given["X"]].shape[int(attributes.get("layout", 0))]
        if not np.all(_fixed(unrolled, lengths) == steps):
            raise BadInput(f"The {kind} layer stops before the last item; give whole sequences.")


def _fixed(unrolled: Unrolled, name: str) -> Tensor:
    if name not in unrolled.fixed:
        raise BadInput(
            "A weight of a recurrent layer depends on the model's input; fixed ones are needed."
        )
    return unrolled.fixed[name]


def _weights(unrolled: Unrolled, given: Mapping[str, str], name: str) -> Any:
    """Weights of the one direction; None where they are left out."""
    return _fixed(unrolled, given[name])[0] if given.get(name) else None


def _layer(
    unrolled: Unrolled, kind: str, weights: dict[str, Any], hidden: int, attributes: Attributes
) -> Layer:
    biases = ("", "")
    if weights["B"] is not None:
        rows = len(ORDERS["onnx"][kind]) * hidden
        halves = weights["B"][:rows], weights["B"][rows:]
        biases = unrolled.put(halves[0]), unrolled.put(halves[1])
    torch = bool(attributes.get("torch"))
    return Layer(
        kind,
        ORDERS["torch" if torch else "onnx"][kind],
        tuple(attributes.get("activations") or ACTIVATIONS[kind]),
        unrolled.put(weights["W"]),
        unrolled.put(weights["R"]),
        *biases,
        reset_last=torch or bool(attributes.get("linear_before_reset", 0)),
    )


def _first(
    unrolled: Unrolled, name: str, shape: tuple[int, int], last: bool, dtype: Any
) -> Tensor | Patchwork:
    """The state (batch, H) before the first item: given (1, batch, H), or zeros."""
    if not name:
        return np.zeros(shape, dtype=dtype)
    given = unrolled.tensors[name]
    return given[:, 0] if last else given[0]


def _store(
    unrolled: Unrolled,
    names: tuple[str, ...],
    outputs: list[Patchwork],
    state: list[Patchwork],
    last: bool,
) -> None:
    """Y (T, 1, batch, H), Y_h and Y_c (1, batch, H); with the batch first in layout 1."""

    def stacked(parts: list[Patchwork], axis: int) -> Patchwork:
        owners, places = ([getattr(p, n) for p in parts] for n in ("owner", "place"))
        return Patchwork(np.stack(owners, axis), np.stack(places, axis), parts[0].dtype)

    sequence = stacked(outputs, 1 if last else 0)
    found = [sequence[:, :, None] if last else sequence[:, None]]
    found += [stacked([part], 1 if last else 0) for part in state]
    for name, patch in zip(names, found, strict=False):
        if name:
            unrolled.put_as(name, patch)
