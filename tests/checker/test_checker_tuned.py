"""Slopes under relus, tuned box by box: what is climbed, how, and what bounds come of it."""

from dataclasses import replace

import numpy as np
import pytest

from distill.checker.quick import Line, Walk, least, walked, with_lower_slopes
from distill.checker.tuned import _climbed, _growth, _look, _taken, _undecided, tuned_tops
from distill.normal_form import Builder, NormalForm


def table(*rows) -> np.ndarray:
    return np.array(rows, dtype=float)


def row(*values) -> np.ndarray:
    return np.array(values, dtype=float)


def relus_under(inner: np.ndarray, bias: np.ndarray, outer: np.ndarray, straight: np.ndarray,
                rest: np.ndarray) -> NormalForm:  # fmt: skip
    """`outer @ relu(inner @ x + bias) + straight @ x + rest`, nodes 0 to 3."""
    builder = Builder(inner.shape[1])
    bent = builder.elementwise("relu", builder.affine([(0, inner)], bias))
    return builder.build(builder.affine([(bent, outer), (0, straight)], rest))


def falling(outputs: tuple[tuple[float, float], ...] = ((-1.0, 1.0),)) -> NormalForm:
    """`a relu(x) + b x` for pairs (a, b); x - relu(x) unless told."""
    outer, straight = (table(*([pair[k]] for pair in outputs)) for k in (0, 1))
    return relus_under(table([1]), row(0), outer, straight, np.zeros(len(outputs)))


def random_relus(rng) -> NormalForm:
    """Three layers of relus, each of all that is before it."""
    builder, wires = Builder(2), [0]
    for width in (3, 2, 4, 2):
        terms = [(w, rng.normal(size=(width, builder.width(w)))) for w in wires]
        wires.append(builder.affine(terms, rng.normal(size=width)))
        if len(wires) < 5:
            wires[-1] = builder.elementwise("relu", wires[-1])
    return builder.build(wires[-1])


def random_boxes(rng) -> tuple[np.ndarray, np.ndarray]:
    low = rng.uniform(-2, 0, size=(3, 2))
    return low, low + rng.uniform(0.5, 2, size=(3, 2))


def two_bent() -> Walk:
    """3 relu(x + 1/2) - 2 relu(-2 x) + 4 x + 1/4 on [-3/2, 1/2] and [-3/2, 5/2], not rounded."""
    form = relus_under(table([1], [-2]), row(0.5, 0), table([3, -2]), table([4]), np.array([0.25]))
    before = table([-1, -1], [-1, -5]), table([1, 3], [3, 3])
    line = Line(
        [table([0.25, 0.5], [0.5, 0.25])],
        [table([0.5, 0.75], [0.75, 0.375])],
        np.zeros((2, 2)),
        table([0.5, 0.75], [0.75, 1.875]),
    )
    ranges = {0: (table([-1.5], [-1.5]), table([0.5], [2.5])), 1: before, 2: before}
    return Walk(form, 0.0, ranges, {2: line}, {1: table([2, 3], [3, 5]), 3: table([9], [9])})


def one_bent(low: np.ndarray, high: np.ndarray, start: np.ndarray, straight: float) -> Walk:
    """`straight * x - relu(x)` over boxes; the top of it falls by x for all that slopes gain."""
    ends = low[:, None], high[:, None]
    chord = high / (high - low)
    line = Line(
        [start[:, None]], [chord[:, None]], np.zeros((len(low), 1)), (-chord * low)[:, None]
    )
    return Walk(falling(((-1.0, straight),)), 0.0, dict.fromkeys((0, 1), ends), {2: line})


def test_the_bound_and_its_growth_are_those_of_the_lines():
    walk = two_bent()
    slopes = {2: walk.lines[2].lower[0]}
    least_of_it, most_of_it = (_look(walk, slopes, row(side)) for side in (1, -1))
    # 3 (x + 1/2) / 4 - 2 (3 (1 - 2 x) / 4) + 4 x + 1/4 = 31/4 x - 7/8, least at -3/2
    assert least_of_it.bound.tolist() == [-12.5, -13.25]
    assert least_of_it.growth[2].tolist() == [[-3, 0], [-3, 0]]
    # -3 (x + 3/2) / 2 + 2 (-2 x) / 2 - 4 x - 1/4 = -15/2 x - 5/2, least at 1/2
    assert most_of_it.bound.tolist() == [-6.25, -21.75]
    assert most_of_it.growth[2].tolist() == [[0, -2], [0, -10]]
    assert sorted(most_of_it.growth) == [2]


