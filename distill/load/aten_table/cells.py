"""torch's recurrent cells: one step of an RNN, a GRU or an LSTM."""

from __future__ import annotations

from typing import Any

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
