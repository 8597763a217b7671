"""Which values of a program are inner variables, and the program with one of them forced."""

from __future__ import annotations

import numpy as np
import pytest

from distill.align.variables import MOST, forced_loop, loop_variables, open_program
from dsl.loop_text import parse_loop
from dsl.meanings.array import run
from dsl.text import parse_program

TWO = """def half(x: int, y: int) -> int = (x + y) // 2
def predict(a: int, b: int, c: int) -> int =
  let m = max(half(a, b), c) in
  let n = m * m in
  n + half(m, a) + 1
"""


def names(text: str) -> list[str]:
    return [v.name for v in open_program(parse_program(text)).variables]


def test_lets_calls_and_subexpressions_are_variables() -> None:
    found = open_program(parse_program(TWO)).variables
    assert [(v.name, v.kind) for v in found] == [
        ("half(a, b)", "call"), ("m", "let"), ("n", "let"), ("half(m, a)", "call"),
    ]  # fmt: skip


@pytest.mark.parametrize(("body", "wanted"), [
    ("a + b + c", []),
    ("a and b", []),
    ("max(a + b, c)", ["a + b"]),
    ("max(2 * a, c)", []),
    ("abs(a - b - c) + a", ["abs(a - b - c)", "a - b - c"]),
    ("if a < b then c else a + b", ["a < b", "a + b"]),
])  # fmt: skip
def test_pieces_of_chains_and_renamed_numbers_are_none(body: str, wanted: list[str]) -> None:
    kind = "bool" if " and " in body else "int"
    text = f"def predict(a: {kind}, b: {kind}, c: {kind}) -> {kind} = {body}"
    assert sorted(names(text)) == sorted(wanted)


def test_opening_and_forcing_keep_the_meaning() -> None:
    program = parse_program(TWO)
    whole = open_program(program)
    rng = np.random.default_rng(0)
    columns = tuple(rng.integers(0, 9, 50) for _ in range(3))
    assert (whole.run(columns) == run(program, columns)).all()
    for variable in whole.variables:
        own = whole.values(variable, columns)
        assert (whole.forced(variable, columns, own) == whole.run(columns)).all()
    named = {v.name: v for v in whole.variables}
    seven = np.full(50, 7)
    expected = 49 + (7 + columns[0]) // 2 + 1
    assert (whole.forced(named["m"], columns, seven) == expected).all()
    m = np.maximum((columns[0] + columns[1]) // 2, columns[2])
    assert (whole.forced(named["half(m, a)"], columns, seven) == m * m + 8).all()


def test_no_more_variables_than_can_be_told_are_listed() -> None:
    lets = "".join(f"let v{i} = max(a, b + {i}) in " for i in range(MOST + 5))
    total = " + ".join(f"v{i}" for i in range(MOST + 5))
    whole = open_program(parse_program(f"def predict(a: int, b: int) -> int = {lets}{total}"))
    assert (len(whole.variables), whole.omitted) == (MOST, 5)


def test_lists_of_many_numbers_are_counted_but_not_looked_for() -> None:
    text = "def predict(x: real[40]) -> real = let h = relu(x) in sum(h) + sum(square(h))"
    whole = open_program(parse_program(text))
    assert [v.name for v in whole.variables] == ["sum(h)", "sum(square(h))"]
    assert whole.omitted == 2


def test_deep_programs_are_opened() -> None:
    lets = "".join(f"let v{i + 1} = max(v{i}, {i}) in " for i in range(1200))
    text = f"def predict(a: int) -> int = let v0 = a * a in {lets}v1200"
    assert len(open_program(parse_program(text)).variables) == MOST


def test_a_loop_gives_registers_number_by_number_and_lets() -> None:
    loop = parse_loop(
        "loop predict(x: int) -> seq(int)\n  start recent: int[2] = [0, 0]\n  start n: int = 0\n"
        "  let s = x + recent[0]\n  out s + n\n  next recent = [recent[1], x]\n  next n = s\n"
    )
    assert [v.label for v in loop_variables(loop)] == ["recent[0]", "recent[1]", "n", "s"]
    other = forced_loop(loop, loop_variables(loop)[-1])
    assert len(other.registers) == 3
