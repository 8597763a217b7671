"""Recurrent networks of two parts and of cell files: what they compute, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

import distill
from benchmarks.rnn import networks
from distill.errors import BadInput
from distill.load import load, write_onnx
from distill.load.recurrent import load_recurrent
from distill.network import Network
from tests.load.models import model, save

ITEMS = np.random.default_rng(0).normal(size=(6, 5, 2))


class Mixed(nn.Module):
    """A step of its own making."""

    def __init__(self):
        super().__init__()
        self.own, self.other = nn.Linear(3, 3), nn.Linear(2, 3)

    def forward(self, h, x):
        return torch.relu(self.own(h)) - self.other(x)


def by_torch(step, readout, hidden):
    """States and outputs over `ITEMS`, from zeros."""
    h, outputs = torch.zeros(len(ITEMS), hidden), []
    with torch.no_grad():
        for x in torch.from_numpy(ITEMS.astype(np.float32)).unbind(1):
            h = step(h, x)
            outputs.append(readout(h))
    return torch.stack(outputs, 1).numpy()


def lstm_step(cell):
    return lambda h, x: torch.cat(cell(x, tuple(h.chunk(2, 1))), 1)


CELLS = {
    "own": (Mixed, None, 3),
    "tanh": (lambda: nn.RNNCell(2, 3), "swap", 3),
    "relu": (lambda: nn.RNNCell(2, 3, nonlinearity="relu"), "swap", 3),
    "gru": (lambda: nn.GRUCell(2, 3, bias=False), "swap", 3),
    "lstm": (lambda: nn.LSTMCell(2, 3), "pair", 6),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_step_of_torch_is_run_as_torch_does(name):
    torch.manual_seed(0)
    make, order, hidden = CELLS[name]
    cell, readout = make(), nn.Sequential(nn.Linear(hidden, 4), nn.Tanh(), nn.Linear(4, 1))
    network = load_recurrent(distill.Recurrent(cell, readout, hidden))
    plain = {"swap": lambda h, x: cell(x, h), "pair": lstm_step(cell), None: cell}[order]
    wanted = by_torch(plain, readout, hidden)
    np.testing.assert_allclose(network.run(ITEMS)[1], wanted, atol=1e-5)
    both = np.random.default_rng(1).normal(size=(9, hidden + 2)).astype(np.float32)
    exact = network.cell.normal_form().run(both)
    np.testing.assert_allclose(exact, network.cell.run(both), atol=1e-5)


def running_sum(h, x):
    return h + x[:, :1] * x[:, 1:]


def test_plain_functions_are_run_and_never_looked_into(tmp_path):
    network = load_recurrent(distill.Recurrent(running_sum, lambda h: h[:, 0] * 2, [1.0]))
    sums = 1 + np.cumsum(ITEMS[..., 0] * ITEMS[..., 1], 1)
    assert network.input_width == 2
    np.testing.assert_allclose(network.run(ITEMS)[1][..., 0], 2 * sums)
    with pytest.raises(BadInput, match="can be run but not looked into"):
        network.cell.normal_form()
    with pytest.raises(BadInput, match="can't be written"):
        write_onnx(network.cell, tmp_path / "cell.onnx")


def test_a_plain_function_is_distilled_by_listing():
    network = distill.Recurrent(lambda h, x: (h + x) % 2, lambda h: h, 1)
    found = distill.distill(network, "seq(x: bool)", "seq(bool)", length=6)
    assert found.evidence.verdict == "proved_to_length"
    assert found([1, 1, 1, 0]) == [True, False, True, True]


def test_parts_of_several_kinds_fit_together():
    torch.manual_seed(1)
    step: Network = load(nn.Linear(5, 3))
    network = load_recurrent(distill.Recurrent(step, lambda h: h.sum(1), np.ones(3)))
    both = np.concatenate([np.ones((6, 3)), ITEMS[:, 0]], 1)
    np.testing.assert_allclose(network.run(ITEMS)[0][:, 0], step.run(both), atol=1e-6)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ((nn.Linear(3, 3), nn.Linear(3, 1), 3), "takes no items"),
        ((nn.RNNCell(2, 4), nn.Linear(4, 1), 3), "."),
        ((running_sum, nn.Linear(2, 1), 1), "can't read|can't take"),
        ((running_sum, 7, 1), "is no model"),
        (("step", running_sum, 1), "must be a torch module"),
        ((running_sum, running_sum, 0), "must have 1 to"),
        ((running_sum, running_sum, [np.nan]), "NaN"),
        ((running_sum, running_sum, None), r"shape \[H\]"),
        ((running_sum, running_sum, [[1, 2], [3, 4]]), r"shape \[4\]"),
        ((lambda h, x: h[:1], running_sum, 1), "takes no items"),
        ((running_sum, lambda h: 1 / 0, 1), "fails on a batch"),
        ((running_sum, lambda h: 1.0, 1), "one row per example"),
    ],
)
def test_parts_that_do_not_fit_are_one_sentence(parts, sentence):
    with pytest.raises(BadInput, match=sentence):
        load_recurrent(distill.Recurrent(*parts))


def cell_file(folder, shapes=None, nodes=None):
    """h' = relu(h + x w), y = h' + h' of a state of 3 and items of 2."""
    shapes = {"h": ["n", 3], "x": ["n", 2], "g": ["n", 3], "y": ["n", 3], **(shapes or {})}
    weights = np.arange(6).reshape(2, 3).astype(np.float32) / 4 - 0.5
    nodes = nodes or [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("Add", ["h", "s"], ["t"]),
        helper.make_node("Relu", ["t"], ["g"]),
        helper.make_node("Add", ["g", "g"], ["y"]),
    ]
    ends = ("h", "x"), ("g", "y")
    inputs, outputs = ([(n, shapes[n]) for n in names if shapes[n]] for names in ends)
    proto = model(nodes, [numpy_helper.from_array(weights, "w")], inputs, outputs)
    return save(proto, folder), weights


