"""Networks wired by hand, so that it is known which values they hold and where."""

from __future__ import annotations

import numpy as np

from distill.align.alignment import align_loop, align_program
from distill.align.report import AlignmentReport
from distill.load import network_from_normal_form
from distill.network import Network
from distill.normal_form import Builder
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle, parse_reading
from distill.target import make_target, resolve_output
from dsl.domain_text import parse_domain
from dsl.loop_text import parse_loop
from dsl.sequences import parse_sequences
from dsl.text import parse_program

THREE = "a: bool * b: bool * c: bool"

XOR_AND = [
    ([[1, 1, 0], [1, 1, 0], [0, 0, 1]], [0, -1, 0]),
    ([[1, -2, 0], [0, 0, 1]], [0, 0]),
    ([[1, 1]], [-1.5]),
]
"""(a xor b) and c: the second hidden layer is (a xor b, c)."""

TWO_XORS = [
    ([[1, 1, 0], [1, 1, 0], [0, 0, 1]], [0, -1, 0]),
    ([[1, -2, 1], [1, -2, 1]], [0, -1]),
    ([[1, -2]], [-0.5]),
]
"""Parity as (a xor b) xor c: a + b and a and b in the first layer, then the same with c."""

COUNTING = [([[1, 1, 1]] * 3, [0, -1, -2]), ([[1, -2, 2]], [-0.5])]
"""Parity by how many are true: s - 2 relu(s - 1) + 2 relu(s - 2)."""

SUM_MAX = [([[1, 1, 0], [0, 0, 1]], [0, 0]), ([[1, -1], [0, 1]], [0, 0]), ([[1, 1]], [0])]
"""max(a + b, c) as relu((a + b) - c) + c, for numbers from 0 up."""

MAX_OF_REST = [([[1, 1, -1], [0, -1, 1], [0, 1, 0]], [0, 1, 0]), ([[1, 1, 1]], [-1])]
"""The same as relu(a - (c - b)) + (c - b) + b, where a + b stands nowhere."""


def layered(layers, activation: str = "relu", turn: np.ndarray | None = None) -> Network:
    """Affine maps with an activation in between; `turn` rotates the last hidden layer's values."""
    builder = Builder(len(layers[0][0][0]))
    wire = 0
    for place, (weights, bias) in enumerate(layers):
        matrix = np.array(weights, dtype=float)
        if place:
            wire = builder.elementwise(activation, wire)
            if turn is not None and place == len(layers) - 1:
                wire = builder.affine([(wire, turn)], np.full(len(turn), 9.0))
                wire = builder.elementwise("relu", wire)
                bias = bias - matrix @ turn.T @ np.full(len(turn), 9.0)
                matrix = matrix @ turn.T
        wire = builder.affine([(wire, matrix)], np.array(bias, dtype=float))
    return network_from_normal_form(builder.build(wire))


def aligned(network: Network, domain: str, outputs: str, body: str, **more) -> AlignmentReport:
    """The report on a program, given by its body, and a network."""
    item = parse_domain(domain)
    parameters = ", ".join(f"{name}: {kind}" for name, kind in item.parameters)
    text = f"def predict({parameters}) -> {outputs} = {body}"
    target = make_target(network, item, resolve_output(network, outputs))
    return align_program(parse_program(text), target, **more)


def aligned_loop(
    network: RecurrentNetwork, domain: str, outputs: str, loop: str, length: int = 8, **more
) -> AlignmentReport:
    """The report on a loop, given by its text, and a network; real outputs count within 0.01."""
    output, at_end = parse_reading(outputs, 0.5)
    oracle = Oracle(network, parse_sequences(domain), output, length, at_end, 0.01)
    return align_loop(parse_loop(loop), oracle, **more)
