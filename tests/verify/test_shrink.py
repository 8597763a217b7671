"""Counterexamples stay counterexamples and get simple; sympy's word is only a proposal."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import distill
from distill.errors import BadInput
from distill.load import network_from_normal_form
from distill.normal_form import Builder
from distill.synthesize.algebraic import offer_simplified
from distill.synthesize.judge import judging_points
from distill.synthesize.loop import Pool
from distill.target import make_target, parse_output
from distill.verify.shrink import shrunk, thought_of
from dsl.domain_text import parse_domain
from dsl.text import parse

DOMAIN = parse_domain("x: real(-1,1)[2] * n: int(0,20) * b: bool")


@pytest.mark.parametrize("seed", range(12))
def test_what_is_shrunk_still_differs_and_lies_in_the_domain(seed):
    random = Random(seed)
    level, least = random.uniform(-0.9, 0.9), random.randint(0, 20)

    def differs(columns):
        return bool(columns[0][0, 0] >= level and columns[1][0] >= least)

    example = DOMAIN.column(([random.uniform(level, 1), random.uniform(-1, 1)], least, True))
    found = shrunk(DOMAIN, example, differs)
    assert DOMAIN.contains(found)[0]
    assert differs(found)
    assert found[0][0, 1] == 0
    assert found[1][0] == least


def test_a_lone_counterexample_is_kept():
    alone = 0.7312341171

    def differs(columns):
        return bool(abs(columns[0][0, 0] - alone) < 1e-9)

    found = shrunk(DOMAIN, DOMAIN.column(([alone, 0.3], 17, True)), differs)
    assert differs(found)
    assert (found[0][0, 1], found[1][0], found[2][0]) == (0.0, 0, False)


def test_thoughts_lie_in_the_domain_and_repeat():
    domain = parse_domain("x: real(-1,1) * y: real(-1,1) where x < y")
    first, second = thought_of(domain), thought_of(domain)
    assert len(first[0]) > 20
    assert (first[0] < first[1]).all()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_two_functions_that_differ_on_one_corner_are_told_apart_by_a_simple_input():
    claim = distill.equivalent(
        lambda x, y: x * y, lambda x, y: x * y + (x > 0.97), "x: real(0,1) * y: real(0,1)"
    )
    assert claim.verdict == "refuted"
    assert claim.counterexample is not None
    inputs = claim.counterexample["inputs"]
    assert (inputs["x"], inputs["y"]) == (1.0, 0.0)
    with pytest.raises(BadInput):
        distill.equivalent(lambda x: x, lambda x, y: x, "x: real(0,1)")


def pool_for(text: str) -> Pool:
    """A pool about the network x + y, with one program in it."""
    builder = Builder(2)
    out = builder.affine([(0, np.array([[1.0, 1.0]]))], np.zeros(1))
    network = network_from_normal_form(builder.build(out))
    domain = parse_domain("x: real(-1,1) * y: real(-1,1)")
    target = make_target(network, domain, parse_output("real"))
    pool = Pool(target, judging_points(target, 0))
    pool.offer(parse(text, dict(domain.parameters)), "hint")
    return pool


def routes(pool: Pool) -> dict[str, str]:
    return {str(body): j.candidate.route for body, j in pool.judged.items() if j.holds}


def test_what_sympy_shortens_is_judged_and_offered():
    pool = pool_for("x * x + y + x - x * x + sin(y) * 0")
    offer_simplified(pool)
    assert pool.best is not None
    assert str(pool.best.candidate.program.main.body) in ("x + y", "y + x")


def test_a_cancelled_zero_is_never_offered():
    pool = pool_for("x * y / y + y")
    offer_simplified(pool)
    assert not any("/" in body for body in routes(pool))
