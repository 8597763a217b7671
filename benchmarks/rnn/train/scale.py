"""Items and outputs scaled for training; the scale goes into the weights that are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from benchmarks.rnn.task import Task
from benchmarks.rnn.train.cells import Shape

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Scale:
    """A cell in training sees (item - centre) / spread and is to answer output / size."""

    centre: np.ndarray
    spread: np.ndarray
    size: float


def scale_of(task: Task, shape: Shape) -> Scale:
    """Items within -1 to 1, or 0 to 2 where the whole cell is affine; outputs of deviation 1."""
    low, high = np.array(task.fields, dtype=np.float64).T
    outputs = task.truth(task.draw(np.random.default_rng(0), 4096, task.length))
    affine = shape.kind == "relu-mlp" and not shape.step
    centre = np.where(affine | (low < 0), 0.0, (low + high) / 2)
    spread = np.maximum(np.maximum(high - centre, centre - low) / (2 if affine else 1), 0.5)
    return Scale(centre, spread, float(max(outputs.std(), 0.5)))


def folded(shape: Shape, weights: dict[str, Tensor], scale: Scale) -> Arrays:
    """One network's weights as float32 arrays that act on the items themselves."""
    found = {key: value.detach().double().numpy().copy() for key, value in weights.items()}
    relu = shape.kind == "relu-mlp"
    first, bias = (
        ("hidden.0.weight", "hidden.0.bias") if relu else ("rnn.weight_ih_l0", "rnn.bias_ih_l0")
    )
    items = found[first][:, shape.hidden :] if relu else found[first]
    items /= scale.spread
    found[bias] -= items @ scale.centre
    last = f"output.{len(shape.readout)}" if relu else "head"
    found[f"{last}.weight"] *= scale.size
    found[f"{last}.bias"] *= scale.size
    return {key: value.astype(np.float32) for key, value in found.items()}
