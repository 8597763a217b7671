"""What a student is taught: inputs near the data, answered by the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.simplify.cloud import near
from distill.simplify.reading import Reading

Array = NDArray[np.float64]
Single = NDArray[np.float32]
_SOFTNESS = 0.25
_SHARE_OF_DATA = 0.3


@dataclass(frozen=True, eq=False)
class Lesson:
    """Inputs less their middle in scaled units (n, d) and soft targets (n, k).

    targets: what the student's read outputs should be: shares of the categories, the
    probability of true, or reals over `temperature`; middle: (d,) in scaled units; spread: the
    inputs' typical deviation; temperature: what the network's outputs are divided by, a quarter
    of its usual margin, so that students are taught margins and not only decisions (Hinton et
    al., 2015); for reals a power of two.
    """

    inputs: Single
    targets: Single
    middle: Array
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
    answers = reading.centred(network(points))
    temperature = _temperature(reading, network(x))
    return Lesson(
        ((points * scale - middle) * used).astype(np.float32),
        read_softly(reading, answers / temperature).astype(np.float32),
        middle,
        float(np.sqrt((spread[used] ** 2).mean())) if used.any() else 1.0,
        reading,
        temperature,
    )


def _temperature(reading: Reading, raw: Array) -> float:
    if reading.kind == "real":
        return float(2.0 ** np.rint(np.log2(max(float(raw.std()), 1e-9))))
    return max(_SOFTNESS * float(np.median(reading.margins(raw))), 1e-9)


def read_softly(reading: Reading, outputs: NDArray) -> NDArray:
    """Centred outputs (n, k) as shares of categories, probabilities of true, or themselves."""
    if reading.kind == "category":
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    if reading.kind == "bool":
        return 0.5 * (np.tanh(0.5 * outputs) + 1.0)
    return outputs
