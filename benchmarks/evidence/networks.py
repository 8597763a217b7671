"""Random small networks of the campaign, and narrow bumps to add to one side of a square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.evidence.exact import Term
from benchmarks.evidence.programs import constant, scaled, total
from distill.normal_form import Array, Builder

KINKED = ("relu", "relu", "abs", "max")
SMOOTH = ("tanh", "sigmoid")
STYLES = ("plain", "grid", "wild")


def weights(rng: np.random.Generator, shape: tuple[int, ...], style: str) -> Array:
    """Float32 numbers: of usual size, multiples of 1/4, whole, or of sizes from 1e-11 to 1e4."""
    if style == "whole":
        return rng.integers(-3, 4, size=shape).astype(float)
    if style == "grid":
        return rng.integers(-8, 9, size=shape) / 4.0
    found = rng.normal(size=shape) / np.sqrt(shape[-1])
    if style == "wild":
        found = np.sign(found) * 10.0 ** rng.uniform(-11, 4, size=shape)
    return found.astype(np.float32).astype(float)


def base(
    builder: Builder, outputs: int, rng: np.random.Generator, style: str, functions: tuple[str, ...]
) -> int:
    """One or two hidden layers of a few units and an affine output; returns its wire."""
    wire = 0
    for _ in range(int(rng.integers(1, 3))):
        name, units = functions[int(rng.integers(len(functions)))], int(rng.integers(1, 5))
        parts = [_affine(builder, wire, units, rng, style) for _ in range(1 + (name == "max"))]
        wire = builder.elementwise(name, *parts)
    return _affine(builder, wire, outputs, rng, style)


def _affine(builder: Builder, wire: int, rows: int, rng: np.random.Generator, style: str) -> int:
    matrix = weights(rng, (rows, builder.width(wire)), style)
    return builder.affine([(wire, matrix)], weights(rng, (rows, 1), style)[:, 0])


@dataclass(frozen=True, eq=False)
class Bump:
    """max(0, 1 - sum_i steepness_i |direction_i (x - centre)|): 1 at the centre, 0 away from it.

    directions (k, n), steepness (k,), centre (n,) and their products are exact float32 numbers.
    """

    directions: Array
    steepness: Array
    centre: Array

    def wire(self, builder: Builder, encoding: tuple[Array, Array], as_relu: bool) -> int:
        """The bump as a wire of width 1 of a network that sees scale * x + shift."""
        scale, shift = encoding
        matrix, bias = self.directions / scale, -self.directions @ (self.centre + shift / scale)
        if as_relu:
            matrix, bias = np.vstack([matrix, -matrix]), np.concatenate([bias, -bias])
        inner = builder.elementwise(
            "relu" if as_relu else "abs", builder.affine([(0, matrix)], bias)
        )
        slopes = np.tile(self.steepness, 2) if as_relu else self.steepness
        return builder.elementwise("relu", builder.affine([(inner, -slopes[None])], np.ones(1)))

    def term(self, inputs: list[Term]) -> Term:
        """The bump in a program."""
        parts: list[Term] = [constant(1.0)]
        for row, steep in zip(self.directions, self.steepness, strict=True):
            moved = [scaled(float(w), x) for w, x in zip(row, inputs, strict=True) if w]
            moved.append(constant(-float(row @ self.centre)))
            parts.append(scaled(-float(steep), ("abs", total(moved))))
        return ("relu", total(parts))


def cone(rng: np.random.Generator, low: Array, high: Array, radius: float) -> Bump:
    """A bump at a place of the grid of 1/256 with axes of its own."""
    count = len(low)
    centre = np.round(rng.uniform(low, high) * 256) / 256
    directions = np.eye(count)
    if rng.random() < 0.5:
        directions = directions + rng.integers(-3, 4, size=(count, count)) / 8.0
    return Bump(
        directions, np.full(count, float(np.float32(1 / radius))), np.clip(centre, low, high)
    )


def point(centre: Array) -> Bump:
    """A bump that is 1 at one point of whole numbers and 0 at all others."""
    return Bump(np.eye(len(centre)), np.ones(len(centre)), centre.astype(float))
