"""What each operation adds to the checker's bound of rounding, from the model of evaluation."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from float_cases import FACTORS, JUMPS, KEPT, PAIRS, SUMS, affine, ends, one, two

from distill.checker.exact import exact
from distill.checker.float_error import errors_within, float_errors, passed, total
from distill.normal_form import Affine, Builder, Elementwise, NormalForm

pytestmark = pytest.mark.filterwarnings("error")
UNITS = {True: 2.0**-24, False: 2.0**-53}


def of(form, ranges, single=True, inexact=2):
    """Error of the last wire, all of them the network's, or the program's."""
    found = errors_within(form, ranges, len(form.nodes) if single else 0, inexact)
    assert sorted(found) == sorted(ranges)
    assert found[max(ranges)].shape == (1, 1)
    return float(found[max(ranges)][0, 0])


def near(found, expected, tiny=1e-30):
    assert expected <= found <= expected * (1 + 2e-5) + tiny, (found, expected)


@pytest.mark.parametrize(("weights", "bias", "count", "size"), SUMS)
def test_a_sum_is_off_by_its_roundings(weights, bias, count, size):
    form = affine(weights, bias)
    box = np.full((1, len(weights)), -2.0), np.full((1, len(weights)), 1.0)
    ranges = {0: box, 1: ends(-20.0, 20.0)}
    loss = count * UNITS[True]
    near(of(form, ranges), loss / (1 - loss) * size)
    count += bias == 0 and set(weights) <= {1.0, -1.0, 0.0}
    for inexact in (0, 2):
        loss = (count + inexact) * UNITS[False]
        near(of(form, ranges, False, inexact), loss / (1 - loss) * size)
    assert errors_within(form, ranges, 0)[1] == errors_within(form, ranges, 0, 2)[1]


def test_network_and_program_meet_at_the_start():
    form = one("abs")
    ranges = {0: ends(-3.0, 6.0), 1: ends(-1.0, 2.0), 2: ends(0.0, 2.0)}
    single, double = errors_within(form, ranges, 2)[1], errors_within(form, ranges, 1)[1]
    assert single > 1e6 * double
    assert errors_within(form, ranges, 1)[0].tolist() == [[0.0]]


def test_ranges_may_be_exact():
    form = affine([0.5, 0.25], 0.0)
    box = np.full((1, 2), -2.0), np.full((1, 2), 1.0)
    plain = {0: box, 1: ends(-1.5, 0.75)}
    held = {i: (exact(low), exact(high)) for i, (low, high) in plain.items()}
    for start in (0, 2):
        assert float_errors(form, held, start)[1] == errors_within(form, plain, start)[1]
        assert float_errors(form, held, start, 5)[1] == errors_within(form, plain, start, 5)[1]
        assert float_errors(form, held, start)[1] == float_errors(form, held, start, 2)[1]


def test_weights_lose_digits_when_they_are_stored():
    form, ranges = affine([0.1], 0.3), {0: ends(-2.0, 1.0), 1: ends(-1.0, 1.0)}
    stored = [abs(v - float(np.float32(v))) for v in (0.1, 0.3)]
    loss = 2 * UNITS[True] / (1 - 2 * UNITS[True])
    near(of(form, ranges), 2 * stored[0] + stored[1] + loss * (2 * 0.1 + 0.3))
    near(of(form, ranges, False, 0), 2 * UNITS[False] * (2 * 0.1 + 0.3))


def test_errors_of_sources_are_carried_by_the_weights():
    builder = Builder(1)
    first = builder.affine([(0, np.array([[1 / 3], [0.5]]))], np.zeros(2))
    form = builder.build(builder.affine([(first, np.array([[-2.0, 4.0]]))], np.zeros(1)))
    middle = (np.full((1, 2), -1.0), np.full((1, 2), 1.5))
    gamma = UNITS[True] / (1 - UNITS[True])
    errors = [3 * abs(1 / 3 - float(np.float32(1 / 3))) + gamma, 1.5 * gamma]
    size = 2 * (1.5 + errors[0]) + 4 * (1.5 + errors[1])
    expected = 2 * errors[0] + 4 * errors[1] + 2 * UNITS[True] / (1 - 2 * UNITS[True]) * size
    near(of(form, {0: ends(-3.0, 1.0), 1: middle, 2: ends(-9.0, 9.0)}), expected)


def test_underflow_counts_where_it_matters():
    form = affine([2.0**-100, 0.5], 2.0**-120)
    box = np.zeros((1, 2)), np.array([[2.0**-30, 2.0**-126]])
    assert 3 * 2.0**-126 <= of(form, {0: box, 1: ends(0.0, 0.0)}) <= 2.0**-126 * 10
    assert of(form, {0: box, 1: ends(0.0, 0.0)}, False) < 1e-45


def test_weights_and_inputs_may_be_flushed_to_zero():
    """Numbers below the smallest normal one: what they are multiplied with decides what is lost."""
    small, box = 2.0**-130, (np.zeros((1, 2)), np.array([[2.0**20, 1.0]]))
    lost = of(affine([small, 0.0], 0.0), {0: box, 1: ends(0.0, 1e6)})
    assert lost >= 2.0**-110
    box = np.zeros((1, 2)), np.array([[small, 2.0**-126]])
    assert of(affine([2.0**20, 1.0], 0.0), {0: box, 1: ends(0.0, 1.0)}) >= 2.0**-110
    box = ends(0.0, 1e-200)
    assert of(affine([1e-200], 0.0), {0: box, 1: ends(0.0, 0.0)}, False) >= 3 * 2.0**-1022
    alone = NormalForm((affine([1.0], 0.0).nodes[0], Elementwise("square", (0,))), 1)
    assert of(alone, {0: ends(0.0, 1e-30), 1: ends(0.0, 1e-60)}) >= 2.0**-126


def test_what_is_always_zero_adds_no_rounding():
    """A start of 0 and what places are filled up with: 0 + 1 x is x, in any order."""
    builder = Builder(2)
    start = builder.elementwise("relu", builder.constant(np.zeros(1)))
    padded = builder.affine([(0, np.array([[1.0, 0.0], [0.0, 0.0]]))], np.zeros(2))
    row = [(start, np.array([[1.0]])), (padded, np.array([[1.0, 0.5]]))]
    form = builder.build(builder.affine(row, np.zeros(1)))
    wide, eps = (np.full((1, 2), -3.0), np.full((1, 2), 3.0)), ends(-1e-200, 1e-200)
    ranges = {0: wide, 1: eps, 2: eps, 3: wide, form.output: ends(-3.0, 3.0)}
    assert 0.0 < of(form, ranges) < 1e-30
    found = errors_within(form, ranges, len(form.nodes))
    assert not found[1].any() and not found[2].any()
    assert found[3][0, 0] > 0.0 == found[3][0, 1]
    near(of(form, ranges, False, 2), (3 + 3) * UNITS[False] * 3)  # two sums of one term


@pytest.mark.parametrize("function", ["exp", "cos", "sigmoid", "abs"])
def test_what_may_be_anything_else_rounds(function):
    builder = Builder(1)
    bent = builder.elementwise(function, builder.constant(np.zeros(1)))
    row = [(bent, np.array([[1.0]])), (0, np.array([[1.0]]))]
    form = builder.build(builder.affine(row, np.zeros(1)))
    ranges = {0: ends(-3.0, 3.0), 1: ends(0.0, 0.0), 2: ends(0.0, 1.0), 3: ends(-3.0, 4.0)}
    assert of(form, ranges) >= 3 * UNITS[True]
    biased = affine([0.0], 0.1)
    assert of(biased, {0: ends(-1.0, 1.0), 1: ends(0.1, 0.1)}) > 1e-10


def test_functions_of_functions_take_their_ranges_from_both():
    builder = Builder(1)
    wave = builder.elementwise("sin", builder.affine([(0, np.array([[1 / 3]]))], np.zeros(1)))
    form = builder.build(builder.elementwise("exp", wave))
    ranges = {0: ends(-3.0, 3.0), 1: ends(-1.0, 1.0), 2: ends(-0.9, 0.9), 3: ends(0.4, 2.5)}
    found = errors_within(form, ranges, 4)
    expected = np.exp(0.9) * found[2] + 8 * 2.0**-24 * 2.5
    assert expected <= found[3] <= expected * (1 + 1e-5)
    builder = Builder(1)
    grown = builder.elementwise("exp", builder.affine([(0, np.array([[1 / 3]]))], np.zeros(1)))
    form = builder.build(builder.elementwise("log", grown))
    ranges |= {2: ends(0.25, 2.5), 3: ends(-1.5, 1.0)}
    found = errors_within(form, ranges, 4)
    expected = 4 * found[2] + 8 * 2.0**-24 * 1.5
    assert expected * (1 - 1e-9) <= found[3] <= expected * (1 + 1e-4)


def test_a_comparison_that_only_just_touches_may_flip():
    """Ends that are equal once errors are added: the network may see two equal numbers."""
    form = two("greater")
    found = errors_within(form, pair((0.0, 1.0), (0.0, 1.0)), 4)
    first, second = found[1][0, 0], found[2][0, 0]
    low = 1.0 + first + second
    for x in low + np.arange(-40, 41) * 2.0**-52:
        for box in (((x, 2.0), (0.0, 1.0)), ((0.0, 1.0), (x, 2.0))):
            ranges = pair((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))
            ranges |= {1: ends(*box[0]), 2: ends(*box[1])}
            apart = x - (first if box[0][0] == x else second)
            meets = 1.0 + (second if box[0][0] == x else first)
            assert bool(errors_within(form, ranges, 4)[3][0, 0] == 0) == (apart > meets)


def test_roundings_that_a_term_passes():
    for weights, bias, count, _ in SUMS:
        node = affine(weights, bias).nodes[1]
        assert isinstance(node, Affine)
        assert passed(node).tolist() == [count]
        plain = bias == 0 and set(weights) <= {1.0, -1.0, 0.0}
        assert passed(node, False).tolist() == [count + plain]
    both = Affine(((0, np.array([[1.0], [0.5]])), (1, np.array([[1.0], [1.0]]))), np.zeros(2))
    assert passed(both).tolist() == [1, 2]
    assert passed(Affine(((0, np.zeros((1, 2))),), np.zeros(1))).tolist() == [0]


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize(("name", "box", "slope", "size"), FACTORS)
def test_a_function_multiplies_by_its_slope_and_adds_its_own(name, box, slope, size, single):
    form = one(name)
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box), 2: ends(-size, size)}
    start = 3 if single else 0
    found = errors_within(form, ranges, start)
    error = float(found[1][0, 0])
    assert error > 0
    expected = slope * error + 8 * UNITS[single] * size
    assert expected * (1 - 1e-6) <= found[2][0, 0] <= expected * (1 + 3e-5) + 3e-14 * error
    alone = NormalForm((form.nodes[0], Elementwise(name, (0,))), 1)
    own = 8 * UNITS[single] * size
    assert own * (1 - 1e-6) <= of(alone, {0: ranges[1], 1: ranges[2]}, single) <= own * (1 + 3e-5)


@pytest.mark.parametrize(("name", "box", "share"), KEPT)
def test_exact_functions_pass_errors_on(name, box, share):
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box), 2: ends(0.0, 2.0)}
    found = errors_within(one(name), ranges, 3)
    error = found[1][0, 0]
    assert share * error <= found[2][0, 0] <= share * error * (1 + 1e-5)


def test_a_relu_that_may_only_just_be_on_errs_by_what_it_can_be():
    ranges = {0: ends(-6.0, -1e-7), 1: ends(-2.0, -3e-8), 2: ends(0.0, 0.0)}
    found = errors_within(one("relu"), ranges, 3)
    error = found[1][0, 0]
    top = error - 3e-8
    assert 0 < top < 0.9 * error
    assert top <= found[2][0, 0] <= top * (1 + 1e-5)


@pytest.mark.parametrize(("name", "box", "jump"), JUMPS)
def test_steps_may_jump(name, box, jump):
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box), 2: ends(-2.0, 2.0)}
    found = of(one(name), ranges)
    assert jump <= found <= jump * (1 + 1e-5)


def test_steps_of_what_is_known_do_not_jump():
    for name in ("floor", "round", "sign"):
        form = NormalForm((affine([1.0], 0.0).nodes[0], Elementwise(name, (0,))), 1)
        assert of(form, {0: ends(-3.0, 3.0), 1: ends(-3.0, 3.0)}) == 0.0
    form = two("greater")
    alone = NormalForm((form.nodes[0], Elementwise("greater", (0, 0))), 1)
    assert of(alone, {0: ends(-3.0, 3.0), 1: ends(0.0, 1.0)}) == 0.0


def pair(first, second, result=(-20.0, 20.0)):
    low, high = ([3 * first[k], 7 * second[k]] for k in (0, 1))
    return {0: (np.array([low]), np.array([high])), 1: ends(*first), 2: ends(*second),
            3: ends(*result)}  # fmt: skip


@pytest.mark.parametrize(("name", "first", "second", "one_", "other"), PAIRS)
def test_functions_of_two(name, first, second, one_, other):
    found = errors_within(two(name), pair(first, second), 4)
    expected = one_ * found[1] + other * found[2]
    if name == "mul":
        expected = expected + 8 * 2.0**-24 * 20.0
    assert expected * (1 - 1e-9) <= found[3] <= expected * (1 + 1e-5)


def test_a_maximum_that_is_not_decided_takes_the_larger_error():
    for name in ("max", "min"):
        for first, second in (((0.0, 2.0), (1.0, 90.0)), ((1.0, 90.0), (0.0, 2.0))):
            found = errors_within(two(name), pair(first, second), 4)
            expected = max(found[1], found[2])
            assert expected <= found[3] <= expected * (1 + 1e-5)


@pytest.mark.parametrize(
    ("name", "first", "second", "jump"),
    [("greater", (2.0, 3.0), (0.0, 1.0), 0.0), ("greater", (0.0, 1.0), (2.0, 3.0), 0.0),
     ("greater", (0.0, 1.0), (0.5, 3.0), 1.0), ("equal", (0.0, 1.0), (2.0, 3.0), 0.0),
     ("greater", (0.5, 3.0), (0.0, 1.0), 1.0), ("greater", (1.0, 3.0), (0.0, 1.0), 1.0),
     ("greater", (0.0, 1.0), (1.0, 3.0), 1.0), ("equal", (0.0, 1.0), (0.5, 3.0), 1.0)],
)  # fmt: skip
def test_comparisons_may_flip(name, first, second, jump):
    found = of(two(name), pair(first, second, (0.0, 1.0)))
    assert jump <= found <= jump * (1 + 1e-5)


@pytest.mark.parametrize(
    ("name", "box"),
    [("log", (-1.0, 1.0)), ("log", (0.0, 1.0)), ("sqrt", (-1.0, 1.0)), ("pow", (0.5, 1.0)),
     ("reciprocal", (-1.0, 1.0)), ("reciprocal", (0.0, 1.0)), ("exp", (80.0, 90.0))],
)  # fmt: skip
def test_what_may_be_undefined_has_no_bound(name, box):
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box), 2: ends(0.0, np.exp(max(box[1], 1)))}
    assert of(one(name), ranges) == np.inf


def test_overflow_has_no_bound():
    form = affine([1.0], 0.0)
    assert of(form, {0: ends(0.0, 1e38), 1: ends(0.0, 1e38)}) < np.inf
    assert of(form, {0: ends(0.0, 3.5e38), 1: ends(0.0, 3.5e38)}) == np.inf
    assert of(form, {0: ends(-3.5e38, 0), 1: ends(-3.5e38, 0)}) == np.inf
    assert of(form, {0: ends(0.0, 3.5e38), 1: ends(0.0, 3.5e38)}, False) < np.inf
    assert of(form, {0: ends(0.0, 1.75e308), 1: ends(0.0, 1.75e308)}, False) == np.inf
    edge = 3.4e38 * (1 - 1e-9)
    both = np.zeros((1, 2)), np.full((1, 2), edge)
    assert of(affine([0.5, 0.5], 0.0), {0: both, 1: ends(0.0, edge)}) == np.inf
    far = one("floor")
    assert of(far, {0: ends(0.0, 3.3e38), 1: ends(0.0, 1.1e38), 2: ends(0.0, 1.1e38)}) < np.inf


@pytest.mark.parametrize("inner", ["relu", "abs", "square"])
def test_roots_of_what_is_never_negative_have_a_bound_at_zero(inner):
    both = np.zeros((1, 2)), np.full((1, 2), 1 / 3)
    box = -np.ones((1, 2)), np.ones((1, 2))

    def found(weights, bias):
        builder = Builder(2)
        parts = builder.elementwise(inner, builder.affine([(0, np.eye(2) / 3)], np.zeros(2)))
        sums = builder.affine([(parts, np.array([weights]))], np.array([bias]))
        form = builder.build(builder.elementwise("sqrt", sums))
        ranges = {0: box, 1: (-both[1], both[1]), 2: both, 3: ends(0.0, 1.0), 4: ends(0.0, 1.0)}
        errors = errors_within(form, ranges, 5)
        return errors[3][0, 0], errors[4][0, 0]

    at, error = found([1.0, 0.3], 0.0)
    assert np.sqrt(at) <= error <= np.sqrt(at) * 1.01 + 1e-6
    assert found([1.0, 0.3], 0.1)[1] < np.inf
    assert found([1.0, 0.0], 0.0)[1] < np.inf
    assert found([1.0, -0.3], 0.0)[1] == np.inf
    assert found([1.0, 0.3], -0.1)[1] == np.inf


def test_roots_of_sums_of_roots_have_a_bound_at_zero():
    builder = Builder(1)
    square = builder.elementwise("square", builder.affine([(0, np.eye(1) / 3)], np.zeros(1)))
    root = builder.elementwise("sqrt", square)
    form = builder.build(
        builder.elementwise("sqrt", builder.affine([(root, np.eye(1))], np.zeros(1)))
    )
    ranges = {0: ends(-1.0, 1.0), 1: ends(-0.4, 0.4)}
    ranges |= {i: ends(0.0, 0.4) for i in range(2, 6)}
    assert np.isfinite(errors_within(form, ranges, 6)[5]).all()


def test_a_root_is_no_farther_than_its_slope_or_the_root_of_the_error():
    form = one("sqrt")
    for low, slope in ((1e-4, 50.0), (1e-7, np.inf)):
        found = errors_within(
            form, {0: ends(3 * low, 3.0), 1: ends(low, 1.0), 2: ends(0.0, 1.0)}, 3
        )
        error = found[1][0, 0]
        expected = min(slope * error, np.sqrt(error)) + 8 * 2.0**-24
        assert expected * (1 - 1e-6) <= found[2][0, 0] <= expected * 1.01


def test_an_error_is_added_without_rounding():
    found = total(exact(np.array([1.0, 2.0])), np.array([1e-20, np.inf]))
    assert found.fractions() == [1 + Fraction(1e-20), 2 + Fraction(1e300)]
    assert total(exact(np.array([1.0])), np.array([np.nan])).fractions()[0] > 10**299
