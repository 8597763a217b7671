"""Teach small networks: first with real weights, then with whole ones that get ever fewer bits.

The second phase trains through rounding (straight-through, Bengio et al., 2013) and adds the
weights' code length to the loss, with a price per bit that rises from stage to stage; every
stage leaves a student behind, so that one run gives a whole front of bits against fidelity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.simplify.lesson import Lesson, divergence
from distill.simplify.scales import bias_grid
from distill.simplify.student import Student

Array = NDArray[np.float64]
Layers = list[tuple[Tensor, Tensor]]

_BATCH = 256
_FLOAT_RATE, _FLOAT_LAST = 0.01, 0.0005
_WHOLE_RATE = 0.03
_SHRINK = 1e-5
_UNIT_BITS = 10.0


@dataclass(frozen=True)
class Course:
    """How long to teach: steps with real weights, then `stages` times `steps` with whole ones.

    prices: nats for all the bits at the start of the second phase, in the first and last stage;
    largest: size of the largest whole weights to begin with; feature_bits: what an input costs.
    """

    float_steps: int
    stages: int
    steps: int
    prices: tuple[float, float] = (0.01, 0.4)
    largest: float = 4.0
    feature_bits: float = 0.0

    @property
    def total(self) -> int:
        """Training steps in all."""
        return self.float_steps + self.stages * self.steps


def float_layers(
    lesson: Lesson, hidden: tuple[int, ...], steps: int, seed: int, tick: Callable[[], None]
) -> Layers:
    """Real weights for the lesson, inputs in units of its spread, by Adam on small batches."""
    generator = torch.Generator().manual_seed(seed)
    layers = _start(lesson, hidden, generator)
    parameters = [p for layer in layers for p in layer]
    optimizer = torch.optim.Adam(parameters, lr=_FLOAT_RATE)
    for step in range(steps):
        _set_rates(optimizer, _falling(step / steps, _FLOAT_RATE, _FLOAT_LAST))
        inputs, targets = _batch(lesson, generator)
        loss = divergence(lesson, forward(layers, inputs / lesson.spread), targets)
        loss = loss + _SHRINK * sum(matrix.abs().sum() for matrix, _ in layers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tick()
    return [(matrix.detach() / (1 if place else lesson.spread), bias.detach())
            for place, (matrix, bias) in enumerate(layers)]


def forward(layers: Layers, inputs: Tensor) -> Tensor:
    """ReLU layers on a batch (n, d)."""
    wire = inputs
    for place, (matrix, bias) in enumerate(layers):
        wire = (torch.relu(wire) if place else wire) @ matrix.T + bias
    return wire


def _start(lesson: Lesson, hidden: tuple[int, ...], generator: torch.Generator) -> Layers:
    inputs, outputs = lesson.widths
    used = (lesson.inputs != 0).any(dim=0)
    layers: Layers = []
    for below, above in zip((inputs, *hidden), (*hidden, outputs), strict=True):
        fan_in = below if layers else max(int(used.sum()), 1)
        matrix = torch.randn(above, below, generator=generator) / math.sqrt(fan_in)
        if not layers:
            matrix = matrix * used
        last = len(layers) == len(hidden)
        bias = torch.zeros(above) if last else 0.3 * torch.randn(above, generator=generator)
        layers.append((matrix.requires_grad_(), bias.requires_grad_()))
    return layers


def _batch(lesson: Lesson, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    chosen = torch.randint(len(lesson.inputs), (_BATCH,), generator=generator)
    return lesson.inputs[chosen], lesson.targets[chosen]


def _falling(share: float, first: float, last: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))


def _set_rates(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)


@dataclass(frozen=True, eq=False)
class _Latent:
    """Real weights (m, n) behind whole ones; biases (m,) in units of `size` behind ones on `grid`."""

    matrix: Tensor
    bias: Tensor
    size: float
    grid: float


def whole_students(
    lesson: Lesson,
    layers: Layers,
    scale: Array,
    course: Course,
    seed: int,
    tick: Callable[[], None],
) -> Iterator[Student]:
    """A student of whole numbers after every stage, cheaper from stage to stage."""
    generator = torch.Generator().manual_seed(seed)
    latents, gain = _latents(lesson, layers, course.largest)
    optimizer = _optimizer(latents, gain)
    at_start = float(_rate(latents, course).detach())
    for stage in range(course.stages):
        price = _price(course, stage) / at_start
        for step in range(course.steps):
            _set_rates(optimizer, _falling(step / course.steps, _WHOLE_RATE, 0.1 * _WHOLE_RATE))
            inputs, targets = _batch(lesson, generator)
            outputs = torch.exp(gain) * forward(_rounded(latents, lesson.middle), inputs)
            loss = divergence(lesson, outputs, targets) + price * _rate(latents, course)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            tick()
        yield _student(lesson, latents, gain, scale)


def _price(course: Course, stage: int) -> float:
    first, last = course.prices
    return first * (last / first) ** (stage / max(course.stages - 1, 1))


def _latents(lesson: Lesson, layers: Layers, largest: float) -> tuple[list[_Latent], Tensor]:
    """Rescale rows so that whole numbers resolve them; the outputs' scale is what remains."""
    found: list[_Latent] = []
    wire, incoming = lesson.inputs, torch.ones(layers[0][0].shape[1])
    for place, (matrix, bias) in enumerate(layers):
        rows = (matrix / incoming).abs()
        last = place == len(layers) - 1
        top = torch.quantile(rows, 0.98, dim=1) if not last else torch.quantile(rows, 0.98)
        factor = (largest / top.clamp_min(1e-12)).expand(len(bias))
        if last and lesson.reading.kind == "real":
            factor = torch.exp2(torch.ceil(torch.log2(factor)))
        scaled, offset = matrix / incoming * factor[:, None], bias * factor
        wire = (torch.relu(wire) if place else wire) @ scaled.T
        size = max(float(wire.std()), 1.0)
        found.append(_Latent(_free(scaled), _free(offset / size), size, bias_grid(float(wire.std()))))
        wire, incoming = wire + offset, factor
    gain = -torch.log(incoming[0])
    return found, gain if lesson.reading.kind == "real" else _free(gain)