def test_a_row_weighs_all_outputs():
    form = relus_under(
        table([1]), row(0), table([0.5], [-1], [2]), table([1], [0], [0]), row(1, 20, 300)
    )
    ends = table([-1]), table([3])
    line = Line([table([0.5])], [table([0.75])], table([0]), table([0.75]))
    walk = Walk(form, 0.0, dict.fromkeys((0, 1), ends), {2: line})
    slopes = {2: table([0.5])}
    # relu counts 1/2 + 1: 3/2 (x / 2) + x - 19
    found = _look(walk, slopes, row(1, -1, 0))
    assert (found.bound.tolist(), found.growth[2].tolist()) == ([-20.75], [[-1.5]])
    # relu counts 1/2 - 2: -3/2 (3 x / 4 + 3 / 4) + x - 299
    found = _look(walk, slopes, row(1, 0, -1))
    assert (found.bound.tolist(), found.growth[2].tolist()) == ([-300.5], [[0.0]])


def test_where_an_input_does_not_count_its_upper_end_is_looked_at():
    walk = one_bent(row(-2), row(3), row(0.5), 0.5)
    found = _look(walk, {2: table([0.5])}, row(-1))
    assert (found.bound.tolist(), found.growth[2].tolist()) == ([0.0], [[3.0]])


def stacked() -> Walk:
    """relu(relu(x)) - relu(x) / 2 on [-1, 1], by lines that let relu(x) count nothing."""
    builder = Builder(1)
    first = builder.elementwise("relu", 0)
    second = builder.elementwise("relu", first)
    form = builder.build(
        builder.affine([(second, table([1])), (first, table([-0.5]))], np.zeros(1))
    )
    ends = table([-1]), table([1])
    line = Line([table([0.25])], [table([0.5])], table([0]), table([0.5]))
    lines = {1: line, 2: replace(line, lower=[table([0.5])])}
    return Walk(form, 0.0, dict.fromkeys((0, 1, 2), ends), lines)


def test_where_a_relu_does_not_count_its_upper_line_is_followed():
    walk = stacked()
    found = _look(walk, {1: table([0.25]), 2: table([0.5])}, row(1))
    assert found.bound.tolist() == [0.0]
    assert found.growth[1].tolist() == [[0.0]]
    assert found.growth[2].tolist() == [[1.0]]
    less = _look(walk, {1: table([0.25]), 2: table([0.75])}, row(1))
    # x / 4 at the first: the weight 3/4 - 1/2 goes to its lower line, least at x = -1
    assert less.bound.tolist() == [-0.0625]
    assert less.growth[1].tolist() == [[-0.25]]
    assert less.growth[2].tolist() == [[-0.25]]


def test_relus_that_nothing_weighs_grow_nothing():
    walk = two_bent()
    slopes = {2: walk.lines[2].lower[0]}
    found = _growth(walk, slopes, {}, table([0.5], [0.5]))
    assert found[2].tolist() == [[0, 0], [0, 0]]


def test_a_constant_is_its_own_bound():
    builder = Builder(1)
    form = builder.build(builder.constant(row(3)))
    walk = Walk(form, 0.0, {0: (table([-1], [2]), table([1], [4]))})
    found = _look(walk, {}, row(-2))
    assert found.bound.tolist() == [-6, -6]
    assert found.bound.dtype == np.float64
    assert found.growth == {}
    assert _climbed(walk, row(-2)) == {}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_climbed_is_what_is_shown_and_grows_as_told(seed):
    rng = np.random.default_rng(seed)
    form = random_relus(rng)
    walk = walked(form, *random_boxes(rng))
    side = rng.normal(size=walk.ranges[form.output][0].shape[1])
    slopes = {i: rng.uniform(0.1, 0.9, size=line.below.shape) for i, line in walk.lines.items()}

    def bound(chosen: dict[int, np.ndarray]) -> np.ndarray:
        return least(with_lower_slopes(walk, chosen), form.output, side[None])[:, 0]

    found = _look(walk, slopes, side)
    decided = {i: ~_undecided(walk, i) for i in slopes}
    through = {i: np.where(decided[i], walk.lines[i].lower[0], s) for i, s in slopes.items()}
    assert _look(walk, through, side).bound == pytest.approx(bound(through), abs=1e-9)
    for index, slope in slopes.items():
        for unit in range(slope.shape[1]):
            step = 1e-7 * np.eye(slope.shape[1])[unit]
            more = _look(walk, slopes | {index: slope + step}, side).bound
            rise = (more - found.bound) / 1e-7
            assert rise == pytest.approx(found.growth[index][:, unit], abs=1e-5)


