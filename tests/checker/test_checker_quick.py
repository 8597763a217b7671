"""Float ranges of the checker hold in rationals; what they can't decide is decided exactly."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from bounds_cases import KINKED, ONE, TOTAL, TWO, points_in, random_boxes, random_form

from distill.checker.curves import curve_gap
from distill.checker.proof import shown, simple_question
from distill.checker.quick import quick_ranges, small
from distill.checker.smooth import NoBound, range_of
from distill.normal_form import Builder
from distill.verify.exact import run_exact

SMOOTH = ["tanh", "sigmoid", "erf", "exp", "log", "sqrt", "reciprocal", "sin", "cos"]


@pytest.mark.parametrize("seed", range(10))
def test_float_ranges_hold_exactly_even_with_weights_of_very_different_sizes(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, [*KINKED, "mul", "square"], depth=4, wide=seed % 2 == 0)
    low, high = random_boxes(rng, 4, 3)
    ranges = quick_ranges(form, low, high)
    assert small(ranges).all()
    below, above = ranges[form.output]
    for points in points_in(rng, low, high, 8):
        for point, least, most in zip(points, below, above, strict=True):
            values = run_exact(form, point)
            assert all(Fraction(a) <= v for a, v in zip(least, values, strict=True))
            assert all(v <= Fraction(b) for v, b in zip(values, most, strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_float_ranges_of_all_wires_hold_what_is_computed(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, TOTAL, depth=4)
    low, high = random_boxes(rng, 4, 3)
    ranges = quick_ranges(form, low, high)
    for points in points_in(rng, low, high, 60):
        for index, values in enumerate(form.wires(points)):
            if index in ranges:
                slack = 1e-11 * (1 + np.abs(values))
                assert (ranges[index][0] - slack <= values).all()
                assert (values <= ranges[index][1] + slack).all()


@pytest.mark.parametrize("name", [n for n in [*ONE, *TWO] if n != "equal"])
def test_every_function_is_bounded_or_refused(name):
    rng = np.random.default_rng(len(name))
    builder = Builder(2)
    parts = [builder.affine([(0, row[None])], np.array([2.5])) for row in np.eye(2)]
    found = builder.elementwise(name, *parts[: 2 if name in TWO else 1])
    form = builder.build(builder.affine([(found, np.eye(1)), (parts[0], np.eye(1))], np.zeros(1)))
    low, high = random_boxes(rng, 30, 2, -1.5, 1.5)
    below, above = (end[:, 0] for end in quick_ranges(form, low, high)[form.output])
    values = np.stack([form.run(points)[:, 0] for points in points_in(rng, low, high, 40)])
    assert (below - 1e-10 <= values).all()
    assert (values <= above + 1e-10).all()


@pytest.mark.parametrize("name", SMOOTH)
def test_curves_are_bounded_as_the_scalar_method_does(name):
    rng = np.random.default_rng(5)
    low, high = np.sort(rng.uniform(0.01, 6, size=(2, 80)), axis=0)
    if name in ("tanh", "sigmoid", "erf", "sin", "cos"):
        low, high = low - 3, high - 3
    slope = rng.normal(size=80)
    below, above = curve_gap(name, low, high, slope)
    for i in range(80):
        least, most = range_of(name, Fraction(low[i]), Fraction(high[i]), float(slope[i]))
        size = 1e-12 * (1 + abs(float(least)) + abs(float(most)))
        assert abs(below[i] - float(least)) <= size
        assert abs(above[i] - float(most)) <= size


def test_curves_have_no_range_where_they_are_not_defined():
    one = np.ones(1)
    for name in ("log", "reciprocal", "sqrt"):
        assert np.isinf(curve_gap(name, -one, one, 0 * one)).all()
    assert np.isinf(curve_gap("exp", one, 1e4 * one, 0 * one)).all()
    with pytest.raises(NoBound):
        curve_gap("sin", -1e9 * one, 1e9 * one, 0 * one)


def test_what_floats_cannot_tell_is_decided_exactly():
    form = Builder(1).build(0)
    ends = np.array([[-1.0]]), np.array([[0.1]])
    assert shown(simple_question(form, 0.1), *ends).all()
    assert not shown(simple_question(form, np.nextafter(0.1, 0)), *ends).any()


def test_numbers_beyond_all_floats_are_not_shown():
    builder = Builder(1)
    wire = builder.affine([(0, np.array([[1e200]]))], np.zeros(1))
    wire = builder.affine([(wire, np.array([[1e200]]))], np.zeros(1))
    form = builder.build(builder.affine([(wire, np.array([[-1.0]]))], np.zeros(1)))
    assert not shown(simple_question(form, 1e300), -np.ones((2, 1)), np.ones((2, 1))).any()
