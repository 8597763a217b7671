"""The runner of the suite: it distils, judges, resumes, and counts against the targets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import columns, held_out, judge, real_report, report, run, speed, targets, tasks
from benchmarks import reference_programs as references
from benchmarks.distil_one import NETWORKS, Job, distil_one, python_fault
from benchmarks.store import Store, code_version
from benchmarks.task import as_float
from benchmarks.train.measure import judged_points
from distill.api import distill as distil
from dsl.meanings.array import run as run_program

INDEX = json.loads((NETWORKS / "index.json").read_text())
BOOLEAN = [t for t in tasks.ALL if t.family == "boolean"]
TINY = [e for e in INDEX if e["name"] in ("xor2_relu8_s0", "max2_relu8_s0")]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    store = Store(folder / "results.jsonl", "some code", 60.0, 60.0)
    return folder, store, run.distil_all(TINY, store, 1, folder)


def test_tiny_networks_meet_their_targets(bench):
    _, _, results = bench
    assert [r["name"] for r in results] == [e["name"] for e in TINY]
    assert all(r["computes"] and r["verdict"] == "proved" for r in results)
    assert [targets.misses(r) for r in results] == [[], []]
    boolean = next(r for r in results if r["family"] == "boolean")
    assert boolean["bits"] <= boolean["reference_bits"] < boolean["network_bits"]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def predict(*x):\n    return unknown\n", "NameError"),
        ("def predict(*x):\n    return 7\n", "other values"),
    ],
)
def test_a_program_py_that_fails_or_lies_is_found(tmp_path, source, fault):
    entry = next(e for e in TINY if e["task"] == "xor2")
    found = distil(NETWORKS / entry["file"], entry["inputs"], entry["outputs"])
    assert python_fault(found, found.save(tmp_path / "sound.distilled")) == ""
    (tmp_path / "program.py").write_text(source)
    assert fault in python_fault(found, tmp_path)


def test_what_is_known_is_not_distilled_again(bench, monkeypatch):
    folder, store, results = bench
    monkeypatch.setattr(run, "worked", lambda left, jobs: iter([{"name": j} for j in left]))
    assert run.distil_all(TINY, store, 1, folder) == list(store.known().values())
    assert store.known().keys() == {r["name"] for r in results}


def test_results_of_other_code_or_budget_or_half_a_line_do_not_count(tmp_path):
    store = Store(tmp_path / "results.jsonl", "this", 5.0, 9.0)
    store.add({"name": "a", "family": "integer"})
    store.add({"name": "b", "family": "real data"})
    Store(store.file, "other", 5.0, 9.0).add({"name": "c", "family": "integer"})
    Store(store.file, "this", 9.0, 5.0).add({"name": "d", "family": "integer"})
    store.file.write_text(store.file.read_text() + '{"name": "e", "co')
    assert store.known().keys() == {"a", "b"}


def test_the_code_version_follows_the_sources(tmp_path):
    for house in ("dsl", "distill", "benchmarks/networks"):
        (tmp_path / house).mkdir(parents=True)
    (tmp_path / "benchmarks" / "networks" / "index.json").write_text("[]")
    before = code_version(tmp_path)
    (tmp_path / "dsl" / "new.py").write_text("x = 1\n")
    assert code_version(tmp_path) != before


def test_the_page_prints_every_network_and_target(bench):
    _, _, results = bench
    page = report.feedforward(results, INDEX, "- made by a test")
    assert all(r["name"] in page for r in results)
    assert "`max(a, b)`" in page
    assert "1 of 1 (100.0 %)" in page
    assert all(e["name"] in page for e in INDEX if not e["computes_task"])


def test_programs_are_timed_beside_their_networks(bench):
    folder, _, _ = bench
    page = speed.page(TINY, folder, "- made by a test")
    assert "of 2 (" in page
    assert all(e["name"] in page for e in TINY)


def test_a_failure_is_a_result_that_misses(tmp_path):
    broken = TINY[0] | {"inputs": "a: bool"}
    result = distil_one(Job(broken, 5.0, tmp_path))
    assert "BadInput" in result["error"]
    assert targets.misses(result) == ["failed"]
    assert result["name"] in report.feedforward([result], INDEX, "")


def test_pages_are_written_only_when_they_are_complete(tmp_path, monkeypatch, capsys, bench):
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    run.tables(bench[2], INDEX, "made")
    assert not list(tmp_path.iterdir())
    run.tables(bench[2], TINY, "made")
    assert (tmp_path / "feedforward.md").read_text() in capsys.readouterr().out


def judged(name, program, network=None):
    task = tasks.BY_NAME[name]
    points = judged_points(task)
    return judge.judge(task, program, network or task.truth, points)


def test_a_program_that_is_wrong_somewhere_does_not_compute_its_task():
    assert judged("majority5", lambda c: c[0].sum(1) > 2).computes
    almost = judged("majority5", lambda c: (c[0].sum(1) > 2) | c[0][:, :4].all(1) | ~c[0].any(1))
    assert not almost.computes
    assert almost.wrong == pytest.approx(1 / 32)


def test_a_real_program_must_be_no_farther_than_the_network():
    assert judged("max2", lambda c: np.maximum(*c), lambda c: np.maximum(*c) + 1e-3).computes
    assert judged("max2", lambda c: np.maximum(*c) + 1e-3, lambda c: np.maximum(*c)).wrong == 0
    assert not judged("max2", lambda c: np.maximum(*c) + 1e-3, lambda c: np.maximum(*c)).computes


def test_only_ties_of_the_task_are_forgiven():
    task = tasks.BY_NAME["threshold"]
    points = (np.array([0.3, 0.3 + 5e-10, 0.3 + 1e-6]),)
    assert judge.ties(task, points).tolist() == [True, True, False]
    shifted = judge.judge(task, lambda c: c[0] > 0.3 + 2e-6, task.truth, points)
    assert not shifted.computes
    near = judge.judge(task, lambda c: c[0] > 0.3 + 8e-10, task.truth, points)
    assert near.computes


@pytest.mark.parametrize("task", BOOLEAN, ids=[t.name for t in BOOLEAN])
def test_both_references_of_a_boolean_task_compute_it(task):
    points = columns.enumerate_all(task.inputs)
    for program in (references.by_hand(task), references.sum_of_products(task)):
        assert np.array_equal(as_float(run_program(program, points)), as_float(task.truth(points)))


def test_mcnemar_counts_only_where_one_of_two_is_right():
    assert real_report.mcnemar(0, 0) == 1
    assert real_report.mcnemar(5, 5) == pytest.approx(1)
    assert real_report.mcnemar(10, 0) == pytest.approx(2 / 2**10)


def split(**changed):
    known = {
        "held_out": 100, "network_right": 90, "program_right": 90, "lost": 0, "gained": 0,
        "agree": 100, "bits": 10.0, "network_bits": 100.0, "baseline_bits": 30.0, "lines": 12,
        "seconds": 1.0, "peak_mib": 100, "python_fault": "", "task": "iris", "activation": "relu",
    }  # fmt: skip
    return known | changed


def test_real_data_is_judged_over_all_splits():
    assert real_report.misses("iris", real_report.pooled([split()] * 10)) == []
    for changed, what in (
        ({"lost": 1}, "accuracy"),
        ({"bits": 16.0, "baseline_bits": 90.0}, "bits of the network"),
        ({"baseline_bits": 19.0}, "bits of the baseline"),
        ({"lines": 41}, "lines"),
        ({"python_fault": "NameError"}, "program.py"),
    ):
        row = real_report.pooled([split(**changed)] * 10)
        assert real_report.misses("iris", row) == [what]


def test_lines_of_code_leave_out_texts_and_domain_checks():
    source = (
        '"""Doc\n\nmore."""\n\ndef predict(x):\n    if not x > 0:\n        raise ValueError("no")\n'
    )
    assert (
        held_out.code_lines(source + "    # why\n    y = [\n        x,\n    ]\n    return y\n") == 5
    )


def test_the_options_choose(tmp_path: Path):
    parser = run._parser()
    quick = parser.parse_args(["--quick", "--family", "playground"])
    chosen = run.chosen(INDEX, quick)
    assert [e["task"] for e in chosen] == sorted({e["task"] for e in chosen})
    assert quick.budget == run.QUICK_BUDGET
    every = run.chosen(INDEX, parser.parse_args([]))
    assert len(every) == sum(e["computes_task"] for e in INDEX)


def test_the_command_distils_times_and_prints(tmp_path, monkeypatch, capsys, bench):
    folder, store, _ = bench
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr(run, "FOLDER", folder)
    monkeypatch.setattr(run, "code_version", lambda: store.code)
    run.main(["--budget", "60", "--task", "max2", "--task", "xor2", "--quick", "--part", "speed"])
    monkeypatch.setattr(run, "chosen", lambda index, options: TINY)
    run.main(["--budget", "60"])
    printed = capsys.readouterr().out
    assert "| boolean | exact, proved exhaustively | 1 of 1 (100.0 %) |" in printed
    assert "# One example" in printed
    assert not list(tmp_path.iterdir())


def test_a_short_program_that_leaves_much_out_is_not_faithful():
    claim = {"verdict": "tested", "bits": 10, "network_bits": 100, "left_out": 0.005}
    assert targets.faithful(claim | {"deployed_left_out": 0.005})
    assert not targets.faithful(claim | {"deployed_left_out": 0.6})
    assert not targets.faithful(claim | {"deployed_left_out": 0.0, "verdict": "unknown"})
    assert not targets.faithful(claim | {"deployed_left_out": 0.0, "bits": 100})
