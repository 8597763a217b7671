"""What rounding does to one operation, worked out from the model of evaluation."""

import numpy as np

from distill.normal_form import Builder

E = float(np.exp(1.0))
SIG = float(1 / (1 + np.exp(-0.5)))
BELL = float(2 / np.sqrt(np.pi))

FACTORS = [
    ("tanh", (0.5, 1.0), 1 - np.tanh(0.5) ** 2, np.tanh(1.0)),
    ("tanh", (-1.0, 2.0), 1.0, np.tanh(2.0)),
    ("tanh", (-1.0, -0.5), 1 - np.tanh(0.5) ** 2, np.tanh(1.0)),
    ("sigmoid", (0.5, 1.0), SIG * (1 - SIG), 1 / (1 + np.exp(-1.0))),
    ("sigmoid", (-1.0, 2.0), 0.25, 1 / (1 + np.exp(-2.0))),
    ("sigmoid", (-1.0, -0.5), SIG * (1 - SIG), 1 - SIG),
    ("erf", (0.5, 1.0), BELL * np.exp(-0.25), 0.8427007929497149),
    ("erf", (-1.0, 2.0), BELL, 0.9953222650189527),
    ("erf", (-1.0, -0.5), BELL * np.exp(-0.25), 0.8427007929497149),
    ("exp", (0.5, 1.0), E, E),
    ("exp", (-2.0, -1.0), 1 / E, 1 / E),
    ("log", (0.5, 2.0), 2.0, np.log(2.0)),
    ("log", (2.0, 4.0), 0.5, np.log(4.0)),
    ("sqrt", (0.25, 4.0), 1.0, 2.0),
    ("square", (-1.0, 2.0), 4.0, 4.0),
    ("square", (-3.0, 2.0), 6.0, 9.0),
    ("reciprocal", (0.25, 2.0), 16.0, 4.0),
    ("reciprocal", (-2.0, -0.25), 16.0, 4.0),
    ("sin", (-1.0, 2.0), 1.0, 1.0),
    ("cos", (-1.0, 2.0), 1.0, 1.0),
]
"""Function, range of its source, largest slope there, largest size of its value."""

KEPT = [
    ("relu", (-1.0, 2.0), 1.0),
    ("relu", (0.5, 2.0), 1.0),
    ("relu", (-2.0, -0.5), 0.0),
    ("abs", (-1.0, 2.0), 1.0),
    ("abs", (-2.0, -1.0), 1.0),
]
"""Exact functions: function, range, how much of the source's error comes through."""

JUMPS = [
    ("floor", (0.25, 0.75), 0.0),
    ("floor", (0.5, 1.5), 1.0),
    ("floor", (1.0, 1.5), 1.0),
    ("floor", (1.5, 2.0 - 1e-9), 1.0),
    ("floor", (0.5, 2.5), 2.0),
    ("floor", (-0.5, 0.5), 1.0),
    ("round", (0.6, 1.4), 0.0),
    ("round", (0.4, 1.4), 1.0),
    ("sign", (0.5, 1.0), 0.0),
    ("sign", (-1.0, 1.0), 2.0),
    ("sign", (-1.0, -0.5), 0.0),
]


def one(name):
    """The function of a third of the input: wires 1 (the third) and 2."""
    builder = Builder(1)
    third = builder.affine([(0, np.array([[1 / 3]]))], np.zeros(1))
    return builder.build(builder.elementwise(name, third))


def two(name):
    """The function of a third and a seventh of the inputs: wires 1, 2 and 3."""
    builder = Builder(2)
    parts = [
        builder.affine([(0, np.array([row]))], np.zeros(1)) for row in ([1 / 3, 0.0], [0.0, 1 / 7])
    ]
    return builder.build(builder.elementwise(name, *parts))


def ends(low, high):
    return np.array([[float(low)]]), np.array([[float(high)]])


PAIRS = [
    ("max", (2.0, 3.0), (0.0, 1.0), 1.0, 0.0),
    ("max", (0.0, 1.0), (2.0, 3.0), 0.0, 1.0),
    ("min", (2.0, 3.0), (0.0, 1.0), 0.0, 1.0),
    ("min", (0.0, 1.0), (2.0, 3.0), 1.0, 0.0),
    ("mul", (-1.0, 2.0), (-5.0, 3.0), 5.0, 2.0),
    ("mul", (-4.0, 2.0), (-1.0, 3.0), 3.0, 4.0),
]
"""Function, both ranges, and what of each source's error comes through."""


def affine(weights, bias):
    builder = Builder(len(weights))
    return builder.build(builder.affine([(0, np.array([weights]))], np.array([float(bias)])))


SUMS = [
    ([0.5, -1.5, 2.25], 0.75, 4, 4.25 * 2 + 0.75),
    ([0.5, 0.0, 2.25], 0.0, 2, 2.75 * 2),
    ([1.0, -1.0, 1.0], 0.0, 2, 6.0),
    ([1.0, 1.0], 0.5, 3, 4.5),
    ([1.0], 0.0, 0, 2.0),
    ([0.5], 0.0, 1, 1.0),
    ([1.0, 0.5], 0.0, 2, 3.0),
    ([1.0, 0.0, -1.0], 0.0, 1, 4.0),
    ([0.5] * 400, 0.0, 400, 400.0),
    ([0.0, 0.0], 0.5, 1, 0.5),
]
"""Weights, bias, roundings of a term, size of the sum over [-2, 1] in every input."""
