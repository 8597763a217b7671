"""Coordinates of the hidden space, and boxes in them: nothing of a box is lost on the way."""

from fractions import Fraction

import numpy as np
import pytest

from distill.checker.frame import Frame, frame_of
from distill.checker.images import Boxes
from distill.checker.tree import Refused
from distill.normal_form import Builder

pytestmark = pytest.mark.filterwarnings("error")
M = np.array([[2.0, 1.0], [0.1, -0.7]])


def exactly(matrix, vector):
    return [sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(row, vector, strict=True))
            for row in matrix]  # fmt: skip


def test_a_point_is_seen_exactly_but_for_the_last_digit():
    point = np.array([0.3, 0.7])
    low, high = frame_of(M.tolist(), 2).seen(point)
    assert low.shape == high.shape == (1, 2)
    for a, b, value in zip(low[0], high[0], exactly(M, point), strict=True):
        assert Fraction(a) < value < Fraction(b)
        assert b - a <= 4 * abs(float(value)) * 2.0**-52


def test_what_the_inverse_lacks_is_bounded():
    frame = frame_of(M.tolist(), 2)
    assert frame.hidden == 2
    largest = np.array([1.0, 3.0])
    rest = frame.rest(largest)
    columns = [exactly(frame.back, column) for column in M.T]
    lack = [[int(i == j) - columns[j][i] for j in range(2)] for i in range(2)]
    back = np.abs(frame.back) @ largest
    for k in range(2):
        row = sum(map(abs, lack[k]))
        assert row * Fraction(float(back.max())) <= Fraction(float(rest[k]))
    assert (rest > 0).all() and (rest < 1e-12).all()
    rough = Frame(np.eye(2), np.array([[1.125, 0.0], [0.0, 1.0]]))
    found = rough.rest(np.array([4.0, 1.0]))
    assert 0.125 * 4.5 / (1 - 0.125) <= found[0] <= 0.125 * 4.5 / (1 - 0.125) * 1.0001
    assert found[1] < 1e-290
    spread = Frame(np.eye(2), np.array([[1.0, 0.125], [0.0, 1.0]]))
    assert spread.rest(np.array([4.0, 8.0]))[0] == pytest.approx(0.125 * 8 / (1 - 0.125), rel=1e-6)
    assert Frame(np.eye(1), np.array([[1.25 - 1e-8]])).rest(np.ones(1))[0] > 0.25
    for wrong in (np.array([[1.26]]), np.array([[0.7]]), np.array([[-1.0]])):
        with pytest.raises(Refused, match="undone"):
            Frame(np.eye(1), wrong).rest(np.ones(1))


def test_every_hidden_state_is_among_those_that_are_followed():
    """h = B u + e with |e| <= rest, whatever h is."""
    rng = np.random.default_rng(0)
    for frame in (
        frame_of(M.tolist(), 2),
        Frame(M, np.linalg.inv(M) + rng.uniform(-0.05, 0.05, (2, 2))),
    ):
        for h in rng.uniform(-2, 2, size=(20, 2)):
            u = exactly(M, h)
            rest = frame.rest(np.array([abs(float(v)) for v in u]) * (1 + 1e-12))
            back = [
                sum(Fraction(float(b)) * v for b, v in zip(row, u, strict=True))
                for row in frame.back
            ]
            for a, b, e in zip(h, back, rest, strict=True):
                assert abs(Fraction(a) - b) <= Fraction(float(e))


def test_errors_are_stretched_by_the_coordinates():
    found = frame_of(M.tolist(), 2).stretched(np.array([[0.5, 2.0], [1.0, 0.0]]))
    assert found == pytest.approx(np.array([[3.0, 1.45], [2.0, 0.1]]), rel=1e-8)
    assert (found > np.array([[3.0, 1.45], [2.0, 0.1]])).all()


def cell():
    """(h, x) to (h', y) with a tanh and an item of one number; hidden numbers 2."""
    builder = Builder(3)
    first = builder.affine(
        [(0, np.array([[0.5, 1.0, -1.0], [0.25, -0.5, 2.0]]))], np.array([0.1, 0.2])
    )
    bent = builder.elementwise("tanh", first)
    return builder.build(
        builder.affine([(bent, np.array([[1.0, 0.5], [0.0, 1.0], [2.0, -1.0]])),
                        (0, np.array([[0.0, 0.0, 1.0]] * 3))], np.array([0.0, 0.3, -0.4]))
    )  # fmt: skip


