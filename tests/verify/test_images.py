"""What is said of images of boxes: decoded outputs, room for a checker, claims by induction."""

from __future__ import annotations

import numpy as np
import pytest

from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify.images import of_length, same_outputs, with_room

NETWORK = RecurrentNetwork(
    cell_of_layers([(np.eye(2, 3), np.zeros(2))], [(np.eye(2), np.zeros(2))]), np.zeros(2)
)
INTS = make_oracle(NETWORK, "seq(int(0,3))", "seq(int[2])", 5)
BOOLS = make_oracle(NETWORK, "seq(bool)", "seq(bool[2] above 0.25)", 5)


def rows(*values) -> np.ndarray:
    return np.array(values, dtype=float)


def test_whole_outputs_are_the_same_within_a_half():
    wanted = np.array([[1, 4]] * 7)
    low = rows([0.6, 3.6], [0.5, 3.6], [0.6, 3.6], [0.6, 3.5], [1.0, -np.inf], [1.0, 4.0], [0, 0])
    high = rows([1.4, 4.4], [1.4, 4.4], [1.5, 4.4], [1.4, 4.4], [1.0, 4.0], [np.inf, 4.0], [9, 9])
    assert same_outputs(INTS, low, high, wanted).tolist() == [True] + [False] * 6
    large = np.array([[2**41, 0]])
    ends = large.astype(float)
    assert same_outputs(INTS, ends, ends, large).tolist() == [False]
    assert same_outputs(INTS, ends - 2**40 - 1, ends - 2**40 - 1, large).tolist() == [False]


def test_truths_are_the_same_on_their_side_of_the_level():
    wanted = np.array([[True, False]] * 5)
    low = rows([0.26, 0.0], [0.25, 0.0], [0.26, 0.0], [0.26, -np.inf], [0.26, 0.0])
    high = rows([0.9, 0.25], [0.9, 0.25], [0.9, 0.26], [0.9, 0.25], [np.inf, 0.25])
    expected = [True, False, False, False, False]
    assert same_outputs(BOOLS, low, high, wanted).tolist() == expected


def test_room_is_left_beyond_what_rounding_may_do():
    low, high = rows([1.0, -2.0]), rows([3.0, -1.0])
    error = rows([0.1, 0.0])
    below, above = with_room(low, high, error)
    assert below[0, 0] == pytest.approx(1.0 - 0.125 - 2e-6, abs=1e-8)
    assert above[0, 0] == pytest.approx(3.0 + 0.125 + 2e-6, abs=1e-8)
    assert (below < low - error).all()
    assert (above > high + error).all()
    assert below[0, 1] > -2.0 - 2e-6


def test_claims_by_induction_name_their_length():
    some, every = (
        of_length("proved_to_length", "so far", 9, 0.0),
        of_length("proved", "", None, 0.0),
    )
    assert (some.method, some.count, some.length_bound, some.achieved) == ("induction", 9, 9, 0.0)
    assert (every.count, every.length_bound) == (0, None)
    assert "float32 in any order of summation" in some.arithmetic
