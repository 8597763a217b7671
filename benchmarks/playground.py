"""The 2-d classifiers of the TensorFlow playground, as rules on the square [-6, 6]^2.

The playground's points carry noise and gaps between the classes; here the whole
square is labelled by the rule behind its generators, so the rule is learnable
everywhere. The spiral is trained and judged on its arms only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.task import Architecture, Columns, Task

Net = Architecture
SQUARE = "x: real(-6,6) * y: real(-6,6)"
TURN = 1.75 * 2 * np.pi / 5
"""Angle per unit of radius in the playground's spiral generator."""


def _task(name: str, truth, reference: str, *nets: Net) -> Task:  # noqa: ANN001
    return Task(name, "playground", SQUARE, "bool", truth, reference, nets)


def _spiral(columns: Columns) -> NDArray[np.bool_]:
    x, y = columns
    return np.cos(np.arctan2(x, y) - TURN * np.hypot(x, y)) > 0


def spiral_points(n: int, rng: np.random.Generator) -> Columns:
    """`n` points on the two arms, with the playground's generator and slight noise."""
    radius = 5 * rng.uniform(0.05, 1, n)
    angle = TURN * radius + np.pi * rng.integers(2, size=n)
    noise = rng.uniform(-0.1, 0.1, (2, n))
    return radius * np.sin(angle) + noise[0], radius * np.cos(angle) + noise[1]


TASKS = (
    _task("circle", lambda c: c[0] ** 2 + c[1] ** 2 < 6.25, "x ** 2 + y ** 2 < 6.25",
          Net((16,), "tanh"), Net((32, 16), "relu", 1),
          Net((16,), "sigmoid", 2, sigmoid_output=True)),
    _task("xor", lambda c: c[0] * c[1] > 0, "x * y > 0",
          Net((16,), "tanh"), Net((16, 8), "relu", 1), Net((16, 8), "tanh", 2)),
    _task("gauss", lambda c: c[0] + c[1] > 0, "x + y > 0",
          Net((8,), "tanh"), Net((8,), "relu", 1), Net((16, 8), "sigmoid", 2)),
    _task("spiral", _spiral, f"cos(atan2(x, y) - {TURN} * sqrt(x ** 2 + y ** 2)) > 0",
          Net((32, 32), "tanh"), Net((48, 48), "relu", 1)),
)  # fmt: skip
