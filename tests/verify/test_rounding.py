"""Directed rounding, beside the same quantities in rationals."""

from fractions import Fraction

import numpy as np
import pytest

from distill.verify.rounding import (
    SLACK,
    TINY,
    UNIT,
    down,
    exact_total,
    gamma,
    on_grid,
    sane,
    up,
)

VALUES = [1.0, -1.0, 0.1, -0.3, 3e200, -7e-200, 1.0 + 2.0**-52, 1.0 - 2.0**-53, 123456.789]
HALF = Fraction(1, 2**53)


def test_constants_are_what_their_names_say():
    """numpy's own unit; underflow of 1e20 terms; the rounding of a long sum of errors."""
    assert np.finfo(np.float64).eps == 2 * UNIT
    assert Fraction(TINY) > 10**20 * Fraction(1, 2**1075)
    assert TINY < 1e-290
    assert 1 + Fraction(1, 10**7) < Fraction(SLACK) < 1 + Fraction(1, 10**5)


@pytest.mark.parametrize("terms", [1, 2, 3, 17, 1000, 2**20, 10**12])
def test_gamma_is_highams(terms):
    sharp = terms * HALF / (1 - terms * HALF)
    assert sharp <= Fraction(gamma(terms)) <= sharp * (1 + Fraction(1, 10**6))


@pytest.mark.parametrize("ulps", [1, 2, 4, 8])
def test_rounding_outward_covers_the_units_it_is_asked_for_and_few_more(ulps):
    lows, highs = down(np.array(VALUES), ulps), up(np.array(VALUES), ulps)
    for value, low, high in zip(VALUES, lows, highs, strict=True):
        unit = 2 * HALF * abs(Fraction(value))
        asked, most = ulps * unit, (ulps + 2) * unit
        assert Fraction(value) - most <= Fraction(low) <= Fraction(value) - asked
        assert Fraction(value) + asked <= Fraction(high) <= Fraction(value) + most


def test_one_unit_is_the_default():
    values = np.array(VALUES)
    assert (down(values) == down(values, 1)).all()
    assert (up(values) == up(values, 1)).all()


def test_what_is_not_finite_is_rounded_too():
    ends = np.array([-np.inf, 0.0, np.inf])
    assert down(ends)[0] == -np.inf
    assert -1e-300 < down(ends)[1] < 0 < up(ends)[1] < 1e-300
    assert down(ends)[2] == np.finfo(np.float64).max
    assert up(ends).tolist()[2] == np.inf
    assert up(ends)[0] == np.finfo(np.float64).min
    assert not np.isnan(down(ends)).any()


def test_what_is_not_a_number_is_no_bound():
    low, high = sane(np.array([np.nan, 1.0, -np.inf]), np.array([2.0, np.nan, np.inf]))
    assert low.tolist() == [-np.inf, 1.0, -np.inf]
    assert high.tolist() == [2.0, np.inf, np.inf]


def test_the_grid_is_multiples_of_a_1024th_below_2_to_the_32():
    limit = 2.0**32
    on = [0.0, 1 / 1024, -3 / 1024, 7.5, limit - 1 / 1024, -(limit - 1)]
    off = [1 / 2048, 1 / 1024 + 1 / 2048, 0.1, limit, -limit, 2 * limit, np.inf, np.nan]
    assert on_grid(np.array(on)).all()
    assert not on_grid(np.array(off)).any()
    assert exact_total(np.array([0.0, limit - 1, limit, np.inf])).tolist() == [1, 1, 0, 0]


def test_products_of_grid_numbers_add_up_exactly():
    """What the grid is for: multiples of 2^-20 below 2^32 fit 53 bits, in any order."""
    rng = np.random.default_rng(0)
    a, b = np.rint(rng.normal(size=(2, 40)) * 2**20) / 1024
    assert on_grid(a).all() and on_grid(b).all()
    assert exact_total((np.abs(a) * np.abs(b)).sum())
    assert Fraction(float(a @ b)) == sum(
        Fraction(x) * Fraction(y) for x, y in zip(a, b, strict=True)
    )
