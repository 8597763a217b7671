"""Sets of hidden states: what they hold, by their definition, and what no certificate may say."""

from itertools import product

import numpy as np
import pytest

from distill.checker.regions import Cells, Hulls, widths_of
from distill.checker.tree import Refused

pytestmark = pytest.mark.filterwarnings("error")
WIDTHS = np.array([0.5, 0.25])


def ints(values):
    return np.array(values, dtype=np.int64)


def cells(*rows):
    """Of rows (state, place, place)."""
    found = ints(rows).reshape(-1, 3)
    return Cells(found[:, 0], found[:, 1:], WIDTHS)


def held(region, *boxes):
    """Of boxes (state, low, low, high, high)."""
    states = ints([b[0] for b in boxes])
    low, high = (np.array([b[k : k + 2] for b in boxes], float) for k in (1, 3))
    found = region.hold(states, low, high)
    assert found.dtype == bool
    return found.tolist()


def test_cells_are_the_boxes_of_their_places():
    low, high = cells((0, 1, -2), (3, 0, 0)).ends()
    assert low == pytest.approx(np.array([[0.5, -0.5], [0.0, 0.0]]), abs=1e-15)
    assert high == pytest.approx(np.array([[1.0, -0.25], [0.5, 0.25]]), abs=1e-15)
    assert (low < [[0.5, -0.5], [0.0, 0.0]]).all()
    assert (high > [[1.0, -0.25], [0.5, 0.25]]).all()


def test_a_box_is_held_where_all_cells_that_it_touches_are_listed():
    region = cells((0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 5, 5))
    inside = (0, 0.1, 0.1, 0.4, 0.2)
    assert held(region, inside) == [True]
    assert held(region, (0, 0.1, 0.1, 0.9, 0.2)) == [True]
    assert held(region, (0, 0.1, 0.1, 0.4, 0.4)) == [True]
    assert held(region, (0, 0.1, 0.1, 0.9, 0.4)) == [False]
    assert held(region, (0, 0.6, 0.3, 0.9, 0.4)) == [False]
    assert held(region, (0, -0.1, 0.1, 0.4, 0.2)) == [False]
    assert held(region, (0, 0.1, -0.1, 0.4, 0.2)) == [False]
    assert held(region, (0, 0.1, 0.1, 1.1, 0.2)) == [False]
    assert held(region, (1, 2.6, 1.3, 2.9, 1.4)) == [True]
    for state in (1, 2, -1, 7):
        assert held(region, (state, *inside[1:])) == [False]
    assert held(region, inside, (1, *inside[1:]), inside) == [True, False, True]


def test_a_box_that_ends_at_a_cells_edge_touches_the_next():
    """An edge belongs to both cells; nextafter goes to the safe side."""
    region = cells((0, 0, 0))
    assert held(region, (0, 0.1, 0.1, 0.5, 0.2)) == [False]
    assert held(region, (0, 0.0, 0.1, 0.4, 0.2)) == [False]
    assert held(region, (0, 0.1, 0.1, 0.499, 0.249)) == [True]


@pytest.mark.parametrize("seed", range(5))
def test_cells_hold_what_is_said_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    rows = {tuple(r) for r in rng.integers(-2, 3, size=(60, 3)).tolist() if r[0] >= 0}
    region = cells(*rows)
    low = rng.uniform(-1.2, 1.2, size=(200, 2)) * WIDTHS * 2
    high = low + rng.uniform(0, 1.5, size=(200, 2)) * WIDTHS
    states = ints(rng.integers(0, 3, 200))
    found = region.hold(states, low, high)
    for k in range(200):
        first, last = np.floor(low[k] / WIDTHS), np.floor(high[k] / WIDTHS)
        spans = [range(int(a), int(b) + 1) for a, b in zip(first, last, strict=True)]
        assert found[k] == all((int(states[k]), *place) in rows for place in product(*spans))


def test_boxes_that_are_far_off_or_touch_too_much_are_not_held():
    region = cells((0, 0, 0))
    for end in (1e300, np.inf):
        assert held(region, (0, 0.1, 0.1, end, 0.2)) == [False]
        assert held(region, (0, -end, 0.1, 0.2, 0.2)) == [False]
    line = Cells(np.zeros(6000, np.int64), np.arange(6000)[:, None], np.array([1.0]))

    def along(low, high):
        return bool(line.hold(ints([0]), np.array([[low]]), np.array([[high]]))[0])

    assert along(0.5, 4095.5)
    assert not along(0.5, 4096.5)
    plane = Cells(
        np.zeros(1 << 13, np.int64), np.array(list(product(range(64), range(128)))), WIDTHS
    )
    assert held(plane, (0, 0.1, 0.1, 31.9, 15.9)) == [True]
    assert held(plane, (0, 0.1, 0.1, 31.9, 16.1)) == [False]
    small = Cells(np.zeros(0, np.int64), np.zeros((0, 2), np.int64), WIDTHS)
    assert held(small, (0, 0.1, 0.1, 0.2, 0.2)) == [False]


