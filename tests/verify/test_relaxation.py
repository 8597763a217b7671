"""Lines around functions, beside the checker's exact gaps for the same slopes."""

import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import random_boxes

from distill.checker.exact import exact
from distill.checker.lines import gap
from distill.normal_form import ELEMENTWISE
from distill.verify.image import image
from distill.verify.relaxation import relax, with_lower_slope
from distill.verify.smooth import SMOOTH

pytestmark = pytest.mark.filterwarnings("error")
EXACT = ["relu", "abs", "max", "min", "mul"]
TWO = ("max", "min", "mul")


def box(low, high):
    return np.array([[float(low)]]), np.array([[float(high)]])


def of(name, *boxes):
    """Slopes and constants of the two lines on one box."""
    found = relax(name, [box(*b) for b in boxes])
    lower, upper = (tuple(float(s[0, 0]) for s in side) for side in (found.lower, found.upper))
    return lower, upper, float(found.below[0, 0]), float(found.above[0, 0])


def exact_gap(name, sources, slopes):
    boxes = [(exact(low), exact(high)) for low, high in sources]
    return [end.fractions() for end in gap(name, boxes, tuple(map(exact, slopes)))]


def sizes(sources, slopes):
    """Of what is added up at a vertex, at most."""
    largest = [np.maximum(np.abs(low), np.abs(high)) for low, high in sources]
    scale = np.maximum.reduce([np.ones_like(largest[0]), *largest]) if len(largest) == 2 else 1.0
    return sum((np.abs(s) + scale) * x for s, x in zip(slopes, largest, strict=True))


def wide(rng, count):
    """Boxes of all sizes and places."""
    middle = rng.normal(size=(count, 1)) * 10.0 ** rng.integers(-6, 6, size=(count, 1))
    radius = np.abs(rng.normal(size=(count, 1))) * 10.0 ** rng.integers(-8, 6, size=(count, 1))
    return middle - radius, middle + radius


