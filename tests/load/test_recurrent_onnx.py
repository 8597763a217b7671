"""ONNX files of sequences: recurrent operators in all their forms, and steps written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from torch import nn

from distill.errors import BadInput
from distill.load import load
from distill.load.recurrent import load_recurrent
from tests.load.models import model, save
from tests.load.sequences import (
    ITEMS,
    Layers,
    Loop,
    Own,
    answers,
    by_reference,
    by_torch,
    layer_file,
)

ACTIVATIONS = {"RNN": ["Relu"], "GRU": ["Sigmoid", "Relu"], "LSTM": ["Sigmoid", "Relu", "Tanh"]}


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["RNN", "GRU", "LSTM"]),
    bias=st.booleans(),
    initial=st.booleans(),
    other=st.booleans(),
    reset=st.integers(0, 1),
)
def test_an_operator_is_run_item_by_item(tmp_path_factory, kind, bias, initial, other, reset):
    more = {"activations": ACTIVATIONS[kind]} if other else {}
    if kind == "GRU":
        more["linear_before_reset"] = reset
    proto = layer_file(kind, bias=bias, initial=initial, **more)
    network = load_recurrent(save(proto, tmp_path_factory.mktemp("m")))
    assert network.hidden == (8 if kind == "LSTM" else 4)
    assert network.length is None
    assert network.initial.any() == initial
    np.testing.assert_allclose(answers(network), oracle(proto), atol=1e-5)


def oracle(proto):
    """onnxruntime's outputs (n, T, 4), which knows every activation."""
    session = pytest.importorskip("onnxruntime").InferenceSession(proto.SerializeToString())
    return np.stack([session.run(None, {"x": s[:, None]})[0].reshape(-1, 4) for s in ITEMS])


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_the_batch_may_come_first(kind, tmp_path, monkeypatch):
    """onnxruntime knows no layout 1, onnx's reference does."""
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    proto = layer_file(kind, layout=1, length=9)
    network = load_recurrent(save(proto, tmp_path))
    np.testing.assert_allclose(answers(network), by_reference(proto, 1), atol=1e-5)


EXPORTED = {
    "gru": (lambda: Layers(nn.GRU(3, 4, 2, batch_first=True)), True),
    "lstm at end": (lambda: Layers(nn.LSTM(3, 4, 2, batch_first=True), True), True),
    "relu": (lambda: Layers(nn.RNN(3, 4, nonlinearity="relu", batch_first=True)), True),
    "gru loop": (lambda: Loop(nn.GRUCell(3, 4)), False),
    "lstm loop": (lambda: Loop(nn.LSTMCell(3, 4), True), False),
    "own": (Own, False),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("name", EXPORTED)
def test_files_of_torchs_exporter(name, opened, tmp_path):
    torch.manual_seed(0)
    make, any_length = EXPORTED[name]
    module, path = make().eval(), tmp_path / "m.onnx"
    axes = {"dynamic_axes": {"x": {0: "batch", 1: "time"}}} if opened else {}
    example = torch.zeros(1, 7, 3)
    torch.onnx.export(module, (example,), path, dynamo=False, input_names=["x"], **axes)
    network = load_recurrent(path)
    assert network.length == (None if opened and any_length else 7)
    items = ITEMS[:, :7]
    np.testing.assert_allclose(answers(network, items), by_torch(module, items), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_files_of_torchs_newer_exporter(tmp_path):
    pytest.importorskip("onnxscript")
    module, path = Layers(nn.GRU(3, 4)).eval(), tmp_path / "m.onnx"
    torch.onnx.export(module, (torch.zeros(5, 1, 3),), path, dynamo=True, verbose=False)
    items = ITEMS[:, :5]
    wanted = by_torch(module, items, time_first=True)
    np.testing.assert_allclose(answers(load_recurrent(path), items), wanted, atol=1e-5)


def written_out(length, weights):
    """h = relu(x[:, t] w + h): a step of width 3, and y the last h."""
    nodes, tensors = [], [numpy_helper.from_array(np.zeros((1, 3), np.float32), "h0")]
    for t in range(length):
        tensors.append(numpy_helper.from_array(weights[t].astype(np.float32), f"w{t}"))
        tensors.append(numpy_helper.from_array(np.array(t), f"t{t}"))
        nodes += [
            helper.make_node("Gather", ["x", f"t{t}"], [f"x{t}"], axis=1),
            helper.make_node("Gemm", [f"x{t}", f"w{t}", f"h{t}"], [f"s{t}"]),
            helper.make_node("Relu", [f"s{t}"], ["y" if t + 1 == length else f"h{t + 1}"]),
        ]
    return model(nodes, tensors, [("x", [1, length, 3])], [("y", [1, 3])])


def test_a_step_written_out_is_found_and_its_weights_compared(tmp_path):
    weights = [np.eye(3) - 0.5] * 6
    network = load_recurrent(save(written_out(6, weights), tmp_path))
    assert (network.length, network.at_end, network.hidden) == (6, True, 3)
    h = np.zeros((len(ITEMS), 3))
    for t in range(6):
        h = np.maximum(ITEMS[:, t] @ weights[0] + h, 0)
    np.testing.assert_allclose(answers(network, ITEMS[:, :6]), h, atol=1e-5)
    weights[3] = weights[3] * 1.001
    with pytest.raises(BadInput, match="item 4 otherwise than item 5"):
        load_recurrent(save(written_out(6, weights), tmp_path))


@pytest.mark.parametrize(
    ("proto", "sentence"),
    [
        (layer_file("GRU", direction="reverse"), "reads in the direction"),
        (layer_file("GRU", direction="bidirectional"), "reads in the direction"),
        (layer_file("LSTM", clip=1.0), "clipping"),
        (layer_file("RNN", activations=["Affine"]), "activation 'Affine'"),
        (layer_file("GRU", length=3), "doesn't show a repeated step"),
        (
            model([helper.make_node("Relu", ["x"], ["y"])], (), [("x", [1, 5, 3])]),
            "there is no recurrence in it",
        ),
        (
            model([helper.make_node("Relu", ["x"], ["y"])], (), [("x", [4, 5, 3])]),
            "no batch of sequences",
        ),
        (
            model([helper.make_node("Relu", ["x"], ["y"])], (), [(n, [1, 3]) for n in "xhz"]),
            r"A cell has two inputs .* has 3 and 1",
        ),
    ],
)
def test_files_that_cannot_be_run_item_by_item_are_one_sentence(proto, sentence, tmp_path):
    with pytest.raises(BadInput, match=sentence):
        load_recurrent(save(proto, tmp_path))


def test_the_feed_forward_door_asks_for_sequences(tmp_path):
    with pytest.raises(BadInput, match=r"recurrent operation 'GRU'.*seq\(...\)"):
        load(save(layer_file("GRU"), tmp_path))
