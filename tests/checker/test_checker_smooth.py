"""The checker's ranges of smooth functions, beside the same to fifty digits."""

import math
import sys
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from smooth_cases import FUNCTIONS, sharp

from distill.checker.curves import curve_gap
from distill.checker.smooth import NoBound, outward, power_range, range_of

pytestmark = pytest.mark.filterwarnings("error")
UNIT = 2.0**-52
BOXES = {
    "log": [(0.1, 0.5), (0.3, 3.0), (2.0, 7.0)],
    "sqrt": [(0.0, 0.5), (0.1, 3.0), (2.0, 7.0)],
    "reciprocal": [(0.1, 0.5), (0.3, 3.0), (-3.0, -0.3), (-7.0, -2.0)],
    "exp": [(-3.0, -1.0), (-1.0, 2.0), (0.5, 3.0)],
    "sin": [
        (-20.0, 20.0),
        (14.0, 17.5),
        (-17.5, -14.0),
        (-7.0, -1.0),
        (-0.5, 2.0),
        (0.5, 9.0),
        (1.0, 1.5),
        (4.0, 5.5),
        (-4.4, -4.0),
    ],
}
BOXES["cos"] = BOXES["sin"]
ODD = [(-3.0, -1.0), (-0.5, 2.0), (-2.0, 0.5), (0.5, 3.0), (-1.0, 1.0), (-0.1, 0.1)]
SLOPES = [-2.0, -1.0, -0.3, 0.0, 0.01, 0.1, 0.249, 0.6, 0.99, 1.0, 1.1, 2.5]
NAMES = sorted(set(FUNCTIONS) - {"square"})


@pytest.mark.parametrize("name", NAMES)
def test_ranges_are_sharp_but_for_the_units_that_are_added(name):
    for low, high in BOXES.get(name, ODD):
        for slope in SLOPES:
            least, most, size = sharp(name, low, high, slope)
            below, above = range_of(name, Fraction(low), Fraction(high), slope)
            room = mpmath.mpf(70 * UNIT * float(size) + 1e-299)
            for outside in (least - mpmath.mpf(below.numerator) / below.denominator,
                            mpmath.mpf(above.numerator) / above.denominator - most):  # fmt: skip
                assert 0 < outside <= room, (low, high, slope)


@pytest.mark.parametrize("name", NAMES)
def test_both_ends_are_widened_by_64_units_of_what_went_in(name):
    for low, high in BOXES.get(name, ODD)[:2]:
        for slope in (0.0, 0.3, -0.7):
            below, above = range_of(name, Fraction(low), Fraction(high), slope)
            for end in (low, high):
                value, product = FUNCTIONS[name](mpmath.mpf(end)), mpmath.mpf(slope) * end
                margin = 62 * UNIT * (abs(value) + abs(product))
                assert mpmath.mpf(below.numerator) / below.denominator <= value - product - margin
                assert mpmath.mpf(above.numerator) / above.denominator >= value - product + margin


@pytest.mark.parametrize("name", NAMES)
def test_many_ranges_at_once_are_sharp_too(name):
    boxes = BOXES.get(name, ODD)
    low, high = np.array(boxes).T
    for slope in SLOPES:
        below, above = curve_gap(name, low, high, np.full(len(boxes), slope))
        for k, box in enumerate(boxes):
            least, most, size = sharp(name, *box, slope)
            room = mpmath.mpf(90 * UNIT * float(size) + 1e-299)
            assert 0 < least - mpmath.mpf(float(below[k])) <= room, (box, slope)
            assert 0 < mpmath.mpf(float(above[k])) - most <= room, (box, slope)
            if abs(slope) < 1:
                for end in box:
                    value, product = FUNCTIONS[name](mpmath.mpf(end)), mpmath.mpf(slope) * end
                    margin = 78 * UNIT * (abs(value) + abs(product))
                    assert mpmath.mpf(float(below[k])) <= value - product - margin
                    assert mpmath.mpf(float(above[k])) >= value - product + margin


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("log", 0.0, 1.0), ("log", -1.0, 1.0), ("sqrt", -1e-9, 1.0), ("reciprocal", 0.0, 1.0),
     ("reciprocal", -1.0, 0.0), ("reciprocal", -1.0, 1.0),
     ("reciprocal", -1.0, 0.5), ("reciprocal", -0.5, 1.0), ("exp", 0.0, 1e4)],
)  # fmt: skip
def test_what_is_not_defined_has_no_range(name, low, high):
    with pytest.raises(NoBound):
        range_of(name, Fraction(low), Fraction(high), 0.0)
    ends = (np.array([low, 0.5]), np.array([high, 0.75]))
    below, above = curve_gap(name, *ends, np.zeros(2))
    assert (below[0], above[0]) == (-np.inf, np.inf)
    assert np.isfinite([below[1], above[1]]).all()


def test_the_tails_of_the_logistic_function_are_known_to_their_own_last_digits():
    for low, high in ((-40.0, -30.0), (-30.0, -30.0), (30.0, 40.0)):
        true = [1 / (1 + mpmath.exp(-mpmath.mpf(v))) for v in (low, high)]
        below, above = curve_gap("sigmoid", np.array([low]), np.array([high]), np.zeros(1))
        assert true[0] * (1 - 90 * UNIT) <= below[0] <= true[0]
        assert true[1] <= above[0] <= true[1] * (1 + 90 * UNIT)
        least, most = range_of("sigmoid", Fraction(low), Fraction(high), 0.0)
        assert least <= Fraction(float(true[0])) * (1 + Fraction(1, 2**50))
        assert most >= Fraction(float(true[1])) * (1 - Fraction(1, 2**50))
    wide = range_of("sigmoid", Fraction(-745), Fraction(800), 0.0)
    assert 0 > wide[0] > -(10**-290) or 0 <= wide[0] < 1e-300
    assert 1 < wide[1] < 1 + 1e-13


