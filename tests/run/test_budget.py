"""Work ends by steps, not by the clock, and no number of jobs changes a result."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import distill
from distill import cli
from distill.load import network_from_normal_form
from distill.load.write import write_onnx
from distill.network import Network
from distill.normal_form import Builder, NormalForm
from distill.pipeline import Outcome, distil
from distill.run.budget import Budget, default_steps, spend
from distill.run.workers import blocks, forked, may_fork, side_by_side
from distill.simplify import simplify_keeping
from distill.standing import Settings
from distill.synthesize.loop import Vocabulary
from distill.target import make_target, resolve_output
from distill.verify.bounds import Limit, best_bound, box_price, prove_within
from dsl.domain_text import parse_domain

INPUTS = "x: real(-1,1) * y: real(-1,1)"
STEPS = 150_000
FEW = Vocabulary(allowed=frozenset({"add", "sub", "mul"}))
forks = pytest.mark.skipif(not may_fork(), reason="no fork on this system")


def wide_form(seed: int = 0, outputs: int = 1) -> NormalForm:
    """A ReLU layer that no short program is."""
    rng, builder = np.random.default_rng(seed), Builder(2)
    inner = builder.affine([(0, rng.normal(size=(12, 2)))], rng.normal(size=12))
    bent = builder.elementwise("relu", inner)
    return builder.build(
        builder.affine([(bent, rng.normal(size=(outputs, 12)))], rng.normal(size=outputs))
    )


def wide_network() -> Network:
    return network_from_normal_form(wide_form())


def ticking(seconds: float) -> Callable[[], float]:
    """A clock on which this much passes from one look to the next."""
    looks = count()
    return lambda: next(looks) * seconds


def outcome(budget: Budget, outputs: str = "real") -> tuple[Outcome, Budget]:
    network = wide_network()
    target = make_target(network, parse_domain(INPUTS), resolve_output(network, outputs))
    return distil(target, Settings(vocabulary=FEW), budget), budget


def told(made: Outcome, budget: Budget) -> tuple[str, str, float | None, int, bool]:
    claim = made.program_vs_deployed
    return str(made.chosen.program), claim.statement, claim.achieved, budget.spent, made.finished


@pytest.mark.parametrize("outputs", ["real", "bool"])
def test_a_slow_clock_changes_nothing_while_the_cap_is_not_reached(outputs: str) -> None:
    fast = outcome(Budget(STEPS, 1e6, clock=ticking(0.0)), outputs)
    slow = outcome(Budget(STEPS, 1e6, clock=ticking(1.0)), outputs)
    assert told(*fast) == told(*slow)
    assert slow[1].elapsed > 10
    assert not slow[1].timed_out


def test_the_clock_ends_everything_and_the_outcome_says_so() -> None:
    made, budget = outcome(Budget(STEPS, 5.0, clock=ticking(1.0)))
    assert budget.timed_out
    assert budget.spent < STEPS
    assert made.literal
    assert not made.finished


def test_the_note_tells_that_time_ended_the_run() -> None:
    found = distill.distill(wide_network(), inputs=INPUTS, budget=1e-3)
    assert found.timed_out
    assert "time ended this run" in found.note
    assert "time ended this run" in found.summary()


def test_few_steps_end_early_with_the_literal_program_and_exit_code_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_onnx(wide_network(), "wide.onnx")
    line = ["run", "wide.onnx", "--inputs", INPUTS, "--steps", "1", "--exact", "--quiet"]
    assert cli.answer(line) == cli.BUDGET
    assert "relu" in (tmp_path / "wide.distilled" / "program.dsl").read_text()


def test_more_steps_are_spent_where_more_are_allowed_and_evidence_tells() -> None:
    spent = [
        distill.distill(wide_network(), inputs=INPUTS, steps=steps, exact=True).evidence.steps
        for steps in (2_000, 60_000)
    ]
    assert 0 < spent[0] < spent[1]


def test_stages_end_at_their_shares_of_all_steps() -> None:
    budget = Budget(1000, 1e6)
    early, late = budget.stage(0.25), budget.stage(1.0)
    spend(early, 250)
    assert early()
    assert not late()
    assert late.left == 750
    spend(lambda: False, 10**9)
    assert budget.spent == 250


def test_an_interrupt_ends_every_stage() -> None:
    budget = Budget(1000, 1e6)
    budget.interrupted = True
    assert budget.stage(1.0)()
    assert not budget.timed_out


def test_default_steps_follow_from_the_seconds_alone() -> None:
    assert default_steps(60.0) == 60 * default_steps(1.0)
    assert default_steps(1e-9) == 1


@pytest.mark.parametrize("search", ["within", "best"])
def test_proofs_are_the_same_for_any_number_of_jobs_and_end_by_steps(search: str) -> None:
    form, low, high = wide_form(), np.full(2, -1.0), np.full(2, 1.0)
    found = []
    for jobs in (1, 2, 5):
        budget = Budget(200_000, 1e6, jobs)
        limit = Limit(should_stop=budget.stage(1.0))
        within = prove_within(form, low, high, 1.0, limit, certify=False)
        best = best_bound(form, low, high, limit)
        chosen = within if search == "within" else best
        found.append((chosen.status, chosen.achieved, chosen.boxes, chosen.certificate))
        assert budget.spent <= 200_000
    assert found[0] == found[1] == found[2]


def test_a_proof_that_the_clock_ended_proves_nothing() -> None:
    form, low, high = wide_form(), np.full(2, -1.0), np.full(2, 1.0)
    budget = Budget(10**9, 1.0, clock=ticking(10.0))
    found = best_bound(form, low, high, Limit(should_stop=budget.stage(1.0)))
    assert found.status == "unknown"
    assert found.certificate is None
    assert np.isinf(found.achieved)


def test_boxes_of_larger_networks_cost_more() -> None:
    assert box_price(wide_form(outputs=40)) > box_price(wide_form())


@forks
@pytest.mark.parametrize("steps", [150_000, 40_000, 100])
def test_students_are_the_same_for_any_number_of_jobs(steps: int) -> None:
    x = np.random.default_rng(1).uniform(-1, 1, (120, 2))
    found = []
    for jobs in (1, 2, 3):
        budget = Budget(steps, 1e6, jobs)
        made = simplify_keeping(
            wide_form(outputs=2), x, "category", steps=900, should_stop=budget.stage(1.0)
        )
        outputs = [one.form.run(x).tolist() for one in made]
        found.append(([one.bits for one in made], outputs, budget.spent))
    assert found[0] == found[1] == found[2]
    assert bool(found[0][0]) == (steps > 100)


@forks
def test_a_whole_run_is_the_same_for_any_number_of_jobs() -> None:
    one, two = (outcome(Budget(STEPS, 1e6, jobs), "bool") for jobs in (1, 2))
    assert told(*one) == told(*two)


@forks
def test_forked_work_comes_back_in_order_and_its_faults_are_raised() -> None:
    stage = Budget(10, 1e6, 2).stage(1.0)
    assert forked(stage, [lambda: 1, lambda: 2, lambda: 3]) == [1, 2, 3]
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        forked(stage, [lambda: 1 // 0])


@forks
def test_forked_work_is_ended_by_an_interrupt() -> None:
    budget = Budget(10, 1e6, 2)
    budget.interrupted = True
    assert forked(budget.stage(1.0), [lambda: 1, lambda: 2]) == [None, None]


def test_blocks_cover_all_rows_and_results_keep_their_order() -> None:
    cut = blocks(10, 4)
    assert [list(range(10))[some] for some in cut] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    stage = Budget(10, 1e6, 3).stage(1.0)
    assert side_by_side(stage, lambda i: i * i, range(20)) == [i * i for i in range(20)]
