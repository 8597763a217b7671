"""Small sequence models that the loader tests read."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

ITEMS = np.random.default_rng(0).normal(size=(5, 9, 3)).astype(np.float32)


class Layers(nn.Module):
    """A recurrent layer and a head, after each item or after the last."""

    def __init__(self, layer, at_end=False, head=None):
        super().__init__()
        self.layer, self.at_end = layer, at_end
        self.head = head or nn.Linear(layer.hidden_size, 2)

    def forward(self, x):
        out = self.layer(x)[0]
        if self.at_end:
            out = out[:, -1] if self.layer.batch_first else out[-1]
        return self.head(out)


class Loop(nn.Module):
    """A cell in a loop over as many items as there are, or over a fixed number."""

    def __init__(self, cell, at_end=False, length=None, hidden=4):
        super().__init__()
        self.cell, self.head, self.at_end = cell, nn.Linear(hidden, 2), at_end
        self.length, self.hidden = length, hidden

    def forward(self, x):
        state = torch.zeros(x.shape[0], self.hidden)
        if isinstance(self.cell, nn.LSTMCell):
            state = (state, state)
        outputs = []
        for t in range(self.length or x.shape[1]):
            state = self.cell(x[:, t], state)
            outputs.append(self.head(state[0] if isinstance(state, tuple) else state))
        return outputs[-1] if self.at_end else torch.stack(outputs, 1)


class Own(nn.Module):
    """A step of its own making, with a learnt first state; weights differ by item if asked."""

    def __init__(self, different=False):
        super().__init__()
        self.steps = nn.ModuleList([nn.Linear(7, 4) for _ in range(6 if different else 1)])
        self.first, self.head = nn.Parameter(torch.randn(4)), nn.Linear(4, 2)

    def forward(self, x):
        h = self.first.expand(x.shape[0], 4)
        for t in range(x.shape[1]):
            h = torch.tanh(self.steps[t % len(self.steps)](torch.cat([x[:, t], h], 1)))
        return torch.softmax(self.head(h), -1)


def by_torch(model, items=ITEMS, time_first=False):
    """The model's outputs (n, T, k) or (n, k) for items (n, T, d)."""
    x = torch.from_numpy(items)
    with torch.no_grad():
        if not time_first:
            return model(x).numpy()
        found = model(x.transpose(0, 1))
        return (found.transpose(0, 1) if found.ndim == 3 else found).numpy()


def answers(network, items=ITEMS):
    """The network's outputs, the last one only where it answers at the end."""
    outputs = network.run(items)[1]
    return outputs[:, -1] if network.at_end else outputs


def layer_file(kind, layout=0, bias=True, initial=False, length=None, **attributes):
    """An ONNX model: one recurrent operator of width 3 and state 4, its first output given back."""
    rng = np.random.default_rng(1)
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    both = 2 if attributes.get("direction") == "bidirectional" else 1
    arrays = {
        "W": rng.normal(size=(both, gates * 4, 3)) / 2,
        "R": rng.normal(size=(both, gates * 4, 4)) / 2,
        "B": rng.normal(size=(both, gates * 8)) / 2,
        "h0": rng.normal(size=(1, 1, 4)),
        "c0": rng.normal(size=(1, 1, 4)),
    }
    used = [
        "W",
        "R",
        *(["B"] if bias else []),
        *(["h0", "c0"][: gates // 4 + 1] if initial else []),
    ]
    names = ["x", "W", "R", "B" if bias else "", ""]
    names += ["h0", *(["c0"] if kind == "LSTM" else [])] if initial else []
    more = {"layout": layout} if layout else {}
    nodes = [helper.make_node(kind, names, ["y"], hidden_size=4, **more, **attributes)]
    time = length or "t"
    shape = [1, time, 3] if layout else [time, 1, 3]
    tensors = [numpy_helper.from_array(arrays[k].astype(np.float32), k) for k in used]
    graph = helper.make_graph(
        nodes,
        "sequence",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, list("abcd"))],
        tensors,
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])


def by_reference(model: onnx.ModelProto, layout=0, items=ITEMS):
    """Outputs (n, T, 4) of `layer_file` by onnx's own reference."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(model)
    rows = []
    for sequence in items:
        x = sequence[None] if layout else sequence[:, None]
        rows.append(np.asarray(evaluator.run(None, {"x": x})[0]).reshape(len(sequence), 4))
    return np.stack(rows)
