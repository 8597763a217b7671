"""Claims about programs that call detectors: proved for the network's own, refused for others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.checker.proof import FAULTS
from distill.checker.same import same_findings
from distill.detectors.program import detector_program, exactly_written
from distill.target import Target, make_target, parse_output
from distill.verify.relational import relational
from distill.verify.square import Square
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.text import parse_program
from dsl.text_show import show_program
from tests.detectors.networks import SOBEL, convolutional, known

INPUTS = "x: image(6,6,int(0,16))"


def square_of(network, outputs: str) -> Square:
    target: Target = make_target(network, parse_domain(INPUTS), parse_output(outputs), 0.1)
    found = detector_program(target)
    assert found is not None
    return Square(target, found, target.margin)


@pytest.mark.parametrize("outputs", ["category(2)", "real[2]"])
def test_the_networks_own_filters_are_proved_and_checked(outputs: str) -> None:
    square = square_of(known(), outputs)
    claim = relational(square)
    assert claim is not None and claim.verdict == "proved"
    found = list(same_findings(square.target, square.program, claim))
    assert [f.state for f in found] == ["holds"] * 3


def test_rounding_stays_within_what_is_claimed() -> None:
    rng = np.random.default_rng(0)
    taps = np.array([SOBEL * 0.3711, rng.standard_normal((3, 3))])[:, None]
    network = convolutional(taps, rng.standard_normal(2), rng.standard_normal((2, 2, 2, 2)))
    square = square_of(network, "real[2]")
    claim = relational(square)
    assert claim is not None and claim.achieved is not None
    assert 0 < claim.achieved < 0.1
    columns = square.target.domain.sample(rng, 2000)
    apart = np.abs(run(square.program, columns) - square.target.raw(columns)).max()
    assert 0 < apart <= claim.achieved


@pytest.mark.parametrize(
    ("old", "new"),
    [("[-2, 0, 2]", "[-2, 0, 1]"), ("+ 0.5,", "+ 0.25,"), ("blob([x])", "template([x])")],
)
def test_a_program_that_is_a_little_different_is_neither_proved_nor_confirmed(
    old: str, new: str
) -> None:
    square = square_of(known(), "category(2)")
    claim = relational(square)
    assert claim is not None
    text = show_program(square.program)
    assert old in text
    wrong = replace(square, program=parse_program(text.replace(old, new)))
    assert relational(wrong) is None
    try:
        found = [f.state for f in same_findings(square.target, wrong.program, claim)]
    except FAULTS:
        found = ["refuted"]
    assert found[:2] == ["refuted", "refuted"]


def test_means_of_nine_cells_are_not_called_exact() -> None:
    text = (
        "def f(x: real[1,3,3]) -> real = mean_pool(x, {0}, 1)[0][0][0]\n"
        "def g(x: real[1,3,3]) -> real = f(x)"
    )
    assert exactly_written(parse_program(text.format(2)))
    assert not exactly_written(parse_program(text.format(3)))
