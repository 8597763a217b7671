"""Affine maps rounded to whole numbers so that their outputs move as little as they can.

Weights are rounded one after the other, and those that are still open make up for what each
rounding changed, as in GPTQ (Frantar et al., 2023), which is Babai's nearest plane algorithm in
the metric of the layer's inputs. Layers are rounded in order, each on the inputs that the
rounded layers below give it and towards the outputs of the original, so errors don't add up.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from distill.normal_form import ELEMENTWISE, Affine, Array, Builder, Elementwise, NormalForm

_RIDGE = 1e-4
"""Pull towards the weights as they are, as a share of the mean squared input."""

_WIDEST = 512
_MOSTLY_ZERO = 0.5


def compensated(
    form: NormalForm, x: Array, shares: Array, digits: Sequence[int], wanted: list[Array]
) -> NormalForm:
    """`form` with weights of at most about `digits[k]` binary digits in its k-th affine map.

    x: inputs (n, width) whose wires, `wanted`, are to be kept; shares: weight of each input (n,).
    Every map becomes one of whole numbers and a power of two. Maps that are very wide or mostly
    zeros (a convolution's) are rounded weight by weight, so that zeros stay zeros.
    """
    builder = Builder(form.input_width)
    left = iter(digits)
    places, ours = [0], [x]
    for node, goal in zip(form.nodes[1:], wanted[1:], strict=True):
        if isinstance(node, Elementwise):
            places.append(builder.elementwise(node.function, *(places[s] for s in node.sources)))
            ours.append(ELEMENTWISE[node.function](*(ours[s] for s in node.sources)))
            continue
        assert isinstance(node, Affine)
        found, step = _rounded_map(node, ours, goal, shares, next(left))
        terms = [(places[s], m) for s, m in found.terms]
        whole = builder.affine(terms, found.bias)
        unit = step * np.eye(len(found.bias))
        places.append(whole if step == 1 else builder.affine([(whole, unit)], 0 * found.bias))
        values = sum((ours[s] @ m.T for s, m in found.terms), start=np.zeros_like(goal))
        ours.append(step * (values + found.bias))
    return builder.build(places[form.output])


def _rounded_map(
    node: Affine, ours: list[Array], goal: Array, shares: Array, digits: int
) -> tuple[Affine, float]:
    """The map in whole numbers, and the power of two that they are multiples of."""
    largest = max((float(np.abs(m).max(initial=0.0)) for _, m in node.terms), default=0.0)
    if largest == 0.0:
        return node, 1.0
    step = float(2.0 ** (np.floor(np.log2(largest)) + 1 - digits))
    weights = np.concatenate([m for _, m in node.terms] + [node.bias[:, None]], axis=1) / step
    inputs = np.concatenate([ours[s] for s, _ in node.terms] + [np.ones((len(goal), 1))], axis=1)
    if _worth_it(weights, inputs):
        weights = nearest_whole(weights, inputs, goal / step, shares)
    whole = np.rint(weights) + 0.0
    ends = list(itertools.accumulate(m.shape[1] for _, m in node.terms))
    parts = np.split(whole, ends, axis=1)
    terms = tuple((s, part) for (s, _), part in zip(node.terms, parts, strict=False))
    return Affine(terms, parts[-1][:, 0]), step


def _worth_it(weights: Array, inputs: Array) -> bool:
    dense = np.mean(weights == 0) < _MOSTLY_ZERO
    return bool(dense and weights.shape[1] <= _WIDEST and np.isfinite(inputs).all())


def nearest_whole(weights: Array, inputs: Array, goal: Array, shares: Array) -> Array:
    """Whole weights (m, d) near `weights` with `inputs @ result.T` near `goal` (n, m).

    inputs: (n, d); shares: how much each row counts, (n,).
    """
    scaled = inputs * shares[:, None]
    metric = scaled.T @ inputs
    ridge = _RIDGE * np.trace(metric) / len(metric) * np.eye(len(metric))
    metric = metric + ridge
    best = np.linalg.solve(metric, scaled.T @ goal + ridge @ weights.T).T
    order = np.argsort(-np.diag(metric), kind="stable")
    factor = np.linalg.cholesky(np.linalg.inv(metric[np.ix_(order, order)])).T
    open_ones, found = best[:, order], np.empty_like(best)
    for place, column in enumerate(order):
        found[:, column] = np.rint(open_ones[:, place])
        gap = (open_ones[:, place] - found[:, column]) / factor[place, place]
        open_ones[:, place + 1 :] -= np.outer(gap, factor[place, place + 1 :])
    return found
