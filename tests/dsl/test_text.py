"""The written form: what people may write, and one sentence for everything else."""

from contextlib import suppress
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsl.domain import DomainError
from dsl.domain_text import parse_domain, show_domain
from dsl.meanings.array import run
from dsl.meanings.python import to_python
from dsl.program import Definition, Expression, Program, call, const, let, prim, program, var
from dsl.text import ParseError, parse, parse_program, parse_type, show, show_program
from dsl.text_tokens import tokens, unquote
from dsl.types import REAL, quote

X = var("x", REAL)
WRITTEN = """( ) [ ] , : = @ * / + - < > . ' "
bool int real category image seq as where let in if then else not or x y def onehot bits affine
index 0/1 -1/1 0 1 2/0 @1/0 @1/3 1e-3 1e999 .5 3. -> // == "a" "\\u{110000}" map max é \u202e
real(0,1) bool[2] int(0,9)"""
WORDS = [*WRITTEN.split(), "(v: real) ->", "\x00", "9" * 5000]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=20)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("x: real(1/0,1)")
@example("int(0,9) as bits(-1)")
@example('category("\\u{d800}")')
@example("x: real(0,1) where " + "(" * 3000)
def test_whatever_is_written_as_a_domain_gets_a_domain_or_a_sentence(text: str) -> None:
    try:
        found = parse_domain(text)
    except DomainError as error:
        assert 0 < len(str(error)) < 1000  # noqa: PT017
    else:
        assert parse_domain(show_domain(found)) == found


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("@1")
@example("[" * 3000)
@example("x + 1.5e99999999")
def test_whatever_is_written_as_an_expression_gets_one_or_a_sentence(text: str) -> None:
    try:
        found = parse(text, {"x": REAL})
    except ParseError as error:
        assert 0 < len(str(error)) < 1000  # noqa: PT017
    else:
        assert parse(show(found), {"x": REAL}) is found


@settings(max_examples=200, deadline=None)
@given(TEXTS)
@example("real[0]")
@example("def f(x: real[9][9]) -> real = 1.0")
def test_whatever_is_written_as_a_type_or_program_gets_one_or_a_sentence(text: str) -> None:
    for read in (parse_program, parse_type):
        with suppress(ParseError):
            read(text)


@given(st.text())
@example('\\u{41}"')
def test_quoted_text_comes_back(text: str) -> None:
    if not any("\ud800" <= c < "\ue000" for c in text):
        assert unquote(tokens(quote(text))[0]) == text


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-3", "1/1000"), (".5", "1/2"), ("2.", "2"), ("25E1", "250"), ("-1.5e+2", "-150")],
)
def test_numbers_as_people_write_them(written: str, value: str) -> None:
    assert parse(written, {}) is const(Fraction(value), REAL)
    domain = parse_domain(f"x: real(-1e3, {written}) where x < {written}")
    assert domain.fields[0].high == Fraction(value)


def test_a_division_by_zero_is_refused_with_its_place() -> None:
    with pytest.raises(ParseError, match="'2/0' at 4 divides by zero"):
        parse("x + 2/0", {"x": REAL})
    with pytest.raises(ParseError, match="'1/0'"):
        parse("@1/0", {})
    with pytest.raises(DomainError, match="'1/0' at 5 divides by zero"):
        parse_domain("real(1/0,1)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("real(0,1e400)", "too large"),
        ("int(0,1e30)", "too large"),
        ("int(0,0.5)", "whole"),
        ("int(0,9) as bits(99)", "bits"),
        ("real(0,1)[9999,9999]", "at most"),
        ('category("a","a")', "same label"),
        ("x: real(0,1) where " + "y" * 9000, "there is no"),
    ],
)
def test_a_domain_that_no_network_can_have(text: str, words: str) -> None:
    with pytest.raises(DomainError, match=words) as caught:
        parse_domain(text)
    assert len(str(caught.value)) < 1000


def test_a_program_has_definitions_of_different_names() -> None:
    with pytest.raises(ParseError, match="at least one definition"):
        parse_program("")
    with pytest.raises(ParseError, match="two definitions"):
        parse_program("def f(x: real) -> real = x def f(x: real) -> real = x")
    with pytest.raises(ParseError, match="two parameters"):
        parse_program("def f(x: real, x: real) -> real = x")


def nested(levels: int) -> Program:
    found: Expression = X
    for _ in range(levels):
        found = prim("abs", prim("sub", found, const(1)))
    return program((("x", REAL),), found)


def chain_of_lets(length: int) -> Program:
    names = ["x", *(f"a{i}" for i in range(length))]
    found: Expression = var(names[-1], REAL)
    for before, name in reversed(list(pairwise(names))):
        found = let(name, prim("add", var(before, REAL), const(1)), found)
    return program((("x", REAL),), found)


def ladder(length: int) -> Program:
    found: Expression = X
    for i in range(length):
        found = prim("if_", prim("greater", X, const(i)), const(Fraction(i)), found)
    return program((("x", REAL),), found)


def chain_of_definitions(length: int) -> Program:
    found = [Definition("f0", (("x", REAL),), prim("abs", X), REAL)]
    for i in range(1, length):
        body = prim("add", call(f"f{i - 1}", (X,), REAL), const(1))
        found.append(Definition(f"f{i}", (("x", REAL),), body, REAL))
    return Program(tuple(found))


def guarded(levels: int) -> Program:
    """A deep branch that divides by x; only the guard keeps it from dividing by zero."""
    found: Expression = prim("div", const(1), X)
    for _ in range(levels):
        found = prim("abs", found)
    return program((("x", REAL),), prim("if_", prim("equal", X, const(0)), X, found))


DEEP = {
    "nested": nested(1500),
    "lets": chain_of_lets(1500),
    "ladder": ladder(300),
    "definitions": chain_of_definitions(300),
    "guarded": guarded(60),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_programs_are_printed_read_run_and_exported(name: str) -> None:
    deep = DEEP[name]
    assert parse_program(show_program(deep)) == deep
    inputs = np.array([-2.0, 0.0, 3.5])
    with np.errstate(divide="ignore"):
        expected = run(deep, (inputs,))
    space: dict[str, object] = {}
    exec(compile(to_python(deep), "program.py", "exec"), space)
    predict = space[deep.main.name]
    assert callable(predict)
    assert [predict(x) for x in inputs.tolist()] == expected.tolist()
