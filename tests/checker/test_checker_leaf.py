"""Ranges over leaf boxes, beside the same method in Python's fractions."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from bounds_cases import KINKED, random_boxes, random_form
from reference import Plain

from distill.checker.exact import exact
from distill.checker.leaf import (
    Records,
    check_leaves,
    exact_weights,
    needed,
    sources_of,
    wire_ranges,
)
from distill.checker.slopes import own_slopes
from distill.checker.tree import Leaves, Refused
from distill.normal_form import Builder, Elementwise


def row_slopes(chosen, row):
    """Of one box: per unit the slopes of all sources, lower and upper."""
    sides = []
    for side in chosen:
        arrays = [np.array(s.fractions(), object).reshape(s.shape)[row] for s in side]
        sides.append(list(zip(*arrays, strict=True)))
    return sides


@pytest.mark.parametrize("seed", range(8))
def test_all_ranges_are_those_of_the_plain_method(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, [*KINKED, "mul", "square"], inputs=2, depth=2 + seed % 2, wide=seed > 5)
    if seed == 3:
        form = type(form)(form.nodes[:-1], len(form.nodes) - 2)
    low, high = random_boxes(rng, 2, 2)
    chosen = {}

    def slopes(index, name, inputs):
        chosen[index] = own_slopes(index, name, inputs)
        return chosen[index]

    found = wire_ranges(form, exact_weights(form), (exact(low), exact(high)), slopes)
    for row in range(2):
        plain = Plain(form, low[row], high[row], lambda i, _, r=row: row_slopes(chosen[i], r))
        for index, (below, above) in found.items():
            width = below.shape[1]
            ends = zip(below[row].fractions(), above[row].fractions(), strict=True)
            assert list(ends) == plain.ranges[index][:width]


def two_layers():
    """|x| = relu(x) + relu(-x), beside a wire that nothing needs."""
    builder = Builder(1)
    inner = builder.affine([(0, np.array([[1.0], [-1.0]]))], np.zeros(2))
    builder.elementwise("relu", builder.affine([(0, np.eye(1))], np.ones(1)))
    bent = builder.elementwise("relu", inner)
    return builder.build(builder.affine([(bent, np.ones((1, 2)))], np.zeros(1)))


def test_what_is_needed_and_read():
    form = two_layers()
    assert needed(form) == [0, 1, 4, 5]
    assert sources_of(form, 0) == ()
    assert sources_of(form, 1) == (0,)
    assert sources_of(form, 4) == (1,)
    assert sources_of(form, 5) == (4,)
    assert isinstance(form.nodes[4], Elementwise)
    builder = Builder(1)
    assert needed(builder.build(builder.constant(np.zeros(2)))) == [0, 1]


def test_weights_are_taken_as_they_are():
    found = exact_weights(two_layers())
    assert sorted(found) == [1, 5]
    ((source, matrix),) = found[5].terms
    assert source == 4
    assert matrix.fractions() == [1, 1]
    assert found[1].bias.fractions() == [0, 0]
    builder = Builder(1)
    form = builder.build(builder.affine([(0, np.array([[np.inf]]))], np.zeros(1)))
    with pytest.raises(ValueError, match="finite"):
        exact_weights(form)


def leaves(*boxes, first=0):
    low, high = (np.array([[b[k]] for b in boxes]) for k in (0, 1))
    return Leaves(low, high, np.arange(first, first + len(boxes)))


def check(form, records, found, eps, rows=None):
    rows = np.arange(len(found.node)) if rows is None else np.array(rows)
    check_leaves(form, exact_weights(form), records, found, rows, exact(eps))


def test_a_leaf_shows_exactly_what_its_slopes_give():
    """|x| on [-1, 2] with the upper line at 2/3 of x is below 2 at the right end."""
    form = two_layers()
    records = {
        4: Records(
            np.array([0, 0]), np.array([0, 1]), np.array([[0.0], [0.0]]), np.array([[0.5], [0.25]])
        )
    }
    found = leaves((-1.0, 2.0))
    # relu(x) <= x/2 + 1 and relu(-x) <= -x/4 + 3/4, so |x| <= x/4 + 7/4 <= 9/4; intervals say 3
    check(form, records, found, 2.25)
    with pytest.raises(Refused, match="Leaf 0 "):
        check(form, records, found, np.nextafter(2.25, 0))
    with pytest.raises(Refused, match="Leaf 0 "):
        check(form, {}, found, np.nextafter(3.0, 0))
    check(form, {}, found, 3.0)


def test_records_count_for_their_own_leaf_and_unit():
    form = two_layers()
    half, quarter = np.array([[0.5]]), np.array([[0.25]])
    zero = np.zeros((1, 1))
    found = leaves((-1.0, 2.0), (-1.0, 2.0), first=6)
    both = Records(
        np.array([7, 7]), np.array([0, 1]), np.zeros((2, 1)), np.concatenate([half, quarter])
    )
    check(form, {4: both}, found, 2.25, rows=[1])
    with pytest.raises(Refused, match="Leaf 6 "):
        check(form, {4: both}, found, 2.25)
    with pytest.raises(Refused, match="Leaf 6 "):
        check(form, {4: both}, found, 2.25, rows=[0])
    one = Records(np.array([7]), np.array([0]), zero, half)
    with pytest.raises(Refused, match="Leaf 7 "):
        check(form, {4: one}, found, 2.25, rows=[1])


def test_both_sides_of_the_output_count():
    builder = Builder(1)
    form = builder.build(builder.affine([(0, np.array([[1.0], [-3.0]]))], np.array([0.0, 0.5])))
    check(form, {}, leaves((-1.0, 1.0)), 3.5)
    with pytest.raises(Refused):
        check(form, {}, leaves((-1.0, 1.0)), 3.4)
    with pytest.raises(Refused):
        check(form, {}, leaves((0.0, 1.0)), 2.4)
    with pytest.raises(Refused):
        check(form, {}, leaves((-1.0, 0.0)), 3.4)
    check(form, {}, leaves((0.0, 1.0)), 2.5)


def test_records_may_be_of_two_sources():
    builder = Builder(2)
    form = builder.build(
        builder.elementwise(
            "max",
            builder.affine([(0, np.array([[1.0, 0.0]]))], np.zeros(1)),
            builder.affine([(0, np.array([[0.0, 1.0]]))], np.zeros(1)),
        )
    )
    box = Leaves(np.array([[-1.0, -2.0]]), np.array([[1.0, 0.5]]), np.array([0]))
    slopes = np.array([[0.25, 0.5]])
    records = {3: Records(np.array([0]), np.array([0]), slopes, slopes)}
    check(form, records, box, 1.0)
    with pytest.raises(Refused):
        check(form, records, box, float(Fraction(99, 100)))


def sum_and_difference(bend=None):
    """2 x0, by way of x0 + x1 and x0 - x1."""
    builder = Builder(2)
    both = builder.affine([(0, np.array([[1.0, 1.0], [1.0, -1.0]]))], np.zeros(2))
    wire = builder.affine([(both, np.array([[1.0, 1.0]]))], np.zeros(1))
    return builder.build(builder.elementwise(bend, wire) if bend else wire)


@pytest.mark.parametrize("bend", [None, "abs"])
def test_sums_of_sums_are_followed_back_to_the_input(bend):
    form = sum_and_difference(bend)
    box = exact(-np.ones((1, 2))), exact(np.ones((1, 2)))
    low, high = wire_ranges(form, exact_weights(form), box, own_slopes)[form.output]
    assert (low.fractions(), high.fractions()) == ([0 if bend else -2], [2])


def test_units_without_a_record_take_the_slope_of_their_side():
    """relu(x + 5) - x is 5 where the relu is surely on."""
    builder = Builder(1)
    on = builder.elementwise("relu", builder.affine([(0, np.eye(1))], np.array([5.0])))
    form = builder.build(builder.affine([(on, np.eye(1)), (0, -np.eye(1))], np.zeros(1)))
    check(form, {}, leaves((-1.0, 1.0), (2.0, 3.0)), 5.0)
    with pytest.raises(Refused):
        check(form, {}, leaves((-1.0, 1.0)), np.nextafter(5.0, 0))
