"""ReLU layers in single precision: their outputs, their gradients, and Adam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
Layers = list[tuple[Single, Single]]
"""Matrices (m, n) with biases (m,), first layer first."""


def forward(layers: Layers, inputs: Single) -> list[Single]:
    """What every layer reads, and last the outputs, for inputs (n, d)."""
    wires = [inputs]
    for place, (matrix, bias) in enumerate(layers):
        total = wires[-1] @ matrix.T + bias
        wires.append(np.maximum(total, 0) if place < len(layers) - 1 else total)
    return wires


def backward(layers: Layers, wires: list[Single], slope: Single) -> Layers:
    """Gradients of a loss whose slope at the outputs is (n, k)."""
    found: Layers = []
    for place in range(len(layers) - 1, -1, -1):
        found.append((slope.T @ wires[place], slope.sum(axis=0)))
        if place:
            slope = (slope @ layers[place][0]) * (wires[place] > 0)
    return found[::-1]


class Adam:
    """Adam (Kingma and Ba, 2015) on one flat vector; `shares` (n,) scale the rate per number."""

    def __init__(self, shares: Single) -> None:
        self._shares = shares
        self._mean = np.zeros_like(shares)
        self._square = np.zeros_like(shares)
        self._step = 0

    def step(self, values: Single, gradient: Single, rate: float) -> None:
        """Move `values` in place against the gradient."""
        self._step += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient * gradient - self._square)
        size = np.sqrt(self._square / (1 - 0.999**self._step)) + 1e-8
        values -= (rate / (1 - 0.9**self._step)) * self._shares * self._mean / size


def flat(parts: Sequence[Single]) -> Single:
    """Arrays end to end in one vector."""
    return np.concatenate([np.ravel(p) for p in parts]).astype(np.float32)


def views(vector: Single, like: Sequence[Single]) -> list[Single]:
    """Parts of a flat vector in the shapes of `like`, sharing its memory."""
    found, start = [], 0
    for part in like:
        found.append(vector[start : start + part.size].reshape(part.shape))
        start += part.size
    return found


def paired(parts: Sequence[Single]) -> Layers:
    """Matrix, bias, matrix, bias ... as layers."""
    return list(zip(parts[::2], parts[1::2], strict=True))
