"""Where two things differ, as conditions of the language."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.cli import answer
from distill.compare import equivalence
from distill.regions import Region, regions
from dsl.domain import Columns
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.program import program
from dsl.text import parse_program

PLANE = "x: real(-1,1) * y: real(-1,1)"


def found(domain: str, first: str, second: str) -> tuple[Region, ...]:
    """Regions of two bodies over a domain, from one differing input of many draws."""
    place = parse_domain(domain)
    names = ", ".join(f"{n}: {t}" for n, t in place.parameters)
    kind = "bool" if ">" in first else "real"
    a, b = (parse_program(f"def p({names}) -> {kind} = {body}") for body in (first, second))

    def differs(columns: Columns) -> np.ndarray:
        return np.asarray(run(a, columns)) != np.asarray(run(b, columns))

    drawn = place.sample(np.random.default_rng(0), 50_000)
    place_of_one = int(np.argmax(differs(drawn)))
    example = tuple(c[place_of_one : place_of_one + 1] for c in drawn)
    return regions(place, differs, example, (a, b))


@pytest.mark.parametrize(
    ("domain", "first", "second", "conditions"),
    [
        (PLANE, "x + y > 0.3", "x + y > 0.304", ["x + y"]),
        (PLANE, "max(x, y)", "if x > 0.5 and y < -0.25 then 0.0 else max(x, y)", ["x > 0.5"]),
        ("b: bool[5]", "count(b) > 2", "count(b) > 2 and not (b[0] and b[4])", ["b[0]", "b[4]"]),
        ("k: int(0,99) * j: int(0,9)", "k * 1.0", "if j == 3 then 0.0 else k * 1.0", ["j == 3"]),
    ],
)
def test_the_condition_is_the_one_that_was_planted(
    domain: str, first: str, second: str, conditions: list[str]
) -> None:
    made = found(domain, first, second)
    assert made[0].covers > 0.95
    assert made[0].differing > 0.95
    for part in conditions:
        assert part in str(made[0].condition)


def test_two_places_get_a_region_each() -> None:
    made = found(
        "k: int(0,99) * j: int(1,9)", "k * 1.0", "if j == 3 or k > 90 then 0.5 else k * 1.0"
    )
    assert {str(r.condition) for r in made} == {"j == 3", "k >= 91"}


@settings(max_examples=15)
@given(st.floats(-0.8, 0.8), st.floats(0.05, 0.2))
def test_every_example_differs_and_lies_in_its_region(centre: float, width: float) -> None:
    domain = parse_domain(PLANE)

    def differs(columns: Columns) -> np.ndarray:
        return np.abs(columns[0] - centre) < width

    for region in regions(domain, differs, (np.array([centre]), np.array([0.0]))):
        assert differs(region.example).all()
        assert run(program(domain.parameters, region.condition), region.example).all()
        assert 0 < region.covers <= 1
        assert region.differing > 0.9


def test_differences_without_a_pattern_have_no_region() -> None:
    domain = parse_domain("x: real(-1,1)")

    def differs(columns: Columns) -> np.ndarray:
        return np.floor(columns[0] * 1e9) % 2 == 0

    made = regions(domain, differs, (np.array([0.0]),))
    assert all(r.covers < 0.5 or r.differing < 0.9 for r in made)


def test_compare_says_where(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, bound in (("a", "0.3"), ("b", "0.4")):
        text = f"def p(x: real, y: real) -> bool = x > {bound}"
        (tmp_path / f"{name}.dsl").write_text(text)
    line = ["compare", str(tmp_path / "a.dsl"), str(tmp_path / "b.dsl"), "--inputs", PLANE]
    assert answer(line) == 4
    where = [ln for ln in capsys.readouterr().out.splitlines() if ln.startswith("    where ")]
    assert "x > 0.3" in where[0]
    assert "100 % of the differences" in where[0]


def test_equal_things_have_no_regions() -> None:
    same = parse_program("def p(x: real, y: real) -> real = x + y")
    assert equivalence(same, same, parse_domain(PLANE), None, 0, 5.0).regions == []
