"""Behaviour-keeping simplification: small whole-number networks that agree, or are told apart."""

import numpy as np
import pytest

from distill.errors import BadInput
from distill.normal_form import Affine, Builder
from distill.simplify import choose, simplify_keeping
from distill.simplify.cloud import near
from distill.simplify.exam import Mark, make_exam
from distill.simplify.reading import make_reading
from distill.simplify.scales import feature_scales, simple
from distill.simplify.size import estimated_bits, gamma_bits, number_bits
from dsl.cost import gamma, rational_bits

STEPS = 2500


def network(outputs, rng, centre, scale):
    """A wide random ReLU layer whose outputs mostly follow a plane or two."""
    builder = Builder(len(centre))
    plane = rng.normal(size=(outputs, len(centre)))
    plain = builder.affine([(0, np.diag(1 / scale))], -centre / scale)
    on = builder.elementwise("relu", builder.affine([(plain, plane)], np.zeros(outputs)))
    off = builder.elementwise("relu", builder.affine([(plain, -plane)], np.zeros(outputs)))
    both = [(on, 3 * np.eye(outputs)), (off, -2 * np.eye(outputs))]
    return builder.build(builder.affine(both, np.zeros(outputs)))


@pytest.fixture(scope="module")
def setting():
    rng = np.random.default_rng(3)
    centre, scale = np.array([5.0, -100.0, 0.5]), np.array([1.0, 40.0, 0.02])
    return rng, centre, scale, rng.normal(size=(150, 3)) * scale + centre


@pytest.mark.parametrize("kind", ["category", "bool", "real"])
def test_students_agree_with_the_network_on_points_it_was_not_shown(setting, kind):
    _, centre, scale, x = setting
    form = network(3 if kind == "category" else 1, np.random.default_rng(1), centre, scale)
    level = 0.7 if kind == "bool" else 0.0
    chosen = choose(simplify_keeping(form, x, kind, level, steps=STEPS))
    fresh = np.random.default_rng(9).normal(size=(1000, 3)) * scale + centre
    reading = make_reading(kind, level, form.run(x))
    wrong = reading.disagree(form.run(fresh), chosen.form.run(fresh)).mean()
    assert wrong < (0.6 if kind == "real" else 0.06)
    assert abs(wrong - (1 - chosen.agreement_near)) < 0.2


def test_weights_are_whole_numbers_and_bits_rise_with_agreement(setting):
    rng, centre, scale, x = setting
    found = simplify_keeping(network(3, rng, centre, scale), x, "category", steps=STEPS)
    assert [s.bits for s in found] == sorted(s.bits for s in found)
    assert [s.agreement_near for s in found] == sorted(s.agreement_near for s in found)
    for one in found:
        for node in one.form.nodes:
            if isinstance(node, Affine):
                numbers = np.concatenate([m.ravel() for _, m in node.terms] + [node.bias])
                assert (numbers * 2**20 == np.rint(numbers * 2**20)).all()


def test_the_same_seed_gives_the_same_students(setting):
    _, centre, scale, x = setting
    form = network(3, np.random.default_rng(1), centre, scale)
    one, two = (simplify_keeping(form, x, "category", seed=5, steps=600) for _ in range(2))
    assert [s.bits for s in one] == [s.bits for s in two]
    assert [s.form.run(x).tolist() for s in one] == [s.form.run(x).tolist() for s in two]


def test_steps_are_an_upper_limit_and_stopping_returns_what_there_is(setting):
    _, centre, scale, x = setting
    form = network(3, np.random.default_rng(1), centre, scale)
    told = []
    simplify_keeping(form, x, "category", steps=600, progress=lambda d, n: told.append((d, n)))
    assert told[-1][0] <= told[-1][1] == 600
    assert simplify_keeping(form, x, "category", steps=600, should_stop=lambda: True) == []
    half = iter(range(10**6))
    some = simplify_keeping(form, x, "category", steps=600, should_stop=lambda: next(half) > 400)
    assert some


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (np.zeros((5, 3)), "category"),
        (np.zeros((50, 2)), "category"),
        (np.full((50, 3), np.nan), "category"),
        (np.zeros((50, 3)), "colour"),
    ],
)
def test_data_that_does_not_fit_is_refused(setting, x, kind):
    rng, centre, scale, _ = setting
    with pytest.raises(BadInput):
        simplify_keeping(network(3, rng, centre, scale), x, kind)


def test_a_category_needs_two_outputs(setting):
    rng, centre, scale, x = setting
    with pytest.raises(BadInput, match="two outputs"):
        simplify_keeping(network(1, rng, centre, scale), x, "category")


def test_a_student_that_differs_is_marked_down_and_not_chosen(setting):
    rng, centre, scale, x = setting
    form = network(3, rng, centre, scale)
    exam = make_exam(form.run, x, make_reading("category", 0.0, form.run(x)), rng)
    right, wrong = exam.mark(form.run), exam.mark(lambda p: -form.run(p))
    assert right.near == right.on_data == 0
    assert wrong.near > 0.5
    assert right.no_worse(wrong) and not wrong.no_worse(right)
    assert Mark(0.0, np.array([0.0, 0.01] * 2)).no_worse(Mark(0.0, np.array([0.01, 0.0] * 2)))


def test_points_near_data_keep_its_range_and_its_whole_numbers():
    rng = np.random.default_rng(0)
    x = np.stack([rng.integers(0, 17, 40).astype(float), rng.normal(size=40)], axis=1)
    points = near(x, 500, rng)
    assert (points[:, 0] == np.rint(points[:, 0])).all()
    assert (points >= x.min(axis=0)).all() and (points <= x.max(axis=0)).all()
    assert len(np.unique(points[:, 1])) > 300


def test_scales_are_simple_and_even_out_features(setting):
    *_, x = setting
    spread = (x * feature_scales(x)).std(axis=0)
    assert spread.max() / spread.min() < 5
    assert feature_scales(x[:, :1]).tolist() == [1.0]
    assert simple(np.array([0.9, 3.0, 8.0, 0.3, 470.0])).tolist() == [1, 2, 10, 0.25, 500]


def test_the_estimate_follows_the_measure():
    values = np.array([0, 1, -1, 2, -2, 3, 100, -1000])
    assert gamma_bits(values).tolist() == [gamma(int(v)) for v in values]
    half, third = number_bits(np.array([0.5, 1 / 3]))
    assert half == rational_bits(__import__("fractions").Fraction(1, 2))
    assert third == 33
    small, large = Builder(2), Builder(2)
    few = small.build(small.affine([(0, np.eye(2))], np.zeros(2)))
    many = large.build(large.affine([(0, np.full((2, 2), 9.5))], np.ones(2)))
    assert estimated_bits(few) < estimated_bits(many)