def test_slopes_too_steep_for_floats_have_no_range():
    with pytest.raises(NoBound, match="overflows"):
        range_of("exp", Fraction(700), Fraction(800), 0.0)
    with pytest.raises(NoBound, match="overflows"):
        range_of("sqrt", Fraction(1), Fraction(2), 1e-200)


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_waves_far_from_zero_are_found_one_box_at_a_time(name):
    for low, high in ((14.0, 17.5), (-17.5, -14.0)):
        below, above = curve_gap(name, np.array([low]), np.array([high]), np.array([0.1]))
        least, most, _ = sharp(name, low, high, 0.1)
        assert below[0] <= least and most <= above[0]


def test_many_waves_are_between_their_tops():
    for name in ("sin", "cos"):
        for low, high, slope in ((-600, 600, 0.25), (20000, 20001, -0.5), (-20001, -20000, 2.0)):
            ends = sorted(Fraction(slope) * end for end in (low, high))
            below, above = range_of(name, Fraction(low), Fraction(high), slope)
            assert (below, above) == (-1 - ends[1], 1 - ends[0])
        exact = range_of(name, Fraction(-400), Fraction(400), 0.0)
        assert exact[1] < 1 + Fraction(1, 10**9)
        assert range_of(name, Fraction(9999), Fraction(9999), 0.0)[1] < 1 - Fraction(1, 10**6)


def test_many_waves_are_not_listed_for_many_boxes():
    one = np.ones(1)
    curve_gap("sin", 0 * one, 80 * one, 0 * one)
    with pytest.raises(NoBound, match="waves"):
        curve_gap("sin", 0 * one, 120 * one, 0 * one)
    with pytest.raises(NoBound, match="waves"):
        curve_gap("cos", np.array([0.0, 200.0]), np.array([1.0, 201.0]), np.zeros(2))


def test_outward_goes_to_the_floats_around():
    third = Fraction(1, 3)
    low, high = outward(third, third)
    assert Fraction(low) < third < Fraction(high)
    assert high == math.nextafter(low, math.inf)
    assert outward(Fraction(1, 2), Fraction(3, 4)) == (0.5, 0.75)
    assert outward(-third, third)[0] == -outward(-third, third)[1]
    two = Fraction(2, 3)
    assert Fraction(outward(two, two)[0]) < two < Fraction(outward(two, two)[1])
    for low, high in ((0, 10**400), (-(10**400), 0)):
        with pytest.raises(NoBound, match="too large"):
            outward(Fraction(low), Fraction(high))
    largest = Fraction(1.7976931348623157e308)
    assert outward(-largest, largest) == (-float(largest), float(largest))
    for low, high in ((0, largest + 1), (-largest - 1, 0)):
        with pytest.raises(NoBound, match="too large"):
            outward(Fraction(low), Fraction(high))


def test_whole_powers_are_exact():
    def of(low, high, exponent):
        return power_range((Fraction(low), Fraction(high)), (Fraction(exponent),) * 2)

    assert of(-2, 3, 2) == (0, 9)
    assert of(-2, 3, 3) == (-8, 27)
    assert of(-2, 3, 0) == (1, 1)
    assert of(-3, -2, 2) == (4, 9)
    assert of(0, 3, 2) == (0, 9)
    assert of(-3, 0, 2) == (0, 9)
    assert of(Fraction(1, 3), Fraction(2, 3), 2) == (Fraction(1, 9), Fraction(4, 9))
    assert of(-1, 1, 4) == (0, 1)
    assert of(2, 3, 1) == (2, 3)


@pytest.mark.parametrize(
    ("base", "exponent"), [((2, 3), (-1.5, 0.5)), ((0.25, 0.5), (1, 2.5)), ((2, 3), (-2, -2)),
                           ((0.5, 2.0), (0.5, 0.5)), ((2.0, 3.0), (1.0, 2.0))],
)  # fmt: skip
def test_other_powers_are_widened_corners(base, exponent):
    below, above = power_range(*(tuple(map(Fraction, pair)) for pair in (base, exponent)))
    corners = [mpmath.mpf(b) ** e for b in base for e in exponent]
    found = [mpmath.mpf(v.numerator) / v.denominator for v in (below, above)]
    assert 62 * UNIT * min(corners) <= min(corners) - found[0] <= 66 * UNIT * min(corners)
    assert 62 * UNIT * max(corners) <= found[1] - max(corners) <= 66 * UNIT * max(corners)


def test_powers_without_a_range():
    half, one = (Fraction(1, 2),) * 2, Fraction(1)
    for base in ((Fraction(0), one), (-one, one)):
        for exponent in (half, (-one, -one), (one, 2 * one)):
            with pytest.raises(NoBound, match="may be negative or 0"):
                power_range(base, exponent)
    with pytest.raises(NoBound, match="overflows"):
        power_range((one, Fraction(10**300)), (one, 2 * one))
    assert power_range((Fraction(1, 10**300), one), (one, 2 * one))[0] == 0
