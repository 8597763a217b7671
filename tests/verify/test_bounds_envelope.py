"""The float envelope covers what float32 and float64 really do, in several summation orders."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, random_boxes, random_form

from distill.normal_form import ELEMENTWISE, Affine, Builder, Elementwise, NormalForm
from distill.verify.envelope import FLOAT64, float_error
from distill.verify.exact import run_exact


def as_float32(form: NormalForm) -> NormalForm:
    nodes = []
    for node in form.nodes:
        if isinstance(node, Affine):
            terms = tuple((s, m.astype(np.float32).astype(np.float64)) for s, m in node.terms)
            node = Affine(terms, node.bias.astype(np.float32).astype(np.float64))
        nodes.append(node)
    return NormalForm(tuple(nodes), form.output)


def run_float32(form, inputs, order):
    """Every operation rounded to float32; dot products forward, backward or by numpy."""
    values = []
    for node in form.nodes:
        if isinstance(node, Affine):
            products = [node.bias.astype(np.float32)[None, :, None].repeat(len(inputs), 0)]
            for source, matrix in node.terms:
                products.append(values[source][:, None, :] * matrix.astype(np.float32)[None])
            values.append(summed(np.concatenate(products, axis=2), order))
        elif isinstance(node, Elementwise):
            found = ELEMENTWISE[node.function](*(values[s] for s in node.sources))
            values.append(found.astype(np.float32))
        else:
            values.append(inputs.astype(np.float32))
    return values[form.output].astype(np.float64)


def summed(products, order):
    if order == "numpy":
        return products.sum(axis=2)
    total = np.zeros(products.shape[:2], np.float32)
    steps = range(products.shape[2])
    for k in steps if order == "forward" else reversed(steps):
        total = total + products[:, :, k]
    return total


@pytest.mark.parametrize("order", ["forward", "backward", "numpy"])
@pytest.mark.parametrize("functions", [KINKED, ["tanh", "sigmoid", "relu", "exp", "mul"]])
def test_float32_stays_inside_the_envelope(order, functions):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        form = as_float32(random_form(rng, functions=functions, wide=False))
        low, high = random_boxes(rng, 1, 3)
        x = rng.uniform(low, high, size=(2000, 3)).astype(np.float32).astype(np.float64)
        error = float_error(form, np.minimum(low, x.min(0)), np.maximum(high, x.max(0)))
        seen = np.abs(run_float32(form, x, order) - form.run(x))
        assert (seen <= error + 1e-13 * (1 + np.abs(form.run(x)))).all()


def test_float64_stays_inside_its_envelope_exactly():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        form = random_form(rng, functions=KINKED, wide=True)
        low, high = random_boxes(rng, 1, 3)
        error = float_error(form, low, high, FLOAT64)[0]
        for x in rng.uniform(low, high, size=(3, 3)):
            computed, real = form.run(x[None])[0], run_exact(form, x)
            for k, value in enumerate(real):
                assert abs(Fraction(float(computed[k])) - value) <= Fraction(float(error[k]))


def test_the_envelope_is_not_far_above_what_is_seen():
    rng = np.random.default_rng(0)
    builder = Builder(4)
    inner = builder.affine([(0, rng.normal(size=(32, 4)))], rng.normal(size=32))
    kinks = builder.elementwise("relu", inner)
    form = as_float32(builder.build(builder.affine([(kinks, rng.normal(size=(1, 32)))], [0.1])))
    x = rng.uniform(-1, 1, size=(20000, 4)).astype(np.float32).astype(np.float64)
    error = float_error(form, -np.ones((1, 4)), np.ones((1, 4)))
    seen = np.abs(run_float32(form, x, "forward") - form.run(x)).max()
    assert seen <= error[0, 0] <= 200 * seen


def stepped(threshold):
    builder = Builder(1)
    third = builder.affine([(0, np.array([[1 / 3]]))], np.zeros(1))
    return builder.build(
        builder.elementwise("greater", third, builder.constant(np.array([threshold])))
    )


def test_a_step_that_rounding_may_flip_counts_with_its_jump():
    box = np.array([[0.0]]), np.array([[1.0]])
    assert float_error(stepped(0.2), *box)[0, 0] >= 1.0
    assert float_error(stepped(0.5), *box)[0, 0] == 0.0


def test_undefined_and_overflowing_values_have_no_envelope():
    builder = Builder(1)
    shifted = builder.affine([(0, np.array([[0.1]]))], np.array([-0.1]))
    root = builder.build(builder.elementwise("sqrt", shifted))
    assert float_error(root, np.ones((1, 1)), 2 * np.ones((1, 1)))[0, 0] == np.inf
    builder = Builder(1)
    power = builder.build(builder.elementwise("exp", 0))
    assert float_error(power, np.zeros((1, 1)), np.full((1, 1), 100.0))[0, 0] == np.inf
    assert np.isfinite(float_error(power, np.zeros((1, 1)), np.full((1, 1), 80.0))).all()


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "exp", "sin", "square", "erf"])
def test_a_library_function_has_its_own_rounding(name):
    builder = Builder(1)
    form = builder.build(builder.elementwise(name, 0))
    x = np.random.default_rng(0).uniform(0.5, 1, (1000, 1)).astype(np.float32).astype(np.float64)
    seen = np.abs(form.run(x).astype(np.float32) - form.run(x)).max()
    error = float_error(form, np.array([[0.5]]), np.array([[1.0]]))[0, 0]
    assert 0 < seen <= error <= 100 * seen
