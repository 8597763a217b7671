"""The checker's exact ranges and gaps, beside values worked out by hand or in fractions."""

import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reference import sharp

from distill.checker.exact import exact
from distill.checker.lines import default_slopes, gap, image, lines
from distill.checker.smooth import NoBound, power_range, range_of

ENDS = [-2.0, -0.5, 0.0, 0.75, 3.0]
BOXES = [(a, b) for a in ENDS for b in ENDS if a <= b]


def sources(*boxes):
    """Boxes as one row each of exact ranges, (1, boxes) arrays per end."""
    return [(exact(np.array([[a]])), exact(np.array([[b]]))) for a, b in boxes]


def ends(found):
    low, high = found
    assert low.shape == high.shape == (1, 1)
    return low.fractions()[0], high.fractions()[0]


def of(name, *boxes):
    return ends(image(name, sources(*boxes)))


def many(boxes):
    """Boxes as the rows of one range, (boxes, 1)."""
    low, high = np.array(boxes).T
    return exact(low[:, None]), exact(high[:, None])


@pytest.mark.parametrize("name", ["relu", "abs", "square"])
def test_gaps_of_one_number_are_sharp(name):
    for slope in (-1.5, -0.25, 0.0, 0.5, 1.0, 4.0):
        slopes = (exact(np.full((len(BOXES), 1), slope)),)
        below, above = gap(name, [many(BOXES)], slopes)
        found = list(zip(below.fractions(), above.fractions(), strict=True))
        assert found == [sharp(name, [box], [slope]) for box in BOXES]


PAIRS = list(product(BOXES[::3], BOXES[::4])) + [
    (x, y) for x in BOXES[1::4] for y in (x, (1.0, 1.0))
]


@pytest.mark.parametrize("name", ["max", "min", "mul"])
def test_gaps_of_two_numbers_are_sharp(name):
    sources = [many([pair[k] for pair in PAIRS]) for k in (0, 1)]
    for slopes in ((0.0, 0.0), (0.25, 0.75), (-1.0, 0.5), (1.0, 0.0)):
        below, above = gap(name, sources, tuple(exact(np.full((len(PAIRS), 1), s)) for s in slopes))
        found = list(zip(below.fractions(), above.fractions(), strict=True))
        assert found == [sharp(name, pair, slopes) for pair in PAIRS]
        if slopes == (0.0, 0.0):
            low, high = image(name, sources)
            assert list(zip(low.fractions(), high.fractions(), strict=True)) == found


@pytest.mark.parametrize("name", ["relu", "abs", "square"])
def test_images_are_gaps_of_flat_lines(name):
    low, high = image(name, [many(BOXES)])
    found = list(zip(low.fractions(), high.fractions(), strict=True))
    assert found == [sharp(name, [box], [0]) for box in BOXES]


@pytest.mark.parametrize(
    ("name", "boxes", "expected"),
    [
        ("floor", [(-1.5, 2.25)], (-2, 2)),
        ("floor", [(-2.0, 3.0)], (-2, 3)),
        ("round", [(-1.5, 2.5)], (-2, 2)),
        ("round", [(0.5, 3.5)], (0, 4)),
        ("round", [(0.75, 1e15)], (1, 10**15)),
        ("sign", [(-0.5, 0.25)], (-1, 1)),
        ("sign", [(0.0, 0.25)], (0, 1)),
        ("sign", [(-0.25, 0.0)], (-1, 0)),
        ("greater", [(0.0, 1.0), (1.0, 2.0)], (0, 0)),
        ("greater", [(0.0, 1.5), (1.0, 2.0)], (0, 1)),
        ("greater", [(2.0, 3.0), (1.0, 2.0)], (0, 1)),
        ("greater", [(2.5, 3.0), (1.0, 2.0)], (1, 1)),
        ("equal", [(1.0, 1.0), (1.0, 1.0)], (1, 1)),
        ("equal", [(1.0, 1.0), (2.0, 2.0)], (0, 0)),
        ("equal", [(0.0, 1.0), (1.0, 2.0)], (0, 1)),
        ("equal", [(1.0, 2.0), (0.0, 1.0)], (0, 1)),
        ("equal", [(1.0, 1.0), (0.0, 1.0)], (0, 1)),
        ("equal", [(0.0, 1.0), (1.0, 1.0)], (0, 1)),
        ("equal", [(1.0, 2.0), (1.0, 1.0)], (0, 1)),
        ("equal", [(1.0, 1.0), (1.0, 2.0)], (0, 1)),
        ("equal", [(1.5, 2.0), (0.0, 1.0)], (0, 0)),
        ("equal", [(0.0, 1.0), (1.5, 2.0)], (0, 0)),
        ("pow", [(-2.0, 3.0), (2.0, 2.0)], (0, 9)),
        ("pow", [(-2.0, 3.0), (3.0, 3.0)], (-8, 27)),
        ("pow", [(-3.0, -2.0), (2.0, 2.0)], (4, 9)),
        ("pow", [(-2.0, 3.0), (0.0, 0.0)], (1, 1)),
    ],
)
def test_known_ranges(name, boxes, expected):
    assert of(name, *boxes) == expected


