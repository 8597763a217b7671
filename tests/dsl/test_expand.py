"""Levels of a program: each says the same as the one above it, with fewer names."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.domain_text import parse_domain
from dsl.expand import LARGEST, levels, opened
from dsl.meanings.array import run
from dsl.program import Call, Let, Program, const, let, prim, program, size, var, walk
from dsl.text import parse, parse_program, show_program
from dsl.types import REAL

ADDER = """
def carry(a: bool, b: bool) -> bool =
  a and b
def unused(a: bool) -> bool =
  not a
def twice(a: bool, b: bool) -> bool =
  let c = carry(a, b) in c xor a
def predict(x: bool, y: bool) -> bool =
  twice(y, x) or carry(x, y)
"""

SHARED = """
def predict(x: real, y: real) -> real =
  let s = x + y in let d = s * s in d + s + d
"""

CAUGHT = """
def sums(v: real[3], y: real) -> real =
  sum(map((x: real) -> x + y, v))
def predict(x: real, v: real[3]) -> real =
  sums(v, x) + x
"""


def names_left(shown: Program) -> int:
    return sum(isinstance(n, Let | Call) for d in shown.definitions for n in walk(d.body))


@pytest.mark.parametrize(
    ("text", "domain", "depth"),
    [
        (ADDER, "x: bool * y: bool", 3),
        (SHARED, "x: real(-1,1) * y: real(-1,1)", 3),
        (CAUGHT, "x: real(-1,1) * v: real(-1,1)[3]", 2),
    ],
)
def test_every_level_says_the_same_and_the_last_has_no_names(text, domain, depth):
    columns = parse_domain(domain).sample(np.random.default_rng(0), 50)
    found = list(levels(parse_program(text)))
    assert len(found) == depth
    for one in found:
        assert np.allclose(run(one, columns), run(found[0], columns))
        assert parse_program(show_program(one)) == one
    assert names_left(found[-1]) == 0
    assert len(found[-1].definitions) == 1


def test_one_level_opens_the_innermost_names_only():
    once = opened(parse_program(SHARED))
    assert str(once.main.body) == "let s = x + y in s * s + s + s * s"
    assert str(opened(once).main.body) == "(x + y) * (x + y) + (x + y) + (x + y) * (x + y)"


def test_a_definition_stays_as_long_as_something_calls_it():
    once = opened(parse_program(ADDER))
    assert [d.name for d in once.definitions] == ["carry", "predict"]


def test_an_inner_binding_catches_no_name_of_the_value_put_in():
    domain = dict(parse_domain("x: real(-1,1) * v: real(-1,1)[3]").parameters)
    inner = parse("let x = y * 2 in x + y", {"y": REAL})
    body = let("y", parse("x + 1", domain), inner)
    found = list(levels(program((("x", REAL),), body)))
    assert run(found[-1], (np.array([3.0]),))[0] == 12


def test_a_level_that_would_fill_pages_is_left_out():
    body = var("s30", REAL)
    for i in range(30, 0, -1):
        before = var(f"s{i - 1}", REAL)
        body = let(f"s{i}", prim("mul", before, prim("sub", before, const(1))), body)
    found = list(levels(program((("s0", REAL),), body)))
    assert 1 < len(found) < 31
    assert all(size(f.main.body) <= LARGEST for f in found)
