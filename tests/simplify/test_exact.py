"""Exact rewrites: the same function on the box, with fewer weights."""

import itertools

import numpy as np
import pytest

from distill.errors import BadInput
from distill.normal_form import Affine, Builder
from distill.simplify import simplify_exact
from distill.simplify.fold import fold_affine, fold_constants
from distill.simplify.phases import drop_settled
from distill.simplify.units import drop_dead, merge_repeated, rescale_to_whole


def layered(weights, function="relu"):
    builder = Builder(weights[0][0].shape[1])
    wire = 0
    for place, (matrix, bias) in enumerate(weights):
        wire = builder.affine([(wire, np.array(matrix, float))], np.array(bias, float))
        if place < len(weights) - 1:
            wire = builder.elementwise(function, wire)
    return builder.build(wire)


def random_form(seed, widths=(3, 6, 5, 2), function="relu"):
    rng = np.random.default_rng(seed)
    pairs = itertools.pairwise(widths)
    return layered([(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in pairs], function)


def assert_same(before, after, low=-2.0, high=2.0):
    x = np.random.default_rng(0).uniform(low, high, size=(500, before.input_width))
    np.testing.assert_allclose(after.run(x), before.run(x), rtol=1e-9, atol=1e-9)


def weights_of(form):
    affine = [n for n in form.nodes if isinstance(n, Affine)]
    return sum(m.size for n in affine for _, m in n.terms)


@pytest.mark.parametrize("function", ["relu", "tanh", "sigmoid", "abs", "sign"])
@pytest.mark.parametrize("seed", range(4))
def test_any_network_stays_the_same_function(seed, function):
    form = random_form(seed, function=function)
    box = np.full(3, 0.3)
    after = simplify_exact(form, -box, box)
    assert_same(form, after, -0.3, 0.3)
    assert weights_of(after) <= weights_of(form)
    assert_same(form, simplify_exact(form, None, None))


def test_affine_maps_fold_into_one():
    builder = Builder(3)
    scaled = builder.affine([(0, np.diag([2.0, 3.0, 4.0]))], np.ones(3))
    form = builder.build(builder.affine([(scaled, np.ones((2, 3)))], np.zeros(2)))
    after = fold_affine(form)
    assert len(after.nodes) == 2
    assert_same(form, after)


def test_a_narrow_map_is_not_blown_up_by_folding():
    form_builder = Builder(50)
    narrow = form_builder.affine([(0, np.ones((1, 50)))], np.zeros(1))
    form = form_builder.build(form_builder.affine([(narrow, np.ones((50, 1)))], np.zeros(50)))
    assert weights_of(fold_affine(form)) == weights_of(form)


def test_constant_wires_become_biases():
    builder = Builder(2)
    fixed = builder.elementwise("exp", builder.constant(np.array([0.0, 1.0])))
    form = builder.build(builder.affine([(0, np.eye(2)), (fixed, np.eye(2))], np.zeros(2)))
    after = fold_constants(form)
    assert len(after.nodes) == 2
    assert_same(form, after)


def test_unread_and_constant_units_go():
    first = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 0.0]])
    form = layered([(first, [0.5, 0.0, 2.0]), (np.array([[1.0, 0.0, 3.0]]), [0.0])], "tanh")
    after = drop_dead(form)
    assert after.widths()[1] == 1
    assert_same(form, after)


def test_a_network_that_reads_nothing_becomes_a_constant():
    form = layered([(np.zeros((2, 2)), [1.0, -1.0]), (np.ones((1, 2)), [3.0])])
    after = simplify_exact(form, None, None)
    assert after.run(np.ones((2, 2))).tolist() == [[4.0], [4.0]]
    assert weights_of(after) == 0


def test_positive_multiples_of_a_relu_merge_and_negative_ones_do_not():
    first = np.array([[1.0, 2.0], [2.5, 5.0], [-1.0, -2.0]])
    form = layered([(first, [0.5, 1.25, -0.5]), (np.array([[1.0, 2.0, 4.0]]), [0.0])])
    after = merge_repeated(form)
    assert after.widths()[1] == 2
    assert_same(form, after)


def test_only_equal_units_of_a_tanh_merge():
    first = np.array([[1.0, 2.0], [2.0, 4.0], [1.0, 2.0]])
    form = layered([(first, [0.5, 1.0, 0.5]), (np.array([[1.0, 2.0, 4.0]]), [0.0])], "tanh")
    after = merge_repeated(form)
    assert after.widths()[1] == 2
    assert_same(form, after)


def test_relus_settled_on_the_box_go_and_others_stay():
    first = np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]])
    form = layered([(first, [-9.0, 9.0, 0.0]), (np.array([[1.0, 2.0, 4.0]]), [0.0])])
    box = np.ones(2)
    after = drop_settled(form, -box, box)
    assert max(w for w, n in zip(after.widths()[1:], after.nodes[1:], strict=True) if n) == 1
    assert_same(form, after, -1, 1)
    wide = drop_settled(form, -10 * box, 10 * box)
    assert wide.widths()[1] == 3


def test_a_layer_that_is_always_on_vanishes():
    form = layered([(np.eye(2), [5.0, 5.0]), (np.array([[1.0, -1.0]]), [0.0])])
    after = simplify_exact(form, -np.ones(2), np.ones(2))
    assert len(after.nodes) == 2
    assert_same(form, after, -1, 1)


def test_relu_rows_become_whole_numbers():
    first = np.array([[0.1, 0.3], [0.5, -0.75]])
    form = layered([(first, [0.2, 0.1]), (np.array([[1.0, 2.0]]), [0.0])])
    after = rescale_to_whole(form)
    assert after.nodes[1].terms[0][1].tolist() == [[1.0, 3.0], [2.0, -3.0]]
    assert_same(form, after)
    assert rescale_to_whole(random_form(0)).nodes[1] is not None
    assert_same(random_form(0), rescale_to_whole(random_form(0)))


def test_a_wire_read_by_others_than_affine_maps_is_left_alone():
    builder = Builder(2)
    wire = builder.elementwise("relu", builder.affine([(0, np.eye(2))], np.full(2, 9.0)))
    other = builder.affine([(0, np.ones((2, 2)))], np.zeros(2))
    form = builder.build(builder.elementwise("mul", wire, other))
    assert_same(form, simplify_exact(form, -np.ones(2), np.ones(2)), -1, 1)


def test_a_box_of_the_wrong_width_is_refused():
    with pytest.raises(BadInput, match="box"):
        simplify_exact(random_form(0), np.zeros(2), np.ones(2))
