"""One step of the standard recurrent layers, written with ordinary operations.

RNN, GRU and LSTM as in the ONNX standard and in torch; the two differ in the order of a layer's
gates, which is given by name, and in where a GRU's reset gate multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from distill.errors import BadInput

Emit = Callable[..., str]
"""(kind, inputs, **attributes) to the name of the new wire."""

Split = Callable[[str, int], list[str]]
"""A wire (batch, k * n) and k to k wires (batch, n)."""

ORDERS = {
    "onnx": {"RNN": "h", "GRU": "zrn", "LSTM": "iofg"},
    "torch": {"RNN": "h", "GRU": "rzn", "LSTM": "ifgo"},
}
"""In which order a layer's weights hold its gates."""

ACTIVATIONS = {
    "RNN": ("Tanh",),
    "GRU": ("Sigmoid", "Tanh"),
    "LSTM": ("Sigmoid", "Tanh", "Tanh"),
}
"""Of the gates, of the new value, and of an LSTM's cell on its way out."""

SUPPORTED = frozenset({"Tanh", "Sigmoid", "Relu", "Softsign", "Softplus"})


@dataclass(frozen=True)
class Layer:
    """A recurrent layer: names of its weights (gates * H, d), (gates * H, H) and biases.

    order: a letter per gate, see `ORDERS`; reset_last: a GRU's reset gate multiplies the state
    behind its matrix (torch) instead of before it.
    """

    kind: str
    order: str
    activations: tuple[str, ...]
    item_weights: str
    state_weights: str
    item_bias: str = ""
    state_bias: str = ""
    reset_last: bool = True

    def __post_init__(self) -> None:
        odd = [name for name in self.activations if name not in SUPPORTED]
        if odd:
            raise BadInput(f"The activation {odd[0]!a} of a recurrent layer is not supported.")


def step(emit: Emit, split: Split, layer: Layer, item: str, state: tuple[str, ...]) -> list[str]:
    """The next state, [h] or, of an LSTM, [h, c], of an item (batch, d) and a state (batch, H).

    Its wires are marked as a state by an attribute, which says nothing else.
    """
    after = {"RNN": _rnn, "GRU": _gru, "LSTM": _lstm}[layer.kind](emit, split, layer, item, state)
    return [emit("Identity", [wire], state=place) for place, wire in enumerate(after)]


def _gates(emit: Emit, split: Split, layer: Layer, item: str, state: str) -> tuple[dict, dict]:
    """What the item and what the state give to each gate."""
    found = []
    for wire, weights, bias in (
        (item, layer.item_weights, layer.item_bias),
        (state, layer.state_weights, layer.state_bias),
    ):
        inputs = [wire, weights, bias] if bias else [wire, weights]
        total = emit("Gemm", inputs, transB=1)
        parts = split(total, len(layer.order)) if len(layer.order) > 1 else [total]
        found.append(dict(zip(layer.order, parts, strict=True)))
    return found[0], found[1]


def _rnn(emit: Emit, split: Split, layer: Layer, item: str, state: tuple[str, ...]) -> list[str]:
    ours, theirs = _gates(emit, split, layer, item, state[0])
    return [emit(layer.activations[0], [emit("Add", [ours["h"], theirs["h"]])])]


def _gru(emit: Emit, split: Split, layer: Layer, item: str, state: tuple[str, ...]) -> list[str]:
    """h' = n + z (h - n)."""
    (h,), (gate, new) = state, layer.activations
    ours, theirs = _gates(emit, split, layer, item, h)
    z, r = (emit(gate, [emit("Add", [ours[g], theirs[g]])]) for g in "zr")
    kept = emit("Mul", [r, theirs["n"]]) if layer.reset_last else _reset(emit, split, layer, r, h)
    n = emit(new, [emit("Add", [ours["n"], kept])])
    return [emit("Add", [n, emit("Mul", [z, emit("Sub", [h, n])])])]


def _reset(emit: Emit, split: Split, layer: Layer, r: str, h: str) -> str:
    """The state's share in a GRU's new value, the reset gate before the matrix."""
    inputs = [emit("Mul", [r, h]), layer.state_weights]
    inputs += [layer.state_bias] if layer.state_bias else []
    return split(emit("Gemm", inputs, transB=1), len(layer.order))[layer.order.index("n")]


def _lstm(emit: Emit, split: Split, layer: Layer, item: str, state: tuple[str, ...]) -> list[str]:
    """c' = f c + i g, h' = o tanh(c')."""
    (h, c), (gate, new, out) = state, layer.activations
    ours, theirs = _gates(emit, split, layer, item, h)
    sums = {g: emit("Add", [ours[g], theirs[g]]) for g in layer.order}
    i, f, o = (emit(gate, [sums[g]]) for g in "ifo")
    g = emit(new, [sums["g"]])
    after = emit("Add", [emit("Mul", [f, c]), emit("Mul", [i, g])])
    return [emit("Mul", [o, emit(out, [after])]), after]
