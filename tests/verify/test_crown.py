"""Ranges of all wires, beside the same method in fractions, and rounding by its derivation."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "checker"))
from bounds_cases import KINKED, random_boxes, random_form
from reference import Plain

from distill.normal_form import Builder
from distill.verify.crown import enclose, lower_bounds, needed, sources
from distill.verify.relaxation import Lines

pytestmark = pytest.mark.filterwarnings("error")
UNIT = Fraction(1, 2**53)


def row_lines(lines, row):
    return [list(zip(*(s[row] for s in side), strict=True)) for side in (lines.lower, lines.upper)]


@pytest.mark.parametrize("seed", range(8))
def test_all_ranges_are_those_of_the_plain_method_but_for_rounding(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, [*KINKED, "mul"], inputs=2, depth=2 + seed % 2, wide=seed > 5)
    if seed == 3:
        form = type(form)(form.nodes[:-1], len(form.nodes) - 2)
    low, high = random_boxes(rng, 2, 2)
    found = enclose(form, low, high)
    room = Fraction(1, 10**12)
    for row in range(2):
        plain = Plain(form, low[row], high[row],
                      lambda i, _, r=row: row_lines(found.lines[i], r), False)  # fmt: skip
        assert sorted(found.ranges) == sorted(plain.ranges)
        for index, (below, above) in found.ranges.items():
            size = 1 + max(max(abs(a), abs(b)) for ends in plain.ranges.values() for a, b in ends)
            for (a, b), x, y in zip(plain.ranges[index], below[row], above[row], strict=True):
                assert a - room * size <= Fraction(float(x)) <= a
                assert b <= Fraction(float(y)) <= b + room * size
        width = found.low.shape[1]
        plain.tighten(form.output)
        for k, (a, b) in enumerate(plain.ranges[form.output]):
            assert a - room * size <= Fraction(float(found.low[row, k])) <= a
            assert b <= Fraction(float(found.high[row, k])) <= b + room * size
        assert found.below.shape[1] == 2 * width


@pytest.mark.parametrize("seed", range(4))
def test_slopes_are_the_linear_part_of_the_bound(seed):
    """The bound is what the slopes give at the worst corner, so it moves with the box."""
    rng = np.random.default_rng(seed)
    form = random_form(rng, KINKED, inputs=2, depth=2)
    low, high = random_boxes(rng, 3, 2)
    found = enclose(form, low, high)
    assert found.slopes.shape == (3, 4, 2)
    for row in range(3):
        plain = Plain(form, low[row], high[row],
                      lambda i, _, r=row: row_lines(found.lines[i], r), False)  # fmt: skip
        for k in range(4):
            weights = [Fraction((k % 2 == j) * (1 if k < 2 else -1)) for j in range(2)]
            before = plain.least(form.output, weights)
            for axis in range(2):
                ends = plain.ranges[0][axis]
                slope = Fraction(float(found.slopes[row, k, axis]))
                plain.ranges[0][axis] = (ends[0] + 1, ends[1] + 1)
                moved = plain.least(form.output, weights) - before
                plain.ranges[0][axis] = ends
                assert abs(moved - slope) <= Fraction(1, 10**11)


def test_other_lines_give_other_bounds():
    rng = np.random.default_rng(4)
    form = random_form(rng, ["relu"], inputs=2, depth=3)
    low, high = random_boxes(rng, 2, 2)
    found = enclose(form, low, high)
    again = lower_bounds(form, found.ranges, found.lines)
    assert (again <= found.below).all()
    flat = {}
    for index, lines in found.lines.items():
        zero = np.zeros_like(lines.below)
        ends = found.ranges[index]
        flat[index] = Lines((zero,), (zero,), ends[0], ends[1])
    other = lower_bounds(form, found.ranges, flat)
    for row in range(2):
        plain = Plain(form, low[row], high[row],
                      lambda i, _, r=row: row_lines(found.lines[i], r), False)  # fmt: skip
        for index, lines in flat.items():
            ends = zip(lines.below[row], lines.above[row], strict=True)
            plain.lines[index] = [
                ((0,), (0,), Fraction(float(a)), Fraction(float(b))) for a, b in ends
            ]
        for k in range(4):
            weights = [Fraction((k % 2 == j) * (1 if k < 2 else -1)) for j in range(2)]
            value = plain.least(form.output, weights)
            assert value - Fraction(1, 10**11) <= Fraction(float(other[row, k])) <= value


def test_what_is_needed_and_read():
    builder = Builder(1)
    first = builder.affine([(0, np.eye(1))], np.ones(1))
    builder.elementwise("relu", first)
    kink = builder.elementwise("abs", first)
    form = builder.build(builder.affine([(kink, np.eye(1)), (0, np.eye(1))], np.zeros(1)))
    assert needed(form) == [0, 1, 3, 4]
    assert [sources(form, i) for i in (0, 1, 3, 4)] == [(), (0,), (1,), (3, 0)]
    constant = Builder(1)
    assert needed(constant.build(constant.constant(np.zeros(2)))) == [0, 1]


def affine(weights, bias):
    builder = Builder(len(weights))
    return builder.build(builder.affine([(0, np.array([weights]))], np.array([float(bias)])))


def exact_value(weights, bias, point):
    return Fraction(bias) + sum(
        Fraction(w) * Fraction(x) for w, x in zip(weights, point, strict=True)
    )


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_a_sum_has_the_margin_of_any_order_of_summation(count):
    """At a point, both ends of an affine wire are off by gamma(n) sum |w x|, and not by 9 times."""
    rng = np.random.default_rng(count)
    weights, point = rng.normal(size=(2, count)).tolist()
    bias = float(rng.normal())
    found = enclose(affine(weights, bias), np.array([point]), np.array([point]))
    terms = count + 1
    gamma = terms * UNIT / (1 - terms * UNIT)
    total = abs(Fraction(bias)) + sum(abs(Fraction(w) * Fraction(x))
                                      for w, x in zip(weights, point, strict=True))  # fmt: skip
    value = exact_value(weights, bias, point)
    for low, high in (found.ranges[1], (found.low, found.high)):
        below, above = value - Fraction(float(low[0, 0])), Fraction(float(high[0, 0])) - value
        for margin in (below, above):
            assert gamma * total / 4 <= margin <= 12 * gamma * total + 8 * UNIT


def test_the_larger_end_of_a_range_sets_the_margin():
    for low, high in ((-700.3, 0.1), (-0.1, 700.3)):
        found = enclose(affine([0.3], 0.0), np.array([[low]]), np.array([[high]]))
        ends = found.ranges[1][0][0, 0], found.ranges[1][1][0, 0]
        total = Fraction(0.3) * Fraction(700.3)
        assert Fraction(0.3) * Fraction(low) - Fraction(float(ends[0])) >= 2 * UNIT * total
        assert Fraction(float(ends[1])) - Fraction(0.3) * Fraction(high) >= 2 * UNIT * total


def test_all_wires_of_a_sum_count():
    """Forty wires of one number make a sum of forty products."""
    builder, point = Builder(1), np.array([[0.7]])
    wires = [builder.elementwise("relu", 0) for _ in range(40)]
    weights = np.random.default_rng(0).normal(size=40)
    terms = [(w, np.array([[v]])) for w, v in zip(wires, weights, strict=True)]
    form = builder.build(builder.affine(terms, np.array([0.1])))
    low, high = enclose(form, point, point).ranges[form.output]
    value = Fraction(0.1) + sum(Fraction(float(v)) * Fraction(0.7) for v in weights)
    total = Fraction(0.1) + sum(abs(Fraction(float(v))) * Fraction(0.7) for v in weights)
    for margin in (value - Fraction(float(low[0, 0])), Fraction(float(high[0, 0])) - value):
        assert 41 * UNIT * total <= margin <= 500 * UNIT * total


def test_products_that_underflow_are_within_the_bounds():
    found = enclose(affine([1e-200], 0.0), np.array([[1e-200]]), np.array([[1e-200]]))
    value = Fraction(1e-200) ** 2
    for low, high in (found.ranges[1], (found.low, found.high)):
        assert 0 <= Fraction(float(low[0, 0])) <= value <= Fraction(float(high[0, 0])) < 1e-290
    back = enclose(affine([1e-200], 0.0), np.array([[-1e-200]]), np.array([[-1e-200]]))
    assert Fraction(float(back.ranges[1][0][0, 0])) <= -value <= Fraction(float(back.high[0, 0]))


def test_coefficients_that_underflow_are_within_the_bounds():
    """1e-200 * 1e-200 is no float, but 1e300 times it is a number."""
    for kind in ("relu", "affine"):
        builder = Builder(1)
        wire = builder.affine([(0, np.array([[1e-200]]))], np.zeros(1))
        wire = builder.elementwise("relu", wire) if kind == "relu" else wire
        form = builder.build(builder.affine([(wire, np.array([[1e-200]]))], np.zeros(1)))
        point = np.array([[1e300]])
        found = enclose(form, point, point)
        below = lower_bounds(form, found.ranges, found.lines)
        value = Fraction(1e-200) ** 2 * Fraction(1e300)
        assert Fraction(float(below[0, 0])) <= value
        assert Fraction(float(below[0, 1])) <= -value
        assert below[0, 1] >= -10


def test_rows_and_boxes_of_grid_numbers_stay_exact_beside_others():
    builder = Builder(1)
    form = builder.build(builder.affine([(0, np.array([[2.0], [0.1]]))], np.array([1.0, 0.0])))
    points = np.array([[3.0], [0.7]])
    low, high = enclose(form, points, points).ranges[1]
    assert low[0, 0] == high[0, 0] == 7.0
    assert low[0, 1] < high[0, 1]
    assert low[1, 0] < high[1, 0]
    for ends in ((1.0, 1.1), (-1.1, -1.0)):
        box = np.array([[ends[0]]]), np.array([[ends[1]]])
        low, high = enclose(affine([3.0], 0.0), *box).ranges[1]
        assert Fraction(float(low[0, 0])) <= 3 * Fraction(ends[0])
        assert Fraction(float(high[0, 0])) >= 3 * Fraction(ends[1])
        rough = 0 if ends[0] < -1 else 1
        assert [low, high][rough][0, 0] != 3 * ends[rough]


def test_every_sum_of_constants_is_rounded():
    """A dozen layers whose constants are added to one of a million: each sum loses its digits."""
    builder, layers = Builder(1), 12
    wire = 0
    for _ in range(layers):
        wire = builder.elementwise("relu", builder.affine([(wire, np.eye(1))], np.array([0.1])))
    form = builder.build(builder.affine([(wire, np.eye(1))], np.array([1e6])))
    point = np.array([[0.7]])
    found = enclose(form, point, point)
    below = lower_bounds(form, found.ranges, found.lines)
    value = 10**6 + layers * Fraction(0.1) + Fraction(0.7)
    for k, sign in enumerate((1, -1)):
        margin = sign * value - Fraction(float(below[0, k]))
        assert 2 * layers * UNIT * 10**6 <= margin <= 20 * layers * UNIT * 10**6


def test_every_sum_of_coefficients_is_rounded():
    """Two dozen ways from the input to the output: their coefficients are added one by one."""
    builder, ways = Builder(1), 24
    wires = [builder.affine([(0, np.array([[0.1]]))], np.zeros(1)) for _ in range(ways)]
    form = builder.build(builder.affine([(w, np.eye(1)) for w in wires], np.zeros(1)))
    point = np.array([[0.7]])
    found = enclose(form, point, point)
    below = lower_bounds(form, found.ranges, found.lines)
    value = ways * Fraction(0.1) * Fraction(0.7)
    adds = sum(Fraction(k, ways) for k in range(2, ways + 1))
    for k, sign in enumerate((1, -1)):
        margin = sign * value - Fraction(float(below[0, k]))
        assert (adds + 14) * UNIT * value <= margin <= 100 * UNIT * value


def test_sums_of_grid_numbers_are_not_rounded():
    for weights, bias, point in (
        ([1.0, -2.5, 3 / 1024], 0.5, [3.0, 1 / 1024, 7.0]), ([2.0], -1.0, [0.5]),
        ([1.0, 1.0], 0.0, [2.0**31 - 1, 2.0**30]),
    ):  # fmt: skip
        found = enclose(affine(weights, bias), np.array([point]), np.array([point]))
        value = exact_value(weights, bias, point)
        low, high = found.ranges[1]
        assert Fraction(float(low[0, 0])) == value == Fraction(float(high[0, 0]))
        assert found.low[0, 0] == low[0, 0]
        assert found.high[0, 0] == high[0, 0]


@pytest.mark.parametrize(
    ("weights", "bias", "point"),
    [
        ([0.1], 0.0, [3.0]), ([3.0], 0.0, [0.1]), ([1.0], 0.1, [3.0]),
        ([2.0**20, 1.0], 0.0, [2.0**12, 1.0]), ([1.0], 2.0**32, [1.0]), ([1.0], 1.0, [2.0**32]),
    ],
)  # fmt: skip
def test_sums_of_other_numbers_are(weights, bias, point):
    found = enclose(affine(weights, bias), np.array([point]), np.array([point]))
    low, high = found.ranges[1]
    value = exact_value(weights, bias, point)
    assert Fraction(float(low[0, 0])) < value < Fraction(float(high[0, 0]))


def test_sums_of_which_no_term_is_negative_are_never_below_zero():
    for weights, bias, low, high in (
        ([0.1, 0.7], 0.0, [0.0, 0.0], [1.0, 1.0]),
        ([0.1, -0.7], 0.0, [0.0, -0.3], [1.0, 0.0]),
        ([-0.1], 0.0, [-3.0], [0.0]),
        ([0.1, 0.0], 0.0, [0.0, -1.0], [1.0, 1.0]),
    ):
        found = enclose(affine(weights, bias), np.array([low]), np.array([high]))
        assert found.ranges[1][0][0, 0] == 0.0
    for weights, bias, low, high in (
        ([0.1, 0.7], -0.0001, [0.0, 0.0], [1.0, 1.0]),
        ([0.1, -0.7], 0.0, [0.0, 0.0], [1.0, 0.1]),
        ([0.1, 0.7], 0.0, [0.0, -0.1], [1.0, 1.0]),
    ):
        found = enclose(affine(weights, bias), np.array([low]), np.array([high]))
        assert found.ranges[1][0][0, 0] < 0.0
    free = enclose(affine([0.3, 0.7], 0.1), np.array([[0.0, 0.0]]), np.ones((1, 2)))
    assert 0.0 <= free.ranges[1][0][0, 0] <= 0.1


def chain(rng, width):
    """Decided relus between two matrices: the lines are exact, all margin is rounding."""
    first, second = rng.normal(size=(width, 2)), rng.normal(size=(1, width))
    builder = Builder(2)
    inner = builder.elementwise("relu", builder.affine([(0, first)], np.full(width, 9.0)))
    form = builder.build(builder.affine([(inner, second)], np.array([0.3])))
    return form, first, second


@pytest.mark.parametrize("width", [1, 3, 20])
def test_following_back_has_the_margin_of_its_sums(width):
    """gamma of each product of matrices, times the largest value of the wires it stands for."""
    rng = np.random.default_rng(width)
    form, first, second = chain(rng, width)
    point = rng.uniform(-1, 1, size=(1, 2))
    found = enclose(form, point, point)
    below = lower_bounds(form, found.ranges, found.lines)
    x = [Fraction(float(v)) for v in point[0]]
    inner = [Fraction(9) + sum(Fraction(float(w)) * v for w, v in zip(row, x, strict=True))
             for row in first]  # fmt: skip
    value = Fraction(0.3) + sum(
        Fraction(float(w)) * v for w, v in zip(second[0], inner, strict=True)
    )
    reach = [Fraction(9) + sum(abs(Fraction(float(w)) * v) for w, v in zip(row, x, strict=True))
             for row in first]  # fmt: skip
    size = sum(abs(Fraction(float(w))) * r for w, r in zip(second[0], reach, strict=True))
    gamma = width * UNIT / (1 - width * UNIT)
    for k, sign in enumerate((1, -1)):
        margin = sign * value - Fraction(float(below[0, k]))
        assert gamma * size <= margin <= 40 * (gamma + 4 * UNIT) * (size + 1)


def test_unknown_values_are_no_bounds():
    builder = Builder(1)
    wire = builder.elementwise("log", 0)
    form = builder.build(builder.affine([(wire, np.array([[1.0], [-1.0]]))], np.zeros(2)))
    found = enclose(form, np.array([[-1.0], [1.0]]), np.array([[1.0], [2.0]]))
    assert (found.low[0] == -np.inf).all()
    assert (found.high[0] == np.inf).all()
    assert np.isfinite(found.low[1]).all() and np.isfinite(found.high[1]).all()
    assert not np.isnan(found.below).any()


def test_a_constant_output_is_known():
    builder = Builder(2)
    form = builder.build(builder.constant(np.array([0.5, -2.0])))
    found = enclose(form, np.zeros((3, 2)), np.ones((3, 2)))
    assert found.low.tolist() == found.high.tolist() == [[0.5, -2.0]] * 3
    assert found.slopes.shape == (3, 4, 2)
    assert not found.slopes.any()


@pytest.mark.parametrize("bend", [None, "abs"])
def test_sums_of_sums_are_followed_back_to_the_input(bend):
    """2 x0, by way of x0 + x1 and x0 - x1."""
    builder = Builder(2)
    both = builder.affine([(0, np.array([[1.0, 1.0], [1.0, -1.0]]))], np.zeros(2))
    wire = builder.affine([(both, np.array([[1.0, 1.0]]))], np.zeros(1))
    form = builder.build(builder.elementwise(bend, wire) if bend else wire)
    found = enclose(form, -np.ones((1, 2)), np.ones((1, 2)))
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx((0 if bend else -2, 2), abs=1e-11)
    if bend:
        low, high = found.ranges[wire]
        assert (low[0, 0], high[0, 0]) == pytest.approx((-2, 2), abs=1e-11)


def test_a_box_without_bounds_leaves_those_of_others():
    """log is unbounded below at 0."""
    builder = Builder(2)
    bent = builder.elementwise("log", 0)
    rows = np.array([[0.5, 0.25], [-0.5, -0.25]])
    form = builder.build(builder.affine([(bent, rows)], np.zeros(2)))
    low, high = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[1.0, 1.0], [2.0, 2.0]])
    found = enclose(form, low, high)
    assert found.below[0, [0, 3]].tolist() == [-np.inf, -np.inf]
    below = lower_bounds(form, found.ranges, found.lines)
    assert not np.isnan(below).any()
    assert below[1, [0, 3]] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert below[1, [1, 2]] == pytest.approx([-0.75 * np.log(2)] * 2, rel=0.1)


def test_constants_and_products_of_lines_have_their_margins():
    """A relu on [-1e6, 1e6] is below x / 2 + 5e5: roundings in units of 5e5, one by one.

    The sum at the output: 5 of 1e6; the line's constant: 5, and 1 of the new constant; the product
    with its slope: 1; the corner: 6, and 1 of the constant, which is 1e6 by then; and two units in
    the last place of the result, 2 each of 1e6, with the float after it.
    """
    builder = Builder(1)
    form = builder.build(builder.affine([(builder.elementwise("relu", 0), np.eye(1))], np.zeros(1)))
    box = np.array([[-1e6]]), np.array([[1e6]])
    found = enclose(form, *box)
    below = lower_bounds(form, found.ranges, found.lines)
    margin = Fraction(float(-below[0, 1])) - 10**6
    unit = 5 * 10**5 * UNIT
    assert 36.4 <= float(margin / unit) <= 39


def test_slopes_that_underflow_are_within_the_bounds():
    """1e-200 of a product with 1e-200: its slope is no float, but 1e300 times it is a number."""
    builder = Builder(1)
    product = builder.elementwise("mul", 0, builder.constant(np.array([1e-200])))
    form = builder.build(builder.affine([(product, np.array([[1e-200]]))], np.zeros(1)))
    point = np.array([[1e300]])
    found = enclose(form, point, point)
    below = lower_bounds(form, found.ranges, found.lines)
    value = Fraction(1e300) * Fraction(1e-200) ** 2
    assert Fraction(float(below[0, 0])) <= value
    assert Fraction(float(below[0, 1])) <= -value
    assert below[0, 1] >= -20


def test_bounds_of_unbounded_wires_say_nothing_aloud():
    builder = Builder(1)
    wire = builder.elementwise("log", builder.elementwise("exp", 0))
    form = builder.build(builder.affine([(wire, np.array([[0.0], [1.0]]))], np.zeros(2)))
    found = enclose(form, np.array([[-1.0]]), np.array([[1e4]]))
    assert not np.isnan(lower_bounds(form, found.ranges, found.lines)).any()
    assert not np.isnan(found.below).any()
