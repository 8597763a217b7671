"""Gradients of wires, and an ascent that finds what is larger; it never leaves the box."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, random_form
from test_milp import square_of

from distill.normal_form import Builder
from distill.verify.gradients import climbed, wire_gradients
from distill.verify.sampling import hunt

SMOOTH = ["tanh", "sigmoid", "square"]


@pytest.mark.parametrize("seed", range(6))
def test_gradients_are_those_of_small_steps(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, SMOOTH, inputs=3)
    points = rng.uniform(-1, 1, size=(5, 3))
    _, gradients = wire_gradients(form, points)
    for axis in range(3):
        moved = [points + sign * 1e-5 * np.eye(3)[axis] for sign in (1, -1)]
        steep = (form.run(moved[0]) - form.run(moved[1])) / 2e-5
        assert np.allclose(gradients[form.output][:, :, axis], steep, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("functions", [SMOOTH, KINKED])
def test_an_ascent_raises_differences_and_stays_in_the_box(functions):
    rng = np.random.default_rng(2)
    form = random_form(rng, functions, inputs=4)
    low, high, whole = -np.ones(4), np.array([1.0, 2.0, 1.0, 0.5]), np.array([False] * 3 + [True])
    points = rng.uniform(low, high, size=(8, 4))
    found = climbed(form, points, low, high, whole)
    assert ((found >= low) & (found <= high)).all()
    assert set(np.round(found[:, 3], 9)) <= set(np.round(points[:, 3], 9))
    assert np.abs(form.run(found)).max() >= np.abs(form.run(points)).max()


def test_a_smooth_peak_is_climbed_to_its_top():
    builder = Builder(12)
    bumps = [builder.affine([(0, np.eye(12)[[i]])], np.array([-0.3])) for i in range(12)]
    squares = [builder.elementwise("square", b) for b in bumps]
    form = builder.build(builder.affine([(s, -np.eye(1)) for s in squares], np.array([1.0])))
    text = "1 - (" + " + ".join(f"(x[{i}] - 0.3) * (x[{i}] - 0.3)" for i in range(12)) + ") * 1.05"
    square = square_of(form, "x: real(-1,1)[12]", text, "real", 1.0)
    worst = 0.05 * 12 * 1.3**2
    found = square.compare(hunt(square, 0)).distance.max()
    assert worst * 0.999 <= found <= worst * 1.001
