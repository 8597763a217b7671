"""The stages together: what is chosen, and what must never be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import distill
from distill.load import network_from_normal_form
from distill.network import Network
from distill.normal_form import Builder
from distill.run.budget import Budget
from distill.standing import Settings, Standing, exact_literal, first_standing
from distill.synthesize.judge import judging_points
from distill.synthesize.loop import Pool
from distill.target import Output, make_target
from dsl.domain_text import parse_domain
from dsl.program import var
from dsl.types import REAL


def linear_network(weights: list[float], bias: float) -> Network:
    builder = Builder(len(weights))
    out = builder.affine([(0, np.array([weights]))], np.array([bias]))
    return network_from_normal_form(builder.build(out))


def product_sign_network() -> Network:
    """x * y > 0, written with relus: |x + y| - |x - y|."""
    builder = Builder(2)
    both = builder.affine([(0, np.array([[1.0, 1.0], [1.0, -1.0]]))], np.zeros(2))
    sizes = builder.elementwise("abs", both)
    out = builder.affine([(sizes, np.array([[1.0, -1.0]]))], np.zeros(1))
    return network_from_normal_form(builder.build(out))


def test_a_program_undefined_somewhere_in_the_domain_is_never_chosen():
    found = distill.distill(
        product_sign_network(), inputs="x: real(-1,1) * y: real(-1,1)", outputs="bool", budget=20
    )
    assert " / " not in str(found.program)
    assert found(0.5, 0.0) in (False, True)


def test_a_program_that_fails_on_the_data_is_never_chosen():
    network = linear_network([1.0, 1.0], -19.9)
    rng = np.random.default_rng(0)
    data = np.concatenate([rng.uniform(9.8, 10, (50, 2)), rng.uniform(9.9, 10, (50, 2))])
    found = distill.distill(
        network, inputs="real(-10,10)[2]", outputs="bool", data=data, exact=True, budget=20
    )
    wanted = network.run(data)[:, 0] > 0
    assert 0 < wanted.mean() < 1
    assert (found.batch(data) == wanted).mean() > 0.9


@pytest.mark.parametrize("bias", [0.0, 0.25])
def test_a_linear_threshold_is_found_and_proved(bias: float):
    found = distill.distill(
        linear_network([2.0, -1.0], bias),
        inputs="a: real(-1,1) * b: real(-1,1)",
        outputs="bool",
        budget=20,
    )
    claim = found.evidence.program_vs_deployed
    assert claim.verdict == "proved"
    assert claim.left_out < 0.01
    assert found(0.9, -0.9) is True
    assert found(-0.9, 0.9) is False


def test_a_hint_is_judged_first():
    found = distill.distill(
        linear_network([2.0, -1.0], 0.0),
        inputs="a: real(-1,1) * b: real(-1,1)",
        hints=["2 * a - b"],
        steps=1,
        budget=20,
    )
    assert str(found.program.main.body) == "2 * a - b"


@pytest.mark.parametrize(
    ("network", "line"),
    [
        ("full_row_reluconv6_s0_torchonnx.onnx", "all(x[0]) or all(x[1]) or all(x[2])"),
        ("full_row_reluconv6_s1_pt2.pt2", "all(x[0]) or all(x[1]) or all(x[2])"),
        ("ink_reluconv6_s0_torchonnx.onnx", "sum(flatten(x))"),
    ],
)
def test_a_convolutional_network_of_an_image_is_read(network: str, line: str):
    path = Path(__file__).parents[1] / "benchmarks" / "networks" / network
    outputs = "int" if network.startswith("ink") else "bool"
    found = distill.distill(path, inputs="x: image(3,3,bool)", outputs=outputs, budget=20)
    assert found.evidence.verdict == "proved"
    assert line in found.source
    assert found([[1, 1, 1], [0, 0, 0], [0, 1, 0]]) == (4 if outputs == "int" else True)


def bent_network(bend: float) -> Network:
    """x plus a bump around 0 that is as high as `bend`, hidden among many small units."""
    rng = np.random.default_rng(1)
    builder = Builder(1)
    edges = rng.uniform(-1, 1, 60)
    weights = np.concatenate([[1.0, -1.0, bend / 0.2, -2 * bend / 0.2, bend / 0.2], 1e-5 * edges])
    signs = np.concatenate([[1.0, -1.0], np.ones(63)])
    bias = np.concatenate([[0.0, 0.0, 0.2, 0.0, -0.2], -edges])
    hidden = builder.elementwise("relu", builder.affine([(0, signs[:, None])], bias))
    return network_from_normal_form(
        builder.build(builder.affine([(hidden, weights[None])], np.zeros(1)))
    )


def standing(network: Network, tolerance: float | None) -> Standing | None:
    """What is taken from a pool that holds only the program `x`."""
    target = make_target(network, parse_domain("x: real(-1,1)"), Output(REAL), tolerance)
    pool = Pool(target, judging_points(target, 0))
    pool.offer(var("x", REAL), "hint")
    return first_standing(pool, exact_literal(target), Settings(), Budget())


def test_a_very_short_program_somewhat_farther_off_is_taken_and_its_whole_error_told():
    found = standing(bent_network(0.07), None)
    assert found is not None
    _, claim, made, reach = found
    assert (str(made.program.main.body), reach) == ("x", 4.0)
    assert 0.065 < (claim.achieved or 0) <= (claim.tolerance or 0) < 0.085


@pytest.mark.parametrize(("bend", "tolerance"), [(0.12, None), (0.07, 0.02)])
def test_farther_off_than_that_or_than_a_given_tolerance_is_never_taken(bend, tolerance):
    assert standing(bent_network(bend), tolerance) is None


def test_what_is_within_twice_the_default_tolerance_needs_no_exception():
    found = standing(bent_network(0.03), None)
    assert found is not None
    assert found[3] == 2.0
