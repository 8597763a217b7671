"""Branch and bound: proves what is true, refutes what is not, and says so when it cannot tell."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import (
    KINKED,
    abs_difference_form,
    difference,
    max_as_relu,
    max_program,
    random_form,
)

from distill.errors import BadInput
from distill.normal_form import Builder
from distill.verify.bounds import Limit, best_bound, bound_box, prove_within
from distill.verify.decide import FAILS, HOLDS, SPLIT, category_codes, prove_boxes, sign_codes
from distill.verify.exact import run_exact

SQUARE = -np.ones(2), np.ones(2)


def max_difference(noise=0.0):
    builder = Builder(2)
    network = max_as_relu(builder, noise=np.array([[noise, 0.0, 0.0]]))
    return difference(builder, network, max_program(builder))


def test_max_is_proved():
    result = prove_within(max_difference(), *SQUARE, 0.01)
    assert result.status == "proved"
    assert result.achieved <= 0.01
    assert result.certificate is not None


@pytest.mark.parametrize(("inputs", "hidden", "boxes"), [(2, 8, 20_000), (4, 32, 300_000)])
def test_fitted_networks_are_proved_near_their_true_deviation(inputs, hidden, boxes):
    form = abs_difference_form(np.random.default_rng(0), inputs, hidden)
    best = best_bound(form, -np.ones(inputs), np.ones(inputs), Limit(boxes))
    assert best.found <= best.achieved <= 1.1 * best.found
    eps = 1.25 * best.achieved
    result = prove_within(form, -np.ones(inputs), np.ones(inputs), eps, Limit(boxes))
    assert result.status == "proved"


def test_a_violation_is_found_and_confirmed():
    result = prove_within(max_difference(0.1), *SQUARE, 0.15)
    assert result.status == "refuted"
    assert result.point is not None
    assert (np.abs(result.point) <= 1).all()
    value = run_exact(max_difference(0.1), result.point)[0]
    assert abs(value) > Fraction(0.15)


@pytest.mark.parametrize("gap", [1e-1, 1e-4, 1e-8, 1e-12])
def test_planted_violations_are_never_proved(gap):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        form = random_form(rng, functions=KINKED, inputs=2, depth=2, wide=seed % 3 == 0)
        point = rng.uniform(-1, 1, 2)
        worst = max(abs(value) for value in run_exact(form, point))
        eps = float(worst * (1 - Fraction(gap)))
        result = prove_within(form, *SQUARE, eps, Limit(600))
        assert result.status != "proved"
        assert result.achieved >= worst


def test_too_little_work_is_unknown_with_an_achieved_bound():
    form = abs_difference_form(np.random.default_rng(0), 4, 32)
    result = prove_within(form, -np.ones(4), np.ones(4), 0.5 * 0.36, Limit(50))
    assert result.status == "unknown"
    assert result.found <= result.achieved < np.inf
    assert result.boxes < 200


def test_should_stop_ends_the_search():
    result = prove_within(max_difference(), *SQUARE, 1e-6, Limit(10**9, lambda: True))
    assert result.status == "unknown"


def test_the_same_question_gives_the_same_answer():
    form = abs_difference_form(np.random.default_rng(1), 2, 8)
    first, second = (best_bound(form, *SQUARE, Limit(2000)) for _ in range(2))
    assert first.certificate == second.certificate
    assert first.boxes == second.boxes


def test_smooth_functions_are_proved():
    """tanh(x) against x - x^3 / 3 on a small interval."""
    builder = Builder(1)
    square = builder.elementwise("square", 0)
    cube = builder.elementwise("mul", square, 0)
    tanh = builder.elementwise("tanh", 0)
    terms = [(tanh, np.eye(1)), (0, -np.eye(1)), (cube, np.eye(1) / 3)]
    form = builder.build(builder.affine(terms, np.zeros(1)))
    radius = np.array([0.5])
    assert prove_within(form, -radius, radius, 0.005).status == "proved"
    assert prove_within(form, -radius, radius, 0.003).status == "refuted"


def test_a_box_that_cannot_be_cut_is_neither_proved_nor_refuted():
    """exp(1) is e, but floats cannot tell on which side of eps = float(e) it lies."""
    builder = Builder(1)
    form = builder.build(builder.elementwise("exp", 0))
    one = np.ones(1)
    for eps in (np.e, np.nextafter(np.e, 0)):
        result = prove_within(form, one, one, float(eps))
        assert result.status == "unknown"
        assert result.achieved >= np.e


def test_a_violation_that_is_only_rounding_is_not_reported():
    """0.1 + 0.2 - 0.3 is 5.6e-17 in float64 and 2.8e-17 for the same three weights in rationals."""
    builder = Builder(2)
    total = builder.affine([(0, np.array([[0.1, 0.2]]))], np.array([-0.3]))
    form = builder.build(total)
    assert prove_within(form, np.ones(2), np.ones(2), 4e-17).status == "unknown"
    assert prove_within(form, np.ones(2), np.ones(2), 2e-17).status == "refuted"


def test_jumps_are_split_off_integer_axes():
    """A step network equals x >= 2 on whole numbers although it does not in between."""
    builder = Builder(1)
    ramp = [builder.affine([(0, np.eye(1))], np.array([-c])) for c in (1.25, 1.75)]
    relu = [builder.elementwise("relu", wire) for wire in ramp]
    network = builder.affine([(relu[0], 2 * np.eye(1)), (relu[1], -2 * np.eye(1))], np.zeros(1))
    step = builder.elementwise("greater", 0, builder.constant(np.array([1.5])))
    form = difference(builder, network, step)
    ends = np.array([-5.0]), np.array([8.0])
    assert prove_within(form, *ends, 0.0, integral=np.array([True])).status == "proved"
    assert prove_within(form, *ends, 0.3).status == "refuted"


def test_a_jump_against_a_slope_is_never_within_a_half():
    builder = Builder(1)
    step = builder.elementwise("greater", 0, builder.constant(np.array([0.3])))
    form = difference(builder, builder.elementwise("sigmoid", 0), step)
    ends = -np.ones(1), np.ones(1)
    assert prove_within(form, *ends, 0.45, Limit(5000)).status == "refuted"
    assert prove_within(form, *ends, 0.58, Limit(5000)).status == "proved"


def test_signs_are_decided_outside_the_margin():
    builder = Builder(2)
    total = builder.affine([(0, np.array([[1.0, 1.0]]))], np.zeros(1))
    network = builder.build(total)

    def decide_with(threshold, margin):
        guard = Builder(2)
        moved = guard.affine([(0, np.array([[1.0, 1.0]]))], np.array([-threshold]))
        truth = guard.build(guard.elementwise("greater", moved, guard.constant(np.zeros(1))))

        def decide(lower, upper):
            bounds, said = bound_box(network, lower, upper), bound_box(truth, lower, upper)
            return sign_codes(
                (bounds[0][:, 0], bounds[1][:, 0]), (said[0][:, 0], said[1][:, 0]), margin
            )

        return decide

    assert prove_boxes(*SQUARE, decide_with(0.01, 0.02)).status == "proved"
    assert prove_boxes(*SQUARE, decide_with(0.01, 0.001)).status == "refuted"
    assert prove_boxes(*SQUARE, decide_with(0.01, 0.02), Limit(10)).status == "unknown"


def test_categories_are_decided_outside_the_margin():
    low = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.1, 0.0]])
    high = np.array([[2.0, 0.5], [0.5, 2.0], [1.0, 1.0], [0.2, 0.15]])
    first = np.zeros(4), np.zeros(4)
    codes = category_codes((low, high), first, 0.1)
    assert codes.tolist() == [HOLDS, FAILS, SPLIT, HOLDS]
    undecided = np.zeros(4), np.ones(4)
    assert category_codes((low, high), undecided).tolist() == [SPLIT] * 4


@pytest.mark.parametrize(
    ("lower", "upper", "eps"),
    [
        (np.zeros(2), -np.ones(2), 0.1),
        (np.zeros(2), np.full(2, np.inf), 0.1),
        (np.zeros(3), np.ones(3), 0.1),
        (np.zeros(2), np.ones(2), -1.0),
        (np.zeros(2), np.ones(2), np.inf),
    ],
)
def test_bad_questions_are_refused_in_one_sentence(lower, upper, eps):
    with pytest.raises(BadInput):
        prove_within(max_difference(), lower, upper, eps)
