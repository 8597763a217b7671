"""Boxes are decided, or halved until they are; codes of decisions are right at the corners."""

from itertools import product

import numpy as np
import pytest

from distill.normal_form import Builder
from distill.verify.bounds import Limit, block_size
from distill.verify.decide import FAILS, HOLDS, SPLIT, category_codes, prove_boxes, sign_codes

VALUES = [-2.0, -1.0, 0.0, 1.0, 2.0]
BOXES = [(a, b) for a in VALUES for b in VALUES if a <= b]


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_signs_hold_or_fail_only_where_all_values_do(margin):
    """Beside every whole value and every half between: what is said of a box is true of each."""
    for (low, high), truth in product(BOXES, ((0, 0), (0, 1), (1, 1))):
        network = np.array([low]), np.array([high])
        (code,) = sign_codes(network, tuple(np.array([float(t)]) for t in truth), margin)
        values = np.arange(low, high + 0.25, 0.5)
        right = [
            abs(v) <= margin or (v > 0) == bool(t) or v == 0
            for v in values for t in range(truth[0], truth[1] + 1)
        ]  # fmt: skip
        assert (code == HOLDS) == all(right)
        if truth[0] == truth[1]:
            assert (code == FAILS) == (not any(right))
        else:
            assert code != FAILS
    assert sign_codes((np.zeros(1), np.zeros(1)), (np.zeros(1), np.zeros(1))).dtype == np.int8
    assert (HOLDS, FAILS, SPLIT) == (1, -1, 0)


def test_a_margin_of_nothing_is_the_default():
    one = np.ones(1)
    assert sign_codes((-0.5 * one, one), (one, one)).tolist() == [SPLIT]
    assert category_codes(
        (np.zeros((1, 2)), np.array([[0.0, 0.5]])), (0 * one, 0 * one)
    ).tolist() == [SPLIT]


def codes(low, high, chosen, margin=0.0):
    ends = np.array([low], float), np.array([high], float)
    found = category_codes(ends, tuple(np.array([float(c)]) for c in chosen), margin)
    assert found.dtype == np.int8
    return int(found[0])


def test_categories_hold_where_no_other_can_be_above():
    assert codes([2, 0, 0], [3, 1, 1], (0, 0)) == HOLDS
    assert codes([0, 2, 0], [1, 3, 1], (1, 1)) == HOLDS
    assert codes([0, 0, 2], [1, 1, 3], (2, 2)) == HOLDS
    assert codes([2, 0, 0], [3, 2.5, 1], (0, 0)) == SPLIT
    assert codes([2, 0, 0], [3, 2.5, 1], (0, 0), 1.0) == HOLDS
    assert codes([2, 0, 0], [3, 3.5, 1], (0, 0), 1.0) == SPLIT
    assert codes([2, 0, 0], [3, 1, 1], (0, 1)) == SPLIT
    assert codes([2, 0, 0], [3, 1, 1], (0, 2)) == SPLIT


def test_categories_fail_where_another_is_surely_above():
    assert codes([2, 0, 0], [3, 1, 1], (1, 1)) == FAILS
    assert codes([0, 0, 2], [1, 1, 3], (0, 0)) == FAILS
    assert codes([2, 0, 0], [3, 1, 1], (1, 2)) == SPLIT
    assert codes([2, 0, 0], [3, 1, 1], (1, 1), 0.5) == FAILS
    assert codes([2, 0, 0], [3, 1, 1], (1, 1), 1.0) == SPLIT
    assert codes([2, 0, 1.5], [3, 1, 2.5], (1, 1)) == SPLIT
    assert codes([2, 0, 1.5], [3, 1, 1.75], (1, 1)) == FAILS
    assert codes([0, 2, 2], [1, 3, 3], (0, 0)) == SPLIT
    assert codes([1, 1], [1, 1], (0, 0)) == SPLIT
    assert codes([2], [3], (0, 0)) == HOLDS


def test_categories_of_no_output_are_taken_as_the_nearest():
    assert codes([2, 0], [3, 1], (-1, -1)) == HOLDS
    assert codes([0, 2], [1, 3], (5, 5)) == HOLDS


def rows(*boxes):
    found = category_codes(
        (np.array([b[0] for b in boxes], float), np.array([b[1] for b in boxes], float)),
        (np.array([b[2] for b in boxes], float),) * 2,
    )
    return found.tolist()


