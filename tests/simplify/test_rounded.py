"""Rounded networks: few digits, the same decisions."""

from __future__ import annotations

import numpy as np

from distill.normal_form import Affine, Array, Builder, NormalForm
from distill.simplify.compensated import compensated, nearest_whole
from distill.simplify.rounded import rounded_alike


def network(seed: int = 0, width: int = 8) -> NormalForm:
    rng = np.random.default_rng(seed)
    builder = Builder(3)
    hidden = builder.affine([(0, rng.normal(size=(width, 3)))], rng.normal(size=width))
    above = builder.affine(
        [(builder.elementwise("tanh", hidden), rng.normal(size=(width, width)))], np.ones(width)
    )
    out = builder.affine(
        [(builder.elementwise("tanh", above), rng.normal(size=(2, width)))], np.ones(2)
    )
    return builder.build(out)


def points(seed: int, count: int = 400) -> Array:
    return np.random.default_rng(seed).normal(size=(count, 3))


def rounded(form: NormalForm, x: Array, *digits: int) -> NormalForm:
    return compensated(form, x, np.ones(len(x)), digits, form.wires(x))


def whole_maps(form: NormalForm) -> list[Array]:
    maps = [n for n in form.nodes if isinstance(n, Affine)]
    return [m for n in maps[::2] for _, m in n.terms]


def test_more_digits_come_closer_also_on_fresh_points():
    form, x = network(), points(1)
    gaps = [np.abs(rounded(form, points(2), d, d, d).run(x) - form.run(x)).max() for d in (4, 8)]
    assert gaps[0] > 4 * gaps[1]


def test_weights_are_whole_numbers_of_few_digits_times_a_power_of_two():
    form = rounded(network(), points(1), 5, 5, 5)
    assert all((m == np.rint(m)).all() and np.abs(m).max() <= 64 for m in whole_maps(form))
    units = [n.terms[0][1] for n in form.nodes if isinstance(n, Affine)][1::2]
    assert all((m == m[0, 0] * np.eye(len(m))).all() for m in units)
    assert all(np.log2(m[0, 0]).is_integer() for m in units)


def test_the_open_weights_make_up_for_the_rounded_ones():
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 12)) + 0.1 * rng.normal(size=(300, 12))
    weights = 3 * rng.normal(size=(5, 12))
    goal, ones = inputs @ weights.T, np.ones(300)
    found = nearest_whole(weights, inputs, goal, ones)
    plain = np.linalg.norm(inputs @ np.rint(weights).T - goal)
    assert (found == np.rint(found)).all()
    assert np.linalg.norm(inputs @ found.T - goal) < 0.5 * plain


def test_zeros_of_a_sparse_map_stay_zeros():
    builder = Builder(3)
    sparse = np.array([[0.3, 0, 0], [0, 0, -1.7]])
    form = builder.build(builder.affine([(0, sparse)], np.array([0.1, 0.2])))
    assert (whole_maps(rounded(form, points(1), 4))[0] != 0).sum() == 2


def test_only_forms_that_are_alike_are_offered_and_digits_are_saved():
    form, x = network(3), points(2, 500)
    alike = lambda f: bool((f.run(x).argmax(1) != form.run(x).argmax(1)).mean() <= 0.01)  # noqa: E731
    found = list(rounded_alike(form, x, np.ones(len(x)), alike))
    assert found
    assert all(alike(f) for f in found)
    assert max(np.abs(m).max() for m in whole_maps(found[0])) < 128
    assert not list(rounded_alike(form, x, np.ones(len(x)), lambda f: False))
