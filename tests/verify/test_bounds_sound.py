"""Soundness: no value of a function or network may ever lie outside the bounds claimed for it."""

import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, ONE, RANGES, TWO, random_boxes, random_form

from distill.normal_form import ELEMENTWISE, Builder
from distill.verify.bounds import bound_box
from distill.verify.crown import enclose
from distill.verify.exact import RATIONAL, run_exact
from distill.verify.image import image
from distill.verify.relaxation import relax


def sampled(rng, low, high, count=40):
    share = rng.uniform(size=(count, *low.shape))
    share[0], share[1] = 0.0, 1.0
    return np.clip(low + share * (high - low), low, high)


@pytest.mark.parametrize("name", ONE + TWO)
def test_lines_and_images_enclose_the_function(name):
    rng = np.random.default_rng(1)
    boxes = [random_boxes(rng, 500, 4, *RANGES.get(name, (-4.0, 4.0))) for _ in range(2)]
    sources = boxes[: 2 if name in TWO else 1]
    lines, (low, high) = relax(name, sources), image(name, sources)
    points = [sampled(rng, *source) for source in sources]
    values = ELEMENTWISE[name](*points)
    tolerance = 1e-15 * (1 + np.abs(values))
    assert (values >= low - tolerance).all()
    assert (values <= high + tolerance).all()
    below = sum(s * p for s, p in zip(lines.lower, points, strict=True)) + lines.below
    above = sum(s * p for s, p in zip(lines.upper, points, strict=True)) + lines.above
    size = 1 + np.abs(values) + np.abs(below - lines.below) + np.abs(above - lines.above)
    assert (below <= values + 1e-15 * size).all()
    assert (above >= values - 1e-15 * size).all()


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "erf", "exp", "square", "sin", "relu"])
def test_lines_close_in_as_boxes_shrink(name):
    low = np.array([[0.3]])
    gaps = []
    for width in (0.1, 0.01):
        lines = relax(name, [(low, low + width)])
        middle = low + width / 2
        gap = (lines.upper[0] - lines.lower[0]) * middle + lines.above - lines.below
        gaps.append(float(gap[0, 0]))
    assert gaps[1] <= gaps[0] / 50 or gaps[1] < 1e-12


@pytest.mark.parametrize("function", ["log", "sqrt", "reciprocal"])
def test_partial_functions_have_no_bound_outside_their_domain(function):
    low, high = image(function, [(np.array([[-1.0]]), np.array([[1.0]]))])
    assert low[0, 0] == -np.inf
    assert high[0, 0] == np.inf


@pytest.mark.parametrize("wide", [False, True])
def test_random_graphs_stay_inside_their_bounds(wide):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        form = random_form(
            rng, functions=KINKED if wide else [*KINKED, "tanh", "mul", "sin"], wide=wide
        )
        low, high = random_boxes(rng, 6, 3)
        below, above = bound_box(form, low, high)
        values = form.run(sampled(rng, low, high).reshape(-1, 3)).reshape(-1, 6, 2)
        slack = 1e-12 * (1 + np.abs(values))
        assert (values >= below - slack).all()
        assert (values <= above + slack).all()


def test_bounds_enclose_exact_rational_values():
    """No slack here: rational evaluation against float bounds, weights from 1e-11 to 1e4."""
    for seed in range(25):
        rng = np.random.default_rng(seed)
        form = random_form(rng, functions=KINKED, wide=True)
        low, high = random_boxes(rng, 3, 3)
        below, above = bound_box(form, low, high)
        for row in range(3):
            for point in sampled(rng, low[row], high[row], 4):
                for k, value in enumerate(run_exact(form, point)):
                    assert Fraction(float(below[row, k])) <= value <= Fraction(float(above[row, k]))


def test_a_point_box_is_bounded_to_rounding():
    form = random_form(np.random.default_rng(5))
    point = np.array([[0.1, -0.7, 1.3]])
    below, above = bound_box(form, point, point)
    assert (above - below < 1e-12).all()


def test_every_wire_has_a_sound_range():
    rng = np.random.default_rng(9)
    form = random_form(rng, functions=["relu", "tanh", "max"], depth=4)
    low, high = random_boxes(rng, 5, 3)
    enclosure = enclose(form, low, high)
    wires = form.wires(sampled(rng, low, high).reshape(-1, 3))
    for index, (below, above) in enclosure.ranges.items():
        values = wires[index].reshape(-1, 5, wires[index].shape[1])
        assert (values >= below - 1e-12).all()
        assert (values <= above + 1e-12).all()


def test_whole_numbers_stay_exact():
    builder = Builder(2)
    total = builder.affine([(0, np.array([[1.0, 1.0]]))], np.zeros(1))
    form = builder.build(builder.elementwise("equal", total, builder.constant(np.array([3.0]))))
    point = np.array([[1.0, 2.0], [2.0, 2.0]])
    low, high = bound_box(form, point, point)
    assert low.ravel().tolist() == high.ravel().tolist() == [1.0, 0.0]


@pytest.mark.parametrize("functions", [["relu"], KINKED])
@pytest.mark.parametrize("depth", [0, 2])
def test_rounding_is_accounted_for_at_points(functions, depth):
    """A point box leaves no room: any rounding that is not in the bounds shows up."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        form = random_form(rng, functions=functions, depth=depth, wide=seed % 2 == 0)
        points = rng.uniform(-2, 2, size=(3, 3))
        below, above = bound_box(form, points, points)
        for point, low, high in zip(points, below, above, strict=True):
            for k, value in enumerate(run_exact(form, point)):
                assert Fraction(float(low[k])) <= value <= Fraction(float(high[k]))


@pytest.mark.parametrize("name", ["relu", "abs", "max", "min", "mul"])
def test_lines_hold_in_rationals(name):
    rng = np.random.default_rng(2)
    sources = [random_boxes(rng, 300, 1, -3.0, 3.0) for _ in range(2 if name in TWO else 1)]
    lines = relax(name, sources)
    shares = [[Fraction(k, 4) for k in range(5)]] * len(sources)
    for row in range(300):
        ends = [[Fraction(float(side[row, 0])) for side in source] for source in sources]
        slopes = [[Fraction(float(s[row, 0])) for s in side] for side in (lines.lower, lines.upper)]
        below, above = (Fraction(float(t[row, 0])) for t in (lines.below, lines.above))
        for share in product(*shares):
            x = [low + t * (high - low) for (low, high), t in zip(ends, share, strict=True)]
            value = RATIONAL[name](*x)
            lower, upper = (sum(a * b for a, b in zip(s, x, strict=True)) for s in slopes)
            assert lower + below <= value <= upper + above


def test_powers_enclose_their_values():
    rng = np.random.default_rng(4)
    bases = random_boxes(rng, 400, 1, -3.0, 3.0)
    for exponent in (0.0, 1.0, 2.0, 3.0, 4.0):
        fixed = np.full_like(bases[0], exponent)
        low, high = image("pow", [bases, (fixed, fixed)])
        values = np.power(sampled(rng, *bases), exponent)
        assert (values >= low).all()
        assert (values <= high).all()
        assert np.isfinite(high - low).all()
    positive, exponents = random_boxes(rng, 400, 1, 0.1, 3.0), random_boxes(rng, 400, 1)
    low, high = image("pow", [positive, exponents])
    values = np.power(sampled(rng, *positive), sampled(rng, *exponents))
    assert (values >= low).all()
    assert (values <= high).all()
    half = np.full_like(bases[0], 0.5)
    assert np.isinf(image("pow", [(bases[0] - 5, bases[1]), (half, half)])[1]).all()
