"""Comparisons in their usual form mean the same, in whatever form they are given."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from distill.synthesize.tidy import linear, tidy
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.program import Expression, program
from dsl.text import parse

DOMAIN = parse_domain("x: real(-2,2) * y: real(-2,2) * n: int(-9,9) * b: bool")
NAMES = dict(DOMAIN.parameters)


def tidied(text: str) -> str:
    return str(tidy(parse(text, NAMES)))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("-x < y", "x + y > 0"),
        ("0 == n % 3", "n % 3 == 0"),
        ("1 > x", "x < 1"),
        ("x - 1 >= y", "x - y >= 1"),
        ("x > 1", "x > 1"),
        ("x < y", "x < y"),
        ("b and 0 < x", "b and x > 0"),
        ("x + 1 > x", "x + 1 > x"),
    ],
)
def test_comparisons_have_a_usual_form(given: str, wanted: str):
    assert tidied(given) == wanted


def side(random: Random, names: str) -> str:
    terms = [
        f"{random.randint(1, 4)} * {random.choice(names)}" for _ in range(random.randint(1, 3))
    ]
    return f" {random.choice('+-')} ".join([*terms, str(random.randint(-3, 3)).strip("-")])


@pytest.mark.parametrize("seed", range(40))
def test_the_usual_form_means_the_same(seed: int):
    """On whole numbers, where no rounding tells sums of another order apart."""
    random = Random(seed)
    relation = random.choice(["<", ">", "<=", ">=", "==", "!="])
    given = parse(f"{side(random, 'nm')} {relation} {side(random, 'nm')}", WHOLE)
    columns = WHOLES.points(0, WHOLES.count or 0)
    first, second = (values(one, columns) for one in (given, tidy(given)))
    assert np.array_equal(first, second)


WHOLES = parse_domain("n: int(-9,9) * m: int(-9,9)")
WHOLE = dict(WHOLES.parameters)


def values(body: Expression, columns: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.asarray(run(program(WHOLES.parameters, body), columns))


def test_tidying_twice_changes_nothing_more():
    for text in ("-x < y", "x - 1 >= y", "2 * x + y < 3 - y", "0 == n % 3"):
        once = tidy(parse(text, NAMES))
        assert tidy(once) is once


def test_what_is_not_linear_is_one_term():
    atoms, constant = linear(parse("2 * x - (y * x - 3) + 1", NAMES))
    assert {str(a): w for a, w in atoms.items()} == {"x": 2, "y * x": -1}
    assert constant == 4
