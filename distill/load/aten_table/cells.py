"""torch's recurrent cells: one step of an RNN, a GRU or an LSTM."""

from __future__ import annotations

from typing import Any

from distill.errors import BadInput
from distill.load.aten_table.translation import Translation, entry
from distill.load.gates import ACTIVATIONS, ORDERS, Layer, step
from distill.network import Operation

KINDS = {
    "rnn_tanh_cell": ("RNN", ("Tanh",)),
    "rnn_relu_cell": ("RNN", ("Relu",)),
    "gru_cell": ("GRU", ACTIVATIONS["GRU"]),
    "lstm_cell": ("LSTM", ACTIVATIONS["LSTM"]),
}

_WEIGHTS = ("w_ih", "w_hh", "b_ih", "b_hh")


@entry(*KINDS)
def _cell(t: Translation, call: Any) -> None:
    kind, activations = KINDS[call.target.split(".")[1]]
    given = call.arguments
    wih, whh, bih, bhh = (getattr(given.get(n), "name", "") for n in _WEIGHTS)
    layer = Layer(kind, ORDERS["torch"][kind], activations, wih, whh, bih, bhh)
    state = given["hx"] if isinstance(given["hx"], list) else [given["hx"]]

    def split(wire: str, count: int) -> list[str]:
        parts = tuple(f"{wire}/{i}" for i in range(count))
        t.operations.append(Operation("Split", (wire,), parts, {"axis": 1, "num_outputs": count}))
        return list(parts)

    after = step(t.emit, split, layer, given["input"].name, tuple(s.name for s in state))
    for name, wire in zip(call.outputs, after, strict=True):
        if name:
            t.emit("Identity", [wire], name)


LAYERS = {
    "rnn_tanh.input": ("RNN", ["Tanh"]),
    "rnn_relu.input": ("RNN", ["Relu"]),
    "gru.input": ("GRU", None),
    "lstm.input": ("LSTM", None),
}


@entry(*LAYERS)
def _layers(t: Translation, call: Any) -> None:
    """One recurrent operation of the ONNX standard per layer, its gates in torch's order."""
    kind, activations = LAYERS[call.target.removeprefix("aten.")]
    given, item = call.arguments, call.arguments["input"].name
    if given["bidirectional"]:
        raise BadInput(
            f"The {kind} layer reads its sequence both ways; only layers that read forward can be "
            "run item by item."
        )
    if len(given["params"]) != (4 if given["has_biases"] else 2) * given["num_layers"]:
        raise BadInput(f"The {kind} layer projects its state (proj_size); such can't be read.")
    first = given["hx"] if isinstance(given["hx"], list) else [given["hx"]]
    unbatched = len(t.shape(item)) == 2
    amount, rest = (4 if given["has_biases"] else 2), given["params"]
    sequence = _turned(t, item, given, unbatched)
    ends: list[list[str]] = [[] for _ in first]
    for place in range(int(given["num_layers"])):
        weights = [w.name for w in rest[place * amount : (place + 1) * amount]]
        state = [_of_layer(t, s.name, place, unbatched) for s in first]
        attributes = {"activations": activations} if activations else {}
        inputs = [sequence, *_stacked(t, weights), "", *state]
        outputs = tuple(f"{call.outputs[0]}/layer{place}/{n}" for n in range(1 + len(first)))
        t.operations.append(
            Operation(kind, tuple(inputs), outputs, {"torch": 1, "layout": 0, **attributes})
        )
        sequence = t.emit("Squeeze", [outputs[0]], axes=[1])
        for parts, name in zip(ends, outputs[1:], strict=True):
            parts.append(name)
    _finish(t, call, sequence, ends, unbatched)


def _turned(t: Translation, item: str, given: Any, unbatched: bool) -> str:
    """The sequence as (time, batch, width)."""
    if unbatched:
        return t.emit("Unsqueeze", [item], axes=[1])
    return t.emit("Transpose", [item], perm=[1, 0, 2]) if given["batch_first"] else item


def _of_layer(t: Translation, name: str, place: int, unbatched: bool) -> str:
    """A layer's first state (1, batch, H)."""
    cut = t.emit("Slice", [name], starts=[place], ends=[place + 1], axes=[0], steps=[1])
    return t.emit("Unsqueeze", [cut], axes=[1]) if unbatched else cut


def _stacked(t: Translation, weights: list[str]) -> list[str]:
    """W, R and, where there are biases, B with an axis of one direction in front."""
    found = [t.emit("Unsqueeze", [w], axes=[0]) for w in weights[:2]]
    if len(weights) == 2:
        return [*found, ""]
    return [*found, t.emit("Unsqueeze", [t.emit("Concat", weights[2:], axis=0)], axes=[0])]


def _finish(
    t: Translation, call: Any, sequence: str, ends: list[list[str]], unbatched: bool
) -> None:
    results = []
    for name, parts in zip(call.outputs[1:], ends, strict=True):
        results.append((name, t.emit("Concat", parts, axis=0)))
    turn = call.arguments["batch_first"] and not unbatched
    if turn:
        sequence = t.emit("Transpose", [sequence], perm=[1, 0, 2])
    for name, wire in [(call.outputs[0], sequence), *results]:
        if name and unbatched:
            t.emit("Squeeze", [wire], name, axes=[1])
        elif name:
            t.emit("Identity", [wire], name)
