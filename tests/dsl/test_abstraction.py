"""Library learning: what is said several times is said once, and the program stays the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.evidence.random_programs import random_column, random_program
from dsl.abstraction import abstracted
from dsl.cost import program_bits
from dsl.expand import written_out
from dsl.meanings.array import run
from dsl.meanings.interval import well_defined
from dsl.program import Definition, Program, call, prim, var
from dsl.text import parse_program, show_program
from dsl.types import Vector, is_numeric

DETECTORS = """def predict(x: real[9]) -> real =
  relu(0.5 * x[0] - x[1] + x[2] - 1) + relu(0.5 * x[3] - x[4] + x[5] - 1) + relu(0.5 * x[6] - x[7] + x[8] - 1)
"""  # noqa: E501
TURNED = """def g(p: real, q: real) -> real =
  max(p, 0) * 3 + min(q, 1)
def h(q: real, p: real) -> real =
  max(p, 0) * 3 + min(q, 1)
def predict(x: real[4]) -> real =
  g(x[0], x[1]) + h(x[2], x[3]) * h(x[1], x[2])
"""
MAJORITIES = """def predict(x: bool[4]) -> bool[2] =
  [x[0] and x[1] or x[0] and x[2] or x[1] and x[2], x[1] and x[2] or x[1] and x[3] or x[2] and x[3]]
"""


def repeated(seed: int) -> Program:
    """A random program whose functions stand in it several times, written out and called."""
    drawn = random_program(seed, 7)
    main = drawn.main
    pool = [var(n, t) for n, t in main.parameters]
    inner = Definition("inner", main.parameters, main.body, main.result)
    first = call("inner", tuple(pool), main.result)
    kinds = {main.result}
    if isinstance(main.result, Vector) or not is_numeric(main.result):
        body = prim("if_", prim("equal", first, main.body), first, main.body) if kinds else first
    else:
        body = prim("add", prim("mul", first, main.body), first)
    last = Definition("predict", main.parameters, body, body.type)
    return written_out(Program((*drawn.definitions[:-1], inner, last)))


def columns(program: Program, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(random_column(item, 12, rng) for _, item in program.main.parameters)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_it_computes_exactly_the_same_and_is_found_again_unchanged(seed: int, often: bool) -> None:
    program = random_program(seed, 3)
    if often:
        try:
            program = repeated(seed)
        except TypeError:
            return
    found = abstracted(program)
    assert program_bits(found) <= program_bits(program)
    assert written_out(found) == written_out(program)
    assert found.main.name == program.main.name
    assert abstracted(found) == found
    assert parse_program(show_program(found)) == found
    given_ = columns(program, seed)
    with np.errstate(all="ignore"):
        assert np.array_equal(run(found, given_), run(program, given_), equal_nan=True)


@pytest.mark.parametrize(
    ("text", "calls"),
    [(DETECTORS, 3), (MAJORITIES, 2)],
)
def test_what_differs_becomes_a_parameter(text: str, calls: int) -> None:
    found = abstracted(parse_program(text))
    assert [d.name for d in found.definitions] == ["f1", "predict"]
    assert show_program(found).count("f1(") == calls + 1
    assert program_bits(found) < program_bits(parse_program(text))


def test_functions_that_are_the_same_up_to_names_and_order_become_one() -> None:
    found = abstracted(parse_program(TURNED))
    assert [d.name for d in found.definitions] == ["f1", "predict"]
    assert "f1(x[0], x[1])" in show_program(found)
    assert "f1(x[3], x[2])" in show_program(found)


def test_literals_that_differ_are_handed_over_and_places_are_not() -> None:
    text = """def predict(x: real[3], y: real[3]) -> real =
  exp(sin(2 * x[0]) - 1) + exp(sin(0.5 * y[0]) - 1) + exp(sin(3 * y[0]) - 1)
"""
    shown = show_program(abstracted(parse_program(text)))
    assert "f1(2" in shown
    assert "f1(0.5" in shown
    assert "exp(sin(" in shown
    assert shown.count("exp") == 1


def test_nothing_is_looked_at_that_was_left_alone() -> None:
    """1 / a where a may be zero isn't handed over to a choice that leaves it out."""
    text = """def predict(a: real, b: real) -> real =
  (if a > 0 then square(sin(1 / a)) + 3 else 0) + (if b > 0 then square(sin(1 / b)) + 3 else 0)
"""
    program = parse_program(text)
    found = abstracted(program)
    assert len(found.definitions) == 2
    zero = {"a": (np.zeros(1), np.zeros(1)), "b": (np.zeros(1), np.zeros(1))}
    assert well_defined(program, zero).all()
    assert well_defined(found, zero).all()


def test_names_that_are_taken_stay_apart() -> None:
    text = DETECTORS.replace("x", "f1")
    found = abstracted(parse_program(text.replace("f1[9]", "x[9]").replace("(f1:", "(f1:")))
    assert [d.name for d in found.definitions] == ["f2", "predict"]


def test_what_is_said_once_stays() -> None:
    text = "def predict(x: real[2]) -> real =\n  sin(x[0]) + cos(x[1])\n"
    assert show_program(abstracted(parse_program(text))) == text
