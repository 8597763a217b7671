"""Literal loops: the cell unrolled over a sequence, as one normal form with its rounding bounded.

A literal loop is its network's own arithmetic, so only rounding separates the two: the
network's in float32 and the loop's in float64. Both are bounded for all sequences of items
within bounds, item by item.
"""

from __future__ import annotations

import time

import numpy as np

from distill.evidence import Claim
from distill.normal_form import Array, Builder, NormalForm, append
from distill.normal_form_moves import without_moves
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle
from distill.verify.envelope import FLOAT64, SPARE, float_error
from distill.verify.relational import input_box
from distill.verify.square import exemption

_LEFT_OUT_AT_MOST = 0.1
_DRAWS = 4_096
_TIMES = 3.0
"""A margin is twice the rounding, and half as much more for a checker that bounds it otherwise."""
_LEAST = 2.0**-100
"""No margin is less: how often underflow may add its tiny terms, a checker counts otherwise."""


def unrolled(network: RecurrentNetwork, length: int) -> NormalForm:
    """From all items (length * d,) to all outputs (length * k,)."""
    form, hidden, width = network.cell.normal_form(), network.hidden, network.input_width
    builder = Builder(length * width)
    state = builder.constant(network.initial)
    both, wide = np.eye(hidden + width), np.eye(length * width)
    halves = np.eye(hidden + network.output_width)
    outputs: list[int] = []
    for step in range(length):
        item = both[:, hidden:] @ wide[step * width : (step + 1) * width]
        joined = builder.affine([(state, both[:, :hidden]), (0, item)], np.zeros(hidden + width))
        result = append(builder, form, joined)
        state = builder.affine([(result, halves[:hidden])], np.zeros(hidden))
        outputs.append(builder.affine([(result, halves[hidden:])], np.zeros(network.output_width)))
    places = np.eye(length * network.output_width).reshape(length, network.output_width, -1)
    terms = [(wire, place.T) for wire, place in zip(outputs, places, strict=True)]
    last = builder.affine(terms, np.zeros(length * network.output_width))
    return without_moves(builder.build(last))


def unrolled_claim(oracle: Oracle, seed: int = 0) -> Claim | None:
    """The claim about the literal loop of an oracle's network, up to the longest useful length.

    Outputs are equal wherever the network's decision is clearer than the rounding of both sides;
    the length ends where that leaves out a tenth of the sequences. None where that is at once.
    """
    begin = time.perf_counter()
    box = input_box(oracle.domain.item)
    if box is None:
        return None
    margins = _TIMES * np.maximum.accumulate(_errors(oracle, *box)) + _LEAST
    shares = _left_out(oracle, margins, seed)
    useful = np.isfinite(margins) & (shares <= _LEFT_OUT_AT_MOST)
    length = int(np.logical_and.accumulate(useful).sum())
    if not length:
        return None
    margin = float(margins[length - 1])
    return Claim(
        "proved_to_length",
        "relational",
        "the program is the network's own arithmetic; up to length "
        f"{length} only rounding separates them, by less than {margin / 2:.2g}",
        achieved=0.0,
        exempt=exemption(margin),
        margin=margin,
        left_out=float(shares[length - 1]),
        arithmetic="network in float32, program in float64, in any order of summation",
        count=length,
        seconds=time.perf_counter() - begin,
        length_bound=length,
    )


def _errors(oracle: Oracle, low: Array, high: Array) -> Array:
    """Bounds (T,) of the rounding of both sides in the outputs after each item."""
    form = unrolled(oracle.network, oracle.length)
    ends = np.tile(low, oracle.length)[None], np.tile(high, oracle.length)[None]
    error = float_error(form, *ends) + float_error(form, *ends, FLOAT64)
    return error.reshape(oracle.length, -1).max(1) * SPARE


def _left_out(oracle: Oracle, margins: Array, seed: int) -> Array:
    """For each length T the share of drawn sequences with a decision within `margins[T - 1]`."""
    rng = np.random.default_rng([seed, 22])
    raw = oracle.raw(oracle.domain.sample(rng, _DRAWS, oracle.length))
    shown = np.where(oracle.counts(oracle.length), oracle.margins(raw), np.inf)
    closest = np.minimum.accumulate(shown, axis=1)
    return (closest <= margins).mean(0)