def near(name, boxes, expected):
    """These slopes, and constants but for rounding."""
    found = of(name, *boxes)
    assert found[:2] == expected[:2]
    assert found[2:] == pytest.approx(expected[2:], rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("name", EXACT)
def test_constants_are_the_exact_gaps_rounded_outward(name):
    rng = np.random.default_rng(len(name))
    for boxes in (wide, lambda r, n: random_boxes(r, n, 1)):
        sources = [boxes(rng, 150) for _ in range(2 if name in TWO else 1)]
        found = relax(name, sources)
        least, _ = exact_gap(name, sources, found.lower)
        _, most = exact_gap(name, sources, found.upper)
        room = 6 * 2.0**-53 * np.maximum(sizes(sources, found.lower), sizes(sources, found.upper))
        for k in range(150):
            below, above = Fraction(float(found.below[k, 0])), Fraction(float(found.above[k, 0]))
            some = Fraction(float(room[k, 0])) + Fraction(1e-290)
            assert least[k] - some <= below <= least[k]
            assert most[k] <= above <= most[k] + some


def test_what_is_exact_is_not_rounded():
    """Decided kinks and products with 0 or 1 are known to the last bit."""
    for low, high in ((0.1, 0.3), (0.0, 0.7), (1e-9, 3e7)):
        assert of("relu", (low, high)) == ((1.0,), (1.0,), 0.0, 0.0)
        assert of("relu", (-high, -low)) == ((0.0,), (0.0,), 0.0, 0.0)
        assert of("abs", (low, high)) == ((1.0,), (1.0,), 0.0, 0.0)
        assert of("abs", (-high, -low)) == ((-1.0,), (-1.0,), 0.0, 0.0)
    assert of("max", (0.1, 0.3), (-0.2, 0.1)) == ((1.0, 0.0), (1.0, 0.0), 0.0, 0.0)
    assert of("max", (-0.2, 0.1), (0.3, 0.7)) == ((0.0, 1.0), (0.0, 1.0), 0.0, 0.0)
    assert of("min", (0.3, 0.7), (-0.2, 0.1)) == ((0.0, 1.0), (0.0, 1.0), 0.0, 0.0)
    assert of("min", (-0.2, 0.1), (0.3, 0.7)) == ((1.0, 0.0), (1.0, 0.0), 0.0, 0.0)
    assert of("mul", (0.0, 0.0), (0.1, 0.1)) == ((0.1, 0.0), (0.1, 0.0), 0.0, 0.0)
    near("mul", [(2.0, 4.0), (1.0, 3.0)], ((2.0, 3.0), (2.0, 3.0), -7.0, -5.0))
    assert of("relu", (0.0, 0.0)) == ((1.0,), (1.0,), 0.0, 0.0)


def test_kinks_have_the_lines_of_crown():
    near("relu", [(-1.0, 3.0)], ((1.0,), (0.75,), 0.0, 0.75))
    near("relu", [(-3.0, 1.0)], ((0.0,), (0.25,), 0.0, 0.75))
    near("relu", [(-1.0, 1.0)], ((0.0,), (0.5,), 0.0, 0.5))
    near("abs", [(-1.0, 3.0)], ((1.0,), (0.5,), 0.0, 1.5))
    near("abs", [(-3.0, 1.0)], ((-1.0,), (-0.5,), 0.0, 1.5))
    near("abs", [(-1.0, 1.0)], ((0.0,), (0.0,), 0.0, 1.0))
    near("max", [(-1.0, 1.0), (-2.0, 0.0)], ((1.0, 0.0), (0.75, 0.25), 0.0, 0.75))
    near("max", [(-2.0, 0.0), (-1.0, 1.0)], ((0.0, 1.0), (0.25, 0.75), 0.0, 0.75))
    near("min", [(-1.0, 1.0), (-2.0, 0.0)], ((0.25, 0.75), (0.0, 1.0), -0.75, 0.0))
    near("min", [(-2.0, 0.0), (-1.0, 1.0)], ((0.75, 0.25), (1.0, 0.0), -0.75, 0.0))


def test_slopes_have_few_digits():
    """Of three thirds: a certificate writes slopes out."""
    third = round(4096 / 3) / 4096
    assert of("relu", (-2.0, 1.0))[1] == (third,)
    assert of("abs", (-2.0, 4.0))[1] == (third,)
    (slope,) = of("relu", (-2.0, 1.0))[1]
    assert abs(slope - 1 / 3) <= 0.5 / 4096


def test_functions_without_slopes_are_between_constants():
    for name, boxes in {
        "floor": [(-1.5, 2.5)], "round": [(-1.5, 2.5)], "sign": [(-1.0, 2.0)],
        "greater": [(-1.0, 2.0), (0.0, 1.0)], "pow": [(1.0, 2.0), (2.0, 2.0)],
    }.items():  # fmt: skip
        low, high = image(name, [box(*b) for b in boxes])
        flat = (0.0,) * len(boxes)
        assert of(name, *boxes) == (flat, flat, float(low[0, 0]), float(high[0, 0]))


def test_infinite_boxes_have_constants_that_are_no_bound():
    for name in EXACT:
        boxes = [(-np.inf, np.inf)] * (2 if name in TWO else 1)
        lower, upper, below, above = of(name, *boxes)
        assert np.isfinite([*lower, *upper]).all()
        assert not np.isnan([below, above]).any()
        assert above == np.inf
        assert below < np.inf
    assert of("relu", (-np.inf, 1.0))[3] == np.inf or of("relu", (-np.inf, 1.0))[1] == (0.0,)


def test_another_lower_slope_has_its_own_constant():
    sources = wide(np.random.default_rng(0), 40)
    lines = relax("relu", [sources])
    slope = np.random.default_rng(1).uniform(-1, 2, size=(40, 1))
    found = with_lower_slope(lines, sources, slope)
    assert found.lower == (slope,)
    assert found.upper is lines.upper
    assert found.above is lines.above
    least, _ = exact_gap("relu", [sources], (slope,))
    for k in range(40):
        some = Fraction(4 * 2.0**-53 * float((2 * np.abs(slope) + 1)[k, 0] * abs(sources[0][k, 0])))
        some += Fraction(
            4 * 2.0**-53 * float((2 * np.abs(slope) + 1)[k, 0] * abs(sources[1][k, 0]))
        )
        assert least[k] - some <= Fraction(float(found.below[k, 0])) <= least[k]


RANGES = {
    "log": (0.1, 4.0), "sqrt": (0.1, 4.0), "reciprocal": (0.2, 4.0), "exp": (-3.0, 2.0)
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_the_line_of_each_side_is_the_nearest_of_its_candidates(name):
    rng = np.random.default_rng(2)
    x = random_boxes(rng, 60, 1, *RANGES.get(name, (-3.0, 3.0)))
    found, middle = relax(name, [x]), 0.5 * (x[0] + x[1])
    low, high = image(name, [x])
    best_low, best_high = low, high
    for slope in SMOOTH[name].slopes(x):
        below, above = SMOOTH[name].gap(x, slope)
        best_low = np.maximum(best_low, slope * middle + below)
        best_high = np.minimum(best_high, slope * middle + above)
    assert (found.lower[0] * middle + found.below == best_low).all()
    assert (found.upper[0] * middle + found.above == best_high).all()
    assert (best_low > low).any()
    assert (best_high < high).any()


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_smooth_functions_at_a_point_have_flat_lines(name):
    point = np.array([[0.7]])
    found, (low, high) = relax(name, [(point, point)]), image(name, [(point, point)])
    assert found.lower[0].tolist() == found.upper[0].tolist() == [[0.0]]
    assert (found.below == low).all()
    assert (found.above == high).all()


def test_smooth_functions_on_infinite_boxes_are_between_constants():
    lower, upper, below, above = of("tanh", (-np.inf, np.inf))
    assert (lower, upper) == ((0.0,), (0.0,))
    assert (below, above) == (-1.0, 1.0)


def change_gap(x, d, slopes):
    """Least and largest relu(x + d) - relu(x) - slopes . (x, d), at every vertex."""
    x, d = (tuple(Fraction(float(e)) for e in box) for box in (x, d))

    def clip(v, box):
        return min(max(v, box[0]), box[1])

    xs = {*x, clip(Fraction(0), x), *(clip(-e, x) for e in d)}
    ds = {*d, clip(Fraction(0), d), *(clip(-e, d) for e in x)}
    values = [
        max(a + b, 0) - max(a, 0) - Fraction(slopes[0]) * a - Fraction(slopes[1]) * b
        for a, b in product(xs, ds)
    ]
    return min(values), max(values)


CHANGES = [(-2.0, -0.5), (-2.0, 0.0), (-1.0, 0.5), (-0.5, 2.0), (0.0, 1.0), (0.5, 3.0), (-0.3, 0.1)]


FAR = [(3.0, 4.0), (-4.0, -3.0), (-0.01, 3.0), (-3.0, 0.01), (1.0, 1.5), (-1.5, -1.0)]


@pytest.mark.parametrize("x", CHANGES)
def test_changes_of_a_relu_have_sharp_lines(x):
    for d in CHANGES + FAR:
        lower, upper, below, above = of("relu_change", x, d)
        least, most = change_gap(x, d, lower)[0], change_gap(x, d, upper)[1]
        size = 2.0**-51 * 8 * (max(map(abs, x)) + max(map(abs, d)))
        assert least - Fraction(size) <= below <= least
        assert most <= above <= most + Fraction(size)


def test_changes_of_a_relu_take_the_nearer_lines():
    """By d alone where d is small, by a line around each relu where that is nearer."""
    assert of("relu_change", (0.5, 3.0), (-0.25, 0.25))[0][0] == 0.0
    small = of("relu_change", (-1.0, 1.0), (-0.125, 0.125))
    assert small[:2] == ((0.0, 0.5), (0.0, 0.5))
    assert -small[2] == pytest.approx(0.0625, abs=1e-12)
    assert small[3] == pytest.approx(0.0625, abs=1e-12)
    rising = of("relu_change", (-1.0, 1.0), (0.0, 0.5))
    assert rising[0] == (0.0, 0.0) and rising[1] == (0.0, 1.0)
    assert rising[2:] == pytest.approx((0.0, 0.0), abs=1e-12)
    falling = of("relu_change", (-1.0, 1.0), (-0.5, 0.0))
    assert falling[0] == (0.0, 1.0) and falling[1] == (0.0, 0.0)
    assert falling[2:] == pytest.approx((0.0, 0.0), abs=1e-12)
    far = of("relu_change", (-1.0, -0.5), (3.0, 4.0))
    assert far[0] == far[1] == (1.0, 1.0)
    assert far[2:] == pytest.approx((0.0, 0.0), abs=1e-12)
    nothing = of("relu_change", (-1.0, 1.0), (0.0, 0.0))
    assert nothing[2:] == pytest.approx((0.0, 0.0), abs=1e-12)


def test_the_middle_decides_between_two_pairs_of_lines():
    """Neither pair may be farther off in the middle than the one by d alone."""
    change = ELEMENTWISE["relu_change"]
    for x, d in product(CHANGES[::2], CHANGES):
        lower, upper, below, above = of("relu_change", x, d)
        at = [0.5 * (a + b) for a, b in (x, d)]
        rise, fall = max(d[1], 0.0), max(-d[0], 0.0)
        share = round(4096 * rise / (rise + fall)) / 4096 if rise + fall > 0 else 0.0
        least = change_gap(x, d, (0.0, 1.0 - share))[0]
        most = change_gap(x, d, (0.0, share))[1]
        value = change(*at)
        low = lower[0] * at[0] + lower[1] * at[1] + below
        high = upper[0] * at[0] + upper[1] * at[1] + above
        assert low <= value + 1e-12
        assert high >= value - 1e-12
        assert low >= float(least) + (1.0 - share) * at[1] - 1e-12
        assert high <= float(most) + share * at[1] + 1e-12


def test_products_between_flat_planes_are_rounded_outward():
    """About 0 in both numbers the slopes are 0: all that is rounded is the product itself."""
    rng = np.random.default_rng(7)
    for x, y in rng.uniform(0.1, 1.0, size=(40, 2)).tolist():
        lower, upper, below, above = of("mul", (-x, x), (-y, y))
        assert lower == upper == (0.0, 0.0)
        sharp = Fraction(x) * Fraction(y)
        assert Fraction(below) <= -sharp and sharp <= Fraction(above)
        assert Fraction(above) - sharp <= sharp * Fraction(1, 2**50)


def test_changes_at_points_are_rounded_outward():
    rng = np.random.default_rng(8)
    points = rng.uniform(-1.0, 1.0, size=(20, 2))
    points[::2, 1] *= 1e-7
    for x, d in points.tolist():
        lower, upper, below, above = of("relu_change", (x, x), (d, d))
        least, most = change_gap((x, x), (d, d), lower)[0], change_gap((x, x), (d, d), upper)[1]
        assert Fraction(below) <= least and most <= Fraction(above)
        assert max(least - Fraction(below), Fraction(above) - most) <= Fraction(1, 2**48)


def test_products_of_grid_numbers_are_exact_below_the_limit_only():
    """Multiples of 1/1024 whose product has more digits than a float are rounded outward."""
    for k in range(1, 12):
        x, y = 2.0**22 + k / 1024, 2.0**22 + (2 * k + 1) / 1024
        _, _, below, above = of("mul", (-x, x), (-y, y))
        sharp = Fraction(x) * Fraction(y)
        assert Fraction(below) <= -sharp and sharp <= Fraction(above)
        small = of("mul", (-k / 4, k / 4), (-7.0, 7.0))
        assert small[2:] == (-k * 1.75, k * 1.75)


def test_products_that_underflow_are_rounded_outward():
    _, _, below, above = of("mul", (-1e-200, 1e-200), (-1e-200, 1e-200))
    assert -1e-290 < below < 0 < above < 1e-290
    lines = relax("relu", [box(-1e-200, 1e-200)])
    found = with_lower_slope(lines, box(-1e-200, 1e-200), np.array([[1e-200]]))
    assert -1e-200 < found.below[0, 0] < 0
