"""The search loop: what it learns from, what it offers, when it ends."""

from __future__ import annotations

import numpy as np
import pytest

from distill.load import network_from_normal_form
from distill.normal_form import Builder
from distill.run.budget import Budget
from distill.synthesize.judge import judging_points
from distill.synthesize.loop import Pool, Vocabulary, first_examples, search_values
from distill.target import Target, make_target, resolve_output
from dsl.domain import rows
from dsl.domain_text import parse_domain
from dsl.text import parse


def target_of(function: str | None, weights: list[float], output: str, domain: str) -> Target:
    """function(weights . inputs), as a network."""
    builder = Builder(len(weights))
    wire = builder.affine([(0, np.array([weights]))], np.zeros(1))
    wire = wire if function is None else builder.elementwise(function, wire)
    network = network_from_normal_form(builder.build(wire))
    return make_target(network, parse_domain(domain), resolve_output(network, output))


def searched(target: Target, steps: int = 20_000_000) -> tuple[Pool, bool]:
    pool = Pool(target, judging_points(target, 0))
    ended = search_values(pool, 0, Vocabulary(), Budget(steps, 60.0).stage(1.0))
    return pool, ended


@pytest.mark.parametrize(
    ("function", "weights", "output", "domain", "wanted"),
    [
        (None, [2.0, -1.0], "real", "x: real(-1,1) * y: real(-1,1)", "2 * x - y"),
        ("abs", [1.0, -1.0], "real", "x: real(-1,1) * y: real(-1,1)", "abs(x - y)"),
        ("square", [1.0, 1.0], "int", "n: int(0,9) * m: int(0,9)", "square(n + m)"),
    ],
)
def test_a_short_formula_is_found(function, weights, output, domain, wanted):
    pool, ended = searched(target_of(function, weights, output, domain))
    assert ended
    assert pool.best is not None
    assert pool.best.error <= pool.target.tolerance
    assert pool.best.candidate.bits <= 1.5 * bits_of(pool.target, wanted)


def bits_of(target: Target, text: str) -> float:
    judged = Pool(target, judging_points(target, 0)).offer(
        parse(text, dict(target.domain.parameters)), "hint"
    )
    assert judged is not None
    assert judged.holds
    return judged.candidate.bits


def test_the_same_seed_finds_the_same():
    target = target_of("abs", [1.0, -1.0], "real", "x: real(-1,1) * y: real(-1,1)")
    first, second = (searched(target)[0] for _ in range(2))
    assert list(first.judged) == list(second.judged)


def test_without_steps_the_search_says_that_it_did_not_end():
    target = target_of("sin", [3.0, 2.0], "real", "x: real(-1,1) * y: real(-1,1)")
    budget = Budget(10, 60.0, spent=10)
    pool = Pool(target, judging_points(target, 0))
    ended = search_values(pool, 0, Vocabulary(), budget.stage(1.0))
    assert not ended
    assert pool.best is None


def test_a_body_is_judged_once_and_only_in_the_outputs_type():
    target = target_of(None, [1.0, 1.0], "real", "x: real(-1,1) * y: real(-1,1)")
    pool = Pool(target, judging_points(target, 0))
    names = dict(target.domain.parameters)
    once = pool.offer(parse("x + y", names), "hint")
    assert pool.offer(parse("x + y", names), "enumerated") is once
    assert pool.offer(parse("x > y", names), "hint") is None
    assert pool.offer(parse("1 / x", names), "hint") is None


def test_small_domains_are_looked_at_whole():
    target = target_of(None, [1.0, 1.0], "int", "n: int(0,9) * m: int(0,9)")
    assert rows(first_examples(target, 0)) == 100
    large = target_of(None, [1.0, 1.0], "real", "x: real(-1,1) * y: real(-1,1)")
    assert rows(first_examples(large, 0)) < 200
