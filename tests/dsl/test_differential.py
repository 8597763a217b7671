"""Random programs mean the same in every meaning; what was found so once stays found."""

import pytest

from benchmarks.evidence.differential import Tally, block, compared
from dsl.text import ParseError, parse_program

FOUND_ONCE = {
    "small sigmoids keep their digits": "def p(x: int[3]) -> real[3] = sin(sigmoid(x))",
    "a quotient of reals is an int": "def p(x: real) -> int = gcd(x // 0.5, isqrt(4 // 2.0))",
    "a sign belongs to the dividend alone": "def p(x: int) -> int = x + -2 % 3 + -7 // (x * x + 2)",
    "a choice is looped over": (
        "def p(x: bool[3], c: bool, d: bool) -> bool[3] = not (if c == d then x xor c else x)"
    ),
    "a choice is joined as a whole": (
        "def p(c: bool, x: int[2], y: int[2]) -> int[4] = concat(if c then x else y, x)"
    ),
    "items of a joined choice are all looped over": (
        "def p(c: bool, x: bool[2]) -> bool[4] = not concat(if c then x else [c, c], x)"
    ),
    "an index is one factor": "def p(x: bool[3]) -> int = index(category(count(x) + 1, 5)) * 2",
    "equal truths keep their order": "def p(x: bool[3]) -> int[3] = rank(as_int(x))",
}


@pytest.mark.parametrize("name", FOUND_ONCE)
def test_what_disagreed_once_agrees(name: str) -> None:
    tally = Tally()
    compared(parse_program(FOUND_ONCE[name]), 3, tally, symbolic=True)
    assert tally.wrong == []
    assert tally.counts["python", "equal"] + tally.counts["python", "inside"] > 0


def test_random_programs_agree() -> None:
    data = block(seed=1, first=0, count=150)
    assert data["wrong"] == []
    counted = {(m, o): n for m, o, n in data["counts"]}
    for meaning in ("text", "interval", "numpy", "torch", "python", "z3", "sympy"):
        assert counted[meaning, "equal"] > 0, meaning


def test_a_meaning_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.evidence import differential

    slanted = dict(differential._FLOATS)
    slanted["numpy"] = lambda shown, columns: slanted["torch"](shown, columns) + 1e-9
    monkeypatch.setattr(differential, "_FLOATS", slanted)
    tally = Tally()
    compared(parse_program("def p(x: real) -> real = x * 0.5 + 1"), 0, tally, symbolic=False)
    assert {w["meaning"] for w in tally.wrong} == {"numpy"}


def test_numbers_that_floats_cannot_count_to_are_told_apart() -> None:
    tally = Tally()
    compared(
        parse_program("def p(x: int) -> int = square(square(square(square(x + 99))))"),
        0,
        tally,
        symbolic=False,
    )
    compared(
        parse_program("def p(x: int) -> real = cos(exp(exp(x + 9)))"), 0, tally, symbolic=False
    )
    assert tally.wrong == []
    assert tally.counts["numpy", "beyond 2^53"] > 0


def test_a_matrix_holds_numbers() -> None:
    with pytest.raises(ParseError, match="takes numbers"):
        parse_program("def p(x: bool[2]) -> bool[2] = affine([x, x], x, x)")


def test_a_number_has_its_digits_in_one_row() -> None:
    with pytest.raises(ParseError):
        parse_program("def p(x: bool[2,2]) -> int = number(x, 2)")
