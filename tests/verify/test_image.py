"""Ranges of elementwise functions: exact where they can be, else a few units outside the range."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from distill.normal_form import ELEMENTWISE
from distill.verify.image import LIBRARY_ULPS, change_error, image, sigmoid

pytestmark = pytest.mark.filterwarnings("error")
INF = np.inf
UNIT = 2.0**-52


def of(name, *sources):
    """Range on one box, as two floats."""
    low, high = image(name, [(np.array([[a]]), np.array([[b]])) for a, b in sources])
    assert low.shape == high.shape == (1, 1)
    return float(low[0, 0]), float(high[0, 0])


@pytest.mark.parametrize(
    ("name", "sources", "expected"),
    [
        ("relu", [(-2.0, 3.0)], (0.0, 3.0)),
        ("relu", [(1.0, 3.0)], (1.0, 3.0)),
        ("relu", [(-3.0, -1.0)], (0.0, 0.0)),
        ("abs", [(-2.0, 3.0)], (0.0, 3.0)),
        ("abs", [(-5.0, 3.0)], (0.0, 5.0)),
        ("abs", [(1.0, 3.0)], (1.0, 3.0)),
        ("abs", [(-3.0, -1.0)], (1.0, 3.0)),
        ("floor", [(-1.5, 2.5)], (-2.0, 2.0)),
        ("round", [(-1.5, 2.5)], (-2.0, 2.0)),
        ("round", [(0.6, 3.5)], (1.0, 4.0)),
        ("sign", [(-1.5, 0.0)], (-1.0, 0.0)),
        ("sign", [(0.0, 2.0)], (0.0, 1.0)),
        ("max", [(-1.0, 2.0), (0.0, 1.0)], (0.0, 2.0)),
        ("max", [(0.5, 2.0), (-3.0, 7.0)], (0.5, 7.0)),
        ("min", [(-1.0, 2.0), (0.0, 1.0)], (-1.0, 1.0)),
        ("min", [(0.5, 2.0), (-3.0, 7.0)], (-3.0, 2.0)),
        ("mul", [(-1.0, 2.0), (-3.0, 5.0)], (-6.0, 10.0)),
        ("mul", [(2.0, 3.0), (-4.0, -1.5)], (-12.0, -3.0)),
        ("mul", [(0.0, 0.0), (0.1, 0.3)], (0.0, 0.0)),
        ("mul", [(0.1, 0.3), (0.0, 0.0)], (0.0, 0.0)),
        ("mul", [(1.0, 1.0), (0.1, 0.3)], (0.1, 0.3)),
        ("mul", [(0.1, 0.3), (-1.0, -1.0)], (-0.3, -0.1)),
        ("mul", [(0.0, 0.0), (-INF, INF)], (-INF, INF)),
        ("square", [(-3.0, 2.0)], (0.0, 9.0)),
        ("square", [(1.5, 2.0)], (2.25, 4.0)),
        ("square", [(-2.0, -1.5)], (2.25, 4.0)),
        ("greater", [(0.0, 1.0), (1.0, 2.0)], (0.0, 0.0)),
        ("greater", [(0.0, 1.5), (1.0, 2.0)], (0.0, 1.0)),
        ("greater", [(2.0, 3.0), (1.0, 2.0)], (0.0, 1.0)),
        ("greater", [(2.5, 3.0), (1.0, 2.0)], (1.0, 1.0)),
        ("equal", [(1.0, 1.0), (1.0, 1.0)], (1.0, 1.0)),
        ("equal", [(1.0, 1.0), (2.0, 2.0)], (0.0, 0.0)),
        ("equal", [(0.0, 1.0), (1.0, 2.0)], (0.0, 1.0)),
        ("equal", [(1.0, 2.0), (0.0, 1.0)], (0.0, 1.0)),
        ("equal", [(1.0, 1.0), (0.0, 1.0)], (0.0, 1.0)),
        ("equal", [(0.0, 1.0), (1.0, 1.0)], (0.0, 1.0)),
        ("equal", [(1.0, 2.0), (1.0, 1.0)], (0.0, 1.0)),
        ("equal", [(1.0, 1.0), (1.0, 2.0)], (0.0, 1.0)),
        ("equal", [(0.0, 1.0), (0.0, 1.0)], (0.0, 1.0)),
        ("equal", [(1.5, 2.0), (0.0, 1.0)], (0.0, 0.0)),
        ("equal", [(0.0, 1.0), (1.5, 2.0)], (0.0, 0.0)),
        ("reciprocal", [(-1.0, 1.0)], (-INF, INF)),
        ("reciprocal", [(0.0, 1.0)], (-INF, INF)),
        ("reciprocal", [(-1.0, 0.0)], (-INF, INF)),
        ("log", [(-0.5, 1.0)], (-INF, INF)),
        ("sqrt", [(-0.5, 1.0)], (-INF, INF)),
        ("sin", [(0.0, 7.0)], (-1.0, 1.0)),
        ("cos", [(0.0, 7.0)], (-1.0, 1.0)),
        ("sin", [(2e5, 2e5)], (-1.0, 1.0)),
        ("cos", [(-2e5, -2e5)], (-1.0, 1.0)),
        ("sin", [(-2e5, 0.0)], (-1.0, 1.0)),
        ("pow", [(-3.0, 2.0), (0.0, 0.0)], (1.0, 1.0)),
        ("pow", [(-3.0, 2.0), (0.5, 0.5)], (-INF, INF)),
        ("pow", [(0.0, 2.0), (0.5, 0.5)], (-INF, INF)),
        ("pow", [(-3.0, 2.0), (-1.0, -1.0)], (-INF, INF)),
        ("pow", [(-3.0, 2.0), (1.0, 2.0)], (-INF, INF)),
    ],
)
def test_known_ranges(name, sources, expected):
    assert of(name, *sources) == expected


def near(found, sharp, ulps):
    """Around the sharp range by at least so many units of its ends, and few more."""
    for side, (end, value) in enumerate(zip(found, sharp, strict=True)):
        outward = (end - value) * (-1 if side == 0 else 1)
        size = abs(value) * UNIT
        assert outward >= 0.99 * ulps * size, (side, end, value)
        assert outward <= (ulps + 1.6) * size + 1e-300, (side, end, value)


RISING = {
    "tanh": (mpmath.tanh, 4, [(-0.5, 0.3), (0.1, 2.0), (-2.0, -1.0)]),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), 8, [(-2.0, 3.0), (-30.0, -20.0), (0.5, 1.0)]),
    "exp": (mpmath.exp, 4, [(-2.0, 3.0), (-30.0, 0.5)]),
    "erf": (mpmath.erf, 4, [(-0.5, 0.3), (0.1, 1.0)]),
    "log": (mpmath.log, 4, [(0.1, 3.0), (2.0, 5.0), (0.1, 0.2)]),
    "sqrt": (mpmath.sqrt, 1, [(0.1, 3.0), (2.0, 5.0)]),
}


@pytest.mark.parametrize("name", RISING)
def test_rising_functions_are_rounded_outward_by_what_the_library_may_err(name):
    """The claim is for any library within so many units: the margin is there in any case."""
    function, ulps, boxes = RISING[name]
    for low, high in boxes:
        own = sigmoid if name == "sigmoid" else ELEMENTWISE[name]
        near(of(name, (low, high)), [float(own(np.float64(x))) for x in (low, high)], ulps)
        found = of(name, (low, high))
        assert mpmath.mpf(found[0]) <= function(mpmath.mpf(low))
        assert mpmath.mpf(found[1]) >= function(mpmath.mpf(high))


def test_rising_functions_keep_to_their_own_range():
    assert of("tanh", (-50.0, 50.0)) == (-1.0, 1.0)
    assert of("sigmoid", (-800.0, 50.0)) == (0.0, 1.0)
    assert of("erf", (-9.0, 9.0)) == (-1.0, 1.0)
    assert of("exp", (-1e4, -1e4))[0] == 0.0
    assert of("exp", (1.0, 1e4))[1] == INF
    assert of("sqrt", (0.0, 4.0))[0] == 0.0
    assert of("log", (0.0, 1.0))[0] == -INF
    assert 0 <= of("log", (0.0, 1.0))[1] < 1e-300


def test_the_logistic_function_has_a_small_relative_error_everywhere():
    for x in (-700.0, -40.0, -1.0, 0.0, 1.0, 40.0):
        true = 1 / (1 + mpmath.exp(-mpmath.mpf(x)))
        assert abs(mpmath.mpf(float(sigmoid(np.float64(x)))) / true - 1) < 2 * LIBRARY_ULPS * UNIT


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.3), (3e9, 2e9), (0.1, 1e-3), (2.0**31, 4.0)])
def test_products_that_round_are_rounded_outward(a, b):
    sharp = Fraction(a) * Fraction(b)
    for name, sources, sign in (
        ("mul", [(a, a), (b, b)], 1), ("mul", [(-a, -a), (b, b)], -1),
        ("mul", [(a, a), (-b, -b)], -1),
    ):  # fmt: skip
        low, high = of(name, *sources)
        assert Fraction(low) < sign * sharp < Fraction(high)
        assert high - low <= 5 * UNIT * float(sharp)


def test_squares_that_round_are_rounded_outward():
    low, high = of("square", (0.1, 0.3))
    assert Fraction(low) < Fraction(0.1) ** 2
    assert Fraction(high) > Fraction(0.3) ** 2
    near((low, high), (0.1 * 0.1, 0.3 * 0.3), 1)
    assert of("square", (-1e-200, 1e-200))[0] == 0.0


def test_reciprocals_are_rounded_outward_on_either_side_of_zero():
    near(of("reciprocal", (3.0, 7.0)), (1 / 7, 1 / 3), 1)
    near(of("reciprocal", (-7.0, -3.0)), (-1 / 3, -1 / 7), 1)
    near(of("reciprocal", (0.3, 0.7)), (1 / 0.7, 1 / 0.3), 1)
    near(of("reciprocal", (-0.7, -0.3)), (-1 / 0.3, -1 / 0.7), 1)
    assert of("reciprocal", (5e-324, 1.0))[1] == INF


WAVES = [(0.2, 1.0), (-1.0, -0.2), (1.7, 2.9), (3.3, 4.4), (-4.5, -3.5), (1.0, 2.0), (4.0, 5.5)]
WAVES += [
    (-0.5, 0.7),
    (2.5, 3.5),
    (5.0, 7.0),
    (-2.0, -1.0),
    (9000.0, 9000.2),
    (8.5, 9.2),
    (-5, 0.5),
]


@pytest.mark.parametrize("name", ["sin", "cos"])
@pytest.mark.parametrize(("low", "high"), WAVES)
def test_waves_reach_their_tops_where_there_are_any(name, low, high):
    function = getattr(np, name)
    values = function(np.linspace(low, high, 2001))
    found = of(name, (float(low), float(high)))
    least, most = values.min(), values.max()
    ends = sorted(function(np.array([low, high])))
    near_top = 1.0 if most > ends[1] + 1e-12 else ends[1]
    near_bottom = -1.0 if least < ends[0] - 1e-12 else ends[0]
    assert max(near_bottom - 9 * UNIT, -1.0) <= found[0] <= max(near_bottom, -1.0)
    assert found[0] <= near_bottom - 3.9 * UNIT * abs(near_bottom) or found[0] == -1.0
    assert min(near_top, 1.0) <= found[1] <= min(near_top + 9 * UNIT, 1.0)
    assert found[1] >= near_top + 3.9 * UNIT * abs(near_top) or found[1] == 1.0


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_a_top_at_the_very_end_counts(name):
    """pi is no float: where a top is at an end is in doubt, and doubt is yes."""
    for turns in (-3, 0, 2, 1000):
        for half, value in ((0.0, 1.0), (1.0, -1.0)):
            top = (0.5 if name == "sin" else 0.0) + half + 2 * turns
            place = top * np.pi
            for box in ((place, place + 0.1), (place - 0.1, place)):
                found = of(name, box)
                assert found[0 if value < 0 else 1] == value


def test_beside_a_top_waves_are_not_said_to_be_above_it():
    assert of("cos", (2e-8, 1.0))[1] == 1.0
    assert of("cos", (np.pi + 2e-8, 4.0))[0] == -1.0
    assert of("sin", (0.5 * np.pi + 2e-8, 2.0))[1] == 1.0
    assert of("sin", (2e-8 - 0.5 * np.pi, 0.0))[0] == -1.0


def test_whole_powers():
    near(of("pow", (-1.5, 2.5), (3.0, 3.0)), (-(1.5**3), 2.5**3), 4)
    near(of("pow", (1.5, 2.5), (2.0, 2.0)), (2.25, 6.25), 4)
    near(of("pow", (-2.5, -1.5), (2.0, 2.0)), (2.25, 6.25), 4)
    assert of("pow", (-2.5, 1.5), (2.0, 2.0))[0] == 0.0
    assert of("pow", (-0.5, 0.5), (2.0, 2.0))[0] == 0.0
    near(of("pow", (0.5, 2.5), (2.0, 2.0)), (0.25, 6.25), 4)
    assert of("pow", (0.0, 1.5), (2.0, 2.0))[0] == 0.0
    assert 6.25 < of("pow", (-2.5, 1.5), (2.0, 2.0))[1] < 6.25 * (1 + 9 * UNIT)
    assert of("pow", (-2.0, 0.0), (1.0, 1.0))[0] == pytest.approx(-2.0, rel=1e-14)


def test_powers_of_positive_bases():
    near(of("pow", (2.0, 3.0), (-1.5, 0.5)), (3.0**-1.5, 3.0**0.5), 4)
    near(of("pow", (0.25, 0.5), (1.0, 2.5)), (0.25**2.5, 0.5), 4)
    near(of("pow", (2.0, 3.0), (-2.0, -2.0)), (3.0**-2, 0.25), 4)
    assert of("pow", (1e-300, 1.0), (1.5, 2.0))[0] == 0.0


SIGNS = [-2.0, -0.5, 0.0, 0.75, 3.0]


def test_changes_of_a_relu_are_enclosed_and_not_by_much():
    """On boxes of grid numbers, whose vertices give the sharp range."""
    change = ELEMENTWISE["relu_change"]
    boxes = [(a, b) for a in SIGNS for b in SIGNS if a <= b]
    for x in boxes:
        for d in boxes:
            places = [np.clip(np.array([*x, 0.0, -end]), *x) for end in d]
            grid = np.concatenate([change(p, end) for p, end in zip(places, d, strict=True)])
            least, most = grid.min(), grid.max()
            low, high = of("relu_change", x, d)
            size = 40 * UNIT * (max(map(abs, x)) + max(map(abs, d)))
            assert least - size <= low <= least
            assert most <= high <= most + size
            assert min(d[0], 0.0) <= low and high <= max(d[1], 0.0)


def test_changes_of_a_relu_that_round_are_enclosed():
    rng = np.random.default_rng(3)
    for _ in range(200):
        x, d = (float(v) for v in rng.normal(size=2) * 10.0 ** rng.integers(-9, 9, size=2))
        sharp = max(Fraction(x) + Fraction(d), 0) - max(Fraction(x), 0)
        low, high = of("relu_change", (x, x), (d, d))
        assert Fraction(low) <= sharp <= Fraction(high)
        rounded = ELEMENTWISE["relu_change"](np.float64(x), np.float64(d))
        bound = change_error(np.array(x), np.array(d))
        assert abs(Fraction(float(rounded)) - sharp) <= Fraction(float(bound))
        assert bound <= 2 * UNIT * (abs(x) + abs(d)) * (1 + UNIT)
