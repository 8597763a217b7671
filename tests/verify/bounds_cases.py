"""Random and hand-built normal forms for the tests of bounds, certificates and envelopes."""

import numpy as np

from distill.normal_form import Builder, NormalForm

RANGES = {
    "log": (0.01, 5.0),
    "sqrt": (0.0, 5.0),
    "reciprocal": (0.05, 6.0),
}
ONE = ["relu", "abs", "tanh", "sigmoid", "exp", "log", "sqrt", "square", "reciprocal", "sin"]
ONE += ["cos", "erf", "floor", "round", "sign"]
TWO = ["mul", "max", "min", "greater", "equal"]
TOTAL = ["relu", "abs", "tanh", "sigmoid", "square", "sin", "cos", "erf", "max", "min", "mul"]
KINKED = ["relu", "abs", "max", "min"]


def weights(rng, shape, wide=False):
    if not wide:
        return rng.normal(size=shape) / np.sqrt(shape[-1])
    return rng.normal(size=shape) * 10.0 ** rng.uniform(-11, 4, size=shape)


def random_form(rng, functions=TOTAL, inputs=3, depth=3, wide=False) -> NormalForm:
    """A DAG with skip connections: every affine reads up to three earlier wires."""
    builder = Builder(inputs)
    wires = [0]
    for _ in range(depth):
        name = functions[rng.integers(len(functions))]
        width = int(rng.integers(1, 6))
        sources = [
            random_affine(rng, builder, wires, width, wide) for _ in range(2 if name in TWO else 1)
        ]
        wires.append(builder.elementwise(name, *sources))
    return builder.build(random_affine(rng, builder, wires, 2, wide))


def random_affine(rng, builder, wires, width, wide):
    chosen = rng.choice(len(wires), size=min(len(wires), 3), replace=False)
    terms = [(wires[i], weights(rng, (width, builder.width(wires[i])), wide)) for i in chosen]
    return builder.affine(terms, rng.normal(size=width))


def random_boxes(rng, count, inputs, low=-2.0, high=2.0):
    centre = rng.uniform(low, high, size=(count, inputs))
    radius = 10.0 ** rng.uniform(-9, 0, size=(count, 1)) * rng.uniform(size=(count, inputs))
    return np.clip(centre - radius, low, high), np.clip(centre + radius, low, high)


def max_as_relu(builder: Builder, noise=None) -> int:
    """max(x0, x1) = x1 + relu(x0 - x1) as a ReLU network; `noise` moves the output weights."""
    change = np.zeros((1, 3)) if noise is None else noise
    first = np.array([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]])
    inner = builder.elementwise("relu", builder.affine([(0, first)], np.zeros(3)))
    return builder.affine([(inner, np.array([[1.0, 1.0, -1.0]]) + change)], np.zeros(1))


def max_program(builder: Builder) -> int:
    left = builder.affine([(0, np.array([[1.0, 0.0]]))], np.zeros(1))
    right = builder.affine([(0, np.array([[0.0, 1.0]]))], np.zeros(1))
    return builder.elementwise("max", left, right)


def difference(builder: Builder, first: int, second: int) -> NormalForm:
    one = np.eye(builder.width(first))
    return builder.build(
        builder.affine([(first, one), (second, -one)], np.zeros(builder.width(first)))
    )


def fitted_relu(rng, target, inputs, hidden) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A [inputs, hidden, 1] ReLU network: random first layer, output by least squares."""
    first = np.concatenate([np.kron(np.eye(inputs // 2), [[1, -1], [-1, 1], [1, 1]])] * hidden)
    first = first[:hidden] + 0.02 * rng.normal(size=(hidden, inputs))
    bias = 0.05 * rng.normal(size=hidden)
    x = rng.uniform(-1, 1, size=(4000, inputs))
    features = np.maximum(x @ first.T + bias, 0.0)
    penalty = 0.3 * np.eye(hidden)
    out = np.linalg.solve(features.T @ features + penalty, features.T @ target(x))
    return first, bias, out[None, :]


def abs_difference_form(rng, inputs, hidden) -> NormalForm:
    """Network minus program for sum |x_2i - x_2i+1|."""
    pairs = np.kron(np.eye(inputs // 2), [[1.0, -1.0]])
    first, bias, out = fitted_relu(rng, lambda x: np.abs(x @ pairs.T).sum(1), inputs, hidden)
    builder = Builder(inputs)
    inner = builder.elementwise("relu", builder.affine([(0, first)], bias))
    network = builder.affine([(inner, out)], np.zeros(1))
    kinks = builder.elementwise("abs", builder.affine([(0, pairs)], np.zeros(len(pairs))))
    program = builder.affine([(kinks, np.ones((1, len(pairs))))], np.zeros(1))
    return difference(builder, network, program)


def points_in(rng, low, high, count=60):
    """Draws (count + 2, boxes, n) in every box, its two ends among them."""
    inner = rng.uniform(size=(count, *low.shape)) * (high - low) + low
    return np.clip(np.concatenate([inner, low[None], high[None]]), low, high)
