"""torch modules: one table row per layer or function, each compared with torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from distill.errors import BadInput
from distill.load import load, write_onnx


class Function(nn.Module):
    """A module of a plain function, after a linear layer that mixes its inputs."""

    def __init__(self, function, width=6):
        super().__init__()
        self.mix = nn.Linear(width, width)
        self.function = function

    def forward(self, x):
        return self.function(self.mix(x))


LAYERS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.PReLU(), nn.ELU(0.7), nn.SELU(), nn.CELU(0.5), nn.GELU(),
    nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Tanh(), nn.Sigmoid(), nn.LogSigmoid(), nn.Softplus(),
    nn.Softplus(2.0), nn.Softsign(), nn.Hardtanh(-0.5, 0.4), nn.ReLU6(), nn.Hardsigmoid(),
    nn.Hardswish(), nn.Softmax(-1), nn.LogSoftmax(1), nn.Dropout(), nn.Identity(), nn.LayerNorm(6),
    nn.BatchNorm1d(6), nn.Tanhshrink(), nn.Softmin(-1), nn.Threshold(0.1, 0.2),
]  # fmt: skip

FUNCTIONS = {
    "arithmetic": lambda x: (2 * x - 1) / 3 + x.abs().sqrt() - 1 / (1 + x * x) + (1 - x) ** 3,
    "waves": lambda x: torch.sin(x) * torch.cos(x) + torch.exp(-x) + torch.log(x.square() + 1),
    "roots": lambda x: torch.rsqrt(x**2 + 1) + torch.log1p(x.abs()) + torch.erf(x),
    "steps": lambda x: torch.floor(x) + torch.round(2 * x) + torch.sign(x) + torch.ceil(x),
    "clamps": lambda x: x.clamp(-1, 1) + x.clamp(min=0.3) + x.clamp(max=0.1),
    "extremes": lambda x: torch.maximum(x, -x) + torch.minimum(x, x * x),
    "compare": lambda x: (x > 0).float() + (x <= 0.5).float() + (x != x[:, :1]).float(),
    "choose": lambda x: torch.where((x > 0) & ~(x > 1) | (x < -1), x, x * x),
    "masked": lambda x: x.masked_fill(x > 0.2, 7.0),
    "sums": lambda x: torch.cat([x.sum(1, keepdim=True), x.mean(1, keepdim=True)], 1),
    "ends": lambda x: torch.cat([x.amax(1, keepdim=True), x.min(1, keepdim=True).values], 1),
    "norm": lambda x: x / x.pow(2).sum(-1, keepdim=True).sqrt(),
    "argmax": lambda x: x.argmax(1),
    "argmin": lambda x: x.argmin(-1, keepdim=True),
    "shapes": lambda x: x.view(-1, 2, 3).transpose(1, 2).reshape(-1, 6).unsqueeze(1).squeeze(1),
    "permute": lambda x: x.view(-1, 1, 2, 3).permute(0, 3, 1, 2).flatten(1),
    "slices": lambda x: torch.stack([x[:, 0], x[:, -1], x[:, 2]], 1) + x[:, 1:6:2],
    "chunks": lambda x: torch.cat(x.chunk(3, 1)[::-1], 1) * torch.cat(x.split(4, 1), 1),
    "unbind": lambda x: sum(x.unbind(1)).unsqueeze(1),
    "expand": lambda x: x[:, :1].expand(-1, 4) + x[:, 1:2].repeat(1, 4),
    "picked": lambda x: x[:, [2, 0, 1]] if False else x.index_select(1, torch.tensor([2, 0, 1])),
    "products": lambda x: (x.view(-1, 2, 3) @ x.view(-1, 3, 2)).flatten(1),
    "pad": lambda x: F.pad(x, (1, 2), value=0.5),
    "constants": lambda x: x + torch.arange(6) * torch.ones(6) + torch.full((6,), 0.5),
    "double": lambda x: x.double().mul(2).float(),
}  # fmt: skip

IMAGES = [
    nn.Conv2d(2, 3, 3),
    nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, bias=False),
    nn.Conv2d(2, 2, 3, padding="same"),
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, stride=2, padding=1),
    nn.MaxPool2d(3, stride=2, ceil_mode=True),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
    nn.AvgPool2d(3, stride=2, padding=1),
    nn.AdaptiveAvgPool2d(1),
    nn.AdaptiveAvgPool2d((3, 2)),
    nn.BatchNorm2d(2),
    nn.PReLU(2),
    nn.Sequential(nn.Flatten(2), nn.Conv1d(2, 3, 5, stride=2), nn.MaxPool1d(2)),
]


def require_equal(model, shape, tmp_path):
    torch.manual_seed(1)
    network = load(model, shape)
    x = np.random.default_rng(0).normal(size=(30, network.input_width)).astype(np.float32)
    with torch.no_grad():
        theirs = model.eval()(torch.from_numpy(x).reshape(-1, *shape)).numpy().reshape(30, -1)
    size = max(1.0, np.abs(theirs).max())
    np.testing.assert_allclose(network.run(x), theirs, rtol=1e-5, atol=1e-5 * size)
    np.testing.assert_allclose(network.normal_form().run(x), theirs, rtol=2e-5, atol=2e-5 * size)
    write_onnx(network, tmp_path / "m.onnx")
    again = load(tmp_path / "m.onnx")
    assert again.sha256() == network.sha256()
    assert again.batched


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_layers(layer, tmp_path):
    torch.manual_seed(0)
    require_equal(nn.Sequential(nn.Linear(6, 6), layer), (6,), tmp_path)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, tmp_path):
    torch.manual_seed(0)
    require_equal(Function(FUNCTIONS[name]), (6,), tmp_path)


@pytest.mark.parametrize("layer", IMAGES, ids=str)
def test_images(layer, tmp_path):
    torch.manual_seed(0)
    require_equal(nn.Sequential(layer, nn.Tanh()), (2, 9, 8), tmp_path)


def test_training_mode_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    model[1].eval()
    load(model)
    assert model.training
    assert model[0].training
    assert not model[1].training


def test_exported_program():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)).eval()
    shapes = ({0: torch.export.Dim("n")},)
    program = torch.export.export(model, (torch.zeros(2, 3),), dynamic_shapes=shapes)
    network = load(program)
    assert network.batched
    assert network.sha256() == load(model).sha256()


@pytest.mark.parametrize(
    ("model", "shape", "words"),
    [
        (nn.Conv2d(1, 2, 3), None, "give input_shape"),
        (nn.Sequential(nn.Linear(3, 3)), (5,), "can't read"),
        (nn.LSTM(3, 4), (5, 3), "recurrent"),
        (nn.GRU(3, 4), (5, 3), "recurrent"),
        (nn.RNN(3, 4), (5, 3), "recurrent"),
        (Function(lambda x: torch.erfinv(x)), (6,), "Unsupported operation aten.erfinv"),
        (Function(lambda x: (x, 2 * x)), (6,), "2 outputs"),
        (Function(lambda x: x * float("nan")), (6,), "finite"),
    ],
    ids=range(8),
)
def test_modules_that_are_refused(model, shape, words):
    with pytest.raises(BadInput, match=words):
        load(model, shape)


def test_random_module_is_refused():
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x)

    with pytest.raises(BadInput):
        load(Noisy(), (3,))


class Gated(nn.Module):
    """Zeros of the input's shape, and a place of a result that is written into."""

    def forward(self, x):
        out = torch.zeros(x.shape[0], 3)
        out[:, 1] = torch.where(x > 0, x, torch.zeros_like(x)).sum(1)
        return out


def test_tensors_like_the_input_and_writes_in_place():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    wanted = np.zeros((5, 3))
    wanted[:, 1] = np.maximum(x, 0).sum(1)
    network = load(Gated(), (4,))
    np.testing.assert_allclose(network.run(x), wanted, atol=1e-6)
    np.testing.assert_allclose(network.normal_form().run(x), wanted, atol=1e-6)
