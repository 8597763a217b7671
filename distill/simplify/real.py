"""Teach small networks with real weights, by Adam on small batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from distill.simplify.course import batch, falling
from distill.simplify.layers import Adam, Layers, backward, flat, forward, paired, views
from distill.simplify.lesson import Lesson, read_softly

Array = NDArray[np.float64]
_RATE, _LAST_RATE = 0.01, 0.0005
_SHRINK = 1e-5


def real_layers(
    lesson: Lesson, hidden: tuple[int, ...], steps: int, seed: int, tick: Callable[[], None]
) -> Layers:
    """Layers with `hidden` ReLU units taught for `steps`, on the lesson's inputs."""
    rng = np.random.default_rng(seed)
    start = [part for layer in _start(lesson, hidden, rng) for part in layer]
    values = flat(start)
    parts = views(values, start)
    layers = paired(parts)
    optimizer = Adam(np.ones_like(values))
    pull = flat([np.full_like(p, _SHRINK * (p.ndim > 1)) for p in parts])
    for step in range(steps):
        inputs, targets = batch(lesson, rng)
        wires = forward(layers, inputs / np.float32(lesson.spread))
        slope = (read_softly(lesson.reading, wires[-1]) - targets) / np.float32(len(inputs))
        gradients = [part for layer in backward(layers, wires, slope) for part in layer]
        rate = falling(step / steps, _RATE, _LAST_RATE)
        optimizer.step(values, flat(gradients) + pull * np.sign(values), rate)
        tick()
    first = (layers[0][0] / np.float32(lesson.spread), layers[0][1])
    return [first, *layers[1:]]


def _start(lesson: Lesson, hidden: tuple[int, ...], rng: np.random.Generator) -> Layers:
    inputs, outputs = lesson.widths
    used = (lesson.inputs != 0).any(axis=0)
    layers: Layers = []
    for below, above in zip((inputs, *hidden), (*hidden, outputs), strict=True):
        fan_in = below if layers else max(int(used.sum()), 1)
        matrix = rng.normal(size=(above, below)) / np.sqrt(fan_in) * (1.0 if layers else used)
        spread = 0.0 if len(layers) == len(hidden) else 0.3
        bias = spread * rng.normal(size=above)
        layers.append((matrix.astype(np.float32), bias.astype(np.float32)))
    return layers


def real_run(lesson: Lesson, layers: Layers, scale: Array) -> Callable[[Array], Array]:
    """Real layers as a function of raw inputs (n, d) to outputs read as the network's (n, k)."""
    level = lesson.reading.level if lesson.reading.kind == "bool" else 0.0

    def run(x: Array) -> Array:
        inputs = (x * scale - lesson.middle).astype(np.float32)
        return forward(layers, inputs)[-1].astype(np.float64) * lesson.temperature + level

    return run
