"""Which recipe trains which task: the loss by output type, the batches by domain."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import columns as batches
from benchmarks.playground import spiral_points
from benchmarks.task import Architecture, Columns, Task, as_float
from benchmarks.train import fit
from benchmarks.train.measure import Score, computes, judged_points, score
from benchmarks.train.mlp import Scaling, build, with_raw_inputs

ATTEMPTS = 4
"""Initialisations tried before a training counts as failed."""

GOOD = 0.003
"""Real outputs: a largest error over the range that ends the attempts; 0.005 is let pass."""

BATCH = 1024
POOL = 64
"""Points per Adam step on real boxes, and how many different batches there are."""

POLISH = 12 * BATCH
"""Points that L-BFGS sees on real boxes: fewer, and networks of 4 inputs overfit them."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Scaled inputs (n, width) and targets (n, k) of a task, and the scaling."""

    x: Tensor
    y: Tensor
    scaling: Scaling
    finite: bool

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Everything for a finite domain, else one slice of the pool of random points."""
        if self.finite:
            return self.x, self.y
        start = step % POOL * BATCH
        return self.x[start : start + BATCH], self.y[start : start + BATCH]


@dataclass(frozen=True, eq=False)
class Trained:
    """A float32 network on raw inputs, how good it is, and the initialisations it took."""

    model: nn.Module
    score: Score
    attempts: int


def examples(task: Task, seed: int) -> Examples:
    """Every input of a finite domain, or a pool of uniform points."""
    finite = batches.size(task.inputs) is not None
    columns = batches.enumerate_all(task.inputs) if finite else _draw(task, seed)
    encoded = batches.encode(task.inputs, columns)
    scaling = Scaling.fit(encoded)
    targets = torch.tensor(as_float(task.truth(columns)))
    return Examples(torch.tensor(scaling(encoded)), targets, scaling, finite)


def _draw(task: Task, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    if task.name == "spiral":
        return spiral_points(BATCH * POOL, rng)
    return batches.sample(task.inputs, BATCH * POOL, rng)


def train(task: Task, architecture: Architecture) -> Trained:
    """Train until the task is computed or the attempts are used up; the best one is returned."""
    data, best, points = examples(task, architecture.seed), None, judged_points(task)
    for attempt in range(ATTEMPTS):
        model = _fit_once(task, architecture, data, architecture.seed * 100 + attempt)
        raw = with_raw_inputs(model, data.scaling, architecture)
        level = 0.5 if architecture.sigmoid_output else 0.0
        found = Trained(raw, score(task, runner(raw), points, level), attempt + 1)
        best = found if best is None or found.score.key < best.score.key else best
        if computes(task, best.score) and not best.score.worst > GOOD:
            break
    assert best is not None
    return best


def runner(model: nn.Module):  # noqa: ANN201
    """The float32 network as a function on numpy arrays."""

    def run(inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.tensor(inputs, dtype=torch.float32)).numpy()

    return run


def _fit_once(task: Task, architecture: Architecture, data: Examples, seed: int) -> nn.Sequential:
    outputs = int(task.outputs[9:-1]) if task.outputs.startswith("category") else data.y.shape[1]
    model = build(data.x.shape[1], outputs, architecture, seed)
    if task.outputs.startswith(("bool", "category")):
        _fit_decision(model, task, data)
    else:
        _fit_number(model, data)
    return model


def _fit_decision(model: nn.Module, task: Task, data: Examples) -> None:
    loss = fit.logistic if task.outputs.startswith("bool") else fit.cross_entropy
    steps = 1500 if data.finite else 4000
    fit.adam(model, data.batch, loss, steps, 0.02 if data.finite else 0.01)
    if not data.finite:
        fit.lbfgs(model, data.x[:8192], data.y[:8192], loss, 300)


def _fit_number(model: nn.Module, data: Examples) -> None:
    mean_square = fit.power_mean(2, float(data.y.max() - data.y.min()))
    fit.adam(model, data.batch, mean_square, 1500 if data.finite else 3000, 0.01)
    fit.lbfgs(model, data.x[:POLISH], data.y[:POLISH], mean_square, 1500)
    for _ in range(2):
        _press_worst(model, data.x[:POLISH], data.y[:POLISH])


def _press_worst(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Trade mean for largest error, unless it went wrong: the line search may end uphill."""
    before, state = _worst(model, x, y), copy.deepcopy(model.state_dict())
    fit.lbfgs(model, x, y, fit.power_mean(8, before), 250)
    if not _worst(model, x, y) < before:
        model.load_state_dict(state)


def _worst(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Largest error: the unit in which L-BFGS must see errors, or its tolerances stop it."""
    with torch.no_grad():
        return max(float((model(x) - y).abs().max()), 1e-9)
