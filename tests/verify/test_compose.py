"""Composed claims hold on draws, and what doesn't follow is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import random_form
from test_lockstep import moved, relu_network

from distill.checker.folder import _whole_findings
from distill.errors import BadInput
from distill.evidence import IDENTICAL, Claim, Evidence
from distill.export.evidence_shape import shape_fault
from distill.normal_form import Builder
from distill.verify.compose import Later, after, better, decided, in_a_row
from distill.verify.crown import enclose
from distill.verify.slope import lipschitz

SMOOTH = ["relu", "abs", "tanh", "sigmoid", "square", "sin", "cos", "erf", "max", "min", "mul"]
JUMPS = ["floor", "round", "sign"]


def within(eps, verdict="proved", **more):
    return Claim(verdict, "bounds", f"within {eps}", tolerance=2 * eps, achieved=eps, **more)


def largest(values):
    return float(np.abs(values).max())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_no_two_points_are_farther_apart_than_the_slope_says(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, SMOOTH, inputs=2)
    low = rng.uniform(-1, 0, 2)
    high = low + rng.uniform(0.01, 1.5, 2)
    steep = lipschitz(form, low, high, pieces=int(rng.choice([1, 4, 16])))
    x = rng.uniform(low, high, (300, 2))
    near = np.clip(x + rng.normal(size=x.shape) * 1e-3, low, high)
    for y in (near, rng.uniform(low, high, (300, 2))):
        apart = np.abs(x - y).max(axis=1)
        change = np.abs(form.run(x) - form.run(y)).max(axis=1)
        assert (change <= steep * apart * (1 + 1e-9) + 1e-9).all()


def test_the_slope_of_what_is_affine_is_its_own():
    builder = Builder(2)
    matrix = np.array([[1.0, -2.0], [0.5, 0.25]])
    form = builder.build(builder.affine([(0, matrix)], np.ones(2)))
    assert lipschitz(form, -np.ones(2), np.ones(2)) == pytest.approx(3.0, rel=1e-5)
    assert lipschitz(form, -np.ones(2), np.ones(2)) >= 3.0


def test_what_cancels_is_not_added_up():
    """relu(x) - relu(-x) is x: two slopes of which one is always 0, once the box is cut at 0."""
    builder = Builder(1)
    inner = builder.elementwise("relu", builder.affine([(0, np.array([[1.0], [-1.0]]))], [0.0, 0]))
    form = builder.build(builder.affine([(inner, np.array([[1.0, -1.0]]))], np.zeros(1)))
    assert lipschitz(form, -np.ones(1), np.ones(1)) == pytest.approx(1.0, rel=1e-5)
    assert lipschitz(form, -np.ones(1), np.ones(1), pieces=1) == pytest.approx(2.0, rel=1e-5)


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_has_no_slope(name):
    builder = Builder(1)
    form = builder.build(builder.elementwise(name, 0))
    assert lipschitz(form, -np.ones(1), np.ones(1)) == np.inf


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_composed_bound_holds_on_draws(seed):
    """Network B after network A beside moved copies, A's error made as large as is claimed."""
    rng = np.random.default_rng(seed)
    first, second = relu_network(rng, (2, 5, 3)), relu_network(rng, (3, 5, 1))
    other, copy = moved(rng, first, 0.02), moved(rng, second, 0.02)
    box = -np.ones((1, 2)), np.ones((1, 2))
    seen = enclose(first, *box)
    image = seen.low[0], seen.high[0]
    both = enclose(other, *box)
    a = float(max((both.high - seen.low).max(), (seen.high - both.low).max()))
    low, high = image[0] - 2 * a - 0.1, image[1] + 2 * a + 0.1
    ends = [enclose(f, low[None], high[None]) for f in (second, copy)]
    b = float(max((ends[1].high - ends[0].low).max(), (ends[0].high - ends[1].low).max()))
    claim = after(within(a), within(b), Later(copy, low, high), image)
    x = rng.uniform(-1, 1, (500, 2))
    apart = largest(second.run(first.run(x)) - copy.run(other.run(x)))
    assert claim.verdict == "proved"
    assert claim.achieved is not None
    assert apart <= claim.achieved
    pushed = first.run(x) + rng.choice([-a, a], size=(500, 3))
    assert largest(copy.run(pushed) - copy.run(first.run(x))) <= claim.achieved
    assert f"within {a}" in claim.statement
    assert f"within {b}" in claim.statement


def three_times():
    builder = Builder(1)
    return builder.build(builder.affine([(0, np.array([[3.0]]))], np.zeros(1)))


BOX = -np.ones(1), np.ones(1)


def test_the_bound_is_the_second_and_the_first_times_the_slope():
    inside = np.array([-0.5]), np.array([0.5])
    claim = after(within(0.1), within(0.2), Later(three_times(), *BOX), inside)
    assert claim.achieved == pytest.approx(0.5, rel=1e-5)
    assert claim.achieved >= 0.5
    assert claim.tolerance == pytest.approx(1.0, rel=1e-5)