def test_many_axes_may_still_touch_two_cells_along_each():
    places = np.zeros((2, 13), np.int64)
    places[1, 4] = 1
    wide = Cells(np.zeros(2, np.int64), places, np.ones(13))
    low, high = np.full((1, 13), 0.5), np.full((1, 13), 0.75)
    high[0, 4] = 1.75
    assert wide.hold(ints([0]), low, high).tolist() == [True]
    high[0, 1] += 1
    assert wide.hold(ints([0]), low, high).tolist() == [False]


def test_cells_that_are_spread_too_widely_are_refused():
    far = cells((0, 0, 0), (0, 1 << 31, 0), (0, 0, 1 << 31))
    with pytest.raises(Refused, match="spread"):
        held(far, (0, 0.1, 0.1, 0.2, 0.2))
    near = cells((0, 0, 0), (0, 1 << 30, 0), (0, 0, 1 << 30))
    assert held(near, (0, 0.1, 0.1, 0.2, 0.2)) == [True]


def test_keys_of_different_cells_differ():
    """(0, 3) and (1, 0) would be one number if the sizes were off."""
    region = cells((0, 0, 3), (1, 0, 0), (0, 1, 0))
    box = {(s, a, b): (s, 0.5 * a + 0.1, 0.25 * b + 0.1, 0.5 * a + 0.2, 0.25 * b + 0.2)
           for s, a, b in product(range(-1, 3), range(-1, 3), range(-1, 5))}  # fmt: skip
    for place, found in zip(box, held(region, *box.values()), strict=True):
        assert found == (place in {(0, 0, 3), (1, 0, 0), (0, 1, 0)})


HULLS = Hulls(ints([4, 1]), np.array([[0.0, -1.0], [5.0, 5.0]]), np.array([[1.0, 1.0], [6.0, 6.0]]))


def test_hulls_hold_what_lies_in_their_states_box():
    assert held(HULLS, (4, 0.0, -1.0, 1.0, 1.0)) == [True]
    assert held(HULLS, (1, 5.5, 5.5, 5.5, 5.5)) == [True]
    assert held(HULLS, (4, 5.5, 5.5, 5.5, 5.5), (1, 0.5, 0.5, 0.5, 0.5)) == [False, False]
    for state in (0, 2, 3, 5, -1):
        assert held(HULLS, (state, 0.5, 0.5, 0.5, 0.5)) == [False]
        assert held(HULLS, (state, 5.5, 5.5, 5.5, 5.5)) == [False]
    up, down = np.nextafter(1.0, 2.0), np.nextafter(-1.0, -2.0)
    assert held(HULLS, (4, 0.0, -1.0, up, 1.0)) == [False]
    assert held(HULLS, (4, 0.0, -1.0, 1.0, up)) == [False]
    assert held(HULLS, (4, 0.0, down, 1.0, 1.0)) == [False]
    assert held(HULLS, (4, -5e-324, -1.0, 1.0, 1.0)) == [False]
    assert HULLS.ends() == (HULLS.lower, HULLS.upper)
    nothing = Hulls(ints([]), np.zeros((0, 2)), np.zeros((0, 2)))
    assert held(nothing, (4, 0.0, 0.0, 0.0, 0.0)) == [False]


def test_widths_are_positive_numbers_one_for_each_axis():
    assert widths_of([0.5, 2], 2).tolist() == [0.5, 2.0]
    assert widths_of([0.5], 1).dtype == np.float64
    for wrong in ([0.5], [0.5, 0.0], [0.5, -1.0], [1e-31, 1.0], [1e31, 1.0], [np.nan, 1.0],
                  [[0.5, 0.5]], 0.5, [1e-30, 1.0], [1e30, 1.0]):  # fmt: skip
        with pytest.raises(Refused, match="positive"):
            widths_of(wrong, 2)
    for wrong in ("ab", None, {"a": 1}, [[1], [1, 2]], [10**400]):
        with pytest.raises(Refused, match=r"numbers|positive"):
            widths_of(wrong, 2)