def test_steps_have_flat_lines_only():
    flat, steep = exact(np.zeros((1, 1))), exact(np.full((1, 1), 0.5))
    for name in ("floor", "round", "sign"):
        assert ends(gap(name, sources((-0.5, 2.25)), (flat,))) == of(name, (-0.5, 2.25))
        with pytest.raises(NoBound, match="flat"):
            gap(name, sources((-0.5, 2.25)), (steep,))
    for name in ("greater", "equal", "pow"):
        boxes = [(0.5, 2.0), (1.0, 1.0)]
        assert ends(gap(name, sources(*boxes), (flat, flat))) == of(name, *boxes)
        for slopes in ((steep, flat), (flat, steep)):
            with pytest.raises(NoBound, match="flat"):
                gap(name, sources(*boxes), slopes)


def test_smooth_functions_are_bounded_number_by_number():
    low, high = np.array([[-1.0, 0.5]]), np.array([[0.25, 2.0]])
    slope = np.array([[0.5, -0.25]])
    found = gap("tanh", [(exact(low), exact(high))], (exact(slope),))
    for side in (0, 1):
        assert found[side].shape == (1, 2)
        assert found[side].fractions() == [
            range_of("tanh", Fraction(a), Fraction(b), s)[side]
            for a, b, s in zip(low[0], high[0], slope[0], strict=True)
        ]
    one = gap("tanh", [(exact(low), exact(high))], (exact(0.5),))
    assert one[0].fractions()[0] == found[0].fractions()[0]
    flat = image("exp", [(exact(low), exact(high))])
    assert flat[1].fractions() == [
        range_of("exp", Fraction(a), Fraction(b), 0.0)[1]
        for a, b in zip(low[0], high[0], strict=True)
    ]
    powers = image("pow", [(exact(high), exact(high)), (exact(-low), exact(1 - low))])
    for k in (0, 1):
        x, y = Fraction(high[0, k]), Fraction(-low[0, k])
        for side in (0, 1):
            assert powers[side].fractions()[k] == power_range((x, x), (y, y + 1))[side]


def test_lines_take_the_gap_below_and_the_gap_above():
    box = sources((-2.0, 3.0))
    lower, upper = (exact(np.array([[0.25]])),), (exact(np.array([[0.5]])),)
    found = lines("relu", box, lower, upper)
    assert found.lower is lower
    assert found.upper is upper
    assert found.below.fractions() == [sharp("relu", [(-2.0, 3.0)], [0.25])[0]]
    assert found.above.fractions() == [sharp("relu", [(-2.0, 3.0)], [0.5])[1]]


@pytest.mark.parametrize(
    ("name", "boxes", "expected"),
    [
        ("relu", [(-2.0, 3.0)], [0.0]),
        ("relu", [(-2.0, -1.0)], [0.0]),
        ("relu", [(-2.0, 0.0)], [0.0]),
        ("relu", [(0.0, 3.0)], [1.0]),
        ("abs", [(-2.0, 3.0)], [0.0]),
        ("abs", [(1.0, 3.0)], [1.0]),
        ("abs", [(-2.0, 0.0)], [-1.0]),
        ("abs", [(-2.0, -1.0)], [-1.0]),
        ("max", [(2.0, 3.0), (0.0, 1.0)], [1.0, 0.0]),
        ("max", [(1.0, 3.0), (0.0, 1.0)], [1.0, 0.0]),
        ("max", [(0.0, 1.0), (2.0, 3.0)], [0.0, 1.0]),
        ("max", [(0.0, 2.0), (2.0, 3.0)], [0.0, 1.0]),
        ("max", [(0.0, 2.0), (1.0, 3.0)], [0.0, 0.0]),
        ("max", [(1.0, 1.0), (1.0, 1.0)], [1.0, 0.0]),
        ("min", [(2.0, 3.0), (0.0, 1.0)], [0.0, 1.0]),
        ("min", [(0.0, 1.0), (2.0, 3.0)], [1.0, 0.0]),
        ("min", [(0.0, 2.0), (1.0, 3.0)], [0.0, 0.0]),
        ("mul", [(0.0, 2.0), (1.0, 3.0)], [0.0, 0.0]),
        ("tanh", [(0.0, 2.0)], [0.0]),
    ],
)
def test_units_without_a_record_take_the_side_that_is_decided(name, boxes, expected):
    found = default_slopes(name, sources(*boxes))
    assert [s.tolist() for s in found] == [[[v]] for v in expected]
    if any(expected):  # decided
        assert sharp(name, boxes, expected) == (0, 0)
