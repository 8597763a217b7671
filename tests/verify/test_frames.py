"""The prover's coordinates of the hidden space: nothing of a hidden state is lost on the way."""

from fractions import Fraction

import numpy as np
import pytest

from distill.loops import make_oracle
from distill.normal_form import Builder
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify.frames import Frame, frames_of, plain_frame
from dsl.loop_text import parse_loop

pytestmark = pytest.mark.filterwarnings("error")
M = np.array([[2.0, 1.0], [0.1, -0.7]])
FRAME = Frame(M, np.asarray(np.linalg.inv(M)))


def exactly(matrix, vector):
    return [sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(row, vector, strict=True))
            for row in matrix]  # fmt: skip


def test_the_plain_frame_is_the_hidden_numbers_themselves():
    found = plain_frame(3)
    assert found.plain
    assert found.matrix.tolist() == found.back.tolist() == np.eye(3).tolist()
    assert found.rest(9.0).tolist() == [0.0, 0.0, 0.0]
    assert not FRAME.plain
    assert not Frame(np.array([[1.0, 0.0], [1e-9, 1.0]]), np.eye(2)).plain


def test_a_point_is_seen_within_its_rounding():
    point = np.array([0.3, 0.7])
    low, high = FRAME.seen(point)
    assert low.shape == high.shape == (1, 2)
    sizes = np.abs(M) @ np.abs(point)
    for k, value in enumerate(exactly(M, point)):
        margin = Fraction(float(sizes[k])) * 2 * Fraction(1, 2**53)
        assert Fraction(float(low[0, k])) <= value - margin
        assert Fraction(float(high[0, k])) >= value + margin
        assert high[0, k] - low[0, k] <= 20 * 2.0**-52 * sizes[k]


def test_what_the_inverse_lacks_is_bounded():
    columns = [exactly(FRAME.back, column) for column in M.T]
    lack = [[int(i == j) - columns[j][i] for j in range(2)] for i in range(2)]
    rest, back = FRAME.rest(3.0), 3 * np.abs(FRAME.back).sum(1).max()
    for k in range(2):
        assert sum(map(abs, lack[k])) * Fraction(float(back)) <= Fraction(float(rest[k]))
    assert (rest > 0).all() and (rest < 1e-12).all()
    rough = Frame(np.eye(2), np.array([[1.125, 0.0], [0.0, 1.0]]))
    sharp = 0.125 * 1.125 * 4 / (1 - 0.125)
    assert sharp <= rough.rest(4.0)[0] <= sharp * 1.0001
    assert rough.rest(4.0)[1] == 0.0
    spread = Frame(np.eye(2), np.array([[1.0, 0.125], [0.0, 1.0]])).rest(4.0)
    assert 0.125 * 1.125 * 4 / 0.875 <= spread[0] <= 0.125 * 1.125 * 4 / 0.875 * 1.0001
    assert Frame(np.eye(1), np.array([[1.2499]])).rest(1.0)[0] == pytest.approx(0.4166, rel=1e-3)
    for wrong in (1.2501, 0.7499, -1.0):
        assert Frame(np.eye(1), np.array([[wrong]])).rest(1.0).tolist() == [np.inf]
    assert Frame(np.eye(2), 2 * np.eye(2)).rest(1.0).tolist() == [np.inf, np.inf]


def test_every_hidden_state_is_among_those_that_are_followed():
    rng = np.random.default_rng(0)
    rough = Frame(M, np.linalg.inv(M) + rng.uniform(-0.05, 0.05, (2, 2)))
    for frame in (FRAME, rough):
        for h in rng.uniform(-2, 2, size=(20, 2)):
            u = exactly(M, h)
            rest = frame.rest(max(abs(float(v)) for v in u) * (1 + 1e-12))
            for a, b, e in zip(h, [sum(Fraction(float(w)) * v for w, v in zip(row, u, strict=True))
                                   for row in frame.back], rest, strict=True):  # fmt: skip
                assert abs(Fraction(a) - b) <= Fraction(float(e))


def test_errors_are_stretched_by_the_coordinates():
    sharp = np.array([[3.0, 1.45], [2.0, 0.1]])
    found = FRAME.stretched(np.array([[0.5, 2.0], [1.0, 0.0]]))
    assert found == pytest.approx(sharp, rel=1e-8)
    assert (found > sharp).all()


