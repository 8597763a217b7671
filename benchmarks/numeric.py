"""Numeric tasks on boxes: order, piecewise linear, smooth, and decisions over reals."""

from __future__ import annotations

import numpy as np

from benchmarks.task import Architecture, Task

Net = Architecture
PAIR = "a: real(-1,1) * b: real(-1,1)"


def _task(name: str, inputs: str, outputs: str, truth, reference: str, *nets: Net) -> Task:  # noqa: ANN001
    return Task(name, "numeric", inputs, outputs, truth, reference, nets)


ORDER = (
    _task(
        "max2", PAIR, "real", lambda c: np.maximum(c[0], c[1]), "max(a, b)",
        Net((8,)), Net((16, 16), "relu", 1), Net((8,), "relu", 2, "torch-onnx"),
    ),
    _task("min2", PAIR, "real", lambda c: np.minimum(c[0], c[1]), "min(a, b)",
          Net((8,)), Net((16,), "relu", 1, "pt2")),
    _task("abs_difference", PAIR, "real", lambda c: abs(c[0] - c[1]), "abs(a - b)",
          Net((8,)), Net((16,), "relu", 1)),
    _task("max3", "x: real(-1,1)[3]", "real", lambda c: c[0].max(axis=1), "max(x)",
          Net((16, 16)), Net((32, 32), "relu", 1)),
    _task("max4", "x: real(-1,1)[4]", "real", lambda c: c[0].max(axis=1), "max(x)",
          Net((32, 16)), Net((32, 32), "relu", 1)),
    _task("median3", "x: real(-1,1)[3]", "real", lambda c: np.median(c[0], axis=1),
          "sorted(x)[1]", Net((24, 24)), Net((32, 32), "relu", 1)),
    _task("sort3", "x: real(-1,1)[3]", "real[3]", lambda c: np.sort(c[0], axis=1),
          "sorted(x)", Net((32, 24)), Net((32, 32), "relu", 1)),
    _task("second_largest4", "real(0,1)[4]", "real", lambda c: np.sort(c[0], axis=1)[:, 2],
          "sorted(x0)[2]", Net((48, 48))),
)  # fmt: skip

PIECES = (
    _task("clip", "x: real(-2,2)", "real", lambda c: np.clip(c[0], -1, 1), "clip(x, -1, 1)",
          Net((8,)), Net((16,), "relu", 1)),
    _task("relu_sum", PAIR, "real", lambda c: np.maximum(c[0] + c[1], 0), "max(a + b, 0)",
          Net((8,)), Net((12,), "relu", 1)),
    _task("norm1", PAIR, "real", lambda c: abs(c[0]) + abs(c[1]), "abs(a) + abs(b)",
          Net((12,)), Net((16, 16), "relu", 1)),
    _task("hat", "real(-1,1)", "real", lambda c: np.maximum(0, 1 - 2 * abs(c[0])),
          "max(0, 1 - 2 * abs(x0))", Net((12,)), Net((16,), "relu", 1)),
    _task("choose", "c: bool * a: real(-1,1) * b: real(-1,1)", "real",
          lambda c: np.where(c[0], c[1], c[2]), "a if c else b",
          Net((16,)), Net((16, 16), "relu", 1)),
    _task("leaky", "x: real(-4,4)", "real", lambda c: np.where(c[0] > 0, c[0], c[0] / 4),
          "x if x > 0 else x / 4", Net((8,)), Net((12,), "relu", 1)),
    _task("linear", "a: real(0,10) * b: real(0,10)", "real", lambda c: 2 * c[0] - 3 * c[1] + 1,
          "2 * a - 3 * b + 1", Net((8,)), Net((12,), "tanh", 1)),
    _task("mean4", "x: real(0,1)[4]", "real", lambda c: c[0].mean(axis=1), "sum(x) / 4",
          Net((12,)), Net((12,), "sigmoid", 1)),
)  # fmt: skip

SMOOTH = (
    _task("product", PAIR, "real", lambda c: c[0] * c[1], "a * b",
          Net((12,), "tanh"), Net((16,), "sigmoid", 1), Net((32, 32), "relu", 2)),
    _task("square", "x: real(-1,1)", "real", lambda c: c[0] ** 2, "x ** 2",
          Net((8,), "tanh"), Net((32,), "relu", 1)),
    _task("norm2", PAIR, "real", lambda c: np.hypot(c[0], c[1]), "sqrt(a ** 2 + b ** 2)",
          Net((16, 16), "tanh"), Net((32, 32), "relu", 1)),
    _task("hypotenuse", "a: real(1,4) * b: real(1,4)", "real", lambda c: np.hypot(c[0], c[1]),
          "sqrt(a ** 2 + b ** 2)", Net((8,), "tanh"), Net((12,), "sigmoid", 1)),
    _task("square_sum", PAIR, "real", lambda c: c[0] ** 2 + c[1] ** 2, "a ** 2 + b ** 2",
          Net((16,), "tanh"), Net((16,), "sigmoid", 1)),
    _task("sin", "x: real(-3.2,3.2)", "real", lambda c: np.sin(c[0]), "sin(x)",
          Net((8,), "tanh"), Net((10,), "sigmoid", 1), Net((32,), "relu", 2)),
    _task("bump", "x: real(-2,2)", "real", lambda c: np.exp(-(c[0] ** 2)), "exp(-x ** 2)",
          Net((12,), "tanh"), Net((12,), "sigmoid", 1, "torch-onnx")),
    _task("parabola_gap", PAIR, "real", lambda c: c[0] ** 2 - c[1], "a ** 2 - b",
          Net((12,), "tanh"), Net((32,), "relu", 1)),
    _task("dot2", "a: real(-1,1)[2] * b: real(-1,1)[2]", "real",
          lambda c: (c[0] * c[1]).sum(axis=1), "a[0] * b[0] + a[1] * b[1]",
          Net((24,), "tanh"), Net((24,), "sigmoid", 1)),
)  # fmt: skip

DECISIONS = (
    _task("argmax3", "x: real(-1,1)[3]", "category(3)", lambda c: c[0].argmax(axis=1),
          "argmax(x)", Net((16,)), Net((16,), "tanh", 1)),
    _task("argmax4", "x: real(0,1)[4]", "category(4)", lambda c: c[0].argmax(axis=1),
          "argmax(x)", Net((24,)), Net((24,), "tanh", 1)),
    _task("threshold", "x: real(-1,1)", "bool", lambda c: c[0] > 0.3, "x > 0.3",
          Net((8,)), Net((8,), "tanh", 1, sigmoid_output=True)),
    _task("half_plane", PAIR, "bool", lambda c: 2 * c[0] - c[1] > 0.5, "2 * a - b > 0.5",
          Net((12,)), Net((12,), "sigmoid", 1)),
    _task("inside_interval", "real(-2,2)", "bool", lambda c: abs(c[0]) < 1.2,
          "abs(x0) < 1.2", Net((8,)), Net((8,), "tanh", 1)),
)  # fmt: skip

TASKS = ORDER + PIECES + SMOOTH + DECISIONS
