"""Cuts tile the claimed domain, or are refused."""

import numpy as np
import pytest

from distill.checker.cuts import leaves_of
from distill.checker.tree import Refused, claimed_roots, halves, spread, walk

LOW, HIGH = np.array([0.0, -1.0]), np.array([5.0, 1.0])
WHOLE = np.array([True, False])


def tree(axis, place, child):
    return {"tree": {"axis": axis, "place": place, "child": child}}


def roots(whole=WHOLE):
    return claimed_roots(LOW, HIGH, whole, 2)


def test_the_claimed_domain_closes_on_whole_numbers():
    found = claimed_roots(np.array([-0.5, -0.5]), np.array([2.5, 2.5]), np.array([True, False]), 2)
    assert found.lower.tolist() == [[0.0, -0.5]]
    assert found.upper.tolist() == [[2.0, 2.5]]
    assert found.integral.tolist() == [True, False]
    assert found.integral.dtype == bool
    plain = claimed_roots([0, 1], [2, 3], None, 2)
    assert plain.lower.dtype == plain.upper.dtype == float
    assert plain.integral.tolist() == [False, False]
    assert plain.integral.dtype == bool
    assert claimed_roots([0, 1], [2, 3], [0, 1], 2).integral.dtype == bool
    two = claimed_roots(np.zeros((3, 2)), np.ones((3, 2)), None, 2)
    assert two.lower.shape == (3, 2)
    assert claimed_roots([-1e308], [1e308], None, 1).upper.tolist() == [[1e308]]


@pytest.mark.parametrize(
    ("low", "high", "whole", "width", "reason"),
    [
        ([0.0], [1.0, 2.0], None, 2, "shape"),
        ([0.0, 0.0], [1.0], None, 2, "shape"),
        ([[0.0, 0.0]], [[1.0, 1.0]] * 2, None, 2, "shape"),
        ([0.0, 0.0], [1.0, 1.0], None, 3, "shape"),
        ([0.0, 0.0], [1.0, 1.0], [True], 2, "shape"),
        ([0.0, 0.0], [1.0, 1.0], [True] * 3, 2, "shape"),
        ([0.0, 2.0], [1.0, 1.0], None, 2, "empty"),
        ([2.0, 2.0], [1.0, 1.0], None, 2, "empty"),
        ([0.2, 0.0], [0.8, 1.0], [True, False], 2, "empty"),
        ([0.0, -np.inf], [1.0, 1.0], None, 2, "infinite"),
        ([0.0, 0.0], [1.0, np.inf], None, 2, "infinite"),
        ([0.0, np.nan], [1.0, 1.0], None, 2, "empty"),
    ],
)
def test_domains_that_are_none_are_refused(low, high, whole, width, reason):
    with pytest.raises(Refused, match=reason):
        claimed_roots(low, high, whole, width)


def test_a_point_is_a_domain():
    assert claimed_roots([1.0], [1.0], None, 1).lower.tolist() == [[1.0]]
    assert claimed_roots([1.0], [1.0], [True], 1).upper.tolist() == [[1.0]]


def test_both_halves_hold_all_of_a_box():
    whole = np.array([True, False])
    assert halves([0.0, -1.0], [5.0, 1.0], 1, 0.25, whole) == [
        ([0.0, -1.0], [5.0, 0.25]), ([0.0, 0.25], [5.0, 1.0]),
    ]  # fmt: skip
    assert halves([0.0, -1.0], [5.0, 1.0], 0, 2.0, whole) == [
        ([0.0, -1.0], [2.0, 1.0]), ([3.0, -1.0], [5.0, 1.0]),
    ]  # fmt: skip
    assert halves([0.0, -1.0], [5.0, 1.0], 0, 4.0, whole)[1][0][0] == 5.0
    assert halves([0.0, -1.0], [5.0, 1.0], 0, 0.0, whole)[0][1][0] == 0.0
    assert halves([0.0, -1.0], [5.0, 1.0], 1, -1.0, whole)[0][1][1] == -1.0
    assert halves([0.0, -1.0], [5.0, 1.0], 1, 1.0, whole)[1][0][1] == 1.0


@pytest.mark.parametrize(
    ("axis", "place"),
    [(-1, 0.0), (2, 0.0), (1, -1.5), (1, 1.5), (1, np.nan), (0, 2.5), (0, 5.0), (0, -1.0)],
)
def test_cuts_that_do_not_tile_are_refused(axis, place):
    with pytest.raises(Refused):
        halves([0.0, -1.0], [5.0, 1.0], axis, place, np.array([True, False]))


def test_whole_numbers_too_large_to_count_are_not_cut():
    """2^53 + 1 is no float: a cut there would leave it out."""
    with pytest.raises(Refused):
        halves([0.0], [2.0**54], 0, 2.0**53, np.array([True]))
    assert halves([0.0], [2.0**54], 0, 2.0**53 - 1, np.array([True]))[1][0] == [2.0**53]


def test_leaves_follow_from_the_cuts():
    found = walk(tree([1, 0, -1, -1, -1], [0.5, 2.0, 0.0, 0.0, 0.0], [1, 3, 0, 0, 0]), roots())
    assert found.node.tolist() == [2, 3, 4]
    assert found.lower.tolist() == [[0.0, 0.5], [0.0, -1.0], [3.0, -1.0]]
    assert found.upper.tolist() == [[5.0, 1.0], [2.0, 0.5], [5.0, 0.5]]