@pytest.mark.parametrize("batch", [["n"], [1], []])
def test_a_cell_file_is_read_by_position(batch, tmp_path):
    widths = {"h": 3, "x": 2, "g": 3, "y": 3}
    path, weights = cell_file(tmp_path, {k: [*batch, n] for k, n in widths.items()})
    network = load_recurrent(path, [1, 2, 3])
    first = np.maximum(np.array([1, 2, 3]) + ITEMS[:, 0] @ weights, 0)
    states, outputs = network.run(ITEMS)
    np.testing.assert_allclose(states[:, 0], first, atol=1e-5)
    np.testing.assert_allclose(outputs[:, 0], 2 * first, atol=1e-5)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv"])
def test_an_initial_state_is_read_from_a_file(suffix, tmp_path):
    path, _ = cell_file(tmp_path)
    state = tmp_path / f"state{suffix}"
    if suffix == ".npy":
        np.save(state, np.array([1, -2, 0.5]))
    elif suffix == ".npz":
        np.savez(state, initial_state=np.array([1, -2, 0.5]), other=np.zeros(2))
    else:
        state.write_text("1,-2,0.5\n")
    network = load_recurrent(path, state)
    np.testing.assert_array_equal(network.initial, [1, -2, 0.5])
    parts = distill.Recurrent(lambda h, x: h + x, lambda h: h, state)
    np.testing.assert_array_equal(load_recurrent(parts).initial, network.initial)
    again = load_recurrent(load_recurrent(path), state)
    np.testing.assert_array_equal(again.initial, network.initial)
    with pytest.raises(BadInput, match=r"shape \[3\]"):
        load_recurrent(parts, [1, 2])


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ([1, 2], r"must have the shape \[3\]"),
        ([1, 2, np.nan], "NaN"),
        ("none.npy", "doesn't exist"),
        ("bad.npy", "can't be read"),
        ("bad.csv", "can't be read"),
        ("objects.npy", "can't be read"),
        ("state.txt", "must be a .npy"),
        (object(), "3 numbers"),
    ],
)
def test_a_wrong_initial_state_is_one_sentence(state, sentence, tmp_path):
    path, _ = cell_file(tmp_path)
    for name in ("bad.npy", "bad.csv", "state.txt"):
        (tmp_path / name).write_text("x, y\n")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match=sentence):
        load_recurrent(path, tmp_path / state if isinstance(state, str) else state)


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ({"g": ["n", 6], "y": ["n", 3]}, r"must be the next state"),
        ({"h": None}, "two inputs"),
        ({"y": None}, "two outputs"),
    ],
)
def test_a_file_that_is_no_cell_is_one_sentence(shapes, sentence, tmp_path):
    joined = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Concat", ["y", "y"], ["g"], axis=1),
    ]
    path, _ = cell_file(tmp_path, shapes, joined)
    with pytest.raises(BadInput, match=sentence):
        load_recurrent(path)


def test_a_damaged_file_is_one_sentence(tmp_path):
    path, _ = cell_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadInput):
        load_recurrent(path)
    with pytest.raises(BadInput, match="no recurrent network"):
        load_recurrent(3)


def chain(prefix, layers, wire):
    """Nodes and weights of layers with ReLU between them; the last wire's name."""
    nodes, weights = [], []
    for i, (matrix, bias) in enumerate(layers):
        if i:
            nodes.append(helper.make_node("Relu", [wire], [f"{wire}r"]))
            wire += "r"
        names = [f"{prefix}w{i}", f"{prefix}b{i}"]
        pairs = zip((matrix, bias), names, strict=True)
        weights += [numpy_helper.from_array(v.astype(np.float32), n) for v, n in pairs]
        nodes.append(helper.make_node("Gemm", [wire, *names], [f"{prefix}{i}"], transB=1))
        wire = f"{prefix}{i}"
    return nodes, weights, wire


@pytest.mark.parametrize("name", ["rnn_add_mod_3_numerical", "rnn_bitwise_xor"])
def test_a_network_of_the_suite_comes_back_from_a_cell_file(name, tmp_path):
    given = networks.network(name)
    with np.load(networks.FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        step, readout = (networks._layers(dict(arrays), part) for part in ("hidden", "output"))
    nodes, weights, after = chain("s", step, "z")
    more, others, answer = chain("o", readout, after)
    joined = helper.make_node("Concat", ["h", "x"], ["z"], axis=1)
    sizes = {"h": given.hidden, "x": given.input_width, after: given.hidden}
    shapes = {k: ["n", v] for k, v in (sizes | {answer: given.output_width}).items()}
    ends = [[(n, shapes[n]) for n in names] for names in (("h", "x"), (after, answer))]
    found = load_recurrent(save(model([joined, *nodes, *more], weights + others, *ends), tmp_path))
    items = np.random.default_rng(0).integers(0, 2, (20, 12, given.input_width))
    for ours, theirs in zip(found.run(items), given.run(items), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
