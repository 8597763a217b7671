"""Training: many networks of one shape side by side, the best kept and brought to whole outputs.

Steps are counted, and seconds of the processor end a training early, so that a network of the
suite is trained again by the same call on a machine that is as fast, not bit for bit on all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.rnn.task import Task
from benchmarks.rnn.train.cells import Shape, run, started, unpacked
from benchmarks.rnn.train.scale import Arrays, Scale, folded, scale_of

_LOOK = 50
"""Steps between looks at how good the networks are."""
_POOL = 64
_HELD_OUT = 1024


@dataclass(frozen=True)
class Recipe:
    """How a batch of networks is trained.

    seeds: networks side by side; batch: sequences a step at the full length; rates: learning rates
    that the networks take in turn; lengths: shorter sequences to begin with; margin: what the
    largest error of a finished network is below; gate: share of right outputs that is worth going
    on with; polish: share of the seconds for the best ones, the learning rate falling; kept: how
    many networks are wanted; double: in float64; steep: see `started`; slack: how far
    off an output may be at no cost, which leaves a state of one number room to hold more than the
    output that is read from it.
    """

    seeds: int = 8
    batch: int = 96
    steps: int = 6000
    seconds: float = 35.0
    rates: tuple[float, ...] = (1e-2, 5e-3, 2.5e-3)
    lengths: tuple[int, ...] = ()
    margin: float = 0.2
    gate: float = 0.9
    polish: float = 0.4
    kept: int = 1
    double: bool = False
    steep: float = 1.0
    slack: float = 0.0


@dataclass(frozen=True)
class Network:
    """A trained network, its weights acting on the items themselves."""

    arrays: Arrays
    place: int
    steps: int
    right: float
    error: float


@dataclass
class Work:
    """Networks in training: weights (S, P), Adam's moments, which seeds they are."""

    rows: Tensor
    rates: Tensor
    places: np.ndarray
    mean: Tensor = field(init=False)
    square: Tensor = field(init=False)
    updates: int = 0

    def __post_init__(self) -> None:
        self.mean, self.square = torch.zeros_like(self.rows), torch.zeros_like(self.rows)

    def update(self, gradient: Tensor, factor: float) -> None:
        """A step of Adam, every network's gradient clipped on its own."""
        gradient = torch.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)
        gradient *= (1 / (gradient.norm(dim=1, keepdim=True) + 1e-12)).clamp(max=1)
        self.updates += 1
        self.mean.lerp_(gradient, 0.1)
        self.square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
        mean = self.mean / (1 - 0.9**self.updates)
        deviation = (self.square / (1 - 0.99**self.updates)).sqrt_().add_(1e-9)
        self.rows.sub_(factor * self.rates * mean / deviation)

    def keep(self, order: Tensor) -> None:
        """Go on with these networks only."""
        self.rows, self.rates = self.rows[order].clone(), self.rates[order]
        self.mean, self.square = self.mean[order].clone(), self.square[order].clone()
        self.places = self.places[order.numpy()]


