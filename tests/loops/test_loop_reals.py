"""Recurrent networks over real numbers become loops within a tolerance, with evidence for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distill
from distill.checker.finding import verdict_of
from distill.checker.loops import loop_findings
from distill.errors import BadInput
from distill.load.recurrent import load_recurrent
from distill.loops import claim_of, distil_recurrent, make_oracle
from distill.recurrent import RecurrentNetwork
from distill.verify.real_linear_loops import real_linear_claim
from dsl.loop_text import parse_loop
from dsl.meanings.loop_array import run_loop
from tests.loops.networks import LARGEST, PAIR, READ, RUNNING_SUM, cell

UNIT = "seq(real(-1,1))"
SMOOTH = cell([([[0.9, 0.1]], [0])], READ, 1)
AVERAGE = cell([([[0, 0, 1], [1, 0, 0]], [0, 0])], [([[0.5, 0.5]], [0])], 2)
DIFFERENCE = cell([([[0, 0, 1], [1, 0, 0]], [0, 0])], [([[1, -1]], [0])], 2)
PEAK = cell([([[-0.9, 1], [0.9, 0]], [0, 0]), ([[1, 1]], [0])], READ, 1)
"""h' = relu(x - 0.9 h) + relu(0.9 h), for a state that is never negative."""
SATURATING = cell([([[1, 1], [1, 1]], [1, -1]), ([[1, -1]], [-1])], READ, 1)
"""h' = relu(h + x + 1) - relu(h + x - 1) - 1."""
LEVEL = cell([([[0.9, 0.1]], [0])], [([[1.0]], [-0.1])], 1)
COUNT = cell([([[0, 4000], [0, 4000], [1, 0]], [0, -1, 0]), ([[1, -1, 1]], [0])], READ, 1)


def outcome(network: RecurrentNetwork, inputs: str, outputs: str, tolerance=None, length=10):
    return distil_recurrent(network, inputs, outputs, length, tolerance=tolerance)


@pytest.mark.parametrize(
    ("network", "inputs", "outputs", "steps"),
    [
        (RUNNING_SUM, UNIT, "seq(real)", "let new_total = total + x"),
        (SMOOTH, UNIT, "seq(real)", "x / 10 + 0.9 * level"),
        (SMOOTH, UNIT, "real", "-> real"),
        (AVERAGE, "seq(int(0,9))", "seq(real)", "out (x + previous) / 2"),
        (DIFFERENCE, UNIT, "seq(real)", "out x - previous"),
        (LARGEST, UNIT, "seq(real)", "max(largest, x)"),
        (PEAK, "seq(real(0,1))", "seq(real)", "max(0.9 * level, x)"),
        (SATURATING, UNIT, "seq(real)", "clip(level + x, -1, 1)"),
        (PAIR, "seq(real(-1,1)[2])", "seq(real[2])", "total1 + x0 + x1"),
        (DIFFERENCE, UNIT, "seq(bool above 0)", "previous < x"),
        (LEVEL, UNIT, "seq(bool above 0)", "x + 0.9 * level"),
        (COUNT, UNIT, "seq(int)", "count + 1"),
    ],
)
def test_a_network_is_the_loop_that_it_was_wired_as(network, inputs, outputs, steps):
    found = outcome(network, inputs, outputs, 0.01)
    assert not found.literal
    assert steps in str(found.program)
    assert found.claim.verdict != "refuted"


def test_a_running_mean_divides_a_total_by_the_place():
    def step(state, item):
        return np.stack([state[:, 0] + item[:, 0], state[:, 1] + 1], 1)

    def readout(state):
        return state[:, :1] / np.maximum(state[:, 1:], 1)

    network = distill.Recurrent(step, readout, np.zeros(2), 1)
    found = outcome(load_recurrent(network), "seq(real(0,1))", "seq(real)", 0.001)
    assert "new_total / new_position" in str(found.program)
    assert (found.claim.verdict, found.claim.method) == ("tested", "sampling")
    assert found.claim.count == 65_536
    assert found.claim.achieved is not None
    assert found.claim.achieved <= 0.001


SMOOTHED = (
    "loop predict(x: real) -> seq(real)\n  start level: real = 0.0\n  let now = {}\n"
    "  out now\n  next level = now\n"
)


