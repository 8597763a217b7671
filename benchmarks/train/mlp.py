"""The multilayer perceptron that is trained, and its weights as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.task import Architecture, Convolution

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


@dataclass(frozen=True, eq=False)
class Scaling:
    """`(x - mean) / scale`, applied before the first layer; both (width,)."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @staticmethod
    def fit(inputs: NDArray) -> Scaling:
        """Standardise columns; columns that already live in [-1, 1], or are constant, stay."""
        scale, mean = inputs.std(axis=0), inputs.mean(axis=0)
        if abs(inputs).max() <= 1:
            return Scaling(np.zeros_like(mean), np.ones_like(scale))
        return Scaling(mean, np.where(scale > 0, scale, 1.0))

    def __call__(self, inputs: NDArray) -> NDArray[np.float64]:
        """Standardised inputs, (n, width)."""
        return (inputs - self.mean) / self.scale


def build(inputs: int, outputs: int, architecture: Architecture, seed: int) -> nn.Sequential:
    """A fresh float64 network, initialised from `seed`."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    layers: list[nn.Module] = []
    if architecture.convolution is not None:
        layers = _convolved(architecture.convolution, ACTIVATIONS[architecture.activation])
        with torch.no_grad():
            inputs = nn.Sequential(*layers)(torch.zeros(1, inputs)).shape[1]
    for before, after in pairwise((inputs, *architecture.hidden, outputs)):
        layers += [nn.Linear(before, after), ACTIVATIONS[architecture.activation]()]
    return nn.Sequential(*layers[:-1]).double()


def _convolved(shape: Convolution, activation: type[nn.Module]) -> list[nn.Module]:
    pool = [] if shape.pool is None else [nn.MaxPool2d(shape.pool)]
    filters = nn.Conv2d(1, shape.channels, shape.kernel)
    return [nn.Unflatten(1, (1, *shape.image)), filters, activation(), *pool, nn.Flatten()]


def linears(model: nn.Module) -> list[nn.Linear]:
    """The affine layers in order."""
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


@torch.no_grad()
def with_raw_inputs(
    model: nn.Sequential, scaling: Scaling, architecture: Architecture
) -> nn.Module:
    """The float32 network on raw inputs: scaling folded into the first layer, sigmoid appended."""
    ending = [nn.Sigmoid()] if architecture.sigmoid_output else []
    if architecture.convolution is not None:
        if scaling.mean.any() or (scaling.scale != 1).any():
            raise ValueError("images must hold numbers from -1 to 1")
        return nn.Sequential(*model, *ending).float().eval()
    first, tail = linears(model)[0], list(model)[1:]
    scale, mean = torch.tensor(scaling.scale), torch.tensor(scaling.mean)
    folded = nn.Linear(first.in_features, first.out_features).double()
    folded.weight.copy_(first.weight / scale)
    folded.bias.copy_(first.bias - folded.weight @ mean)
    return nn.Sequential(folded, *tail, *ending).float().eval()
