"""What a benchmark task is: a known function, and the networks to train on it.

The synthesizer never sees any of this: a task trains networks beforehand and
judges the found programs afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Columns = tuple[NDArray, ...]
"""One array per field of the input domain, batch first: (n,) or (n, k)."""


@dataclass(frozen=True)
class Convolution:
    """A first layer that slides `channels` filters of a size over an image, and what follows it.

    `pool`: largest value over windows of that size, or None.
    """

    image: tuple[int, int]
    channels: int
    kernel: tuple[int, int]
    pool: tuple[int, int] | None = None


@dataclass(frozen=True)
class Architecture:
    """One network to train: hidden widths, activation, seed, and how it is written.

    `format` is "onnx" (written with onnx.helper), "torch-onnx" (torch's own
    exporter) or "pt2" (an exported program); `sigmoid_output` ends a Boolean
    network with a sigmoid, which moves its decision from 0 to 0.5.
    """

    hidden: tuple[int, ...]
    activation: str = "relu"
    seed: int = 0
    format: str = "onnx"
    sigmoid_output: bool = False
    convolution: Convolution | None = None

    @property
    def label(self) -> str:
        """Short text that tells the architectures of one task apart."""
        widths = "x".join(str(width) for width in self.hidden)
        if self.convolution is not None:
            widths = f"conv{self.convolution.channels}x{widths}".removesuffix("x")
        ending = "_prob" if self.sigmoid_output else ""
        written = "" if self.format == "onnx" else "_" + self.format.replace("-", "")
        return f"{self.activation}{widths}_s{self.seed}{ending}{written}"


@dataclass(frozen=True)
class Task:
    """A function to learn, with what is known about it.

    `inputs` and `outputs` are written as for `distill run`; `truth` maps columns
    to the output column ((n,) or (n, k) of bool, int or float); `reference` is a
    Python expression over the fields (`x0`, `x1` ... when unnamed), one example
    at a time, in the names of `benchmarks.references.NAMES`.
    """

    name: str
    family: str
    inputs: str
    outputs: str
    truth: Callable[[Columns], NDArray]
    reference: str
    architectures: tuple[Architecture, ...]


def as_float(column: NDArray) -> NDArray[np.float64]:
    """The output column as an (n, k) float matrix, the shape networks emit."""
    return np.asarray(column, dtype=np.float64).reshape(len(column), -1)
