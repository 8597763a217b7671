"""What each operation adds to the float envelope, worked out from the model of evaluation."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from float_cases import FACTORS, JUMPS, KEPT, PAIRS, SUMS, affine, ends, one, two

from distill.normal_form import Affine, Builder, Elementwise, NormalForm
from distill.verify.envelope import FLOAT32, FLOAT64, PROGRAM, error_within, float_error, roundings
from distill.verify.image import image

pytestmark = pytest.mark.filterwarnings("error")


def of(form, ranges, arithmetic=FLOAT32, inexact=0):
    found = error_within(form, ranges, arithmetic, inexact)
    assert found.shape == (1, 1)
    return float(found[0, 0])


def near(found, expected, tiny=1e-30):
    assert expected <= found <= expected * (1 + 2e-5) + tiny, (found, expected)


@pytest.mark.parametrize("arithmetic", [FLOAT32, FLOAT64])
@pytest.mark.parametrize(("weights", "bias", "count", "size"), SUMS)
def test_a_sum_is_off_by_its_roundings(weights, bias, count, size, arithmetic):
    form = affine(weights, bias)
    box = np.full((1, len(weights)), -2.0), np.full((1, len(weights)), 1.0)
    plain = bias == 0 and set(weights) <= {1.0, -1.0, 0.0}
    count += arithmetic is FLOAT64 and plain
    unit = arithmetic.unit_roundoff
    expected = count * unit / (1 - count * unit) * size
    near(of(form, {0: box, 1: ends(-20.0, 20.0)}, arithmetic), expected)
    near(float(float_error(form, *box, arithmetic)[0, 0]), expected)
    more = (count + PROGRAM) * unit
    near(of(form, {0: box, 1: ends(-20.0, 20.0)}, arithmetic, PROGRAM), more / (1 - more) * size)


def test_formats_are_those_of_ieee():
    for arithmetic, kind in ((FLOAT32, np.float32), (FLOAT64, np.float64)):
        facts = np.finfo(kind)
        assert arithmetic.dtype is kind
        assert arithmetic.unit_roundoff == float(facts.eps) / 2
        assert arithmetic.smallest_normal == float(facts.smallest_normal)
        assert 0.9 * float(facts.max) < arithmetic.largest <= float(facts.max)


def test_weights_lose_digits_when_they_are_stored():
    form = affine([0.1], 0.3)
    box = ends(-2.0, 1.0)
    unit = 2.0**-24
    stored = [abs(v - float(np.float32(v))) for v in (0.1, 0.3)]
    expected = 2 * stored[0] + stored[1] + 2 * unit / (1 - 2 * unit) * (2 * 0.1 + 0.3)
    near(of(form, {0: box, 1: box}), expected)
    unit = 2.0**-53
    near(of(form, {0: box, 1: box}, FLOAT64), 2 * unit * (2 * 0.1 + 0.3))


def test_errors_of_sources_are_carried_by_the_weights():
    builder = Builder(1)
    first = builder.affine([(0, np.array([[1 / 3], [0.5]]))], np.zeros(2))
    form = builder.build(builder.affine([(first, np.array([[-2.0, 4.0]]))], np.zeros(1)))
    box, middle = ends(-3.0, 1.0), (np.full((1, 2), -1.0), np.full((1, 2), 1.5))
    unit = 2.0**-24
    gamma = unit / (1 - unit)
    errors = [3 * abs(1 / 3 - float(np.float32(1 / 3))) + gamma, 1.5 * gamma]
    size = 2 * (1.5 + errors[0]) + 4 * (1.5 + errors[1])
    expected = 2 * errors[0] + 4 * errors[1] + 2 * unit / (1 - 2 * unit) * size
    near(of(form, {0: box, 1: middle, 2: box}), expected)


def test_underflow_counts_where_it_matters():
    """All sums and products may be flushed to zero: in tiny sums that is the error."""
    form = affine([2.0**-100, 0.5], 2.0**-120)
    box = np.zeros((1, 2)), np.array([[2.0**-30, 2.0**-126]])
    assert of(form, {0: box, 1: ends(0.0, 0.0)}) >= 2.0**-126 * 3
    assert of(form, {0: box, 1: ends(0.0, 0.0)}) <= 2.0**-126 * 10


def test_weights_and_inputs_may_be_flushed_to_zero():
    """Numbers below the smallest normal one: what they are multiplied with decides what is lost."""
    small, box = 2.0**-130, (np.zeros((1, 2)), np.array([[2.0**20, 1.0]]))
    assert of(affine([small, 0.0], 0.0), {0: box, 1: ends(0.0, 1e6)}) >= 2.0**-110
    box = np.zeros((1, 2)), np.array([[small, 2.0**-126]])
    assert of(affine([2.0**20, 1.0], 0.0), {0: box, 1: ends(0.0, 1.0)}) >= 2.0**-110
    alone = NormalForm((affine([1.0], 0.0).nodes[0], Elementwise("square", (0,))), 1)
    assert of(alone, {0: ends(0.0, 1e-30), 1: ends(0.0, 1e-60)}) >= 2.0**-126


def test_roundings_that_a_term_passes():
    for weights, bias, count, _ in SUMS:
        node = affine(weights, bias).nodes[1]
        assert isinstance(node, Affine)
        assert roundings(node).tolist() == [count]
        plain = bias == 0 and set(weights) <= {1.0, -1.0, 0.0}
        assert roundings(node, False).tolist() == [count + plain]
    both = Affine(((0, np.array([[1.0], [0.5]])), (1, np.array([[1.0], [1.0]]))), np.zeros(2))
    assert roundings(both).tolist() == [1, 2]
    assert roundings(Affine(((0, np.zeros((1, 2))),), np.zeros(1))).tolist() == [0]


@pytest.mark.parametrize("arithmetic", [FLOAT32, FLOAT64])
@pytest.mark.parametrize(("name", "box", "slope", "size"), FACTORS)
def test_a_function_multiplies_by_its_slope_and_adds_its_own(name, box, slope, size, arithmetic):
    form = one(name)
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box)}
    ranges[2] = image(name, [ranges[1]])
    error = of(NormalForm(form.nodes, 1), {0: ranges[0], 1: ranges[1]}, arithmetic)
    assert error > 0
    expected = slope * error + 8 * arithmetic.unit_roundoff * size
    found = of(form, ranges, arithmetic)
    assert expected * (1 - 1e-6) <= found <= expected * (1 + 3e-5) + 3e-14 * error
    exact = affine([1.0], 0.0)
    alone = NormalForm((exact.nodes[0], type(form.nodes[2])(name, (0,))), 1)
    own = 8 * arithmetic.unit_roundoff * size
    assert (
        own * (1 - 1e-6) <= of(alone, {0: ranges[1], 1: ranges[2]}, arithmetic) <= own * (1 + 3e-5)
    )


def checked(form, ranges):
    error = of(NormalForm(form.nodes, 1), {0: ranges[0], 1: ranges[1]})
    return error, of(form, ranges)


@pytest.mark.parametrize(("name", "box", "share"), KEPT)
def test_exact_functions_pass_errors_on(name, box, share):
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box)}
    error, found = checked(one(name), {**ranges, 2: image(name, [ranges[1]])})
    assert share * error <= found <= share * error * (1 + 1e-5)


@pytest.mark.parametrize(("name", "box", "jump"), JUMPS)
def test_steps_may_jump(name, box, jump):
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box)}
    _, found = checked(one(name), {**ranges, 2: image(name, [ranges[1]])})
    assert jump <= found <= jump * (1 + 1e-5)


@pytest.mark.parametrize(("name", "first", "second", "one_", "other"), PAIRS)
def test_functions_of_two(name, first, second, one_, other):
    form = two(name)
    low, high = ([3 * first[k], 7 * second[k]] for k in (0, 1))
    ranges = {0: (np.array([low]), np.array([high])), 1: ends(*first), 2: ends(*second)}
    ranges[3] = image(name, [ranges[1], ranges[2]])
    errors = [of(NormalForm(form.nodes, i), {0: ranges[0], i: ranges[i]}) for i in (1, 2)]
    expected = one_ * errors[0] + other * errors[1]
    if name == "mul":
        expected += 8 * 2.0**-24 * float(max(abs(ranges[3][0]), abs(ranges[3][1]))[0, 0])
    found = of(form, ranges)
    assert expected * (1 - 1e-9) <= found <= expected * (1 + 1e-5)


def test_a_maximum_that_is_not_decided_takes_the_larger_error():
    for name in ("max", "min"):
        form = two(name)
        for first, second in (((0.0, 2.0), (1.0, 90.0)), ((1.0, 90.0), (0.0, 2.0))):
            low, high = ([3 * first[k], 7 * second[k]] for k in (0, 1))
            ranges = {0: (np.array([low]), np.array([high])), 1: ends(*first), 2: ends(*second)}
            ranges[3] = image(name, [ranges[1], ranges[2]])
            errors = [of(NormalForm(form.nodes, i), {0: ranges[0], i: ranges[i]}) for i in (1, 2)]
            expected = max(errors)
            assert expected <= of(form, ranges) <= expected * (1 + 1e-5)


@pytest.mark.parametrize(
    ("name", "first", "second", "jump"),
    [("greater", (2.0, 3.0), (0.0, 1.0), 0.0), ("greater", (0.0, 1.0), (2.0, 3.0), 0.0),
     ("greater", (0.0, 1.0), (0.5, 3.0), 1.0), ("equal", (0.0, 1.0), (2.0, 3.0), 0.0),
     ("equal", (0.0, 1.0), (0.5, 3.0), 1.0), ("equal", (0.0, 0.0), (0.0, 0.0), 0.0)],
)  # fmt: skip
def test_comparisons_may_flip(name, first, second, jump):
    form = two(name)
    low, high = ([3 * first[k], 7 * second[k]] for k in (0, 1))
    ranges = {0: (np.array([low]), np.array([high])), 1: ends(*first), 2: ends(*second)}
    ranges[3] = image(name, [ranges[1], ranges[2]])
    found = of(form, ranges)
    if name == "equal" and first == (0.0, 0.0):
        assert found in (0.0, pytest.approx(1.0))
        return
    assert jump <= found <= jump * (1 + 1e-5)


@pytest.mark.parametrize(
    ("name", "box"),
    [("log", (-1.0, 1.0)), ("log", (0.0, 1.0)), ("sqrt", (-1.0, 1.0)),
     ("reciprocal", (-1.0, 1.0)), ("reciprocal", (0.0, 1.0)), ("exp", (80.0, 90.0))],
)  # fmt: skip
def test_what_may_be_undefined_has_no_envelope(name, box):
    ranges = {0: ends(*(3 * b for b in box)), 1: ends(*box)}
    with np.errstate(all="ignore"):
        assert checked(one(name), {**ranges, 2: image(name, [ranges[1]])})[1] == np.inf


def test_overflow_has_no_envelope():
    form = affine([1.0], 0.0)
    assert of(form, {0: ends(0.0, 1e38), 1: ends(0.0, 1e38)}) < np.inf
    assert of(form, {0: ends(0.0, 3.5e38), 1: ends(0.0, 3.5e38)}) == np.inf
    assert of(form, {0: ends(-3.5e38, 0), 1: ends(-3.5e38, 0)}) == np.inf
    assert of(form, {0: ends(0.0, 3.5e38), 1: ends(0.0, 3.5e38)}, FLOAT64) < np.inf
    edge = 3.4e38 * (1 - 1e-9)
    both = np.zeros((1, 2)), np.full((1, 2), edge)
    assert of(affine([0.5, 0.5], 0.0), {0: both, 1: ends(0.0, edge)}) == np.inf
    large = affine([2e38, -2e38], 0.0)
    box = np.zeros((1, 2)), np.ones((1, 2))
    assert of(large, {0: box, 1: ends(0.0, 1.0)}) == np.inf


def rooted(weights, bias, inner="square"):
    """sqrt(sum of weights * inner(x) + bias)."""
    builder = Builder(2)
    parts = builder.elementwise(inner, builder.affine([(0, np.eye(2) / 3)], np.zeros(2)))
    total = builder.affine([(parts, np.array([weights]))], np.array([bias]))
    return builder.build(builder.elementwise("sqrt", total))


@pytest.mark.parametrize("inner", ["relu", "abs", "square"])
def test_roots_of_what_is_never_negative_have_an_envelope_at_zero(inner):
    box = -np.ones((1, 2)), np.ones((1, 2))
    third = ends(0.0, 1 / 3)
    both = np.zeros((1, 2)), np.full((1, 2), 1 / 3)

    def found(weights, bias, low=0.0):
        form = rooted(weights, bias, inner)
        ranges = {0: box, 1: (-both[1], both[1]), 2: both, 3: ends(low, 1.0), 4: ends(0.0, 1.0)}
        at = of(NormalForm(form.nodes, 3), {i: ranges[i] for i in range(4)})
        return at, of(form, ranges)

    assert third[0][0, 0] == 0
    at, error = found([1.0, 0.3], 0.0)
    assert np.sqrt(at) <= error <= np.sqrt(at) * 1.01 + 1e-6
    assert found([1.0, 0.3], 0.1)[1] < np.inf
    assert found([1.0, 0.0], 0.0)[1] < np.inf
    assert found([1.0, -0.3], 0.0)[1] == np.inf
    assert found([1.0, 0.3], -0.1)[1] == np.inf


def test_what_is_far_from_negative_has_a_root():
    form = one("sqrt")
    ranges = {0: ends(3e-4, 3.0), 1: ends(1e-4, 1.0), 2: ends(1e-2, 1.0)}
    error, found = checked(form, ranges)
    expected = min(50 * error, np.sqrt(error)) + 8 * 2.0**-24
    assert expected * (1 - 1e-6) <= found <= expected * 1.01
    assert found < 1e-4


def test_a_root_near_zero_is_no_farther_than_the_root_of_the_error():
    form = one("sqrt")
    ranges = {0: ends(3e-7, 3.0), 1: ends(1e-7, 1.0), 2: ends(1e-4, 1.0)}
    error, found = checked(form, ranges)
    assert 2e-8 < error < 1e-7
    assert np.sqrt(error) <= found <= np.sqrt(error) + 8.1 * 2.0**-24


def test_what_is_never_negative_is_so_unit_by_unit():
    """sqrt(relu(x / 3)), of one number and of two, one of which may be negative before the relu."""
    for width in (1, 2):
        builder = Builder(1)
        third = builder.affine([(0, np.full((width, 1), 1 / 3))], np.zeros(width))
        form = builder.build(builder.elementwise("sqrt", builder.elementwise("relu", third)))
        low, high = np.full((1, width), -1.0), np.full((1, width), 1.0)
        ranges = {0: ends(-3.0, 3.0), 1: (low, high), 2: (0 * low, high), 3: (0 * low, high)}
        found = error_within(form, ranges)
        assert found.shape == (1, width)
        assert (found < 1e-3).all()


def test_computed_values_below_zero_are_left_out_where_there_are_none():
    """A sum of relus is at least 0 as computed, and no more is taken for granted."""
    builder = Builder(1)
    bent = builder.elementwise("relu", builder.affine([(0, np.eye(1) / 3)], np.zeros(1)))
    form = builder.build(
        builder.elementwise("reciprocal", builder.affine([(bent, np.eye(1))], np.zeros(1)))
    )
    ranges = {0: ends(-3.0, 3.0), 1: ends(-1.0, 1.0), 2: ends(0.0, 0.5), 3: ends(0.0, 0.5)}
    assert of(form, {**ranges, 4: ends(2.0, np.inf)}) == np.inf
    shifted = {**ranges, 3: ends(0.25, 0.5)}
    found = of(form, {**shifted, 4: ends(2.0, 4.0)})
    at = of(NormalForm(form.nodes, 3), shifted)
    assert 16 * at <= found <= 17 * at + 33 * 2.0**-24


def test_steps_of_what_is_known_do_not_jump():
    for name in ("floor", "round", "sign"):
        form = NormalForm((affine([1.0], 0.0).nodes[0], Elementwise(name, (0,))), 1)
        assert of(form, {0: ends(-3.0, 3.0), 1: ends(-3.0, 3.0)}) == 0.0
