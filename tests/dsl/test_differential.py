"""Random programs mean the same in every meaning; what was found so once stays found."""

from fractions import Fraction

import numpy as np
import pytest

from benchmarks.evidence.differential import Tally, _is_large, _written, block, compared
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
LARGE_WITHIN = {
    "function": (
        "def f(x: real) -> real = exp(round(x * exp(60)))\ndef p(x: real) -> real = f(x) * 0.25"
    ),
    "named value": (
        "def p(x: real) -> int =\n  let n = round(exp(x)) in\n  clip(exp(n * n) // exp(x), 0, 5)"
    ),
    "function of items": (
        "def p(x: real[3]) -> real[3] = map((v: real) -> min(exp(round(exp(v * v * 9))), 1), x)"
    ),
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


@pytest.mark.parametrize("place", LARGE_WITHIN)
def test_numbers_that_floats_cannot_count_to_are_found_within_a(place: str) -> None:
    tally = Tally()
    compared(parse_program(LARGE_WITHIN[place]), 0, tally, symbolic=False)
    assert tally.wrong == []
    assert tally.counts["numpy", "beyond 2^53"] > 0


def test_a_wrong_meaning_of_small_numbers_is_never_taken_for_one_of_large_ones() -> None:
    shown = parse_program("def p(x: real) -> real = if x > 100 then exp(x * 50) else x * 0.5 + 1")
    assert not _is_large(shown, (np.array(1.5),))
    assert _is_large(shown, (np.array(101.0),))


def test_numbers_of_thousands_of_digits_are_compared() -> None:
    squared = "x * x + 99"
    for _ in range(12):
        squared = f"square({squared})"
    tally = Tally()
    compared(parse_program(f"def p(x: int) -> int = {squared}"), 0, tally, symbolic=True)
    assert tally.wrong == []
    assert tally.counts["interval", "inside"] == 8
    assert tally.counts["z3", "equal"] == tally.counts["sympy", "equal"] == 1


def test_a_disagreement_about_numbers_of_thousands_of_digits_names_their_size() -> None:
    assert _written((2**20_000, Fraction(1, 2), True)) == "(about 2**20000, 1/2, True)"


def test_a_tie_outside_of_its_interval_is_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.evidence import differential

    tied = parse_program("def p(x: real) -> int = floor(square(sin(x)) + square(cos(x)))")
    tally = Tally()
    compared(tied, 0, tally, symbolic=False)
    assert tally.wrong == [] and tally.counts["numpy", "tie"] > 0
    slanted = dict(differential._FLOATS)
    slanted["numpy"] = lambda shown, columns: slanted["torch"](shown, columns) + 5
    monkeypatch.setattr(differential, "_FLOATS", slanted)
    compared(tied, 0, tally, symbolic=False)
    assert {w["meaning"] for w in tally.wrong} == {"numpy"}


def test_a_matrix_holds_numbers() -> None:
    with pytest.raises(ParseError, match="takes numbers"):
        parse_program("def p(x: bool[2]) -> bool[2] = affine([x, x], x, x)")


def test_a_number_has_its_digits_in_one_row() -> None:
    with pytest.raises(ParseError):
        parse_program("def p(x: bool[2,2]) -> int = number(x, 2)")
