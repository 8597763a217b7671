"""Gaps of smooth functions under a slope, beside the same to fifty digits."""

import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from smooth_cases import FUNCTIONS, ODD_ONES, UNIT, WAVES, pi, sharp, turning

from distill.verify.image import LIBRARY_ULPS
from distill.verify.smooth import SMOOTH


def gap(name, low, high, slope):
    x = np.array([[float(low)]]), np.array([[float(high)]])
    with np.errstate(all="ignore"):
        found = SMOOTH[name].gap(x, np.array([[float(slope)]]))
    return tuple(float(end[0, 0]) for end in found)


BOXES = {
    "log": [(0.1, 0.5), (0.3, 3.0), (2.0, 7.0)],
    "sqrt": [(0.0, 0.5), (0.1, 3.0), (2.0, 7.0)],
    "reciprocal": [(0.1, 0.5), (0.3, 3.0), (-3.0, -0.3), (-7.0, -2.0)],
    "exp": [(-3.0, -1.0), (-1.0, 2.0), (0.5, 3.0)],
    "square": [(-3.0, -1.0), (-1.0, 2.0), (0.5, 3.0)],
}
ODD = [(-3.0, -1.0), (-0.5, 2.0), (-2.0, 0.5), (0.5, 3.0), (-1.0, 1.0), (-0.1, 0.1)]
SLOPES = [-2.0, -0.3, 0.0, 0.01, 0.1, 0.2, 0.249, 0.6, 0.99, 1.0, 1.1, 2.5]


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(WAVES)))
def test_gaps_are_sharp_and_outside(name):
    for low, high in BOXES.get(name, ODD):
        for slope in SLOPES:
            least, most, size = sharp(name, low, high, slope)
            below, above = gap(name, low, high, slope)
            assert below <= least, (low, high, slope)
            assert most <= above, (low, high, slope)
            inside = any(low < p < high for p in turning(name, slope))
            if inside or (name in ODD_ONES and turning(name, slope)):
                room = 150 * UNIT * (size + 1) + (1e-11 if name in ODD_ONES else 0)
                assert least - room <= below, (low, high, slope)
                assert above <= most + room, (low, high, slope)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(WAVES)))
def test_the_margin_at_the_ends_is_what_a_library_may_err(name):
    """And the rounding of the product and of the difference."""
    for low, high in BOXES.get(name, ODD):
        for slope in (-0.3, 0.0, 0.3, 2.5):
            below, above = gap(name, low, high, slope)
            for end in (low, high):
                value = FUNCTIONS[name](mpmath.mpf(end))
                product = mpmath.mpf(slope) * end
                err = 2 * UNIT * LIBRARY_ULPS * abs(value) + UNIT * abs(product)
                err += UNIT * abs(value - product)
                assert below <= value - product - err
                assert above >= value - product + err


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(WAVES)))
def test_the_margin_where_the_slope_is_met_is_of_its_sizes(name):
    """Twenty units of value and product: the place is found to float accuracy only."""
    for low, high in BOXES.get(name, ODD):
        for slope in SLOPES:
            for place in turning(name, slope):
                if low < place < high:
                    value, product = FUNCTIONS[name](place), mpmath.mpf(slope) * place
                    margin = 40 * UNIT * (abs(value) + abs(product))
                    below, above = gap(name, low, high, slope)
                    rest = value - product
                    assert below <= rest - margin or above >= rest + margin
                    ends = [
                        FUNCTIONS[name](mpmath.mpf(e)) - mpmath.mpf(slope) * e for e in (low, high)
                    ]
                    if rest < min(ends):
                        assert below <= rest - margin
                    if rest > max(ends):
                        assert above >= rest + margin


@pytest.mark.parametrize("name", ODD_ONES)
def test_places_just_inside_a_box_count(name):
    """Half a millionth from an end a value differs in the 13th digit: no rounding covers that."""
    for slope in (0.05, 0.2):
        for place in turning(name, slope):
            rest = FUNCTIONS[name](place) - mpmath.mpf(slope) * place
            for low, high in ((place - 5e-7, place + 1), (place - 1, place + 5e-7)):
                below, above = gap(name, low, high, slope)
                assert below <= rest <= above


