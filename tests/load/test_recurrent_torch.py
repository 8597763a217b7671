"""torch modules and exported programs of sequences: one cell, run as torch runs the whole."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from distill.errors import BadInput
from distill.load.recurrent import load_recurrent
from distill.verify.bounds import bound_box
from tests.load.sequences import ITEMS, Layers, Loop, Own, answers, by_torch

MODELS = {
    "tanh": lambda: Layers(nn.RNN(3, 4, batch_first=True)),
    "relu, two layers": lambda: Layers(
        nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True), True
    ),
    "gru": lambda: Layers(nn.GRU(3, 4, batch_first=True), True),
    "gru, two layers": lambda: Layers(
        nn.GRU(3, 4, 2, batch_first=True, dropout=0.5),
        head=nn.Sequential(nn.Linear(4, 5), nn.ReLU()),
    ),
    "lstm": lambda: Layers(nn.LSTM(3, 4, batch_first=True, bias=False)),
    "lstm, two layers": lambda: Layers(nn.LSTM(3, 4, 2, batch_first=True), True),
    "gru cell": lambda: Loop(nn.GRUCell(3, 4)),
    "lstm cell": lambda: Loop(nn.LSTMCell(3, 4), at_end=True),
    "tanh cell": lambda: Loop(nn.RNNCell(3, 4)),
    "own": Own,
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", MODELS)
def test_a_module_is_run_item_by_item(name):
    model = MODELS[name]().eval()
    network = load_recurrent(model)
    wanted = by_torch(model)
    assert network.at_end == (wanted.ndim == 2)
    assert network.length is None
    np.testing.assert_allclose(answers(network), wanted, atol=1e-5)
    both = np.random.default_rng(1).normal(size=(9, network.cell.input_width)).astype(np.float32)
    np.testing.assert_allclose(
        network.cell.normal_form().run(both), network.cell.run(both), atol=1e-5
    )


@pytest.mark.parametrize("layer", [nn.RNN(3, 4), nn.GRU(3, 4, 2), nn.LSTM(3, 4)])
@pytest.mark.parametrize("at_end", [False, True])
def test_time_may_come_first(layer, at_end):
    model = Layers(layer, at_end).eval()
    network = load_recurrent(model)
    np.testing.assert_allclose(answers(network), by_torch(model, time_first=True), atol=1e-5)


def test_the_state_is_h_or_h_and_c_layer_after_layer():
    model = nn.LSTM(3, 4, 2, batch_first=True).eval()
    with torch.no_grad():
        _, (h, c) = model(torch.from_numpy(ITEMS))
    states = load_recurrent(model).run(ITEMS)[0]
    wanted = torch.cat([h[0], c[0], h[1], c[1]], 1).numpy()
    np.testing.assert_allclose(states[:, -1], wanted, atol=1e-5)


def test_an_initial_state_is_the_layers_own():
    model = nn.GRU(3, 4, 2, batch_first=True).eval()
    first = np.random.default_rng(2).normal(size=8).astype(np.float32)
    with torch.no_grad():
        start = torch.from_numpy(first).reshape(2, 1, 4).expand(2, len(ITEMS), 4).contiguous()
        wanted = model(torch.from_numpy(ITEMS), start)[0].numpy()
    np.testing.assert_allclose(answers(load_recurrent(model, first)), wanted, atol=1e-5)
    own = Own()
    np.testing.assert_allclose(load_recurrent(own).initial, own.first.tanh().detach().numpy())


def test_words_are_looked_up():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.layers = nn.Embedding(5, 3), Layers(nn.GRU(3, 4, batch_first=True))

        def forward(self, x):
            return self.layers(self.table(x))

    model = Words().eval()
    network = load_recurrent(model)
    words = np.random.default_rng(0).integers(0, 5, (4, 7))
    found = network.run(words[..., None])[1]
    np.testing.assert_allclose(found, by_torch(model, words), atol=1e-5)
    both = np.concatenate([np.zeros((5, 4)), np.arange(5)[:, None]], 1)
    np.testing.assert_allclose(
        network.cell.normal_form().run(both), network.cell.run(both), atol=1e-5
    )


@pytest.mark.parametrize("at_end", [False, True])
def test_a_loop_of_fixed_length_takes_that_length_only(at_end):
    model = Loop(nn.GRUCell(3, 4), at_end, length=8).eval()
    network = load_recurrent(model)
    assert network.length == 8
    items = ITEMS[:, :8]
    np.testing.assert_allclose(answers(network, items), by_torch(model, items), atol=1e-5)


@pytest.mark.parametrize("decomposed", [False, True])
@pytest.mark.parametrize("name", ["tanh", "lstm", "gru cell"])
def test_exported_programs_and_their_files(name, decomposed, tmp_path):
    model = MODELS[name]().eval()
    program = torch.export.export(model, (torch.zeros(1, 5, 3),), strict=True)
    if decomposed:
        program = program.run_decompositions()
    torch.export.save(program, tmp_path / "m.pt2")
    items = ITEMS[:, :5]
    for given in (program, tmp_path / "m.pt2"):
        network = load_recurrent(given)
        assert network.length == 5
        np.testing.assert_allclose(answers(network, items), by_torch(model, items), atol=1e-5)


class Bare(nn.Module):
    """A layer's outputs, changed."""

    def __init__(self, layer, change):
        super().__init__()
        self.layer, self.change = layer, change

    def forward(self, x):
        return self.change(self.layer(x)[0])