def _free(values: Tensor) -> Tensor:
    return values.detach().clone().requires_grad_()


def _optimizer(latents: list[_Latent], gain: Tensor) -> torch.optim.Optimizer:
    slow = [latent.bias for latent in latents] + ([gain] if gain.requires_grad else [])
    return torch.optim.Adam(
        [
            {"params": [latent.matrix for latent in latents], "share": 1.0},
            {"params": slow, "share": 0.3},
        ],
        lr=_WHOLE_RATE,
    )


def _through(values: Tensor, rounded: Tensor) -> Tensor:
    return values + (rounded - values).detach()


def _rounded(latents: list[_Latent], middle: Tensor) -> Layers:
    """Whole matrices and gridded biases on centred inputs, gradients passing straight through."""
    layers: Layers = []
    for place, latent in enumerate(latents):
        matrix = torch.round(latent.matrix)
        bias = latent.bias * latent.size
        shift = torch.zeros(len(bias)) if place else (matrix.detach().double() @ middle)
        on_grid = torch.round((bias.double() - shift) / latent.grid) * latent.grid + shift
        layers.append((_through(latent.matrix, matrix), _through(bias, on_grid.float())))
    return layers


def _rate(latents: list[_Latent], course: Course) -> Tensor:
    """A smooth code length of all weights, with what units and features cost by themselves."""
    total = sum(2 * torch.log2(1 + latent.matrix.abs()).sum() for latent in latents)
    assert isinstance(total, Tensor)
    first = latents[0].matrix.abs()
    total = total + course.feature_bits * torch.tanh(2 * first.amax(dim=0)).sum()
    for latent in latents[:-1]:
        total = total + _UNIT_BITS * torch.tanh(2 * latent.matrix.abs().amax(dim=1)).sum()
    return total


def _student(lesson: Lesson, latents: list[_Latent], gain: Tensor, scale: Array) -> Student:
    layers = []
    for place, latent in enumerate(latents):
        matrix = torch.round(latent.matrix.detach()).double()
        bias = (latent.bias.detach() * latent.size).double()
        shift = torch.zeros(len(bias)) if place else matrix @ lesson.middle
        on_grid = torch.round((bias - shift) / latent.grid) * latent.grid
        layers.append((matrix.numpy() + 0.0, on_grid.double().numpy() + 0.0))
    reading = lesson.reading
    unit = float(torch.exp(gain)) * lesson.temperature if reading.kind == "real" else 1.0
    level = reading.level if reading.kind == "bool" else 0.0
    return Student(scale, tuple(layers), unit, level)


def float_run(lesson: Lesson, layers: Layers, scale: Array) -> Callable[[Array], Array]:
    """Real layers as a function of raw inputs (n, d) to outputs read as the network's (n, k)."""
    reading = lesson.reading
    level = reading.level if reading.kind == "bool" else 0.0

    def run(x: Array) -> Array:
        inputs = torch.as_tensor(x * scale - lesson.middle.numpy(), dtype=torch.float32)
        return forward(layers, inputs).double().numpy() * lesson.temperature + level

    return run
