"""What is said of all points of a finite domain: counted, compared, figures held to evidence."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.checker import points
from distill.checker.points import point_findings
from distill.checker.tally import Tally
from distill.evidence import Claim
from distill.network import Network, Operation, Wire
from distill.target import Target, make_target, parse_output
from dsl.domain_text import parse_domain
from dsl.program import Program, program
from dsl.text import parse

LISTED = Claim("proved", "enumeration", "equal", achieved=0.0, count=4)
COUNTED = ("holds", "4 inputs are what evidence.json counts")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Programs have 16 bits a definition: tables of the true measure take a while to make."""
    monkeypatch.setattr(points, "program_bits", lambda found: 16.0 * len(found.definitions))


def line(slope: float, shift: float) -> Network:
    """slope * x + shift."""
    wires = {name: Wire(name, shape, "float64") for name, shape in [("x", (1, 1)), ("y", (1, 1))]}
    constants = {"w": np.array([[slope]]), "b": np.array([shift])}
    wires |= {name: Wire(name, value.shape, "float64") for name, value in constants.items()}
    gemm = Operation("Gemm", ("x", "w", "b"), ("y",))
    return Network((gemm,), wires, constants, "x", "y", batched=True)


def target_of(inputs: str, output: str, slope: float = 1.0, shift: float = 0.0) -> Target:
    return make_target(line(slope, shift), parse_domain(inputs), parse_output(output), 0.0)


def program_of(target: Target, text: str) -> Program:
    parameters = target.domain.parameters
    return program(parameters, parse(text, dict(parameters)))


INTS = target_of("x: int(0,3)", "int", 2.0, 1.0)
REALS = target_of("x: int(0,3)", "real", 2.0, 1.0)
TRUTHS = target_of("x: int(0,3)", "bool above 1.5")


def said(target: Target, text: str, claim: Claim) -> list[tuple[str, str]]:
    found = point_findings(target, program_of(target, text), claim)
    return [(finding.state, finding.text) for finding in found]


def sized(count: int | None) -> Target:
    """A target whose domain gives itself another size, and no points."""
    domain: Any = SimpleNamespace(count=count, blocks=lambda size: [()] * (size - size))
    return replace(INTS, domain=domain)


def first_of(count: int | None) -> tuple[str, str]:
    found = next(point_findings(sized(count), program_of(INTS, "2 * x + 1"), LISTED))
    return found.state, found.text


def test_all_points_of_a_right_program_are_run_again():
    ran = "all 4 inputs run again (program exact, network in its own precision): "
    wide = ("holds", "the closest decision has a margin of 0.5, clear of float32 rounding")
    assert said(INTS, "2 * x + 1", LISTED) == [("holds", ran + "equal"), COUNTED, wide]
    assert said(TRUTHS, "x >= 2", LISTED) == [("holds", ran + "equal"), COUNTED, wide]
    assert said(REALS, "2 * x + 1", LISTED) == [("holds", ran + "within 0"), COUNTED]


def test_wrong_points_are_counted_and_one_is_shown():
    once, twice = said(TRUTHS, "x > 2", LISTED), said(TRUTHS, "x < 2 and x > 0 or x > 2", LISTED)
    assert once[0] == ("refuted", "1 of all 4 inputs differ, (2,) among them")
    assert twice[0] == ("refuted", "2 of all 4 inputs differ, (1,) among them")


def test_what_is_not_rational_is_compared_in_floats():
    claim = replace(LISTED, tolerance=0.25, achieved=0.25)
    found = said(target_of("x: int(0,3)", "real", 1.0, 1.25), "x + 1 + 0 * tanh(x)", claim)
    ran = "all 4 inputs run again (program float64, network in its own precision): within 0.25"
    assert found == [("holds", ran), COUNTED]


def test_float_values_are_told_from_the_networks():
    assert said(REALS, "x + 0 * tanh(x)", LISTED)[0] == (
        "refuted",
        "4 of all 4 inputs differ, (0,) among them",
    )


def test_tolerance_counts_for_both_ways_to_compute():
    claim = replace(LISTED, tolerance=1.0, achieved=1.0)
    assert [state for state, _ in said(REALS, "2 * x", claim)] == ["holds", "holds"]
    assert [state for state, _ in said(REALS, "2 * x + 0 * tanh(x)", claim)] == ["holds", "holds"]


