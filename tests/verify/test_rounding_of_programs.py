"""What the campaign against the verifiers (benchmarks/evidence) found, made small."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from distill.checker.finding import verdict_of
from distill.checker.folder import square_findings
from distill.evidence import Claim
from distill.literal import literal_program
from distill.load.normal import network_from_normal_form
from distill.normal_form import Builder
from distill.target import make_target, resolve_output
from distill.verify.boxes import bounds_claim
from distill.verify.exhaustive import exhaustive
from distill.verify.parted import parted
from distill.verify.relational import relational
from distill.verify.sampling import hunt, refuted
from distill.verify.smt import smt_claim
from distill.verify.square import Square
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.program import const, prim, program, var
from dsl.text import parse
from dsl.types import REAL


def square(
    builder: Builder, output: int, domain: str, body, tolerance: float, read="real"
) -> Square:
    network = network_from_normal_form(builder.build(output))
    parsed, reading = parse_domain(domain), resolve_output(network, read)
    target = make_target(network, parsed, reading, tolerance)
    if isinstance(body, str):
        body = parse(body, dict(parsed.parameters))
    return Square(target, program(parsed.parameters, body, reading.type), 0.0)


def half_of_x(large: float = 0.0) -> tuple[Builder, int]:
    """x / 2, by way of relu(x / 2 + large) - large: float32 loses digits to a large number."""
    builder = Builder(1)
    matrix, bias = np.array([[0.5]]), np.array([large or 1.0])
    inner = builder.elementwise("relu", builder.affine([(0, matrix)], bias))
    return builder, builder.affine([(inner, np.eye(1))], -bias)


def test_a_program_that_loses_digits_is_not_proved_by_z3():
    large = const(Fraction(2**40))
    body = prim("sub", prim("add", prim("mul", const(0.5), var("x", REAL)), large), large)
    found = square(*half_of_x(), "x: real(-1,1)", body, 2e-5)
    at = np.array([3e-5])
    assert abs(run(found.program, (at,))[0] - at[0] / 2) < abs(run(found.program, (-at,))[0]) + 2e-5
    apart = found.compare((np.linspace(-1, 1, 1001),)).distance.max()
    assert apart > 2e-5
    assert smt_claim(found) is None
    assert smt_claim(square(*half_of_x(), "x: real(-1,1)", "x / 2", 2e-5)) is not None


@pytest.mark.parametrize("large", [1024.0, 2.0**14])
def test_the_checker_confirms_what_floats_alone_are_too_coarse_for(large: float):
    found = square(*half_of_x(large), "x: real(-1,1)", "x / 2", large * 2.0**-20)
    claim = bounds_claim(found, 500)
    assert claim is not None and claim.verdict == "proved"
    assert said(found, claim) == "holds"
    assert claim.achieved is not None
    less = replace(claim, achieved=0.2 * claim.achieved, tolerance=0.2 * claim.achieved)
    assert said(found, less) != "holds"


def test_the_checker_sees_which_side_of_a_maximum_is_taken():
    builder = Builder(1)
    rough = builder.affine([(0, np.array([[3e4]]))], np.array([-1e6]))
    smooth = builder.affine([(0, np.array([[0.25]]))], np.array([1.0]))
    larger = builder.elementwise("max", rough, smooth)
    output = builder.affine([(larger, np.eye(1))], np.zeros(1))
    found = square(builder, output, "x: real(-1,1)", "x / 4 + 1", 1e-5)
    claim = bounds_claim(found, 500)
    assert claim is not None and claim.verdict == "proved"
    assert claim.achieved is not None and claim.achieved < 1e-6
    assert said(found, claim) == "holds"


def said(found: Square, claim: Claim) -> str:
    rng = np.random.default_rng(5)
    return verdict_of(square_findings(found.target, found.program, claim, rng))


def pyramid(centre: np.ndarray, radius: float) -> tuple[Builder, int]:
    """The sum of the inputs, and 1 more at one place."""
    builder, count = Builder(len(centre)), len(centre)
    sides = builder.elementwise("abs", builder.affine([(0, np.eye(count))], -centre))
    inner = builder.affine([(sides, np.full((1, count), -1 / radius))], np.ones(1))
    bump = builder.elementwise("relu", inner)
    ones = np.ones((1, count))
    return builder, builder.affine([(0, ones), (bump, np.eye(1))], np.zeros(1))


@pytest.mark.parametrize(("count", "radius"), [(1, 1e-6), (2, 1e-4), (4, 0.02)])
def test_narrow_pyramids_are_hunted_down(count: int, radius: float):
    centre = np.round(np.random.default_rng(count).uniform(-1, 1, count) * 256) / 256
    found = square(*pyramid(centre, radius), f"x: real(-1,1)[{count}]", "sum(x)", 0.1)
    (points,) = hunt(found, 0)
    worst = points[found.compare((points,)).distance.argmax()]
    np.testing.assert_allclose(worst, centre, atol=radius)


def test_a_lone_whole_number_among_billions_is_hunted_down():
    domain = "i: int(-4000000,4000000) * j: int(-4000000,4000000)"
    found = square(*pyramid(np.array([123457.0, -654321.0]), 1.0), domain, "i + j", 0.5)
    columns = hunt(found, 0)
    assert found.compare(columns).distance.max() == 1.0


def test_bends_of_deep_layers_are_followed():
    builder = Builder(2)
    first = builder.elementwise("relu", builder.affine([(0, np.array([[1.0, 2.0], [-2.0, 1.0]]))],
                                                       np.array([3.0, 3.0])))  # fmt: skip
    sides = builder.affine([(first, np.array([[1.0, 0.5], [0.25, -1.0]]))], np.array([-4.0, 2.0]))
    inner = builder.affine(
        [(builder.elementwise("abs", sides), np.full((1, 2), -500.0))], np.ones(1)
    )
    bump = builder.elementwise("relu", inner)
    output = builder.affine([(bump, np.eye(1))], np.zeros(1))
    found = square(builder, output, "x: real(-1,1)[2]", "x[0] - x[0]", 0.1)
    (points,) = hunt(found, 0)
    assert found.compare((points,)).distance.max() > 0.99


def test_a_difference_of_the_batch_alone_is_shown_as_it_was():
    found = square(*half_of_x(), "x: real(-1,1)", "x / 2", 0.1)
    columns = (np.array([0.25, 0.5]),)
    seen = replace(found.compare(columns), distance=np.array([0.0, 0.2]))
    claim = refuted(found, columns, seen, 1, 2, 0.0, "sampling")
    assert claim.achieved == 0.2
    assert claim.counterexample is not None and claim.counterexample["inputs"] == {"x": 0.5}


@pytest.mark.parametrize(("away", "verdict"), [("0", "proved"), ("1e-20", "refuted")])
def test_a_listed_difference_that_only_rounding_hides_is_found(away: str, verdict: str):
    builder = Builder(1)
    output = builder.affine([(0, np.zeros((1, 1)))], np.array([0.25]))
    claim = exhaustive(square(builder, output, "i: int(0,3)", f"0 * i - {away}", 0.25))
    assert claim is not None and claim.verdict == verdict


def test_no_band_in_parts_where_nothing_is_left_to_bound():
    builder = Builder(2)
    output = builder.affine([(0, np.array([[1.0, -1.0]]))], np.array([0.5]))
    found = square(builder, output, "b: bool * c: bool", "as_int(b) > as_int(c)", 0.01, "bool")
    assert parted(found, found.target.domain.points(0, 4), 0, 100) is None


def test_a_share_that_fewer_draws_measured_is_no_contradiction():
    builder = Builder(1)
    output = builder.affine([(0, np.ones((1, 1)))], np.zeros(1))
    found = replace(square(builder, output, "x: real(-1,1)", "x > 0", 0.01, "bool"), margin=0.01)
    claim = bounds_claim(found, 500)
    assert claim is not None and claim.verdict == "proved"
    spread = np.sqrt(0.01 / 25_000)
    for apart, verdict in ((2.0, "holds"), (4.5, "unknown"), (9.0, "refuted")):
        assert said(found, replace(claim, left_out=0.01 - apart * spread)) == verdict


@pytest.mark.parametrize("seed", range(6))
def test_networks_own_arithmetic_leaves_the_checker_room(seed: int):
    rng = np.random.default_rng(seed)
    builder = Builder(1)
    numbers = rng.normal(size=4).astype(np.float32).astype(float)
    inner = builder.affine([(0, numbers[:1, None])], numbers[1:2])
    bent = builder.elementwise("sigmoid", inner)
    output = builder.affine([(bent, numbers[2:3, None])], numbers[3:])
    found = square(builder, output, "x: real(-1,1)", "x > 0", 0.01, "bool")
    target = found.target
    own = replace(found, program=literal_program(target.form, target.domain, target.output))
    claim = relational(own)
    assert claim is not None and claim.verdict == "proved"
    assert said(own, claim) == "holds"
    assert said(own, replace(claim, margin=0.5 * claim.margin)) == "unknown"
