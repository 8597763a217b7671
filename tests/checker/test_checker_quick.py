"""Float ranges of the checker hold in rationals; what they can't decide is decided exactly."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, ONE, TOTAL, TWO, points_in, random_boxes, random_form
from reference import Plain

from distill.checker.curves import curve_gap
from distill.checker.proof import shown, simple_question
from distill.checker.quick import TOO_LARGE, boxes_at_once, quick_ranges, small
from distill.checker.slopes import float_slopes
from distill.checker.smooth import NoBound, range_of
from distill.normal_form import Builder
from distill.verify.exact import run_exact

pytestmark = pytest.mark.filterwarnings("error")
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


def chosen_slopes(form, ranges, row):
    """Per unit of an elementwise node the slopes that are taken there, lower and upper."""

    def slopes(index, name):
        ends = [ranges[source] for source in form.nodes[index].sources]
        return [
            list(zip(*(s[row] for s in side), strict=True)) for side in float_slopes(name, ends)
        ]

    return slopes


@pytest.mark.parametrize("seed", range(10))
def test_float_ranges_are_those_of_the_plain_method_but_for_rounding(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, [*KINKED, "mul", "square"], inputs=2, depth=2 + seed % 2, wide=seed > 7)
    if seed in (3, 4):
        form = type(form)(form.nodes[:-1], len(form.nodes) - 2)
    low, high = random_boxes(rng, 2, 2)
    found = quick_ranges(form, low, high)
    for row in range(2):
        plain = Plain(form, low[row], high[row], chosen_slopes(form, found, row))
        assert sorted(found) == sorted(plain.ranges)
        size = 1 + max(max(abs(a), abs(b)) for ends in plain.ranges.values() for a, b in ends)
        room = Fraction(size) / 10**11
        for index, (below, above) in found.items():
            for (a, b), x, y in zip(plain.ranges[index], below[row], above[row], strict=True):
                assert a - room <= Fraction(float(x)) <= a
                assert b <= Fraction(float(y)) <= b + room


@pytest.mark.parametrize("count", [1, 5, 40])
def test_a_sum_has_the_margin_of_any_order_of_summation(count):
    rng = np.random.default_rng(count)
    weights, point = rng.normal(size=(2, count))
    builder = Builder(count)
    form = builder.build(builder.affine([(0, weights[None])], np.array([0.3])))
    low, high = (end[0, 0] for end in quick_ranges(form, point[None], point[None])[1])
    terms = [Fraction(w) * Fraction(x) for w, x in zip(weights, point, strict=True)]
    value, size = Fraction(0.3) + sum(terms), Fraction(0.3) + sum(map(abs, terms))
    unit = (count + 1) * Fraction(1, 2**53)
    for margin in (value - Fraction(low), Fraction(high) - value):
        assert unit / (1 - unit) * size <= margin <= 900 * (count + 9) * Fraction(1, 2**53) * size


def test_following_back_has_the_margin_of_its_sums():
    """Two layers that cancel: all that is left is the margin of both products of matrices."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(20, 2)), rng.normal(size=(1, 20))
    builder = Builder(2)
    inner = builder.elementwise("relu", builder.affine([(0, first)], np.full(20, 9.0)))
    form = builder.build(builder.affine([(inner, second)], np.array([0.3])))
    point = rng.uniform(-1, 1, size=(1, 2))
    low, high = (end[0, 0] for end in quick_ranges(form, point, point)[form.output])
    value = run_exact(form, point[0])[0]
    reach = 9 + np.abs(first) @ np.abs(point[0])
    size = Fraction(float(np.abs(second[0]) @ reach))
    unit = 20 * Fraction(1, 2**53)
    for margin in (value - Fraction(low), Fraction(high) - value):
        assert unit * size <= margin <= 1500 * unit * size


def test_kinks_and_products_have_the_margin_of_their_own_rounding():
    rng = np.random.default_rng(1)
    for name in ("relu", "abs", "max", "min", "mul", "square"):
        builder = Builder(2)
        parts = [builder.affine([(0, row[None])], np.zeros(1)) for row in np.eye(2)]
        form = builder.build(builder.elementwise(name, *parts[: 2 if name in TWO else 1]))
        point = rng.uniform(0.5, 2, size=(1, 2))
        low, high = (end[0, 0] for end in quick_ranges(form, point, point)[form.output])
        value = run_exact(form, point[0])[0]
        for margin in (value - Fraction(low), Fraction(high) - value):
            assert (
                Fraction(1, 2**53) * abs(value)
                <= margin
                <= Fraction(5000, 2**53) * (1 + abs(value))
            )


