"""Slopes of the checker's own choice are finite, tight, and flat where nothing better is known."""

import numpy as np
import pytest

from distill.checker.exact import exact
from distill.checker.slopes import float_slopes, floats, own_slopes

pytestmark = pytest.mark.filterwarnings("error")


def of(name, *boxes):
    ends = [(np.array([[float(a)]]), np.array([[float(b)]])) for a, b in boxes]
    pair = float_slopes(name, ends)
    found = [[s.ravel().tolist()[0] for s in side] for side in pair]
    if np.isfinite(boxes).all():
        again = own_slopes(0, name, [(exact(a), exact(b)) for a, b in ends])
        assert [[float(s.fractions()[0]) for s in side] for side in again] == found
    return found


@pytest.mark.parametrize(
    ("name", "boxes", "expected"),
    [
        ("relu", [(-1.0, 3.0)], [[1.0], [0.75]]),
        ("relu", [(-3.0, 1.0)], [[0.0], [0.25]]),
        ("relu", [(-1.0, 1.0)], [[0.0], [0.5]]),
        ("relu", [(0.0, 1.0)], [[1.0], [1.0]]),
        ("relu", [(-1.0, 0.0)], [[0.0], [0.0]]),
        ("relu", [(0.5, 1.0)], [[1.0], [1.0]]),
        ("relu", [(-1.0, -0.5)], [[0.0], [0.0]]),
        ("relu", [(0.0, 0.0)], [[1.0], [1.0]]),
        ("abs", [(-1.0, 3.0)], [[1.0], [0.5]]),
        ("abs", [(-3.0, 1.0)], [[-1.0], [-0.5]]),
        ("abs", [(0.5, 1.0)], [[1.0], [1.0]]),
        ("abs", [(-1.0, -0.5)], [[-1.0], [-1.0]]),
        ("max", [(-1.0, 1.0), (-2.0, 0.0)], [[1.0, 0.0], [0.75, 0.25]]),
        ("max", [(-2.0, 0.0), (-1.0, 1.0)], [[0.0, 1.0], [0.25, 0.75]]),
        ("max", [(2.0, 3.0), (0.0, 1.0)], [[1.0, 0.0], [1.0, 0.0]]),
        ("min", [(-1.0, 1.0), (-2.0, 0.0)], [[0.25, 0.75], [0.0, 1.0]]),
        ("min", [(-2.0, 0.0), (-1.0, 1.0)], [[0.75, 0.25], [1.0, 0.0]]),
        ("min", [(2.0, 3.0), (0.0, 1.0)], [[0.0, 1.0], [0.0, 1.0]]),
        ("mul", [(2.0, 4.0), (-1.0, 3.0)], [[1.0, 3.0], [1.0, 3.0]]),
        ("square", [(2.0, 5.0)], [[7.0], [7.0]]),
        ("floor", [(2.0, 5.0)], [[0.0], [0.0]]),
        ("greater", [(2.0, 5.0), (1.0, 3.0)], [[0.0, 0.0], [0.0, 0.0]]),
        ("sqrt", [(1.0, 9.0)], [[0.25], [0.25]]),
        ("reciprocal", [(0.5, 2.0)], [[-1.0], [-1.0]]),
        ("exp", [(1.0, 1.0)], [[0.0], [0.0]]),
        ("log", [(-1.0, 1.0)], [[0.0], [0.0]]),
        ("mul", [(-np.inf, np.inf), (1.0, 3.0)], [[2.0, 0.0], [2.0, 0.0]]),
        ("square", [(-1.0, np.inf)], [[0.0], [0.0]]),
        ("square", [(-np.inf, 1.0)], [[0.0], [0.0]]),
    ],
)
def test_known_slopes(name, boxes, expected):
    assert of(name, *boxes) == expected


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "erf", "exp", "log", "sqrt", "sin", "cos"])
def test_smooth_functions_have_their_chord(name):
    from distill.normal_form import ELEMENTWISE

    low, high = 0.25, 1.5
    (lower,), (upper,) = of(name, (low, high))
    assert (
        lower
        == upper
        == pytest.approx(
            float(ELEMENTWISE[name](np.float64(high)) - ELEMENTWISE[name](np.float64(low))) / 1.25
        )
    )


def test_exact_numbers_become_the_nearest_floats():
    values = np.array([[0.1, -3.0], [2.0**60, 0.0]])
    assert floats(exact(values)).tolist() == values.tolist()
    assert floats(exact(values)).dtype == np.float64
    third = exact(np.array([0.1])) * exact(np.array([0.1]))
    assert floats(third).shape == (1,)
    assert float(floats(third)[0]) == float(third.fractions()[0])
    with pytest.raises(OverflowError):
        floats(exact(np.array([1e300])) * exact(1e300))
