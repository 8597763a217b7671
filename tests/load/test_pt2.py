""".pt2 archives: read as data, checked call by call, refused when they carry code."""

from __future__ import annotations

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from distill.errors import BadInput
from distill.load import load
from tests.load.test_bad_files import Bomb, refusal


class Mixed(nn.Module):
    """Buffers, constants, slices, splits, a choice and a reduction."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 4)
        self.register_buffer("shift", torch.arange(3.0), persistent=False)

    def forward(self, x):
        x = x.view(x.shape[0], -1) + 1.5
        both = torch.cat([self.layer(x), x * torch.tensor([1.0, 2, 3, 4, 5, 6])], 1)
        a, _ = both.split([4, 6], 1)
        return torch.where(a[:, :3] > 0, a[:, 1:] + self.shift, 0.5).max(1, keepdim=True).values


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(27, 5),
        nn.Softmax(-1),
    )


MODELS = [(Mixed, (2, 3)), (cnn, (1, 6, 6)), (lambda: nn.Sequential(nn.Linear(4, 2)), (4,))]


def exported(make, shape, path, dynamic=True):
    torch.manual_seed(0)
    model = make().eval()
    shapes = ({0: torch.export.Dim("n")},) if dynamic else None
    example = torch.zeros((2 if dynamic else 1, *shape))
    program = torch.export.export(model, (example,), dynamic_shapes=shapes, strict=False)
    torch.export.save(program, path)
    return model


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("pt2") / "m.pt2"
    exported(MODELS[0][0], MODELS[0][1], path)
    return path


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize(("make", "shape"), MODELS)
def test_files_equal_their_module(make, shape, dynamic, tmp_path):
    model = exported(make, shape, tmp_path / "m.pt2", dynamic)
    network = load(tmp_path / "m.pt2")
    assert network.input_shape == shape
    x = np.random.default_rng(0).normal(size=(20, network.input_width)).astype(np.float32)
    with torch.no_grad():
        theirs = model(torch.from_numpy(x).reshape(-1, *shape)).numpy()
    np.testing.assert_allclose(network.run(x), theirs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(network.normal_form().run(x), theirs, rtol=1e-5, atol=1e-5)


def rewritten(archive, path, change, add=()):
    """A copy of an archive with members changed (by a function of name and bytes) and added."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            data = change(info.filename, old.read(info))
            if data is not None:
                new.writestr(info.filename, data)
        for name, data in add:
            new.writestr(name, data)
    return path


def kept(name, data):
    return data


def torch_file(payload):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as inner:
        inner.writestr("archive/data.pkl", payload)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_pickles_anywhere_are_refused_and_not_run(archive, tmp_path, protocol):
    trap = tmp_path / "trap"
    payload = pickle.dumps(Bomb(trap), protocol=protocol)
    inputs = "m/data/sample_inputs/model.pt"

    def swapped(new):
        return lambda name, data: new if name == inputs else data

    bad = [
        rewritten(archive, tmp_path / "a.pt2", kept, [("m/data/extra/x.pkl", payload)]),
        rewritten(archive, tmp_path / "b.pt2", kept, [("m/data/x", torch_file(payload))]),
        rewritten(archive, tmp_path / "c.pt2", swapped(torch_file(payload))),
        rewritten(archive, tmp_path / "d.pt2", swapped(payload)),
        rewritten(
            archive,
            tmp_path / "e.pt2",
            lambda n, d: payload if n.endswith("weight_0") else d,
        ),
    ]
    for path in bad:
        assert "pickle" in refusal(path)
    assert not trap.exists()


def edited(change):
    """Change an archive's graph, given as a dict."""

    def on_member(name, data):
        if not name.endswith("models/model.json"):
            return data
        content = json.loads(data)
        change(content["graph_module"]["graph"])
        return json.dumps(content)

    return on_member


def retarget(target):
    return lambda graph: graph["nodes"][-1].update(target=target)


def config(**entry):
    def on_member(name, data):
        if not name.endswith("model_weights_config.json"):
            return data
        content = json.loads(data)
        for value in content["config"].values():
            value.update(entry)
        return json.dumps(content)

    return on_member


def without(part):
    return lambda name, data: None if part in name else data


BROKEN = [
    ("Unsupported operation aten.erfinv", edited(retarget("torch.ops.aten.erfinv.default"))),
    ("Unsupported operation", edited(retarget("torch.ops.mylib.run_shell.default"))),
    ("Unsupported operation", edited(retarget("os.system"))),
    ("recurrent", edited(retarget("torch.ops.aten.lstm.input"))),
    ("recurrent", edited(retarget("torch.ops.aten.gru.input"))),
    ("recurrent", edited(retarget("torch.ops.aten.rnn_tanh.input"))),
    ("form", edited(lambda graph: graph.pop("nodes"))),
    ("", edited(lambda graph: graph["nodes"].reverse())),
    ("", edited(lambda graph: graph["nodes"].clear())),
    ("", edited(lambda graph: graph["tensor_values"]["x"]["sizes"].append({"as_int": 2**40}))),
    ("pickle", config(use_pickle=True)),
    ("lacks", config(path_name="weight_1")),
    ("can't be read", config(path_name="missing")),
    ("lacks", without("model_weights_config")),
    ("can't be read", without("weights/weight_0")),
    ("no exported program", without("models/model.json")),
    ("no JSON", lambda n, d: b"{" if n.endswith("model.json") else d),
    ("no JSON", lambda n, d: b"[" * 100000 if n.endswith("model.json") else d),
    ("other data", lambda n, d: d[:8] if n.endswith("weight_0") else d),
    (
        "finite",
        lambda n, d: np.full(24, np.nan, np.float32).tobytes() if n.endswith("weight_0") else d,
    ),
    ("big-endian", lambda n, d: b"big" if n.endswith("byteorder") else d),
]


@pytest.mark.parametrize(("words", "change"), BROKEN, ids=range(len(BROKEN)))
def test_broken_archives_are_refused(archive, tmp_path, words, change):
    sentence = refusal(rewritten(archive, tmp_path / "m.pt2", change))
    if words not in ("lacks", ""):
        assert words in sentence


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated_archive(archive, tmp_path, share):
    data = archive.read_bytes()
    (tmp_path / "m.pt2").write_bytes(data[: int(len(data) * share)])
    refusal(tmp_path / "m.pt2")


def test_zip_bomb(archive, tmp_path):
    path = tmp_path / "m.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("m/models/model.json", b"0" * 2**27)
    assert "declares" in refusal(path)


def test_not_an_archive(tmp_path):
    (tmp_path / "m.pt2").write_bytes(b"nothing")
    assert "no .pt2 archive" in refusal(tmp_path / "m.pt2")
    (tmp_path / "e.pt2").write_bytes(b"")
    assert "empty" in refusal(tmp_path / "e.pt2")


def test_torch_saved_module_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "m.pt2")
    assert "pickle" in refusal(tmp_path / "m.pt2")


def test_our_reading_is_compared_with_torch(archive, monkeypatch):
    from distill.load import aten_table

    name = "aten.where.ScalarOther"
    wrong = aten_table.TRANSLATIONS["aten.where.ScalarSelf"]

    def swapped(t, call):
        wrong(t, type(call)(call.target, {**call.arguments, "other": 0.4}, call.outputs))

    monkeypatch.setitem(aten_table.TRANSLATIONS, name, swapped)
    with pytest.raises(BadInput, match=r"differ by .* 'where'"):
        load(archive)