def test_steps_and_comparisons_are_those_of_the_ends():
    builder = Builder(2)
    parts = [builder.affine([(0, row[None])], np.zeros(1)) for row in np.eye(2)]
    for name, expected in (("floor", (-2, 2)), ("round", (-2, 3)), ("sign", (-1, 1))):
        form = builder.build(builder.elementwise(name, parts[0]))
        low, high = quick_ranges(form, np.array([[-1.6, 0]]), np.array([[2.6, 1]]))[form.output]
        assert (low[0, 0], high[0, 0]) == expected
    greater = builder.build(builder.elementwise("greater", *parts))
    for x, y, expected in (
        ((0.0, 1.0), (1.5, 2.0), (0, 0)),
        ((0.0, 1.5), (1.0, 2.0), (0, 1)),
        ((2.5, 3.0), (1.0, 2.0), (1, 1)),
    ):  # fmt: skip
        ends = np.array([[x[0], y[0]]]), np.array([[x[1], y[1]]])
        low, high = quick_ranges(greater, *ends)[greater.output]
        assert (low[0, 0], high[0, 0]) == expected
    same = builder.build(builder.elementwise("greater", 0, 0))
    low, high = quick_ranges(same, np.ones((1, 2)), np.ones((1, 2)))[same.output]
    assert low.tolist() == high.tolist() == [[0.0, 0.0]]
    for name in ("equal", "pow"):
        form = builder.build(builder.elementwise(name, *parts))
        with pytest.raises(NoBound, match=name):
            quick_ranges(form, np.ones((1, 2)), 2 * np.ones((1, 2)))


def test_boxes_with_a_number_too_large_are_told_apart():
    one = np.ones((3, 2))
    high = np.array([[1.0, 2.0], [1e100, 1.0], [np.inf, 0.0]])
    assert small({0: (-one, one), 3: (-one, high)}).tolist() == [True, False, False]
    assert small({0: (-one, one), 3: (-high, one)}).tolist() == [True, False, False]
    assert small({0: (np.full((1, 1), np.nan), np.ones((1, 1)))}).tolist() == [False]
    assert TOO_LARGE == 1e100


def test_as_many_boxes_at_once_as_fit():
    for width, count in ((1, 1024), (45, 1024), (46, 991), (1000, 2), (3000, 1)):
        assert boxes_at_once(Builder(width).build(0)) == count
    builder = Builder(1)
    assert (
        boxes_at_once(builder.build(builder.affine([(0, np.ones((90, 1)))], np.zeros(90)))) == 258
    )


def test_a_constant_is_known_but_for_its_margin():
    builder = Builder(1)
    form = builder.build(builder.constant(np.array([0.5, -2.0])))
    low, high = quick_ranges(form, np.zeros((3, 1)), np.ones((3, 1)))[1]
    assert low.shape == high.shape == (3, 2)
    assert (low < [0.5, -2.0]).all() and (low > [0.5 - 1e-12, -2.0 - 1e-12]).all()
    assert (high > [0.5, -2.0]).all() and (high < [0.5 + 1e-12, -2.0 + 1e-12]).all()


@pytest.mark.parametrize("bend", [None, "abs"])
def test_sums_of_sums_are_followed_back_to_the_input(bend):
    """2 x0, by way of x0 + x1 and x0 - x1."""
    builder = Builder(2)
    both = builder.affine([(0, np.array([[1.0, 1.0], [1.0, -1.0]]))], np.zeros(2))
    wire = builder.affine([(both, np.array([[1.0, 1.0]]))], np.zeros(1))
    form = builder.build(builder.elementwise(bend, wire) if bend else wire)
    low, high = quick_ranges(form, -np.ones((1, 2)), np.ones((1, 2)))[form.output]
    assert (low[0, 0], high[0, 0]) == pytest.approx((0 if bend else -2, 2), abs=1e-11)


@pytest.mark.parametrize("name", ["sum", "mul", "square", "chain"])
def test_products_that_underflow_are_within_the_ranges(name):
    """1e-200 * 1e-200 is no float, but it isn't 0 either."""
    builder = Builder(2)
    parts = [builder.affine([(0, row[None])], np.zeros(1)) for row in np.eye(2)]
    if name == "sum":
        form = builder.build(builder.affine([(0, np.array([[1e-200, 0.0]]))], np.zeros(1)))
    elif name == "chain":
        bent = builder.elementwise(
            "relu", builder.affine([(0, np.array([[1e-200, 0]]))], np.zeros(1))
        )
        form = builder.build(builder.affine([(bent, np.array([[1e-100]]))], np.zeros(1)))
    else:
        form = builder.build(builder.elementwise(name, *parts[: 2 if name == "mul" else 1]))
    for sign in (1.0, -1.0):
        point = np.array([[1e-200, sign * 1e-200]])
        if sign < 0 and name == "sum":
            point = -point
        value = run_exact(form, point[0])[0]
        low, high = (end[0, 0] for end in quick_ranges(form, point, point)[form.output])
        assert Fraction(low) <= value <= Fraction(high)
        assert low < 0 < high
        assert high - low <= 1e-190