def test_boxes_are_decided_each_for_itself():
    assert rows(([2, 0], [3, 1], 0), ([2, 0], [3, 1], 1), ([0, 0], [3, 1], 1)) == [
        HOLDS, FAILS, SPLIT,
    ]  # fmt: skip


def above(threshold):
    """x0 + x1 > threshold everywhere?"""

    def decide(lower, upper):
        low, high = lower.sum(axis=1), upper.sum(axis=1)
        found = np.where(low > threshold, HOLDS, np.where(high <= threshold, FAILS, SPLIT))
        return found.astype(np.int8)

    return decide


UNIT = np.zeros(2), np.ones(2)


def test_what_holds_everywhere_is_proved():
    found = prove_boxes(*UNIT, above(-0.1))
    assert (found.status, found.point, found.boxes) == ("proved", None, 1)
    assert found.open[0].shape == found.open[1].shape == (0, 2)
    assert found.tree == {"axis": [-1], "place": [0.0], "child": [0]}


def test_what_fails_somewhere_is_refuted_by_a_point():
    found = prove_boxes(*UNIT, above(0.25))
    assert found.status == "refuted"
    assert found.point.sum() <= 0.25
    assert len(found.tree["axis"]) == 2 * found.tree["axis"].count(-1) - 1
    at_once = prove_boxes(*UNIT, above(9.0))
    assert (at_once.status, at_once.boxes, at_once.point.tolist()) == ("refuted", 1, [0.5, 0.5])
    whole = prove_boxes(np.zeros(2), np.full(2, 3.0), above(9.0), integral=np.array([True, False]))
    assert whole.point.tolist() == [1.0, 1.5]


def test_what_cannot_be_told_is_left_open():
    """x0 + x1 > 0 fails at a corner only."""
    found = prove_boxes(*UNIT, above(0.0), Limit(100))
    assert found.status == "unknown"
    assert found.point is None
    assert 0 < found.boxes <= 100
    volume = (found.open[1] - found.open[0]).prod(axis=1)
    assert 0 < volume.sum() < 0.1
    assert (found.open[0] == 0).all(axis=1).any()
    nothing = prove_boxes(*UNIT, above(0.0), Limit(0))
    assert (nothing.status, nothing.boxes, len(nothing.open[0])) == ("unknown", 0, 1)


def test_boxes_that_cannot_be_cut_are_left_open():
    whole = np.array([True, True])
    found = prove_boxes(*UNIT, lambda low, high: np.zeros(len(low), np.int8), integral=whole)
    assert found.status == "unknown"
    assert len(found.open[0]) == 4
    assert found.boxes == 7
    refuted = prove_boxes(
        *UNIT, lambda low, high: np.where((low == 1).all(1), FAILS, SPLIT).astype(np.int8),
        integral=whole,
    )  # fmt: skip
    assert refuted.point.tolist() == [1.0, 1.0]


def test_scores_say_which_axis_to_cut():
    def decide(lower, upper):
        codes = np.where(upper[:, 1] - lower[:, 1] < 0.3, HOLDS, SPLIT).astype(np.int8)
        return codes, np.array([[0.0, 1.0]]).repeat(len(lower), 0)

    found = prove_boxes(*UNIT, decide)
    assert found.status == "proved"
    assert set(found.tree["axis"]) == {1, -1}
    assert found.boxes == 7
    flat = prove_boxes(*UNIT, lambda low, high: decide(low, high)[0], Limit(60))
    assert flat.tree["axis"].count(0) > 0


def test_many_boxes_are_asked_in_blocks():
    form = Builder(2).build(0)
    asked = []

    def decide(lower, upper):
        asked.append(len(lower))
        return above(-1.0)(lower, upper), np.zeros_like(lower)

    low = np.zeros((5000, 2))
    found = prove_boxes(low, low + 1, decide, form=form)
    assert (found.status, found.boxes) == ("proved", 5000)
    assert max(asked) <= block_size(form)
    assert sum(asked) == 5000
    asked.clear()
    assert prove_boxes(low, low + 1, decide).boxes == 5000
    assert max(asked) == 2048


def test_should_stop_ends_the_search():
    calls = []

    def stop():
        calls.append(None)
        return len(calls) > 3

    found = prove_boxes(*UNIT, above(0.0), Limit(10**9, stop))
    assert found.status == "unknown"
    assert 0 < found.boxes < 12