class Written(Own):
    """Writes each output into its place, and starts again where the item says so."""

    def forward(self, x):
        out, h = torch.zeros(x.shape[0], x.shape[1], 2), torch.zeros(x.shape[0], 4)
        for t in range(x.shape[1]):
            h = torch.tanh(self.steps[0](torch.cat([x[:, t], h], 1)))
            h = torch.where(x[:, t, :1] > 0, torch.zeros_like(h), h)
            out[:, t] = self.head(h)
        return out


class Delayed(Own):
    """Answers from an item and the one before it."""

    def forward(self, x):
        before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)
        return self.head(torch.relu(self.steps[0](torch.cat([x, before, x[..., :1]], 2))))


class Fed(nn.Module):
    """Two layers side by side and one above, with what they read added again; bare numbers."""

    def __init__(self):
        super().__init__()
        self.gru, self.lstm = nn.GRU(1, 4, batch_first=True), nn.LSTM(4, 4, batch_first=True)
        self.rnn, self.norm = nn.RNN(1, 4, batch_first=True), nn.LayerNorm(4)

    def forward(self, x):
        low = self.gru(x[..., None])[0] * self.rnn(x[..., None])[0]
        return self.norm(self.lstm(low)[0] + low)


@pytest.mark.parametrize(("make", "hidden"), [(Written, 4), (Delayed, 3), (Fed, 16)])
def test_the_state_is_the_least_that_is_carried_on(make, hidden):
    model = make().eval()
    network = load_recurrent(model)
    assert network.hidden == hidden
    items = ITEMS[..., : network.input_width]
    given = items[..., 0] if make is Fed else items
    np.testing.assert_allclose(network.run(items)[1], by_torch(model, given), atol=1e-5)


POOLS = {
    "sum": lambda y: y.sum(1),
    "mean": lambda y: y.mean(1),
    "largest": lambda y: y.amax(1),
    "least": lambda y: y.min(1).values,
}


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_over_all_items_is_a_running_number(name):
    model = Bare(nn.GRU(3, 4, batch_first=True), POOLS[name]).eval()
    network = load_recurrent(model)
    assert (network.hidden, network.at_end) == (8, True)
    assert network.length == (6 if name == "mean" else None)
    items = ITEMS[:, : network.length]
    np.testing.assert_allclose(answers(network, items), by_torch(model, items), atol=1e-5)


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_bounds_hold_for_gated_cells(name):
    """Products of wires are bounded soundly, and not by far."""
    form = load_recurrent(MODELS[name]()).cell.normal_form()
    rng = np.random.default_rng(3)
    middle = rng.uniform(-0.5, 0.5, (4, form.input_width))
    low, high = bound_box(form, middle - 0.05, middle + 0.05)
    seen = np.stack([form.run(middle + rng.uniform(-0.05, 0.05, middle.shape)) for _ in range(200)])
    assert (low <= seen.min(0)).all()
    assert (seen.max(0) <= high).all()
    assert (high - low < 4 * np.ptp(seen, 0) + 0.02).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: nn.Linear(3, 2), "there is no recurrence in it"),
        (lambda: nn.GRU(3, 4, bidirectional=True), "both ways"),
        (lambda: nn.LSTM(3, 4, proj_size=2), "project their state"),
        (lambda: nn.GRUCell(3, 4), "one step without a readout"),
        (nn.ReLU, "takes no sequences"),
        (lambda: Own(different=True), "otherwise than item"),
        (
            lambda: Bare(
                nn.GRU(3, 4, batch_first=True), lambda y: torch.cat([y[:, 1:], y[:, :1]], 1)
            ),
            "on later items",
        ),
        (
            lambda: Bare(nn.GRU(3, 4, batch_first=True), lambda y: y @ y.transpose(1, 2)),
            "run a feed-forward model without --recurrent",
        ),
        (lambda: Loop(nn.GRUCell(3, 4), length=3), "doesn't show a repeated step"),
    ],
)
def test_what_is_no_recurrent_network_is_one_sentence(make, sentence):
    with pytest.raises(BadInput, match=sentence):
        load_recurrent(make())


def test_an_export_of_several_sequences_at_once_is_refused():
    program = torch.export.export(MODELS["gru"]().eval(), (torch.zeros(4, 5, 3),), strict=True)
    with pytest.raises(BadInput, match="no batch of sequences"):
        load_recurrent(program)


def test_a_damaged_file_is_one_sentence(tmp_path):
    """With two layers declared and the weights of one, torch itself would crash."""
    model, file = MODELS["lstm"]().eval(), tmp_path / "m.pt2"
    torch.export.save(torch.export.export(model, (torch.zeros(1, 5, 3),), strict=True), file)
    with zipfile.ZipFile(file) as archive:
        members = {i.filename: archive.read(i) for i in archive.infolist()}
    name = next(n for n in members if n.endswith("models/model.json"))
    content = json.loads(members[name])
    for node in content["graph_module"]["graph"]["nodes"]:
        for given in node["inputs"]:
            if given["name"] == "num_layers":
                given["arg"] = {"as_int": 2}
    with zipfile.ZipFile(file, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, json.dumps(content) if member == name else data)
    with pytest.raises(BadInput, match="don't fit together"):
        load_recurrent(file)
