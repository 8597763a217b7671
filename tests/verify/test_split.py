"""Boxes are cut so that their halves tile them, and the record says so."""

import numpy as np
import pytest

from distill.errors import BadInput
from distill.verify.split import Boxes, Tree, centres, choose_axes, halve, join, root_boxes

LOW, HIGH = np.array([0.0, -1.0]), np.array([5.0, 1.0])
WHOLE = np.array([True, False])


def test_the_domain_closes_on_whole_numbers():
    boxes, whole = root_boxes(np.array([-0.5, -0.5]), np.array([2.5, 2.5]), WHOLE)
    assert boxes.lower.tolist() == [[0.0, -0.5]]
    assert boxes.upper.tolist() == [[2.0, 2.5]]
    assert boxes.node.tolist() == [0]
    assert whole.tolist() == [True, False]
    assert whole.dtype == bool
    many, whole = root_boxes([[0, 1], [1, 1]], [[2, 3], [1, 4]], None)
    assert many.lower.dtype == many.upper.dtype == float
    assert many.node.tolist() == [0, 1]
    assert whole.tolist() == [False, False]
    assert whole.dtype == bool
    assert root_boxes([0, 1], [2, 3], [0, 1])[1].dtype == bool
    assert len(root_boxes([1.0], [1.0], None)[0]) == 1


@pytest.mark.parametrize(
    ("low", "high", "whole", "reason"),
    [
        ([0.0], [1.0, 2.0], None, "finite"), ([0.0, -np.inf], [1.0, 2.0], None, "finite"),
        ([0.0, 0.0], [1.0, np.inf], None, "finite"), ([0.0, np.nan], [1.0, 2.0], None, "finite"),
        ([0.0, 3.0], [1.0, 2.0], None, "above its upper"),
        ([0.2, 0.0], [0.8, 1.0], [True, False], "no integer"),
    ],
)  # fmt: skip
def test_boxes_that_are_none_are_told(low, high, whole, reason):
    with pytest.raises(BadInput, match=reason):
        root_boxes(low, high, whole)


def test_halves_tile_and_are_recorded():
    boxes, whole = root_boxes(np.array([LOW, LOW]), np.array([HIGH, HIGH]), WHOLE)
    tree = Tree(2)
    found = halve(boxes, np.array([0, 1]), whole, tree)
    assert found.lower.tolist() == [[0.0, -1.0], [0.0, -1.0], [3.0, -1.0], [0.0, 0.0]]
    assert found.upper.tolist() == [[2.0, 1.0], [5.0, 0.0], [5.0, 1.0], [5.0, 1.0]]
    assert found.node.tolist() == [2, 4, 3, 5]
    assert tree.columns() == {
        "axis": [0, 1, -1, -1, -1, -1], "place": [2.0, 0.0, 0, 0, 0, 0], "child": [2, 4, 0, 0, 0, 0]
    }  # fmt: skip
    again = halve(found.take(np.array([3])), np.array([1]), whole, tree)
    assert again.upper.tolist() == [[5.0, 0.5], [5.0, 1.0]]
    assert again.node.tolist() == [6, 7]
    assert tree.size == 8
    assert tree.columns()["child"][5] == 6
    assert tree.columns()["axis"][5] == 1
    assert tree.columns()["place"][5] == 0.5
    assert all(type(v) is int for v in tree.columns()["axis"] + tree.columns()["child"])


def test_halves_of_negative_whole_numbers_round_down():
    boxes, whole = root_boxes(np.array([-4.0]), np.array([-1.0]), np.array([True]))
    found = halve(boxes, np.array([0]), whole, Tree(1))
    assert found.upper.tolist() == [[-3.0], [-1.0]]
    assert found.lower.tolist() == [[-4.0], [-2.0]]


def axes(low, high, scores, whole=(False, False)):
    box = Boxes(np.array([low], float), np.array([high], float), np.array([0]))
    return int(choose_axes(box, np.array([scores], float), np.array(whole))[0])


def test_the_axis_of_largest_score_is_cut():
    assert axes([0, 0], [1, 1], [1, 2]) == 1
    assert axes([0, 0], [1, 1], [2, 1]) == 0
    assert axes([0, 0], [1, 1], [0, 0.5]) == 1
    assert axes([0, 0], [1, 9], [np.nan, 0.5]) == 1
    assert axes([0, 0], [1, 9], [0.5, np.inf]) == 0
    assert axes([0, 0], [1, 0], [0.5, 2]) == 0
    assert axes([0, 0], [0, 0], [1, 1]) == -1


def test_without_scores_the_widest_axis_is_cut():
    assert axes([0, 0], [1, 2], [0, 0]) == 1
    assert axes([0, 0], [3, 2], [0, 0]) == 0
    assert axes([0, 0], [3, 2], [-1, -2]) == 0
    assert axes([0, 0], [3, 0], [0, 7]) == 0
    assert axes([0, 0], [0.1, 0.2], [0, 0]) == 1


def test_widths_count_wherever_a_box_is():
    assert axes([5, 0], [6, 2], [0, 0]) == 1
    assert axes([-9, 0], [-7, 1], [0, 0]) == 0


def test_boxes_have_axes_of_their_own():
    low = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 5.0]])
    high = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 6.0]])
    scores = np.array([[2.0, 1.0], [0.0, 0.0], [3.0, 0.0]])
    found = choose_axes(Boxes(low, high, np.arange(3)), scores, np.zeros(2, bool))
    assert found.tolist() == [0, 1, 1]


def test_axes_that_cannot_be_cut_are_left():
    tiny = np.nextafter(1.0, 2.0)
    assert axes([1, 0], [tiny, 1], [9, 1]) == 1
    assert axes([1, 1], [tiny, tiny], [1, 1]) == -1
    odd, even = tiny, np.nextafter(tiny, 2.0)
    assert axes([odd, 0], [even, 1], [9, 1]) == 1
    assert axes([0, 0], [0.5, 1], [9, 1], (True, False)) == 1
    assert axes([0, 0], [1, 1], [9, 1], (True, False)) == 0
    assert axes([0, 0], [0, 1], [9, 0], (True, False)) == 1
    many = Boxes(np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 0.0]]), np.arange(2))
    assert choose_axes(many, np.ones((2, 2)), np.zeros(2, bool)).tolist() == [0, -1]


def test_centres_are_in_the_middle_and_whole():
    boxes, whole = root_boxes(LOW, HIGH, WHOLE)
    assert centres(boxes, whole).tolist() == [[2.0, 0.0]]
    box = Boxes(np.array([[1.0, 2.0]]), np.array([[2.0, 5.0]]), np.array([0]))
    assert centres(box, np.array([False, False])).tolist() == [[1.5, 3.5]]


def test_boxes_are_joined_and_taken():
    one, _ = root_boxes(LOW, HIGH, None)
    two = Boxes(one.lower - 1, one.upper + 1, np.array([7]))
    found = join([one, two])
    assert len(found) == 2
    assert found.node.tolist() == [0, 7]
    assert found.lower.tolist() == [LOW.tolist(), (LOW - 1).tolist()]
    assert found.upper.tolist() == [HIGH.tolist(), (HIGH + 1).tolist()]
    taken = found.take(np.array([False, True]))
    assert taken.node.tolist() == [7]
    assert taken.lower.tolist() == [(LOW - 1).tolist()]
    assert taken.upper.tolist() == [(HIGH + 1).tolist()]
