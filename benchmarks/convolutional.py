"""Functions of small images, for networks whose first layer is a convolution."""

from __future__ import annotations

import numpy as np

from benchmarks.task import Architecture, Convolution, Task

BITS = "x: image(3,3,bool)"
GREY = "x: image(2,3,real(0,1))"


def _net(shape: Convolution, seed: int = 0, form: str = "torch-onnx") -> Architecture:
    return Architecture((), "relu", seed, form, convolution=shape)


ROWS = Convolution((3, 3), 6, (1, 3))
SQUARES = Convolution((3, 3), 6, (2, 2))
POOLED = Convolution((3, 3), 6, (2, 2), (2, 2))
PAIRS = Convolution((2, 3), 4, (1, 2))
PIXELS = Convolution((2, 2), 2, (1, 1), (2, 2))

TASKS = (
    Task("full_row", "convolutional", BITS, "bool", lambda c: c[0].all(2).any(1),
         "any(all(row) for row in x)", (_net(ROWS), _net(ROWS, 1, "pt2"))),
    Task("full_square", "convolutional", BITS, "bool",
         lambda c: (c[0][:, 1:, 1:] & c[0][:, :-1, 1:] & c[0][:, 1:, :-1] & c[0][:, :-1, :-1])
         .any((1, 2)),
         "any(a and b and c and d for top, low in zip(x, x[1:])"
         " for a, b, c, d in zip(top, top[1:], low, low[1:]))",
         (_net(POOLED), _net(SQUARES, 1))),
    Task("ink", "convolutional", BITS, "int", lambda c: c[0].sum((1, 2)),
         "sum(sum(row) for row in x)", (_net(SQUARES),)),
    Task("contrast", "convolutional", GREY, "real",
         lambda c: np.abs(np.diff(c[0], axis=2)).sum((1, 2)),
         "sum(abs(row[0] - row[1]) + abs(row[1] - row[2]) for row in x)", (_net(PAIRS),)),
    Task("brightest", "convolutional", "x: image(2,2,real(0,1))", "real",
         lambda c: c[0].max((1, 2)), "max(max(row) for row in x)", (_net(PIXELS),)),
)  # fmt: skip
