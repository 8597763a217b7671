"""Tuned slopes: bounds get tighter, stay sound, and prove nothing that isn't so."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, abs_difference_form, points_in, random_boxes, random_form
from test_lockstep import relu_network
from test_milp import square_of

from distill.verify.ascent import tuner
from distill.verify.bounds import Limit, prove_within
from distill.verify.crown import enclose
from distill.verify.exact import run_exact
from distill.verify.gap import tuned_claim
from distill.verify.layers import layered


@pytest.mark.parametrize("seed", range(6))
def test_tuned_bounds_are_tighter_and_hold_at_points(seed):
    rng = np.random.default_rng(seed)
    form = layered(random_form(rng, KINKED, inputs=3, wide=seed % 2 == 1))
    assert form is not None
    tune = tuner(form)
    if tune is None:  # nothing bends on the way to the outputs
        assert len(form.nodes) == 2
        return
    low, high = random_boxes(rng, 4, 3)
    enclosure = enclose(form, low, high)
    below = tune.below(enclosure, -np.inf)
    assert (below >= enclosure.below).all()
    for points in points_in(rng, low, high, 2):
        for row, point in enumerate(points):
            values = run_exact(form, point)
            for bound, value in zip(below[row], [*values, *(-v for v in values)], strict=True):
                assert Fraction(bound) <= value


def test_fewer_boxes_are_needed():
    form = layered(abs_difference_form(np.random.default_rng(0), 4, 32))
    assert form is not None
    box, eps = (-np.ones(4), np.ones(4)), 0.6
    plain = prove_within(form, *box, eps, Limit(20_000), certify=False)
    tuned = prove_within(form, *box, eps, Limit(20_000), certify=False, tune=tuner(form))
    assert plain.status == tuned.status == "proved"
    assert tuned.boxes < plain.boxes


def test_forms_that_are_not_layers_of_relus_are_left_alone():
    assert tuner(random_form(np.random.default_rng(1), functions=["tanh"])) is None
    assert tuner(random_form(np.random.default_rng(1), functions=["max"])) is None


@pytest.mark.parametrize("gap", [1e-1, 1e-6, 1e-12])
def test_planted_differences_are_never_proved(gap):
    for seed in range(6):
        form = relu_network(np.random.default_rng(seed), (2, 6, 6, 1))
        worst = max(map(abs, run_exact(form, np.array([0.25, -0.5]))))
        eps = float(worst * (1 - Fraction(gap)))
        square = square_of(form, "x: real(-1,1)[2]", "0.0", "real", eps)
        claim = tuned_claim(replace(square, target=replace(square.target, soft=False)), 200)
        assert claim is None or claim.verdict != "proved"
