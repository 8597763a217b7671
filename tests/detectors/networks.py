"""Small networks of convolutions with filters that are known."""

from __future__ import annotations

import numpy as np

from distill.load.assemble import assemble
from distill.network import Network, Operation, Wire

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1.0]])
LAPLACE = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0.0]])
ODD = np.array([[3, -1, 2], [0, 5, -4], [1, 1, -7.0]])


def convolutional(
    taps: np.ndarray, bias: np.ndarray, second: np.ndarray, size: int = 6, pad: int = 0
) -> Network:
    """Filters (k, 1, 3, 3), relu, filters (m, k, 2, 2) with stride 2, relu, the mean of pairs, and
    two outputs that sum up all numbers, each with its sign."""
    inner = (size + 2 * pad - 2) // 2
    width = len(second) * (inner - 1) ** 2
    rows = np.tile([1.0, -1.0], (2, width))[:, :width]
    rows[1] *= -1
    constants = {
        "w1": taps.astype(np.float32), "b1": bias.astype(np.float32),
        "w2": second.astype(np.float32), "w3": rows.astype(np.float32),
        "b3": np.array([0.5, -0.25], np.float32),
    }  # fmt: skip
    operations = [
        Operation("Conv", ("image", "w1", "b1"), ("a",), {"pads": [pad] * 4}),
        Operation("Relu", ("a",), ("b",)),
        Operation("Conv", ("b", "w2"), ("c",), {"strides": [2, 2]}),
        Operation("Relu", ("c",), ("d",)),
        Operation("AveragePool", ("d",), ("e",), {"kernel_shape": [2, 2], "strides": [1, 1]}),
        Operation("Flatten", ("e",), ("f",), {"axis": 1}),
        Operation("Gemm", ("f", "w3", "b3"), ("scores",), {"transB": 1}),
    ]
    return assemble(operations, constants, Wire("image", (1, 1, size, size), "float32"), "scores")


def known(pad: int = 0) -> Network:
    """An edge, its double the other way round, a blob and a template; two filters of these."""
    taps = np.array([SOBEL, -2 * SOBEL, 0.25 * LAPLACE, ODD])[:, None]
    second = np.random.default_rng(0).integers(-3, 4, (2, 4, 2, 2)).astype(float)
    return convolutional(taps, np.array([0.5, 0.0, -1.0, 2.0]), second, pad=pad)