@pytest.mark.parametrize(
    ("step", "tolerance", "verdict"),
    [
        ("0.9 * level + 0.1 * x", 0.001, "proved"),
        ("0.9 * level + 0.1 * x + 0.0001", 0.0009, "proved_to_length"),
        ("0.9 * level + 0.1 * x + 0.0001", 0.0012, "proved"),
        ("0.8 * level + 0.2 * x", 0.02, "refuted"),
        ("x", 0.5, "refuted"),
    ],
)
def test_the_tolerance_decides_and_the_check_agrees(step, tolerance, verdict):
    oracle = make_oracle(SMOOTH, UNIT, "seq(real)", 10, 0, tolerance)
    loop = parse_loop(SMOOTHED.format(step))
    claim = claim_of(loop, oracle, 0)
    assert (claim.verdict, claim.tolerance) == (verdict, tolerance)
    findings = list(loop_findings(oracle, loop, claim, np.random.default_rng(5)))
    assert verdict_of(findings) == ("refuted" if verdict == "refuted" else "holds")
    if verdict == "refuted":
        assert claim.counterexample is not None
        gap = abs(claim.counterexample["network"] - claim.counterexample["program"])
        assert gap > tolerance


def test_a_claim_that_the_responses_do_not_show_is_not_believed():
    oracle = make_oracle(SMOOTH, UNIT, "seq(real)", 10, 0, 0.001)
    loop = parse_loop(SMOOTHED.format("0.9 * level + 0.1 * x"))
    claim = claim_of(loop, oracle, 0)
    other = parse_loop(SMOOTHED.format("0.9 * level + 0.1001 * x"))
    tight = make_oracle(SMOOTH, UNIT, "seq(real)", 10, 0, 0.0001)
    told = replace(claim, tolerance=0.0001)
    findings = loop_findings(tight, other, told, np.random.default_rng(0))
    assert verdict_of(list(findings)) != "holds"


_PARTS = st.integers(-8, 8)


@settings(deadline=None, max_examples=12)
@given(st.integers(-70, 70), st.integers(-128, 128), _PARTS, _PARTS)
def test_a_bound_by_responses_is_never_exceeded(kept, taken, off, more):
    kept, taken, off, more = kept / 64, taken / 64, off / 1000, more / 1000
    network = cell([([[kept, taken]], [0.125])], READ, 1)
    oracle = make_oracle(network, UNIT, "seq(real)", 8, 0, 0.5)
    text = f"({kept + off!r}) * level + ({taken + more!r}) * x + 0.125"
    loop = parse_loop(SMOOTHED.format(text))
    claim = real_linear_claim(loop, oracle)
    if claim is None:
        return
    length = min(claim.length_bound or 40, 40)
    signs = np.sign(np.random.default_rng(0).uniform(-1, 1, (200, length)))
    columns = (np.concatenate([signs, np.ones((1, length)), -np.ones((1, length))]),)
    gap = oracle.distances(oracle.values(columns), run_loop(loop, columns))
    assert gap.max() <= (claim.achieved or 0.0)


def test_folder_check_test_and_comparison_keep_to_the_tolerance(tmp_path):
    found = distill.distill(LARGEST, UNIT, "seq(real)", tolerance=0.001, length=8)
    found.save(tmp_path / "out")
    assert distill.check(tmp_path / "out").verdict == "holds"
    text = (tmp_path / "out" / "test_program.py").read_text()
    assert "abs(given - wanted) <= " in text
    namespace: dict = {"__file__": str(tmp_path / "out" / "test_program.py")}
    exec(compile(text, "test_program.py", "exec"), namespace)
    columns = (np.array([[0.5, -0.25, 0.75]]),)
    assert namespace["different"](columns) == []
    again = type(found).load(tmp_path / "out")
    assert again([0.5, -0.25]) == found([0.5, -0.25])
    assert distill.equivalent(LARGEST, found, UNIT, tolerance=0.001).verdict == "tested"
    assert distill.equivalent(SMOOTH, found, UNIT, tolerance=0.001).verdict == "refuted"


def test_where_no_loop_is_found_the_network_writes_itself_out():
    rng = np.random.default_rng(3)
    first = rng.normal(size=(6, 4)) / 3, rng.normal(size=6)
    step = [first, (rng.normal(size=(3, 6)) / 3, np.zeros(3))]
    network = cell(step, [(rng.normal(size=(1, 3)), [0.0])], 3)
    asked = iter(range(10**9))
    found = distil_recurrent(
        network, UNIT, "seq(real)", 6, should_stop=lambda: next(asked) > 3, tolerance=1e-5
    )
    assert found.literal
    assert (found.claim.verdict, found.claim.tolerance) == ("tested", 1e-5)


@pytest.mark.parametrize(
    ("network", "inputs", "outputs", "tolerance", "said"),
    [
        (RUNNING_SUM, "seq(int(0,9))", "seq(int)", 0.1, "compared for equality"),
        (RUNNING_SUM, UNIT, "seq(real)", -1.0, "from 0 up"),
        (SMOOTH, "seq(real(-9,9))", None, None, "say what they mean"),
        (SMOOTH, "seq(real)", "seq(real)", None, "without bounds"),
        (SMOOTH, UNIT, "seq(real[2])", None, "has 1 outputs"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(network, inputs, outputs, tolerance, said):
    with pytest.raises(BadInput, match=said):
        distill.distill(network, inputs, outputs, tolerance=tolerance)