def test_only_relus_whose_sum_has_both_signs_are_undecided():
    ends = row(-1, 0, -1, 0.5, -1, -1e-9), row(1, 1, 0, 2, 0.5, 1e-9)
    nothing = [np.zeros(shape) for shape in ((6, 1), 6, (1, 6), (1, 1), 1)]
    form = relus_under(*nothing)
    walk = Walk(form, 0.0, {0: (table([7]), table([8])), 1: (ends[0][None], ends[1][None])})
    assert _undecided(walk, 2).tolist() == [[True, False, False, False, True, True]]


def climbed(low: float, high: float, start: float, straight: float) -> float:
    """The best slope for `straight * x - relu(x)` on [low, high], in plain numbers."""
    slope, pace, best, highest = start, 0.0, start, -np.inf
    for step in range(13):
        corner = low if slope > straight else high
        bound = (slope - straight) * corner
        if bound > highest:
            best, highest = slope, bound
        pace = 0.8 * pace + corner
        slope = min(max(slope + 0.5 * 0.93**step * np.sign(pace), 0.0), 1.0)
    return best


def test_slopes_are_climbed_box_by_box_with_a_pace_that_is_partly_kept():
    boxes = [(-1, 1, 0), (-2, 1, 0), (-1, 3, 1), (-0.5, 0.625, 1), (-3, 2, 0.25), (-7, 6, 0.75)]
    low, high, start = (row(*side) for side in zip(*boxes, strict=True))
    for straight in (0.0, 0.3, 0.45, 0.55, 0.8, 0.97, 1.0):
        found = _climbed(one_bent(low, high, start, straight), row(-1))
        assert sorted(found) == [2]
        expected = [climbed(*box, straight=straight) for box in boxes]
        assert found[2][:, 0] == pytest.approx(expected, abs=1e-12)


def test_units_move_in_proportion_to_what_they_gain():
    form = relus_under(np.eye(3), np.zeros(3), table([-1, -1, -1]), table([1, 1, 1]), np.zeros(1))
    low, high = table([-4, -4, -4], [-1, -1, 2]), table([2, 0.0625, 0.03125], [0.5, 0.25, 3])
    chord = high / (high - low)
    start = table([0, 0, 0], [0, 0, 0.75])
    line = Line([start], [chord], np.zeros((2, 3)), -chord * low)
    walk = Walk(form, 0.0, dict.fromkeys((0, 1), (low, high)), {2: line})
    found = _climbed(walk, row(-1))[2]
    far = 0.5 * (1 - 0.93**12) / 0.07
    assert found[0] == pytest.approx([1, far / 32, far / 64], abs=1e-12)
    assert found[1, 2] == 0.75
    assert walk.lines[2].lower[0] is start
    assert start.tolist() == [[0, 0, 0], [0, 0, 0.75]]


def test_units_that_gain_next_to_nothing_move_a_little_towards_it():
    tiny = 2.0**-1003
    found = _climbed(one_bent(row(-tiny), row(tiny), row(0.25), 1.0), row(-1))[2][0, 0]
    assert 0.26 < found < 0.75


def test_of_equal_bounds_the_first_is_kept():
    """Beyond 1/4 the slope of relu(x + y) counts nothing, as x + y is 0 where the bound is."""
    form = relus_under(table([1, 1]), row(0), table([1]), table([-0.25, -2]), np.zeros(1))
    ends = table([-1, -1]), table([1, 1])
    line = Line([table([0])], [table([0.5])], table([0]), table([1]))
    walk = Walk(form, 0.0, {0: ends, 1: (table([-2]), table([2]))}, {2: line})
    assert _climbed(walk, row(1))[2].tolist() == [[0.5]]


