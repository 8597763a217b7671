"""The campaign against the verifiers, in small: no false proof, and no corruption passes."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.evidence import corrupt, differential, feedforward, recurrent_verifiers, report, run
from benchmarks.evidence.exact import network_exactly, network_in_float32, program_at
from benchmarks.evidence.judge import contradicted, facts, truly_differs
from benchmarks.evidence.recurrent import BEYOND, random_loop_trial, rounding_contradicted
from benchmarks.evidence.recurrent import contradicted as contradicted_loop
from benchmarks.evidence.solvers import forked
from benchmarks.evidence.trials import KINDS, random_trial
from benchmarks.evidence.verifiers import VERIFIERS, asked
from distill.evidence import Claim
from distill.run.limited import Failure
from distill.verify.unrolled import unrolled_claim
from dsl.text import parse_program

LIES = Claim("proved", "bounds", "", tolerance=None, achieved=None)


@pytest.mark.parametrize("kind", KINDS)
def test_no_verifier_proves_what_is_false(kind: str):
    for number in (1, 6):
        found = feedforward.result(kind, 11, number)
        assert not [line for line in found["lines"] if line.get("false")]
        assert all(line.get("checked", "holds") == "holds" for line in found["lines"])
        assert all(line.get("replays", True) for line in found["lines"])


@pytest.mark.parametrize(
    "kind", ["finite", "missed", "pyramid", "wild", "rounding", "smooth", "copy"]
)
def test_planted_differences_are_there_and_a_lie_about_them_is_noticed(kind: str):
    planted = [random_trial(kind, 11, number) for number in range(0, 15, 3)]
    true = [random_trial(kind, 11, number) for number in (1, 2, 4)]
    assert sum(truly_differs(made)[0] for made in planted) >= 3
    for made in planted:
        lie = replace(LIES, tolerance=made.square.target.tolerance)
        assert bool(contradicted(made, lie)) == truly_differs(made)[0]
        solved = replace(lie, verdict="proved_to_solver_tolerance", method="milp")
        assert bool(contradicted(made, solved)) == truly_differs(made)[0]
        refuted = replace(solved, verdict="refuted", achieved=lie.tolerance)
        assert contradicted(made, refuted) is None
    assert not any(truly_differs(made)[0] for made in true if kind not in ("missed", "smooth"))


def test_the_ladder_refutes_narrow_pyramids():
    for number in (0, 3, 6):
        made = random_trial("pyramid", 11, number)
        if truly_differs(made)[1]:
            claim = VERIFIERS["ladder"](made.square, number)
            assert claim is not None and claim.verdict == "refuted"


@pytest.mark.parametrize("kind", ["missed", "decision"])
def test_exact_values_are_those_of_a_run_up_to_rounding(kind: str):
    made = random_trial(kind, 11, 1)
    found = facts(made, made.points[0])
    for exact, run_alone, ordered in zip(found.exact, found.as_run, found.floats[0], strict=True):
        assert float(exact) == pytest.approx(run_alone, rel=1e-4, abs=1e-5)
        assert float(exact) == pytest.approx(ordered, rel=1e-4, abs=1e-5)
    columns = made.square.target.domain.column(made.points[0])
    compared = made.square.compare(columns)
    value = compared.program[0]
    assert (value if kind == "decision" else pytest.approx(value)) == found.double
    names = [f.name for f in made.square.target.domain.fields]
    assert program_at(made.term, dict(zip(names, made.points[0], strict=True))) == found.value


def test_float32_loses_what_rationals_keep():
    made = random_trial("rounding", 11, 3)
    row = made.points[0][0]
    exact = network_exactly(made.form, [Fraction(v) for v in row])
    assert Fraction(network_in_float32(made.form, row, "forward")[0]) != exact[0]


@pytest.mark.parametrize("kind", ["flag", "clock", "totals"])
def test_loops_differ_beyond_their_length_and_no_claim_covers_it(kind: str):
    made = random_loop_trial(kind, 11, 3)
    assert made.first is not None and made.first > BEYOND
    lie = Claim("proved_to_length", "induction", "", length_bound=made.first)
    assert contradicted_loop(made, lie)
    assert not contradicted_loop(made, replace(lie, length_bound=made.first - 1))
    found = recurrent_verifiers.line("closed boxes", made, 3)
    assert found["verdict"] is None
    assert "false" not in recurrent_verifiers.line("linear loops", made, 3)


def test_real_outputs_part_at_an_item_that_is_known():
    firsts = []
    for number in range(0, 12, 3):
        made = random_loop_trial("leaky", 11, number)
        tolerance = made.oracle.tolerance
        assert made.first is not None
        firsts.append(made.first)
        lie = Claim("proved", "relational", "", tolerance=tolerance, achieved=tolerance)
        assert contradicted_loop(made, lie)
        shorter = replace(lie, verdict="proved_to_length", length_bound=made.first - 1)
        assert made.first == 1 or not contradicted_loop(made, shorter)
        for name in recurrent_verifiers.OF_REALS:
            found = recurrent_verifiers.line(name, made, number)
            assert "false" not in found and found.get("replays", True)
    assert max(firsts) >= 20


def test_a_margin_below_the_rounding_of_a_literal_loop_is_noticed():
    made = random_loop_trial("drift", 11, 3)
    claim = unrolled_claim(made.oracle)
    assert claim is not None and not rounding_contradicted(made, claim)
    assert rounding_contradicted(made, replace(claim, margin=1e-12))


def _leave() -> None:
    os._exit(3)


def test_a_solver_in_a_fork_answers_or_fails_alone():
    assert forked(max, 2, 5) == 5
    failed = forked(_leave)
    assert isinstance(failed, Failure) and "3" in failed.text
    assert isinstance(forked(int, "no number"), Failure)


def test_every_verifier_has_its_share_of_a_whole_campaign():
    options = run._parser().parse_args([])
    trials = [job for job in run.chosen(options) if job[0] == "trial"]
    counts = Counter(
        name for _, kind, _, number in trials if kind in KINDS for name in asked(kind, number)
    )
    assert len(trials) == run.TRIALS
    assert {name: counts[name] for name in VERIFIERS if counts[name] < 2_000} == {}


@pytest.mark.parametrize("kind", corrupt.KINDS)
def test_no_corruption_passes(kind: str):
    jobs = (corrupt.kind_seed_number(place, 3) for place in range(120))
    made = (corrupt.result(*job, 3) for job in jobs if job[0] == kind)
    found = next(result for result in made if result["made"])
    assert found["before"] in (None, "holds")
    assert [one["said"] for one in found["made"] if one["said"] == "holds"] == []


def test_corruptions_have_numbers_of_their_own():
    jobs = [corrupt.kind_seed_number(place, 0) for place in range(500)]
    assert len(set(jobs)) == 500
    assert {job[0] for job in jobs[: len(corrupt.KINDS)]} == set(corrupt.KINDS)


@pytest.mark.parametrize("job", [("trial", "rounding", 5, 2), ("trial", "clock", 5, 1)])
def test_trials_are_asked_of_verifiers_that_are_newer(tmp_path, job):
    whole = run.one(job)
    assert run.unasked(whole) == []
    fewer = {**whole, "lines": whole["lines"][1:]}
    assert run.unasked(fewer) == [whole["lines"][0]["by"]]
    store = tmp_path / "trials.jsonl"
    store.write_text(json.dumps(fewer) + "\n")
    assert run.left([job], store) == [job]
    (found,) = run.run_all([job], store, 1, None, "abc")
    told = {line["by"]: line.get("verdict") for line in found["lines"]}
    assert told == {line["by"]: line.get("verdict") for line in whole["lines"]}
    assert run.left([job], store) == []


def test_a_run_is_continued_where_it_stopped(tmp_path, capsys):
    store = tmp_path / "trials.jsonl"
    jobs = [("trial", "finite", 5, 0), ("trial", "rounding", 5, 1)]
    first = run.one(jobs[0])
    store.write_text(json.dumps(first) + "\n" + '{"what": "trial", "ki')
    assert run.left(jobs, store) == jobs[1:]
    page = report.page([first], "- command")
    found = run.run_all(jobs[:1], store, 1, None, "abc")
    assert found == [first] and report.codes([first | {"code": "abc"}]) == "`abc` 1 results"
    assert "| finite | 1 |" in page and "false proofs: 0" in page
    false = {**first, "lines": [{**first["lines"][0], "false": "proved, but not so"}]}
    assert report.broken([false]) and not report.broken([first])
    assert "proved, but not so" in report.page([false], "- command")


def test_values_beyond_floats_are_found_behind_names_and_calls():
    shown = parse_program(
        "def f(x: real) -> real =\n  exp(round(x))\n"
        "def predict(x: real) -> real =\n  let y = f(x) in\n  let z = square(y) in\n  1 / z\n"
    )
    assert differential._is_large(shown, (np.float64(20.0),))
    assert not differential._is_large(shown, (np.float64(2.0),))
