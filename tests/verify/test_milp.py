"""Mixed-integer programs: right optima, no trust in wrong ones, never more than their rung."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, random_form
from test_lockstep import relu_network

from distill.evidence import RANK
from distill.load import network_from_normal_form
from distill.normal_form import Builder
from distill.run.limited import Failure
from distill.target import make_target, resolve_output
from distill.verify import milp
from distill.verify.layers import layered
from distill.verify.milp_claim import milp_claim
from distill.verify.square import Square
from dsl.domain_text import parse_domain
from dsl.program import program
from dsl.text import parse

REALS = np.zeros(2, dtype=bool)


def square_of(form, inputs, text, output="real", tolerance=None):
    network = network_from_normal_form(form, "network")
    target = make_target(network, parse_domain(inputs), resolve_output(network, output), tolerance)
    body = parse(text, dict(target.domain.parameters))
    return Square(target, program(target.domain.parameters, body), 0.0)


def size_form(slope=1.0):
    """|x0 - x1| as two relus, one of them with another slope."""
    builder = Builder(2)
    wire = builder.affine([(0, np.array([[1.0, -1.0], [-1.0, 1.0]]))], np.zeros(2))
    wire = builder.elementwise("relu", wire)
    return builder.build(builder.affine([(wire, np.array([[1.0, slope]]))], np.zeros(1)))


def majority_form(count, level):
    """Above 0 where more than `level` of the truths hold."""
    builder = Builder(count)
    wire = builder.affine([(0, np.ones((1, count)))], np.array([-level + 0.0]))
    wire = builder.elementwise("relu", wire)
    return builder.build(builder.affine([(wire, np.ones((1, 1)))], np.array([-0.5])))


@pytest.fixture
def here(monkeypatch):
    """Solve in this process: the same code, without starting another."""
    monkeypatch.setattr(milp, "run_limited", lambda f, *given, limits=None, stop=None: f(*given))


def answered(monkeypatch, change):
    """The solver's answers, changed."""

    def run(function, *given, limits=None, stop=None):
        return [change(*solution) for solution in function(*given)]

    monkeypatch.setattr(milp, "run_limited", run)


@pytest.mark.parametrize("seed", range(6))
def test_optima_are_those_of_a_fine_grid(here, seed):
    form = layered(random_form(np.random.default_rng(seed), KINKED, inputs=2, depth=2))
    assert form is not None
    answer = milp.largest(form, -np.ones(2), np.ones(2), REALS, 500)
    axis = np.linspace(-1, 1, 101)
    seen = form.run(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)).max(axis=0)
    assert answer.trouble == ""
    assert (answer.bounds >= seen).all()
    assert answer.bounds == pytest.approx(form.run(answer.points).max(axis=0), abs=1e-4)


def test_where_no_relu_may_be_on_or_off_the_optimum_is_the_bound(here):
    builder = Builder(2)
    wire = builder.elementwise("relu", builder.affine([(0, np.eye(2))], np.array([3.0, -3.0])))
    form = builder.build(builder.affine([(wire, np.array([[2.0, 5.0]]))], np.ones(1)))
    answer = milp.largest(form, -np.ones(2), np.ones(2), REALS, 10)
    assert answer.trouble == "" and answer.bounds == pytest.approx([9.0], abs=1e-4)
    assert answer.bounds[0] >= 9.0


def test_a_right_program_is_proved_to_the_solvers_tolerance_and_no_more():
    claim = milp_claim(
        square_of(size_form(), "x: real(-1,1)[2]", "abs(x[0] - x[1])", "real", 0.01), 50
    )
    assert claim is not None
    assert claim.verdict == "proved_to_solver_tolerance"
    assert RANK.index("tested") < RANK.index(claim.verdict) < RANK.index("proved")
    assert claim.achieved is not None and 1e-6 <= claim.achieved < 1e-4
    assert "no rigorous proof" in claim.statement


def test_wrong_programs_are_refuted_by_a_replayed_point(here):
    square = square_of(size_form(1.1), "x: real(-1,1)[2]", "abs(x[0] - x[1])", "real", 0.15)
    claim = milp_claim(square, 50)
    assert claim is not None and claim.verdict == "refuted"
    assert claim.achieved is not None and claim.achieved > 0.15


@pytest.mark.parametrize("gap", [1e-2, 1e-9, 1e-12])
def test_planted_differences_are_never_proved(here, gap):
    for seed in range(4):
        form = relu_network(np.random.default_rng(seed), (2, 5, 1))
        worst = float(np.abs(form.run(np.array([[0.3, -0.7]]))).max())
        square = square_of(form, "x: real(-1,1)[2]", "0.0", "real", worst * (1 - gap))
        claim = milp_claim(square, 200)
        assert claim is not None and claim.verdict in ("refuted", "unknown")


def test_a_bound_below_what_is_attained_is_void(monkeypatch):
    answered(monkeypatch, lambda status, bound, x, nodes: (0, bound - 1.0, x, nodes))
    square = square_of(size_form(1.1), "x: real(-1,1)[2]", "abs(x[0] - x[1])", "real", 0.3)
    claim = milp_claim(square, 50)
    assert claim is not None and claim.verdict == "unknown"
    assert "below a value that is attained" in claim.statement


@pytest.mark.parametrize("status", [2, 3, 4])
def test_a_solver_that_finds_the_question_impossible_proves_nothing(monkeypatch, status):
    answered(monkeypatch, lambda _, bound, x, nodes: (status, -np.inf, None, nodes))
    square = square_of(size_form(), "x: real(-1,1)[2]", "abs(x[0] - x[1])", "real", 0.3)
    claim = milp_claim(square, 50)
    assert claim is not None and claim.verdict == "unknown"


def test_a_solver_that_dies_leaves_the_question_open(monkeypatch):
    monkeypatch.setattr(milp, "run_limited", lambda *_, **__: Failure("memory", "no memory left"))
    square = square_of(size_form(), "x: real(-1,1)[2]", "abs(x[0] - x[1])", "real", 0.3)
    claim = milp_claim(square, 50)
    assert claim is not None and claim.verdict == "unknown" and "no memory left" in claim.statement


def test_decisions_on_truths_are_proved_and_wrong_ones_refuted(here):
    form, inputs = majority_form(12, 6.0), "x: bool[12]"
    right = milp_claim(square_of(form, inputs, "sum(as_int(x)) > 6", "bool"), 100)
    wrong = milp_claim(square_of(form, inputs, "sum(as_int(x)) > 7", "bool"), 100)
    assert right is not None and right.verdict == "proved_to_solver_tolerance"
    assert wrong is not None and wrong.verdict == "refuted"
    assert wrong.counterexample is not None


def test_a_search_cut_short_still_has_a_bound(here):
    form = layered(relu_network(np.random.default_rng(2), (4, 14, 14, 1)))
    assert form is not None
    box = -np.ones(4), np.ones(4), np.zeros(4, dtype=bool)
    few, many = (milp.largest(form, *box, nodes) for nodes in (1, 50))
    assert few.trouble == many.trouble == ""
    assert many.bounds <= few.bounds and np.isfinite(many.bounds).all()