@pytest.mark.parametrize("rows", [[1], [2, 0], [0, 1, 2]])
def test_some_boxes_are_taken_with_all_that_is_known_of_them(rows):
    def known(first: int) -> np.ndarray:
        return np.arange(first, first + 6.0).reshape(3, 2)

    form = falling()
    line = Line([known(10), known(20)], [known(30), known(40)], known(50), known(60))
    walk = Walk(form, 0.25, {0: (known(70), known(80))}, {2: line}, {1: known(90)})
    found = _taken(walk, np.array(rows))
    assert (found.form, found.room) == (form, 0.25)
    sides = [
        *zip(found.lines[2].lower + found.lines[2].upper, (10, 20, 30, 40), strict=True),
        (found.lines[2].below, 50),
        (found.lines[2].above, 60),
        (found.ranges[0][0], 70),
        (found.ranges[0][1], 80),
        (found.sizes[1], 90),
    ]
    for values, first in sides:
        assert values.tolist() == [[first + 2 * r, first + 2 * r + 1] for r in rows]


def test_what_all_boxes_share_is_taken_as_often_as_boxes():
    shared = table([1, 2])
    line = Line([shared], [shared], shared, table([1, 2], [3, 4]))
    walk = Walk(falling(), 0.0, {0: (shared, table([1, 2], [3, 4]))}, {2: line}, {1: shared})
    found = _taken(walk, np.array([1, 1, 0]))
    assert found.lines[2].lower[0].tolist() == [[1, 2]] * 3
    assert found.sizes[1].tolist() == [[1, 2]] * 3
    assert found.lines[2].above.tolist() == [[3, 4], [3, 4], [1, 2]]
    assert found.ranges[0][1].tolist() == [[3, 4], [3, 4], [1, 2]]


def test_tops_above_the_goal_are_lowered_to_what_is_true():
    """x - relu(x) and 3 relu(x) - 3 x are at most 0 and 3 times the lower end's size."""
    form = falling(((-1.0, 1.0), (3.0, -3.0)))
    walk = walked(form, table([-2], [-8], [0.5]), table([1], [4], [2]))
    before = walk.ranges[walk.form.output][1].copy()
    assert before == pytest.approx(table([1, 6], [4, 24], [0, 0]), abs=1e-9)
    found = tuned_tops(walk, 0.5)
    assert found == pytest.approx(table([0, 6], [0, 24], [0, 0]), abs=1e-9)
    assert (found >= table([0, 6], [0, 24], [0, 0])).all()
    assert (walk.ranges[walk.form.output][1] == before).all()
    some = tuned_tops(walk, 2.0)
    assert some == pytest.approx(table([1, 6], [0, 24], [0, 0]), abs=1e-9)
    assert some[0, 0] == before[0, 0]


def test_a_top_at_the_goal_is_left_as_it_is():
    walk = walked(falling(), table([-2]), table([1]))
    top = walk.ranges[3][1][0, 0]
    assert tuned_tops(walk, top).tolist() == [[top]]
    assert tuned_tops(walk, np.nextafter(top, 0))[0, 0] < 1e-9


def test_a_top_that_is_no_number_is_tuned_too():
    walk = walked(falling(), table([-2], [-2]), table([1], [1]))
    walk.ranges[3] = walk.ranges[3][0], np.array([[np.nan], [-1.0]])
    found = tuned_tops(walk, 0.5)
    assert 0 <= found[0, 0] <= 1e-9
    assert found[1, 0] == -1


@pytest.mark.parametrize("seed", range(3))
def test_tuned_tops_hold_and_are_no_looser(seed):
    rng = np.random.default_rng(seed)
    form = random_relus(rng)
    low, high = random_boxes(rng)
    walk = walked(form, low, high)
    found = tuned_tops(walk, -np.inf)
    assert (found <= walk.ranges[form.output][1]).all()
    assert (found < walk.ranges[form.output][1] - 1e-6).any()
    for share in rng.uniform(size=(40, 1, 2)):
        points = low + share * (high - low)
        assert (form.run(points) <= found).all()