@dataclass(frozen=True)
class Trainer:
    """Everything that stays the same during a training."""

    task: Task
    shape: Shape
    recipe: Recipe
    seed: int
    scale: Scale
    slots: dict[str, tuple[int, ...]]
    dtype: torch.dtype

    def batches(self, purpose: int, size: int, length: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Scaled items (T, B, fields) and outputs (T, B, k), for ever."""
        rng = np.random.default_rng([self.seed, purpose, length])
        pool = _POOL if purpose else 1
        while True:
            items = self.task.draw(rng, size * pool, length)
            outputs = self.task.truth(items) / self.scale.size
            scaled = (items - self.scale.centre) / self.scale.spread
            yield from zip(self._timed(scaled, pool), self._timed(outputs, pool), strict=True)

    def _timed(self, values: np.ndarray, pool: int) -> Tensor:
        parts = torch.tensor(values, dtype=self.dtype).view(pool, -1, *values.shape[1:])
        return parts.transpose(1, 2).contiguous()

    def errors(self, rows: Tensor, items: Tensor, outputs: Tensor) -> Tensor:
        """Differences (S, T, B, k) in scaled units."""
        return run(self.shape, unpacked(rows, self.slots), items) - outputs

    def descend(self, work: Work, batch: tuple[Tensor, Tensor], factor: float, hard: bool) -> None:
        """One step of all networks; hard: large errors in the task's units weigh more."""
        rows = work.rows.detach().requires_grad_(True)
        off = self.errors(rows, *batch).abs() - self.recipe.slack / self.scale.size
        squares = off.clamp(min=0).square()
        if hard:
            whole = squares * self.scale.size**2
            squares = squares * (1 + 8 * whole.clamp(max=1).detach())
        squares.mean((1, 2, 3)).sum().backward()
        assert rows.grad is not None
        with torch.no_grad():
            work.update(rows.grad, factor)

    @torch.no_grad()
    def judged(self, rows: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Share of right outputs, largest and mean squared error of each network."""
        off = self.errors(rows, *batch).abs() * self.scale.size
        off = torch.nan_to_num(off, nan=1e9, posinf=1e9)
        right = (off < self.task.tolerance).to(self.dtype).mean((1, 2, 3))
        return right, off.amax((1, 2, 3)), off.square().mean((1, 2, 3))


def train(task: Task, shape: Shape, recipe: Recipe, seed: int) -> list[Network]:
    """The best networks of a batch of seeds, the best first (`recipe.kept` of them at most)."""
    margin = min(recipe.margin, 0.4 * task.tolerance) + recipe.slack
    recipe = replace(recipe, margin=margin)
    rng = np.random.default_rng(seed)
    scale = scale_of(task, shape)
    dtype = torch.float64 if recipe.double else torch.float32
    outputs = task.truth(task.draw(rng, 1, task.length)).shape[2]
    slots = shape.slots(len(task.fields), outputs)
    trainer = Trainer(task, shape, recipe, seed, scale, slots, dtype)
    seen = (task.draw(rng, 512, 1)[:, 0] - scale.centre) / scale.spread
    rows = started(shape, slots, torch.tensor(seen, dtype=dtype), recipe.seeds, rng, recipe.steep)
    rates = torch.tensor(
        [recipe.rates[(s // 2) % len(recipe.rates)] for s in range(recipe.seeds)], dtype=dtype
    )
    work = Work(rows, rates[:, None], np.arange(recipe.seeds))
    begin = time.process_time()
    searched = _search(trainer, work, begin)
    done = searched + _polish(trainer, work, begin)
    return _found(trainer, work, done)


def _search(trainer: Trainer, work: Work, begin: float) -> int:
    """Train until a network is right everywhere; returns the steps."""
    recipe, task = trainer.recipe, trainer.task
    cap = recipe.seconds * (1 - recipe.polish)
    lengths = [n for n in recipe.lengths if n < task.length] + [task.length]
    place, since, good = 0, 0, 0
    cuts = [0.35, 0.65]
    feed, held_out = _at_length(trainer, lengths[0])
    for step in range(recipe.steps):
        done = max(step / recipe.steps, (time.process_time() - begin) / cap)
        if done >= 1:
            return step
        factor = min(1, (step + 1) / 50) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done)))
        trainer.descend(work, next(feed), factor, hard=False)
        if (step + 1) % _LOOK:
            continue
        right, largest, mean = trainer.judged(work.rows, held_out)
        best = float(right.max())
        last = place == len(lengths) - 1
        if last:
            good = good + 1 if float((right == 1).sum()) >= recipe.kept else 0
            if good >= 3 or float((largest < recipe.margin).sum()) >= recipe.kept:
                return step + 1
        elif best > 0.995 or done - since > 0.5 / len(lengths):
            place, since = place + 1, done
            feed, held_out = _at_length(trainer, lengths[place])
        if cuts and done > cuts[0]:
            cuts.pop(0)
            work.keep(torch.argsort(mean)[: max(2, recipe.kept, len(mean) // 2)])
    return recipe.steps


def _at_length(
    trainer: Trainer, length: int
) -> tuple[Iterator[tuple[Tensor, Tensor]], tuple[Tensor, Tensor]]:
    size = min(trainer.recipe.batch * trainer.task.length // length, 2 * trainer.recipe.batch)
    return trainer.batches(1, size, length), next(trainer.batches(0, _HELD_OUT, length))


def _polish(trainer: Trainer, work: Work, begin: float) -> int:
    """Bring the best networks' errors down with a falling learning rate; returns the steps."""
    recipe, length = trainer.recipe, trainer.task.length
    held_out = next(trainer.batches(0, 4 * _HELD_OUT, length))
    right, largest, _ = trainer.judged(work.rows, held_out)
    work.keep(torch.argsort(largest - 1e3 * right)[: max(2, recipe.kept)])
    if float(right.max()) < recipe.gate:
        return 0
    feed = trainer.batches(2, 2 * recipe.batch, length)
    start = time.process_time()
    most = min(recipe.steps // 2, 3000)
    cap = recipe.seconds - (start - begin)
    for step in range(most):
        done = max(step / most, (time.process_time() - start) / cap)
        if step % _LOOK == 0:
            _, largest, _ = trainer.judged(work.rows, held_out)
            if done >= 1 or float((largest < 0.75 * recipe.margin).sum()) >= recipe.kept:
                return step
        trainer.descend(work, next(feed), 0.3 * 10 ** (-2.5 * min(done, 1)), hard=True)
    return most


def _found(trainer: Trainer, work: Work, steps: int) -> list[Network]:
    batch = next(trainer.batches(0, 8 * _HELD_OUT, trainer.task.length))
    right, largest, mean = trainer.judged(work.rows, batch)
    order = torch.argsort(mean - 1e3 * right)[: trainer.recipe.kept].tolist()
    weights = unpacked(work.rows, trainer.slots)
    return [
        Network(
            folded(trainer.shape, {k: v[i] for k, v in weights.items()}, trainer.scale),
            int(work.places[i]), steps, float(right[i]), float(largest[i]),
        )
        for i in order
    ]  # fmt: skip
