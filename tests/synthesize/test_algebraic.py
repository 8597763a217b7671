"""sympy's word is only a proposal: judged on the points, and verified like any other."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from distill.load import network_from_normal_form
from distill.normal_form import Builder
from distill.run.budget import Budget
from distill.standing import Settings, exact_literal, first_standing
from distill.synthesize import algebraic
from distill.synthesize.algebraic import offer_simplified
from distill.synthesize.judge import judging_points
from distill.synthesize.loop import Pool
from distill.target import Target, make_target, parse_output
from dsl.domain_text import parse_domain
from dsl.program import Expression, program
from dsl.text import parse

BOX = "x: real(-1,1) * y: real(-1,1)"


RIGHT = "max(n // 2 * 2, n, 3 * n - 400000, n // 7 * 7)"


def target_of(rows: list[list[float]], function: str | None, last: list[float]) -> Target:
    """last . function(rows . (x, y)), as a network of two inputs."""
    builder = Builder(2)
    wire = builder.affine([(0, np.array(rows))], np.zeros(len(rows)))
    wire = wire if function is None else builder.elementwise(function, wire)
    out = builder.affine([(wire, np.array([last]))], np.zeros(1))
    network = network_from_normal_form(builder.build(out))
    return make_target(network, parse_domain(BOX), parse_output("real"))


def sum_target() -> Target:
    return target_of([[1.0, 1.0]], None, [1.0])


def body_of(target: Target, text: str) -> Expression:
    return parse(text, dict(target.domain.parameters))


def offered(target: Target, text: str) -> dict[str, str]:
    """What is in the pool and holds, with its route, after sympy was asked about one program."""
    pool = Pool(target, judging_points(target, 0))
    pool.offer(body_of(target, text), "hint")
    offer_simplified(pool)
    return {str(b): j.candidate.route for b, j in pool.judged.items() if j.holds}


def test_a_square_is_seen_in_its_terms():
    target = target_of([[1.0, 1.0]], "square", [1.0])
    found = offered(target, "x * x + 2 * x * y + y * y")
    assert found["square(x + y)"] == "hint, simplified by sympy"


def test_squares_of_sine_and_cosine_are_one():
    found = offered(sum_target(), "x + y + square(sin(x)) + square(cos(x)) - 1")
    assert "sympy" in found.get("x + y", found.get("y + x", ""))


@pytest.mark.parametrize("text", ["x * y / y + y", "x * x / x + y"])
def test_nothing_is_made_of_a_program_that_is_undefined_somewhere(text: str):
    assert offered(sum_target(), text) == {}


def test_a_wrong_simplification_fails_on_the_points(monkeypatch: pytest.MonkeyPatch):
    target = sum_target()
    wrong = program(target.domain.parameters, body_of(target, "x"))
    monkeypatch.setattr(algebraic, "simplify", lambda given: wrong)
    found = offered(target, "x + y + sin(x) - sin(x) * 1")
    assert found
    assert "x" not in found


def test_what_only_a_verifier_can_refute_gives_way_to_what_it_was_made_of(
    monkeypatch: pytest.MonkeyPatch,
):
    """A simplification that is right on every judging point, and wrong on one integer."""
    builder = Builder(1)
    network = network_from_normal_form(builder.build(builder.affine([(0, np.eye(1))], np.zeros(1))))
    domain = parse_domain("n: int(0,200000)")
    target = make_target(network, domain, parse_output("int"))
    rare, right = body_of(target, "if n == 77777 then 5 else n"), body_of(target, RIGHT)
    monkeypatch.setattr(algebraic, "simplify", lambda _: program(domain.parameters, rare))
    pool = Pool(target, judging_points(target, 0))
    pool.offer(right, "hint")
    offer_simplified(pool)
    assert pool.best is not None
    assert pool.best.candidate.route == "hint, simplified by sympy"
    dear = replace(exact_literal(target), bits=1e6)
    standing = first_standing(pool, dear, Settings(), Budget(5_000_000, 60.0))
    assert standing is not None
    assert standing[1].verdict != "refuted"
    assert standing[2].route == "hint"


@pytest.mark.parametrize("terms", [1, 60])
def test_sympy_is_asked_about_programs_of_bounded_size(terms: int, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(algebraic, "simplify", lambda given: asked.append(given))
    pool = Pool(sum_target(), judging_points(sum_target(), 0))
    many = " + ".join(f"{i}/1000000 * sin(x)" for i in range(1, terms + 1))
    pool.offer(body_of(pool.target, f"x + y + {many}"), "hint")
    offer_simplified(pool)
    assert len(asked) == (terms == 1)


def test_importing_the_pipeline_loads_neither_sympy_nor_hypothesis():
    script = "import sys, distill.pipeline; print({'sympy', 'hypothesis'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout.strip() == "set()"