def test_a_cell_written_in_coordinates_is_the_same_cell():
    builder = Builder(3)
    first = builder.affine([(0, np.array([[0.5, 1, -1], [0.25, -0.5, 2]]))], np.array([0.1, 0.2]))
    bent = builder.elementwise("max", builder.elementwise("tanh", first), first)
    plain = builder.build(
        builder.affine([(bent, np.array([[1, 0.5], [0, 1.0], [2, -1]])),
                        (0, np.array([[0.0, 0, 1]] * 3))], np.array([0.0, 0.3, -0.4]))
    )  # fmt: skip
    form = FRAME.written(plain)
    assert form.input_width == 5
    rng = np.random.default_rng(1)
    u, e, x = rng.normal(size=(7, 2)), rng.normal(size=(7, 2)) * 0.1, rng.normal(size=(7, 1))
    h = u @ FRAME.back.T + e
    out, after = form.run(np.hstack([u, e, x])), plain.run(np.hstack([h, x]))
    assert out[:, :2] == pytest.approx(after[:, :2] @ M.T, rel=1e-12)
    assert out[:, 2:] == pytest.approx(after[:, 2:], rel=1e-12)
    wires, own = form.wires(np.hstack([u, e, x])), plain.wires(np.hstack([h, x]))
    for index in range(len(plain.nodes)):
        assert wires[index + 1] == pytest.approx(own[index], rel=1e-12)


SECOND = """loop predict(x: int) -> seq(int)
  start previous: int = 0
  out previous
  next previous = x
"""


def delay(turn):
    """The item before, in hidden numbers that are turned by a matrix."""
    back = np.linalg.inv(turn)
    step = turn @ np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]) @ np.block(
        [[back, np.zeros((2, 1))], [np.zeros((1, 2)), np.eye(1)]]
    )  # fmt: skip
    layers = [(step, np.zeros(2))], [(np.array([[1.0, 0.0]]) @ back, np.zeros(1))]
    network = RecurrentNetwork(cell_of_layers(*layers), np.zeros(2))
    return make_oracle(network, "seq(int(0,9))", "seq(int)", 10)


def test_frames_have_one_axis_along_what_a_state_of_the_program_leaves_open():
    """The program's state is the last item; the network still holds the one before it, 0 to 9."""
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]])
    frames = list(frames_of(parse_loop(SECOND), delay(turn), 0, 0))
    assert len(frames) == 3
    for frame in frames:
        assert frame.matrix @ frame.back == pytest.approx(np.eye(2), abs=1e-9)
    first, last = frames[0], frames[-1]
    free, fixed = turn @ np.array([0.0, 1.0]), turn @ np.array([1.0, 0.0])
    for frame, thin in ((first, 0.05), (frames[1], 0.005), (last, 0.0005)):
        seen = np.abs(frame.matrix @ np.column_stack([free, fixed]))
        order = np.argsort(seen[:, 0])
        assert seen[order[1], 0] == pytest.approx(1 / 4.5, rel=0.15)
        assert seen[order[0], 0] < 1e-6 / thin
        assert seen[order[0], 1] == pytest.approx(1 / 4.5 / thin, rel=0.15)


def test_a_memory_of_items_leaves_nothing_open():
    """With the last two items known the network's state is known but for the first rows."""
    plain = next(frames_of(parse_loop(SECOND), delay(np.eye(2)), 0, 0))
    found = next(frames_of(parse_loop(SECOND), delay(np.eye(2)), 2, 0))
    assert np.abs(found.matrix).max() > 0
    assert not np.allclose(np.abs(found.matrix), np.abs(plain.matrix))


def test_the_same_seed_gives_the_same_frames():
    for seed in (0, 1):
        first, again = (
            next(frames_of(parse_loop(SECOND), delay(np.eye(2)), 0, seed)) for _ in "ab"
        )
        assert (first.matrix == again.matrix).all()


def test_there_are_no_frames_where_nothing_varies():
    step = [(np.zeros((2, 3)), np.zeros(2))], [(np.zeros((1, 2)), np.zeros(1))]
    oracle = make_oracle(RecurrentNetwork(cell_of_layers(*step), np.zeros(2)), "seq(int(0,9))",
                         "seq(int)", 10)  # fmt: skip
    assert list(frames_of(parse_loop(SECOND), oracle, 0, 0)) == []
