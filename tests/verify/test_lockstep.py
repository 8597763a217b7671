"""Relus in lockstep: the same function, sound bounds, and no proof of what isn't so."""

import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, difference, points_in, random_boxes, random_form

from distill.normal_form import Affine, Builder, NormalForm, append
from distill.verify.bounds import Limit, best_bound, prove_within
from distill.verify.exact import RATIONAL, run_exact
from distill.verify.image import image
from distill.verify.layers import layered
from distill.verify.lockstep import in_lockstep
from distill.verify.relaxation import relax

SQUARE = -np.ones(2), np.ones(2)


def moved(rng, form, size):
    """The same network with every weight moved a little."""
    nodes = [
        Affine(tuple((s, m + size * rng.normal(size=m.shape)) for s, m in n.terms), n.bias)
        if isinstance(n, Affine)
        else n
        for n in form.nodes
    ]
    return NormalForm(tuple(nodes), form.output)


def relu_network(rng, widths):
    builder, wire = Builder(widths[0]), 0
    for inner, outer in pairwise(widths):
        matrix = rng.normal(size=(outer, inner)) / np.sqrt(inner)
        wire = builder.affine([(wire, matrix)], 0.3 * rng.normal(size=outer))
        if outer > 1:
            wire = builder.elementwise("relu", wire)
    return builder.build(wire)


def beside(first, second):
    builder = Builder(first.input_width)
    return difference(builder, append(builder, first, 0), append(builder, second, 0))


def twins(seed, size, widths=(2, 8, 8, 1)):
    rng = np.random.default_rng(seed)
    network = relu_network(rng, widths)
    return beside(network, moved(rng, network, size))


@pytest.mark.parametrize("seed", range(12))
def test_layers_and_pairs_are_the_same_function_without_rounding(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, functions=KINKED, inputs=2, wide=seed % 2 == 0)
    other = twins(seed, 0.01)
    for before, after in (
        (form, layered(form)),
        (other, layered(other)),
        (other, in_lockstep(other, *SQUARE)),
    ):
        assert after is not None
        for point in rng.uniform(-1, 1, size=(3, 2)):
            assert run_exact(before, point) == run_exact(after, point)


def test_curves_have_no_layers():
    form = random_form(np.random.default_rng(0), functions=["tanh"])
    assert layered(form) is None and in_lockstep(form, -np.ones(3), np.ones(3)) is None


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e6])
def test_lines_and_ranges_of_a_change_enclose_it(scale):
    rng = np.random.default_rng(3)
    low, high = random_boxes(rng, 300, 2)
    low[:, 1] *= scale
    high[:, 1] *= scale
    x, d = ((low[:, [i]], high[:, [i]]) for i in range(2))
    lines, (least, most) = relax("relu_change", [x, d]), image("relu_change", [x, d])
    for points in points_in(rng, low, high, 8):
        for row, (a, b) in enumerate(points):
            value = RATIONAL["relu_change"](Fraction(a), Fraction(b))
            sides = [
                sum(Fraction(s[row, 0]) * Fraction(v) for s, v in zip(slopes, (a, b), strict=True))
                for slopes in (lines.lower, lines.upper)
            ]
            assert sides[0] + Fraction(lines.below[row, 0]) <= value
            assert sides[1] + Fraction(lines.above[row, 0]) >= value
            assert least[row, 0] <= value <= most[row, 0]


def test_pairs_are_bounded_far_tighter_than_both_sides_apart():
    form = twins(1, 0.002, (2, 16, 16, 1))
    together = in_lockstep(form, *SQUARE)
    assert together is not None
    apart = best_bound(form, *SQUARE, Limit(64), certify=False)
    close = best_bound(together, *SQUARE, Limit(64), certify=False)
    assert close.found <= close.achieved < 0.3 * apart.achieved


@pytest.mark.parametrize("gap", [1e-1, 1e-6, 1e-12])
def test_planted_differences_are_never_proved(gap):
    for seed in range(8):
        form = twins(seed, 10.0 ** -(seed % 4 + 1))
        together = in_lockstep(form, *SQUARE)
        assert together is not None
        point = np.random.default_rng(seed).uniform(-1, 1, 2)
        worst = abs(run_exact(form, point)[0])
        result = prove_within(together, *SQUARE, float(worst * (1 - Fraction(gap))), Limit(300))
        assert result.status != "proved" and result.achieved >= worst
