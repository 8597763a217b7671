"""Variables of programs in feed-forward networks whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ortho_group

from distill.align.interchange import share
from distill.errors import BadInput
from tests.align.networks import (
    COUNTING,
    MAX_OF_REST,
    SUM_MAX,
    THREE,
    TWO_XORS,
    XOR_AND,
    aligned,
    layered,
)

POSITIVE = "a: real(0,1) * b: real(0,1) * c: real(0,2)"
BY_XOR = "let p = a xor b in p xor c"
BY_COUNT = "let s = as_int(a) + as_int(b) + as_int(c) in s % 2 == 1"


def only(report):
    (variable,) = report.variables
    return variable


def test_a_neuron_that_is_an_xor_is_found_and_obeyed() -> None:
    found = only(aligned(layered(XOR_AND), THREE, "bool", "(a xor b) and c"))
    assert (found.name, found.kind, found.located) == ("a xor b", "expression", True)
    assert str(found.place) == "the sums into layer 2, neuron 0"
    told = found.interchange
    assert told.where_it_matters.trials >= 1000
    assert told.where_it_matters.value >= 0.99
    assert told.everywhere.value >= 0.99
    assert told.where_it_matters.low > 0.99
    assert max(told.random.value, told.shuffled.value) < 0.75


def test_an_equal_program_with_other_variables_is_not_the_networks_own() -> None:
    report = aligned(layered(XOR_AND), THREE, "bool", "(a and c) xor (b and c)")
    assert [v.name for v in report.variables] == ["a and c", "b and c"]
    assert report.located == 0
    assert all("equivalent, not located" in v.verdict for v in report.variables)


@pytest.mark.parametrize(("body", "own", "other"), [
    (BY_XOR, TWO_XORS, COUNTING),
    (BY_COUNT, COUNTING, TWO_XORS),
])  # fmt: skip
def test_two_ways_of_one_parity_are_told_apart(body: str, own, other) -> None:
    found = only(aligned(layered(own), THREE, "bool", body))
    assert found.located
    assert found.interchange.where_it_matters.value >= 0.99
    assert found.interchange.shuffled.value < 0.75
    assert not only(aligned(layered(other), THREE, "bool", body)).located


def test_two_ways_of_one_maximum_are_told_apart() -> None:
    body = "max(a + b, c)"
    found = only(aligned(layered(SUM_MAX), POSITIVE, "real", body))
    assert found.located
    assert found.name == "a + b"
    assert str(found.place) == "the sums into layer 1, neuron 0"
    assert found.interchange.explained > 0.99
    assert max(found.interchange.random_explained, found.interchange.shuffled_explained) < 0.5
    assert not only(aligned(layered(MAX_OF_REST), POSITIVE, "real", body)).located


def test_a_rotated_layer_still_holds_the_variable() -> None:
    first = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    second = [[1, -2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    layers = [(first, [0, -1, 0, 0]), (second, [0, 0, 0]), ([[2, 1, 1]], [-2.5])]
    turn = ortho_group.rvs(3, random_state=4)
    body = "(a xor b) and (c or d)"
    report = aligned(layered(layers, turn=turn), f"{THREE} * d: bool", "bool", body)
    found = next(v for v in report.variables if v.name == "a xor b")
    assert found.located
    assert found.place.dimension == 1
    assert found.interchange.where_it_matters.value >= 0.99


def test_a_category_is_found_among_its_class_means() -> None:
    """k is how many of three are true; the output compares it with a fourth input."""
    layers = [
        ([[1, 1, 1, 0]] * 3 + [[0, 0, 0, 1]], [0, -1, -2, 0]),
        ([[1, 0, 0, -1]], [0.5]),
    ]
    body = "let k = as_int(a) + as_int(b) + as_int(c) in k >= n"
    found = only(aligned(layered(layers), f"{THREE} * n: int(0,3)", "bool", body))
    assert found.located
    assert found.place.dimension == 1


def test_a_variable_without_effect_is_not_located() -> None:
    body = "let p = b and c in ((a xor b) and c) or (p and not p)"
    found = {v.name: v for v in aligned(layered(XOR_AND), THREE, "bool", body).variables}["p"]
    assert not found.located
    assert found.reason == "no change of it changes the output"


def test_another_name_for_the_output_is_left_out() -> None:
    report = aligned(layered(COUNTING), THREE, "bool", "let odd = a xor b xor c in not not odd")
    assert report.variables == ()
    assert report.ends == ("odd",)
    assert "odd" in report.summary()


def test_a_program_without_inner_variables_says_so() -> None:
    report = aligned(layered([([[1.0, 1.0]], [0.0])]), "real(0,1)[2]", "real", "x[0] + x[1]")
    assert report.variables == ()
    assert "no inner variable" in report.summary()


def test_a_seed_fixes_every_number() -> None:
    runs = [aligned(layered(XOR_AND), THREE, "bool", "(a xor b) and c", samples=200, seed=7)
            for _ in range(2)]  # fmt: skip
    assert runs[0].to_json() == runs[1].to_json()
    assert runs[0].summary() == runs[1].summary()


def test_the_number_of_samples_is_checked() -> None:
    with pytest.raises(BadInput, match="from 1 to"):
        aligned(layered(XOR_AND), THREE, "bool", "(a xor b) and c", samples=0)


def test_the_interval_is_the_exact_one() -> None:
    """Clopper and Pearson: of n successes in n the lower end is (alpha / 2) ** (1 / n)."""
    assert share(20, 20).low == pytest.approx(0.025 ** (1 / 20))
    assert share(20, 20).high == 1.0
    assert share(0, 0).value == 0.0


def test_the_component_alone_is_exchanged() -> None:
    from distill.align.place import Site, neurons, spread_of

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4))
    site = Site("w", "w", 4)
    base, source = rows[:100], rows[100:]
    for place in (neurons(site, [2]), spread_of(rows).place(site, rng.normal(size=(4, 2)))):
        moved = place.exchanged(base, source)
        assert np.allclose(place.component(moved), place.component(source))
        assert np.allclose(place.exchanged(moved, base), base)
        assert not np.allclose(moved, source)