@pytest.mark.parametrize(
    ("count", "size"),
    [(None, "infinitely many"), ((1 << 24) + 1, "16,777,217"), (1 << 30, "1,073,")],
)
def test_too_many_points_were_never_listed(count, size):
    state, text = first_of(count)
    assert state == "refuted"
    assert text.startswith(f"the domain has {size}")
    assert len(list(point_findings(sized(count), program_of(INTS, "x"), LISTED))) == 1


@pytest.mark.parametrize(
    ("count", "how"), [(4096, "exact"), (4097, "float64"), (1 << 24, "float64")]
)
def test_few_points_are_gone_through_exactly(count, how):
    state, text = first_of(count)
    assert state == "holds"
    assert text.startswith(f"all 0 inputs run again (program {how},")


@pytest.mark.parametrize(("bits", "how"), [(1000.0, "exact"), (1000.0001, "float64")])
def test_long_programs_are_run_in_floats(bits, how, monkeypatch):
    monkeypatch.setattr(points, "program_bits", lambda found: bits)
    assert f"(program {how}," in first_of(4000)[1]


def figures(found: Tally, target: Target, claim: Claim, monkeypatch) -> list[tuple[str, str]]:
    """What is said after the comparison, which is given."""
    monkeypatch.setattr(points, "tally", lambda *_: found)
    return said(target, "2 * x + 1", claim)[1:]


@pytest.mark.parametrize("count", [3, 5])
def test_another_number_of_points_is_refuted(count, monkeypatch):
    claim = replace(LISTED, count=count)
    found = figures(Tally(seen=4), REALS, claim, monkeypatch)
    assert found == [("refuted", f"evidence.json counts {count} inputs")]


def test_a_larger_difference_than_written_is_refuted(monkeypatch):
    claim, wide = replace(LISTED, achieved=0.25), Tally(seen=4, worst=0.25 + 1e-5 * 8, scale=8.0)
    assert figures(wide, REALS, claim, monkeypatch) == [COUNTED]
    wider = replace(wide, worst=float(np.nextafter(wide.worst, 1)))
    said_of_it = ("refuted", "evidence.json says within 0.25: 0.2501")
    assert figures(wider, REALS, claim, monkeypatch) == [COUNTED, said_of_it]


def test_where_no_difference_is_written_it_is_none(monkeypatch):
    claim, found = replace(LISTED, achieved=None), Tally(seen=4, worst=0.5, scale=8.0)
    said_of_it = ("refuted", "evidence.json says within None: 0.5")
    assert figures(found, REALS, claim, monkeypatch) == [COUNTED, said_of_it]
    assert figures(replace(found, worst=8e-5), REALS, claim, monkeypatch) == [COUNTED]
    assert figures(Tally(seen=4), REALS, claim, monkeypatch) == [COUNTED]


def test_a_larger_share_left_out_than_written_is_refuted(monkeypatch):
    found = Tally(seen=4, left_out=2)
    for written, good in [(0.5, True), (0.5 - 1e-9, True), (0.5 - 2e-9, False), (0.25, False)]:
        claim = replace(LISTED, left_out=written)
        assert (figures(found, REALS, claim, monkeypatch) == [COUNTED]) == good
    said_of_it = ("refuted", "50 % of the inputs are left out, and evidence.json says 25 %")
    claim = replace(LISTED, left_out=0.25)
    assert figures(found, REALS, claim, monkeypatch) == [COUNTED, said_of_it]


def test_a_decision_within_float32_rounding_is_not_proved(monkeypatch):
    near = Tally(seen=4, scale=8.0, closest=1e-5 * 8)
    clear = replace(near, closest=float(np.nextafter(near.closest, 1)))
    doubt = "a decision is as close as 8e-05: float32 rounding may turn it"
    sure = "the closest decision has a margin of 8e-05, clear of float32 rounding"
    assert figures(near, INTS, LISTED, monkeypatch) == [COUNTED, ("unknown", doubt)]
    assert figures(clear, INTS, LISTED, monkeypatch) == [COUNTED, ("holds", sure)]
    assert figures(near, INTS, replace(LISTED, verdict="tested"), monkeypatch) == [COUNTED]
    assert figures(near, REALS, LISTED, monkeypatch) == [COUNTED]