def test_a_cell_written_in_coordinates_is_the_same_cell():
    frame, plain = frame_of(M.tolist(), 2), cell()
    form = frame.written(plain)
    assert form.input_width == 5
    rng = np.random.default_rng(1)
    u, e, x = rng.normal(size=(7, 2)), rng.normal(size=(7, 2)) * 0.1, rng.normal(size=(7, 1))
    out = form.run(np.hstack([u, e, x]))
    h = u @ frame.back.T + e
    after = plain.run(np.hstack([h, x]))
    assert out[:, :2] == pytest.approx(after[:, :2] @ M.T, rel=1e-12)
    assert out[:, 2:] == pytest.approx(after[:, 2:], rel=1e-12)
    wires, own = form.wires(np.hstack([u, e, x])), plain.wires(np.hstack([h, x]))
    for index in range(len(plain.nodes)):
        assert wires[index + 1] == pytest.approx(own[index], rel=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        [[1.0]], [[1.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], [[1e30, 0.0], [0.0, 1.0]], "no", None,
        [[np.nan, 0.0], [0.0, 1.0]], [[np.inf, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]],
        [[1.0, 0.0], [0.0]], [[10**400, 0], [0, 1]], [[1e-310, 0.0], [0.0, 1.0]],
    ],
)  # fmt: skip
def test_coordinates_that_are_none_are_refused(wrong):
    with pytest.raises(Refused, match="coordinates"), np.errstate(all="ignore"):
        frame_of(wrong, 2)


def test_coordinates_may_be_large():
    assert frame_of([[1e29, 0.0], [0.0, -1e29]], 2).back[0, 0] == pytest.approx(1e-29)
    assert frame_of(np.eye(2), 2).back.tolist() == np.eye(2).tolist()


def boxes(count=5):
    rng = np.random.default_rng(2)
    low = rng.normal(size=(count, 2))
    return Boxes(
        np.arange(count), np.arange(count)[::-1].copy(), low, low + rng.uniform(0.1, 1, (count, 2))
    )


def test_boxes_are_halved_along_the_longest_axis_by_scale():
    one = Boxes(np.array([7]), np.array([3]), np.array([[0.0, 0.0]]), np.array([[2.0, 3.0]]))
    for scale, low, high in (
        ([1.0, 1.0], [[0.0, 0.0], [0.0, 1.5]], [[2.0, 1.5], [2.0, 3.0]]),
        ([1.0, 2.0], [[0.0, 0.0], [1.0, 0.0]], [[1.0, 3.0], [2.0, 3.0]]),
    ):
        found = one.halved(np.array(scale))
        assert found.lower.tolist() == low
        assert found.upper.tolist() == high
        assert found.states.tolist() == [7, 7]
        assert found.items.tolist() == [3, 3]
    many = boxes()
    halves = many.halved(np.ones(2))
    assert len(halves) == 10
    assert halves.states.tolist() == many.states.tolist() * 2
    assert halves.items.tolist() == many.items.tolist() * 2
    volume = (halves.upper - halves.lower).prod(1)
    assert volume[:5] + volume[5:] == pytest.approx((many.upper - many.lower).prod(1))
    off = Boxes(np.array([0]), np.array([0]), np.array([[1e308]]), np.array([[1.7e308]]))
    assert off.halved(np.ones(1)).upper[0, 0] == pytest.approx(1.35e308)


def test_boxes_are_split_in_parts():
    many = boxes()
    parts = many.split(2)
    assert [len(p) for p in parts] == [2, 2, 1]
    assert np.concatenate([p.states for p in parts]).tolist() == many.states.tolist()
    assert np.concatenate([p.items for p in parts]).tolist() == many.items.tolist()
    assert np.concatenate([p.lower for p in parts]).tolist() == many.lower.tolist()
    assert np.concatenate([p.upper for p in parts]).tolist() == many.upper.tolist()
    assert many.at(np.array([3, 1])).states.tolist() == [3, 1]
