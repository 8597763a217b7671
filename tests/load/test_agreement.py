"""A reading that differs from the source framework's is refused and says where."""

from __future__ import annotations

import builtins

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from distill.errors import BadInput
from distill.load import load
from distill.operations import kind
from tests.load.models import mlp, save


@pytest.fixture
def wrong_relu(monkeypatch):
    """Our Relu leaks a little, as a mistake in the table would."""
    plain = kind.KINDS["Relu"]

    def leaky(attributes, x):
        return np.where(x > 0, x, np.float32(1e-3) * x)

    monkeypatch.setitem(kind.KINDS, "Relu", kind.OperationKind("Relu", leaky, plain.lower))


@pytest.mark.usefixtures("wrong_relu")
def test_onnx_names_the_first_wire(tmp_path):
    with pytest.raises(BadInput, match=r"at the tensor 'r' \(operation Relu\)"):
        load(save(mlp(), tmp_path))


@pytest.mark.usefixtures("wrong_relu")
def test_torch_is_compared():
    torch.manual_seed(0)
    with pytest.raises(BadInput, match="differ by"):
        load(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)))


@pytest.mark.usefixtures("wrong_relu")
def test_scikit_learn_is_compared():
    neural = pytest.importorskip("sklearn.neural_network")
    x = np.random.default_rng(0).normal(size=(60, 3))
    model = neural.MLPRegressor(hidden_layer_sizes=(8,), max_iter=800, random_state=0)
    with pytest.raises(BadInput, match="differ by"):
        load(model.fit(x, np.abs(x).sum(axis=1)))


def test_without_onnxruntime_the_reference_is_compared(tmp_path, monkeypatch):
    plain = builtins.__import__

    def refuse(name, *more):
        if name == "onnxruntime":
            raise ImportError(name)
        return plain(name, *more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert load(save(mlp(), tmp_path)).output_shape == (2,)
    plain_relu = kind.KINDS["Relu"]
    wrong = kind.OperationKind("Relu", lambda a, x: x, plain_relu.lower)
    monkeypatch.setitem(kind.KINDS, "Relu", wrong)
    with pytest.raises(BadInput, match="tensor 'r'"):
        load(save(mlp(), tmp_path))


CNN = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1),
    nn.BatchNorm2d(4),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(4, 6, 3),
    nn.GELU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Dropout(),
    nn.Linear(6, 3),
    nn.LogSoftmax(-1),
).eval()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.parametrize("dynamic", [True, False])
def test_files_of_torchs_exporters(dynamo, dynamic, tmp_path):
    path = tmp_path / "m.onnx"
    more = {"verbose": False} if dynamo else {}
    if dynamic and dynamo:
        more["dynamic_shapes"] = ({0: torch.export.Dim("n")},)
    elif dynamic:
        more["dynamic_axes"] = {"x": {0: "n"}}
    example = torch.zeros(2 if dynamic else 1, 1, 8, 8)
    torch.onnx.export(CNN, (example,), path, dynamo=dynamo, input_names=["x"], **more)
    onnx.checker.check_model(onnx.load(path))
    network = load(path)
    assert network.input_shape == (1, 8, 8)
    x = np.random.default_rng(0).normal(size=(10, 64)).astype(np.float32)
    with torch.no_grad():
        theirs = CNN(torch.from_numpy(x).reshape(-1, 1, 8, 8)).numpy()
    np.testing.assert_allclose(network.run(x), theirs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(network.normal_form().run(x), theirs, rtol=1e-5, atol=1e-5)
