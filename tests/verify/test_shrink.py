"""Counterexamples stay counterexamples and get simple; what hypothesis thinks of is the same."""

from __future__ import annotations

import importlib
from random import Random

import numpy as np
import pytest

import distill
from distill.errors import BadInput
from distill.load import network_from_normal_form
from distill.normal_form import Builder
from distill.synthesize.judge import judging_points
from distill.synthesize.loop import Pool
from distill.target import make_target, parse_output
from distill.testing import assert_equivalent
from distill.verify.ladder import verify
from distill.verify.shrink import shrunk, thought_of
from distill.verify.square import Square
from dsl.domain_text import parse_domain
from dsl.program import program
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


def test_what_hypothesis_thinks_of_depends_on_no_source_file_and_leaves_none(tmp_path, monkeypatch):
    from hypothesis.configuration import set_hypothesis_home_dir

    numbers = [float(f"0.{i}12345") for i in range(1, 90)]
    (tmp_path / "constants_of_a_user.py").write_text(f"A = {numbers}")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("constants_of_a_user")
    home = tmp_path / "home"
    set_hypothesis_home_dir(home)
    try:
        found = thought_of(parse_domain("x: real(0,1)[3]"), seed=5)
    finally:
        set_hypothesis_home_dir(None)
    assert not set(numbers) & set(found[0].ravel().tolist())
    assert not home.exists()


def test_an_answer_that_changes_and_a_function_that_fails_are_told():
    random = Random(0)
    claim = distill.equivalent(lambda x: x, lambda x: x + (random.random() < 0.3), "x: real(0,1)")
    assert claim.verdict == "refuted"
    with pytest.raises(BadInput, match="isn't defined"):
        distill.equivalent(lambda x: 1 / x, lambda x: 1 / x, "x: real(0,1)")


def test_a_difference_that_raises_is_no_counterexample():
    def differs(columns):
        if columns[1][0] < 3:
            raise ValueError
        return True

    found = shrunk(DOMAIN, DOMAIN.column(([0.123, 0.3], 17, True)), differs)
    assert found[1][0] == 3


def test_a_verifier_shows_a_simple_counterexample():
    target = pool_for("x + y").target
    wrong = parse("if x > 0.31 then x + y + 1 else x + y", dict(target.domain.parameters))
    claim = verify(Square(target, program(target.domain.parameters, wrong), 0.0))
    assert claim.verdict == "refuted"
    assert claim.counterexample is not None
    inputs = claim.counterexample["inputs"]
    assert inputs["y"] == 0
    assert inputs["x"] in (0.5, 1.0)


def test_assert_equivalent_shows_the_shrunk_counterexample():
    with pytest.raises(AssertionError, match=r"'x': 1\.0, 'y': 0\.0"):
        assert_equivalent(
            lambda x, y: x, lambda x, y: x - (x > 0.9), "x: real(-1,1) * y: real(-1,1)"
        )