@pytest.mark.parametrize("name", WAVES)
def test_waves_are_within_the_error_of_their_chord(name):
    """The extremes at the ends, moved by an eighth of width squared times the largest bend."""
    for low, high in [(0.1, 0.4), (1.2, 1.9), (3.0, 3.4), (-1.0, 0.3), (4.0, 5.0), (2.0, 2.5)]:
        values = [FUNCTIONS[name](mpmath.mpf(low) + (high - low) * k / 200) for k in range(201)]
        chord = (values[-1] - values[0]) / (high - low)
        for slope in (float(chord), -0.3, 0.0, 0.7):
            below, above = gap(name, low, high, slope)
            rest = [
                v - mpmath.mpf(slope) * (mpmath.mpf(low) + (high - low) * k / 200)
                for k, v in enumerate(values)
            ]
            assert below <= min(rest)
            assert above >= max(rest)
            bend = mpmath.mpf(high - low) ** 2 / 8
            top, bottom = max(*values, 0), max(*(-v for v in values), 0)
            if top < 0.999:
                assert above <= max(rest[0], rest[-1]) + bend * top * 1.001 + 1e-13
            if bottom < 0.999:
                assert below >= min(rest[0], rest[-1]) - bend * bottom * 1.001 - 1e-13
            else:
                assert below >= min(rest[0], rest[-1]) - bend * 1.001 - 1e-13


@pytest.mark.parametrize("name", WAVES)
def test_waves_have_the_margin_of_the_library_too(name):
    for low, high in [(0.1, 0.4), (3.0, 3.4)]:
        for slope in (0.0, 0.7):
            below, above = gap(name, low, high, slope)
            for end in (low, high):
                value, product = FUNCTIONS[name](mpmath.mpf(end)), mpmath.mpf(slope) * end
                err = 2 * UNIT * LIBRARY_ULPS * abs(value) + UNIT * abs(product)
                assert below <= value - product - err
                assert above >= value - product + err


def test_a_reciprocal_has_no_bound_across_zero():
    for box in ((-1.0, 1.0), (0.0, 1.0), (-1.0, 0.0)):
        assert gap("reciprocal", *box, -0.5) == (-np.inf, np.inf)


def test_what_is_not_defined_has_no_bound():
    assert gap("log", -1.0, 1.0, 0.5) == (-np.inf, np.inf)
    assert gap("sqrt", -1.0, 1.0, 0.5) == (-np.inf, np.inf)
    assert gap("tanh", -np.inf, np.inf, 0.5) == (-np.inf, np.inf)


def proposed(name, low, high):
    x = np.array([[low]]), np.array([[high]])
    return [float(s[0, 0]) for s in SMOOTH[name].slopes(x)]


DERIVATIVES = {
    "tanh": lambda v: 1 - mpmath.tanh(v) ** 2,
    "sigmoid": lambda v: mpmath.exp(-v) / (1 + mpmath.exp(-v)) ** 2,
    "erf": lambda v: 2 / mpmath.sqrt(pi) * mpmath.exp(-v * v),
    "exp": mpmath.exp,
    "log": lambda v: 1 / v,
    "sqrt": lambda v: 1 / (2 * mpmath.sqrt(v)),
    "square": lambda v: 2 * v,
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_slopes_are_those_of_chords_and_tangents(name):
    for low, high in [(0.25, 1.5), (0.5, 0.75)]:
        f = FUNCTIONS[name]
        chord = float((f(mpmath.mpf(high)) - f(mpmath.mpf(low))) / (high - low))
        found = proposed(name, low, high)
        assert found[0] == pytest.approx(chord, rel=1e-12)
        if name in ODD_ONES:
            slope = DERIVATIVES[name]
            ends = min(slope(low), slope(high))
            assert found[1:] == pytest.approx(
                [float(ends), float(slope((low + high) / 2))], rel=1e-12
            )
        else:
            assert len(found) == 1


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "square"])
def test_a_chord_that_rounding_spoils_stays_between_the_tangents(name):
    """On a box of a few floats the quotient of two roundings can be anything."""
    for low in (0.7, 1.3, 2.9):
        high = float(np.nextafter(np.nextafter(low, 9), 9))
        (slope,) = proposed(name, low, high)
        ends = sorted(float(DERIVATIVES[name](mpmath.mpf(v))) for v in (low, high))
        assert ends[0] * (1 - 1e-14) <= slope <= ends[1] * (1 + 1e-14)
