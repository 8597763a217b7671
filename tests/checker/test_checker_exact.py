"""Arrays of exact binary fractions, beside Python's fractions."""

from fractions import Fraction

import numpy as np
import pytest

from distill.checker.exact import Exact, exact, from_fractions, largest, least, stack, where

FIRST = np.array([[0.1, -3.0, 0.0], [1e-300, 2.0**60, -0.375]])
SECOND = np.array([[0.1, 5.0, -1e-9], [-1e300, 0.5, -0.375]])
MASK = np.array([[True, False, True], [False, True, False]])


def fractions(values):
    return [Fraction(float(v)) for v in np.ravel(values)]


def pairs():
    return list(zip(fractions(FIRST), fractions(SECOND), strict=True))


def test_floats_are_held_as_they_are():
    for values in (FIRST, SECOND, np.array([5e-324, -np.finfo(float).max, 1.0]), np.zeros(3)):
        held = exact(values)
        assert held.fractions() == fractions(values)
        assert held.shape == values.shape
        assert held.power >= 0
        assert all(type(d) is int for d in held.digits.ravel())
    assert exact(3).fractions() == [3]
    assert exact(2.0**80).fractions() == exact(2**80).fractions() == [2**80]
    assert exact(np.array([0.0, 2.0**60])).power == 0
    assert exact(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        exact(np.array([1.0, value]))


def test_sums_and_products_do_not_round():
    a, b = exact(FIRST), exact(SECOND)
    assert (a + b).fractions() == [x + y for x, y in pairs()]
    assert (b + a).fractions() == [x + y for x, y in pairs()]
    assert (a - b).fractions() == [x - y for x, y in pairs()]
    assert (-a).fractions() == [-x for x, _ in pairs()]
    assert (a * b).fractions() == [x * y for x, y in pairs()]
    assert a.sum(axis=1).fractions() == [sum(fractions(row)) for row in FIRST]
    assert a.sum(axis=0).fractions() == [sum(fractions(row)) for row in FIRST.T]
    product = [[sum(x * y for x, y in zip(fractions(r), fractions(s), strict=True)) for s in SECOND]
               for r in FIRST]  # fmt: skip
    assert (a @ Exact(b.digits.T, b.power)).fractions() == [v for row in product for v in row]


def test_order_and_choice_are_those_of_the_numbers():
    a, b = exact(FIRST), exact(SECOND)
    assert a.above(b).ravel().tolist() == [x > y for x, y in pairs()]
    assert b.above(a).ravel().tolist() == [x < y for x, y in pairs()]
    assert not a.above(a).any()
    assert a.above(b).dtype == bool
    assert largest(a, b).fractions() == [max(p) for p in pairs()]
    assert least(a, b).fractions() == [min(p) for p in pairs()]
    zero = exact(0.0)
    assert largest(a, b, zero).fractions() == [max(*p, 0) for p in pairs()]
    assert least(a, zero, b).fractions() == [min(*p, 0) for p in pairs()]
    assert largest(a).fractions() == least(a).fractions() == fractions(FIRST)
    chosen = [x if m else y for m, (x, y) in zip(MASK.ravel(), pairs(), strict=True)]
    assert where(MASK, a, b).fractions() == chosen
    assert where(MASK, b, exact(1.0)).fractions() == [
        y if m else 1 for m, (_, y) in zip(MASK.ravel(), pairs(), strict=True)
    ]


def test_parts_keep_their_numbers():
    a, b = exact(FIRST), exact(SECOND)
    assert a[0].fractions() == fractions(FIRST[0])
    assert a[:, 1:].fractions() == fractions(FIRST[:, 1:])
    for axis in (0, 1):
        joined = stack([a, b, exact(np.ones((2, 3)))], axis=axis)
        assert joined.fractions() == fractions(
            np.concatenate([FIRST, SECOND, np.ones((2, 3))], axis=axis)
        )


def test_digits_for_a_larger_power():
    held = exact(np.array([0.5, -0.75]))
    assert held.power == 53 or held.power >= 2
    for more in (0, 1, 7):
        digits = held.at(held.power + more)
        assert [Fraction(int(d), 2 ** (held.power + more)) for d in digits] == held.fractions()


def test_binary_fractions_become_an_array():
    values = [Fraction(3, 8), Fraction(-5), Fraction(0), Fraction(1, 2**70)]
    held = from_fractions(values, (2, 2))
    assert held.fractions() == values
    assert held.shape == (2, 2)
    assert held.power == 70
    assert from_fractions([Fraction(7)], (1,)).power == 0
    assert from_fractions([], (0, 3)).shape == (0, 3)
    assert from_fractions([], (0, 3)).power == 0
