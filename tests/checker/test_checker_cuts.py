"""Cuts as text are the tree that was proved, and nothing else is read from them."""

import numpy as np
import pytest

from distill.checker.cuts import leaves_of
from distill.checker.tree import Refused, claimed_roots, walk
from distill.verify.cuts import cuts_text
from distill.verify.split import Tree, choose_axes, halve, join, root_boxes


def grown(seed, width):
    """A random tree over a box, some of whose axes are whole numbers."""
    rng = np.random.default_rng(seed)
    low, high = -rng.uniform(1, 5, width), rng.uniform(1, 9, width)
    boxes, whole = root_boxes(low, high, rng.uniform(size=width) < 0.5)
    tree = Tree(1)
    for _ in range(8):
        axes = choose_axes(boxes, rng.uniform(size=boxes.lower.shape), whole)
        chosen = (rng.uniform(size=len(boxes)) < 0.6) & (axes >= 0)
        cut = halve(boxes.take(chosen), axes[chosen], whole, tree)
        boxes = join([boxes.take(~chosen), cut])
    return tree.columns(), (low, high, whole)


@pytest.mark.parametrize(("seed", "width"), [(0, 1), (1, 2), (2, 3), (3, 30), (4, 2)])
def test_leaves_are_those_of_the_columns(seed, width):
    tree, (low, high, whole) = grown(seed, width)
    roots = claimed_roots(low, high, whole, width)
    own, text = walk({"tree": tree}, roots), cuts_text(tree, low, high, whole)
    read = leaves_of(text, roots)
    assert sorted(map(tuple, np.hstack([own.lower, own.upper]).tolist())) == sorted(
        map(tuple, np.hstack([read.lower, read.upper]).tolist())
    )
    assert len(text) < 8 * len(tree["axis"])


def test_places_off_the_middle_are_written_out():
    tree = {"axis": [0, -1, -1], "place": [0.1, 0.0, 0.0], "child": [1, 0, 0]}
    ends, whole = (np.array([0.0]), np.array([1.0])), np.array([False])
    text = cuts_text(tree, *ends, whole)
    assert text == "a@0.1;.."
    read = leaves_of(text, claimed_roots(*ends, whole, 1))
    assert read.upper.tolist() == [[0.1], [1.0]]


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.", "...", "a...", "b..", "[7]..", "a@2;..", "a@-1;..", "a@1e999;..", "A..", "a ..",
     "a@0.5..", "[-1]..", "a" * 4000],
)  # fmt: skip
def test_what_does_not_tile_the_box_is_refused(text):
    with pytest.raises(Refused):
        leaves_of(text, claimed_roots(np.zeros(1), np.ones(1), None, 1))


def test_whole_numbers_are_cut_between_whole_numbers_only():
    roots = claimed_roots(np.zeros(1), np.array([5.0]), np.array([True]), 1)
    assert leaves_of("a..", roots).lower.tolist() == [[0.0], [3.0]]
    for text in ("a@2.5;..", "a@5;..", "aaaa....."):
        with pytest.raises(Refused):
            leaves_of(text, roots)