def test_every_root_is_walked():
    two = claimed_roots(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]), None, 1)
    found = walk(tree([-1, 0, -1, -1], [0.0, 2.0, 0.0, 0.0], [0, 2, 0, 0]), two)
    assert found.node.tolist() == [0, 2, 3]
    assert found.lower.tolist() == [[0.0], [1.0], [2.0]]
    assert walk(tree([-1, -1], [0.0] * 2, [0] * 2), two).node.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (([-1], [0.0, 0.0], [0]), "length"),
        (([-1], [0.0], [0, 0]), "length"),
        (([-1, -1], [0.0], [0]), "length"),
        (([], [], []), "length"),
        (([1, -1, -1], [0.0] * 3, [0, 0, 0]), "not a tree"),
        (([1, -1, -1], [0.0] * 3, [2, 0, 0]), "not a tree"),
        (([1, -1, -1], [0.0] * 3, [-1, 0, 0]), "not a tree"),
        (([1, -1, -1, -1], [0.0] * 4, [1, 0, 0, 0]), "belong to no box"),
        (([1, 1, -1, -1], [0.0] * 4, [1, 1, 0, 0]), "not a tree"),
    ],
)
def test_what_is_not_a_tree_over_the_domain_is_refused(columns, reason):
    with pytest.raises(Refused, match=reason):
        walk(tree(*columns), roots())


def test_a_tree_with_fewer_nodes_than_boxes_is_refused():
    two = claimed_roots(np.zeros((2, 1)), np.ones((2, 1)), None, 1)
    with pytest.raises(Refused, match="length"):
        walk(tree([-1], [0.0], [0]), two)


def test_leaves_to_look_at_are_spread_evenly():
    assert spread(5, None).tolist() == [0, 1, 2, 3, 4]
    assert spread(5, 5).tolist() == spread(5, 9).tolist() == [0, 1, 2, 3, 4]
    assert spread(9, 3).tolist() == [0, 4, 8]
    assert spread(9, 2).tolist() == [0, 8]
    assert spread(9, 1).tolist() == spread(9, 0).tolist() == [0]
    assert spread(9, 3).dtype == np.int64
    assert spread(6, 5).tolist() == [0, 1, 2, 3, 5]


def boxes(text, of=None):
    found = leaves_of(text, of or roots())
    assert found.node.tolist() == list(range(len(found.lower)))
    return list(zip(found.lower.tolist(), found.upper.tolist(), strict=True))


def test_cuts_as_text():
    assert boxes(".") == [([0.0, -1.0], [5.0, 1.0])]
    assert boxes("b..") == [([0.0, -1.0], [5.0, 0.0]), ([0.0, 0.0], [5.0, 1.0])]
    assert boxes("a..") == [([0.0, -1.0], [2.0, 1.0]), ([3.0, -1.0], [5.0, 1.0])]
    assert boxes("[1]..") == boxes("b..")
    assert boxes("[0]..") == boxes("a..")
    assert boxes("b@-0.5;..")[0] == ([0.0, -1.0], [5.0, -0.5])
    assert boxes("b@5e-1;..")[1] == ([0.0, 0.5], [5.0, 1.0])
    assert boxes("[1]@+0.5;..")[1] == ([0.0, 0.5], [5.0, 1.0])
    assert boxes("bb...")[:2] == [([0.0, -1.0], [5.0, -0.5]), ([0.0, -0.5], [5.0, 0.0])]
    assert boxes("b.a..")[1:] == [([0.0, 0.0], [2.0, 1.0]), ([3.0, 0.0], [5.0, 1.0])]


def test_middles_round_down_on_whole_numbers_and_are_never_outside():
    low, high = np.array([-4.0, 1.0]), np.array([-1.0, 4.0])
    of = claimed_roots(low, high, WHOLE, 2)
    assert boxes("a..", of)[0][1] == [-3.0, 4.0]
    assert boxes("b..", of)[0][1] == [-1.0, 2.5]


def test_letters_go_as_far_as_z():
    wide = claimed_roots(np.zeros(27), np.ones(27), None, 27)
    assert boxes("z..", wide)[0][1] == [1.0] * 25 + [0.5, 1.0]
    assert boxes("[26]..", wide)[0][1] == [1.0] * 26 + [0.5]


def test_many_boxes_are_read_in_their_order():
    two = claimed_roots(np.array([[0.0], [5.0]]), np.array([[1.0], [9.0]]), None, 1)
    assert boxes(".a..", two) == [([0.0], [1.0]), ([5.0], [7.0]), ([7.0], [9.0])]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.", "end early"), ("", "end early"), ("..", "no box"), (". ", "no box"), ("c..", "axis"),
        ("[2]..", "axis"), ("[1234567]..", "no cut"), ("b@1.5;..", "outside"), ("x..", "axis"),
        ("b@" + "1" * 41 + ";..", "no cut"), ("B..", "no cut"), ("b@nan;..", "no cut"),
    ],
)  # fmt: skip
def test_text_that_is_no_tiling_is_refused(text, reason):
    with pytest.raises(Refused, match=reason):
        boxes(text)