def test_a_domain_that_lacks_the_inflated_image_is_refused():
    edge = np.array([-0.5]), np.array([0.95])
    with pytest.raises(BadInput, match="more on all sides"):
        after(within(0.1), within(0.2), Later(three_times(), *BOX), edge)
    exactly = np.array([-0.5]), np.array([0.9])
    with pytest.raises(BadInput, match="more on all sides"):
        after(within(0.1), within(0.2), Later(three_times(), *BOX), exactly)


@pytest.mark.parametrize("slope", [2.9, 0.0, float("nan"), -1.0])
def test_a_slope_that_is_too_small_is_refused(slope):
    inside = np.array([-0.5]), np.array([0.5])
    with pytest.raises(BadInput, match="can be shown"):
        after(within(0.1), within(0.2), Later(three_times(), *BOX, slope), inside)


def test_a_larger_slope_is_taken():
    inside = np.array([-0.5]), np.array([0.5])
    claim = after(within(0.1), within(0.2), Later(three_times(), *BOX, 4.0), inside)
    assert claim.achieved == pytest.approx(0.6)


def test_nothing_follows_from_what_is_refuted_or_jumps():
    inside = np.array([-0.5]), np.array([0.5])
    nothing = replace(within(0.1), achieved=None)
    for bad in (within(0.1, "refuted"), within(0.1, "unknown"), nothing):
        with pytest.raises(BadInput, match="nothing follows"):
            in_a_row(bad, within(0.1))
    builder = Builder(1)
    steps = builder.build(builder.elementwise("sign", 0))
    with pytest.raises(BadInput, match="jumps"):
        after(within(0.1), within(0.2), Later(steps, *BOX), inside)


def test_draws_of_another_domain_decide_nothing():
    inside = np.array([-0.5]), np.array([0.5])
    claim = after(within(0.1), within(0.2, "tested"), Later(three_times(), *BOX), inside)
    assert claim.verdict == "unknown"
    other = after(within(0.1, "tested"), within(0.2), Later(three_times(), *BOX), inside)
    assert other.verdict == "tested"


@given(st.floats(1e-9, 1), st.floats(1e-9, 1))
def test_distances_on_the_same_inputs_add_upward(a, b):
    from fractions import Fraction

    claim = in_a_row(within(a), within(b, "tested"))
    assert claim.verdict == "tested"
    assert claim.achieved is not None
    assert Fraction(claim.achieved) >= Fraction(a) + Fraction(b)
    assert claim.achieved <= (a + b) * (1 + 1e-15)


def test_exceptions_are_joined():
    first = Claim("proved", "bounds", "equal", achieved=0.0, exempt="x", left_out=0.7)
    second = Claim("tested", "sampling", "equal", achieved=0.0, exempt="y", left_out=0.6)
    claim = in_a_row(first, second)
    assert (claim.exempt, claim.left_out, claim.verdict) == ("x or y", 1.0, "tested")
    assert claim.tolerance is None
    with pytest.raises(BadInput, match="equality"):
        in_a_row(first, within(0.1))
    assert in_a_row(within(0.1), IDENTICAL).achieved == pytest.approx(0.1)


def test_a_clear_decision_takes_the_error_back():
    assert decided(within(0.1), 0.2).achieved == 0.0
    for margin in (0.1, 0.05):
        with pytest.raises(BadInput, match="clear"):
            decided(within(0.1), margin)


def test_the_better_of_two_is_taken():
    composed = within(0.3, "tested")
    assert better(composed, None) is composed
    for direct in (within(0.4), within(0.2, "tested"), within(0.5, "refuted")):
        assert better(composed, direct) is direct
    for direct in (within(0.4, "tested"), within(0.1, "unknown")):
        assert better(composed, direct) is composed


def evidence_of(whole, *parts):
    sizes = {"program": 1.0, "network": 2.0, "version": 1.0}
    hashes = {"program": "", "network": "n", "original": "o"}
    return Evidence(
        *parts, "x: real(-1,1)", "real", sizes, 1.0, 1, 0, {}, hashes, program_vs_original=whole
    )


def test_the_check_adds_up_again_and_evidence_keeps_the_whole():
    parts = within(0.1), within(0.2, "tested")
    whole = in_a_row(*parts)
    evidence = evidence_of(whole, *parts)
    data = json.loads(json.dumps(evidence.to_json()))
    assert shape_fault(data) is None
    assert Evidence.from_json(data) == evidence
    del data["program_vs_original"]
    assert shape_fault(data) is None
    assert Evidence.from_json(data).program_vs_original is None
    wrong = [
        replace(whole, achieved=0.29),
        replace(whole, verdict="proved"),
        replace(whole, tolerance=0.1),
        replace(whole, achieved=None),
    ]
    for claim, state in ((whole, "holds"), *((w, "refuted") for w in wrong)):
        found = SimpleNamespace(evidence=evidence_of(claim, *parts))
        assert [f.state for f in _whole_findings(found)] == [state]
