"""What a student is taught: inputs near the data, answered by the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax, logsigmoid, softmax

from distill.simplify.cloud import near
from distill.simplify.reading import Reading

Array = NDArray[np.float64]
_SOFTNESS = 0.25
_SHARE_OF_DATA = 0.3


@dataclass(frozen=True, eq=False)
class Lesson:
    """Inputs less their middle in scaled units (n, d) and centred soft targets (n, k).

    middle: (d,) in scaled units; spread: the inputs' typical deviation; temperature: what the
    network's logits are divided by, a quarter of its usual margin, so that students are taught
    margins and not only decisions (Hinton et al., 2015); for reals a power of two.
    """

    inputs: Tensor
    targets: Tensor
    middle: Tensor
    spread: float
    reading: Reading
    temperature: float

    @property
    def widths(self) -> tuple[int, int]:
        """Numbers of inputs and outputs."""
        return self.inputs.shape[1], self.targets.shape[1]


def make_lesson(
    network: Callable[[Array], Array],
    x: Array,
    scale: Array,
    reading: Reading,
    count: int,
    rng: np.random.Generator,
) -> Lesson:
    """`count` points near `x` (n, d) and about a third as many from it, answered by `network`."""
    copies = max(1, int(_SHARE_OF_DATA * count / len(x)))
    points = np.concatenate([np.tile(x, (copies, 1)), near(x, count, rng)])
    middle, spread = x.mean(axis=0) * scale, x.std(axis=0) * scale
    used = spread > 0
    temperature = max(_SOFTNESS * float(np.median(reading.margins(network(x)))), 1e-9)
    targets = reading.centred(network(points))
    if reading.kind == "real":
        temperature = 2.0 ** np.rint(np.log2(max(float(targets.std()), 1e-9)))
    return Lesson(
        _tensor((points * scale - middle) * used),
        _tensor(targets),
        torch.as_tensor(middle),
        float(np.sqrt((spread[used] ** 2).mean())) if used.any() else 1.0,
        reading,
        temperature,
    )


def _tensor(values: Array) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)


def divergence(lesson: Lesson, student: Tensor, targets: Tensor) -> Tensor:
    """Mean distance of a student's outputs from the network's (n, k), in nats or variances."""
    soft = targets / lesson.temperature
    if lesson.reading.kind == "category":
        gap = log_softmax(soft, 1) - log_softmax(student, 1)
        return (softmax(soft, 1) * gap).sum(1).mean()
    if lesson.reading.kind == "bool":
        p = torch.sigmoid(soft)
        entropy = -(p * logsigmoid(soft) + (1 - p) * logsigmoid(-soft)).mean()
        return binary_cross_entropy_with_logits(student, p) - entropy
    return ((student - soft) ** 2).mean()
