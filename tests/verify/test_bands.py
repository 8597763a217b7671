"""Bands in parts: right programs are proved, wrong ones and too narrow bands are refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from distill.band import Part, beyond
from distill.checker.proof import proof_finding
from distill.evidence import Claim
from distill.load import load
from distill.target import Target, make_target, resolve_output
from distill.verify import bands
from distill.verify.ladder import Effort, verify
from distill.verify.parted import parted
from distill.verify.sampling import hunt
from distill.verify.square import Square
from dsl.domain_text import parse_domain
from dsl.program import program
from dsl.text import parse

XOR, REALS = "benchmarks/networks/xor_relu16x8_s1.onnx", "x: real(-6,6) * y: real(-6,6)"


def target_of(file: str, inputs: str, output: str) -> Target:
    network = load(file)
    return make_target(network, parse_domain(inputs), resolve_output(network, output))


def square_of(target: Target, text: str) -> Square:
    body = parse(text, dict(target.domain.parameters))
    return Square(target, program(target.domain.parameters, body), 0.0)


@pytest.fixture(scope="module")
def shown() -> tuple[Square, Claim]:
    square = square_of(target_of(XOR, REALS, "bool"), "x * y > 0")
    found = parted(square, hunt(square, 0), 0, 50_000)
    assert found is not None
    return found


def checked(square: Square, claim: Claim) -> str:
    read = Claim.from_json(json.loads(json.dumps(claim.to_json())))
    return proof_finding(square.target, square.program, read).state


def test_a_band_in_parts_is_proved_confirmed_and_narrow(shown):
    square, claim = shown
    drawn = square.compare(square.target.domain.sample(np.random.default_rng(7), 50_000))
    assert claim.verdict == "proved" and checked(square, claim) == "holds"
    assert not drawn.wrong(0.0, 0.0).any()
    assert np.mean(drawn.margin <= 0) < 0.01


def test_the_checker_refuses_narrower_parts_and_parts_that_leave_a_gap(shown):
    square, claim = shown
    narrow = [w | {"margin": w["margin"] * 0.2} for w in claim.widths]
    assert checked(square, replace(claim, widths=narrow)) == "unknown"
    assert checked(square, replace(claim, widths=claim.widths[1:])) == "unknown"


@pytest.mark.parametrize("text", ["x * y < 0", "x * y > 0.5", "x > 0"])
def test_the_checker_refuses_a_proof_for_another_program(shown, text):
    square, claim = shown
    assert checked(square_of(square.target, text), claim) == "unknown"


def test_a_program_that_is_wrong_far_from_every_decision_is_not_claimed(shown):
    square = square_of(shown[0].target, "x * y > 0 xor x + y > 11.5")
    claim = verify(square, 0, Effort(boxes=4000, parted_boxes=4000))
    wrong = claim.verdict == "proved" and claim.left_out < 0.01
    assert not wrong


def test_the_sum_of_both_sides_is_what_a_part_leaves_out():
    parts = (Part((0.0,), (1.0,), 2.0, 1.0), Part((1.0,), (2.0,), 0.0, 0.1))
    found = beyond(parts, np.array([[0.5], [0.5], [1.5], [3.0]]), np.full(4, 0.5), np.full(4, 0.25))
    assert found[:3].tolist() == [0.0, 0.0, 0.4] and found[3] == np.inf


def test_a_band_covers_all_differences_that_were_found(shown):
    plain = square_of(shown[0].target, "x * y > 0")
    points = plain.target.domain.sample(np.random.default_rng(3), 20_000)
    covered = bands.covering(plain, points, 0)
    assert not covered.compare(points).wrong(0.0, covered.margin).any()


def test_a_root_of_squares_is_proved_within_eps_around_zero():
    file = "benchmarks/networks/norm2_relu32x32_s1.onnx"
    target = target_of(file, "a: real(-1,1) * b: real(-1,1)", "real")
    right = square_of(target, "sqrt(square(a) + square(b))")
    claim = verify(right, 0, Effort(boxes=20_000))
    assert claim.verdict == "proved" and checked(right, claim) == "holds"
    assert (claim.achieved or 1.0) < 0.01
    wrong = square_of(target, "sqrt(square(a) + square(b)) + 0.05")
    assert verify(wrong, 0, Effort(boxes=5000)).verdict == "refuted"
    assert checked(wrong, claim) != "holds"


def test_nothing_is_proved_where_rounding_has_no_bound(shown):
    text = "x * y > 0 * sqrt(square(x) * square(y))"
    square = square_of(shown[0].target, text)
    assert parted(square, hunt(square, 0), 0, 2_000) is None
