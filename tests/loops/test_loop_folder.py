"""Loops from `distill.distill` to a folder and back; programs that check what they are given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import distill
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.load.recurrent import load_recurrent
from distill.recurrent import RecurrentNetwork, cell_of_layers
from dsl.loop_text import parse_loop
from dsl.meanings.loop_array import run_loop
from dsl.meanings.loop_python import loop_python
from tests.loops.networks import PAIR, PARITY, RUNNING_SUM, file_of

FILES = {
    "program.py", "program.dsl", "test_program.py", "evidence.json", "network.onnx",
    "initial_state.npy", "summary.txt", "front.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def parity() -> LoopDistillation:
    found = distill.distill(PARITY, "seq(bool, 1..12)", jobs=1)
    assert isinstance(found, LoopDistillation)
    return found


def predict_of(source: str):
    scope: dict = {"__name__": "program"}
    exec(source, scope)
    return scope["predict"]


def passes(folder: Path) -> bool:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*words, str(folder / "test_program.py")], capture_output=True, cwd=root, check=False
    )
    return done.returncode == 0


def test_a_folder_holds_everything_and_is_read_back(parity, tmp_path):
    folder = parity.save(tmp_path / "out")
    assert {p.name for p in folder.iterdir()} == FILES
    again = LoopDistillation.load(folder)
    assert (again.program, again.source, again.length) == (
        parity.program,
        parity.source,
        parity.length,
    )
    assert again.summary() == parity.summary()
    again.save(tmp_path / "second")
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    assert parse_loop((folder / "program.dsl").read_text()) == parity.program


def test_the_evidence_has_the_form_of_every_evidence(parity, tmp_path):
    found = json.loads((parity.save(tmp_path / "out") / "evidence.json").read_text())
    assert found["verdict"] == "proved"
    assert found["program_vs_deployed"]["length_bound"] is None
    assert (found["domain"], found["output"]) == ("seq(x: bool, 1..12)", "seq(bool above 0.5)")
    assert 0 < found["bits"]["program"] < found["bits"]["network"]
    assert {"program", "network", "original", "initial_state"} == found["sha256"].keys()


def test_the_property_test_passes_and_notices_another_program(parity, tmp_path):
    folder = parity.save(tmp_path / "out")
    assert passes(folder)
    spoiled = parity.source.replace("parity = False", "parity = True")
    assert spoiled != parity.source
    (folder / "program.py").write_text(spoiled)
    assert not passes(folder)


def test_the_written_cell_is_the_cell(tmp_path):
    start = RecurrentNetwork(PAIR.cell, np.array([0.5, -1.0]))
    np.save(tmp_path / "start.npy", start.initial)
    again = load_recurrent(file_of(start, tmp_path / "cell.onnx"), tmp_path / "start.npy")
    items = np.random.default_rng(0).normal(size=(5, 4, 2))
    assert (again.run(items)[1] == start.run(items)[1]).all()


def test_a_first_state_is_taken_from_a_file(tmp_path):
    np.save(tmp_path / "one.npy", np.ones(1))
    path = file_of(PARITY, tmp_path / "cell.onnx")
    found = distill.distill(path, "seq(bool)", length=8, initial_state=tmp_path / "one.npy")
    assert found([True, True, False]) == [False, True, True]


@pytest.mark.parametrize(
    "items", [(True,), [], [2], ["a"], [None], [True] * 13, [[True]], [float("nan")]]
)
def test_what_lies_outside_the_domain_is_a_value_error(parity, items):
    with pytest.raises(ValueError, match=r"domain|list"):
        predict_of(parity.source)(items)
    assert predict_of(parity.source)([True, False, True]) == [True, True, False]


def test_items_of_several_numbers_are_tuples():
    found = distill.distill(PAIR, "seq(x: int(0,9)[2])", length=6)
    predict = predict_of(found.source)
    assert predict([(1, 2), (3, 1)]) == found([(1, 2), (3, 1)]) == [[-1, 3], [1, 7]]
    for wrong in ([1], [(1,)], [(1, 2, 3)], [(1, 10)], ["12"]):
        with pytest.raises(ValueError, match="outside the domain"):
            predict(wrong)
        with pytest.raises(BadInput):
            found(wrong)


def test_one_output_at_the_end():
    found = distill.distill(RUNNING_SUM, "seq(int(0,9), 1..8)", "int")
    assert predict_of(found.source)([4, 5, 6]) == found([4, 5, 6]) == 15
    assert found.evidence.output == "int"


def test_the_two_kinds_of_folder_are_told_apart(parity, tmp_path):
    folder = parity.save(tmp_path / "out")
    with pytest.raises(BadInput, match=r"LoopDistillation\.load"):
        Distillation.load(folder)
    (folder / "initial_state.npy").write_bytes(b"\x80\x04nothing")
    with pytest.raises(BadInput, match="initial state"):
        LoopDistillation.load(folder)


def test_where_no_loop_is_found_the_network_is_written_out(tmp_path, monkeypatch):
    monkeypatch.setattr("distill.loops.search_loops", lambda *_: [])
    found = distill.distill(PARITY, "seq(bool)", length=9)
    assert isinstance(found, LoopDistillation)
    assert "network's own arithmetic" in found.note
    claim = found.evidence.program_vs_deployed
    assert (claim.verdict, claim.method) == ("proved_to_length", "relational")
    assert claim.margin > 0
    columns = found.domain.words(9, 0, 2**9)
    assert (run_loop(found.program, columns) == found.oracle.values(columns)).all()
    assert found.found
    assert passes(found.save(tmp_path / "out"))
    assert LoopDistillation.load(tmp_path / "out").program == found.program


def test_loops_without_steps_and_with_names_of_helpers_are_python():
    loop = parse_loop("loop predict(x: int) -> int\n  out 7\n")
    assert predict_of(loop_python(loop))([1, 2]) == 7
    named = parse_loop(
        "loop predict(affine: int) -> seq(real)\n  out affine([[1.5]], [affine], [0])[0]\n"
    )
    assert predict_of(loop_python(named))([2, 4]) == [3.0, 6.0]


def test_alternatives_are_alternatives_in_the_loop_too():
    rows = np.array([[-1.0, 0.5], [1, -0.5]])
    step = [(np.array([[0.0, 1.0]]), np.zeros(1))]
    network = RecurrentNetwork(cell_of_layers(step, [(rows[:, :1], rows[:, 1])]), np.zeros(1))
    found = distill.distill(network, "seq(bool, 1..6)", "seq(category(2))")
    assert str(found.program.output.type) == "category(2)"
    assert found([True, False]) == predict_of(found.source)([True, False]) == [1, 0]


def test_real_items_are_checked_and_decided_on():
    found = distill.distill(RUNNING_SUM, "seq(real(-1,1))", "seq(bool above 0.25)", length=6)
    assert "total" in found.source
    assert found([0.5, -0.5]) == [True, False]
    with pytest.raises(BadInput, match="lies outside"):
        found([2.0])
