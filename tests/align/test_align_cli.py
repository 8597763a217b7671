"""`distill locate` and `locate()`: the table, JSON, what is refused, and that evidence is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import distill
from distill.cli import answer
from distill.load import write_onnx
from tests.align.networks import THREE, XOR_AND, layered
from tests.loops.networks import PARITY, file_of


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two finished runs, of a feed-forward and of a recurrent network."""
    folder = tmp_path_factory.mktemp("locate")
    write_onnx(layered(XOR_AND), folder / "net.onnx")
    line = ["run", str(folder / "net.onnx"), "--inputs", THREE, "--outputs", "bool", "--quiet"]
    assert answer([*line, "--out", str(folder / "net")], debug=True) == 0
    line = ["run", file_of(PARITY, folder / "parity.onnx"), "--inputs", "seq(bool)", "--quiet"]
    assert answer([*line, "--length", "8", "--out", str(folder / "parity")], debug=True) == 0
    return folder


def test_a_found_program_is_the_networks_own(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads((place / "net" / "evidence.json").read_text())
    assert "not looked for" in (place / "net" / "summary.txt").read_text()
    assert before["variables"] == "not looked for in the network"
    assert answer(["locate", str(place / "net")]) == 0
    printed = capsys.readouterr().out
    assert "a != b" in printed
    assert "the sums into layer 2, neuron 0" in printed
    assert "1 of 1 located" in printed
    told = "1 of 1 located in the network; located: a != b"
    after = json.loads((place / "net" / "evidence.json").read_text())
    assert after == {**before, "variables": told}
    assert f"variables {told}\n" in (place / "net" / "summary.txt").read_text()
    located = json.loads((place / "net" / "located.json").read_text())
    assert located["sha256"]["program"] == before["sha256"]["program"]
    assert answer(["show", str(place / "net"), "--evidence"]) == 0
    assert told in capsys.readouterr().out
    assert answer(["check", str(place / "net")]) == 0
    assert "located.json is about this program" in capsys.readouterr().out


def test_a_report_about_another_program_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "net"
    shutil.copytree(place / "net", folder)
    assert answer(["locate", str(folder), "--samples", "50"]) == 0
    found = json.loads((folder / "located.json").read_text())
    found["sha256"]["program"] = "0" * 64
    (folder / "located.json").write_text(json.dumps(found))
    capsys.readouterr()
    assert answer(["check", str(folder)]) == 4
    assert "about another program" in capsys.readouterr().out
    (folder / "located.json").unlink()
    assert answer(["check", str(folder)]) == 5
    (folder / "located.json").write_text("[]")
    assert answer(["show", str(folder)]) == 2


def test_a_run_can_look_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_onnx(layered(XOR_AND), tmp_path / "net.onnx")
    line = ["run", str(tmp_path / "net.onnx"), "--inputs", THREE, "--outputs", "bool", "--locate"]
    assert answer([*line, "--out", str(tmp_path / "net")], debug=True) == 0
    assert "variables 1 of 1 located" in capsys.readouterr().out
    assert (tmp_path / "net" / "located.json").exists()
    again = distill.Distillation.load(tmp_path / "net")
    assert again.located is not None
    assert again.summary() + "\n" == (tmp_path / "net" / "summary.txt").read_text()


def test_a_program_without_variables_says_nothing(tmp_path: Path) -> None:
    write_onnx(layered([([[1.0, 1.0]], [0.0])]), tmp_path / "net.onnx")
    line = ["run", str(tmp_path / "net.onnx"), "--inputs", "real(0,1)[2]", "--quiet"]
    assert answer([*line, "--out", str(tmp_path / "net")], debug=True) == 0
    assert "variables" not in (tmp_path / "net" / "summary.txt").read_text()


def test_registers_are_located_and_printed_as_json(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["locate", str(place / "parity"), "--json", "--samples", "100", "--seed", "3"]
    assert answer(line) == 0
    first = capsys.readouterr().out
    found = json.loads(first)
    assert (found["samples"], found["seed"]) == (100, 3)
    (register,) = [v for v in found["variables"] if v["kind"] == "register"]
    assert register["verdict"] == "located"
    assert register["place"]["label"] == "the state"
    assert register["interchange"]["where_it_matters"]["trials"] == 100
    assert answer(line) == 0
    assert capsys.readouterr().out == first


def test_python_opens_the_same_door(place: Path) -> None:
    report = distill.Distillation.load(place / "net").locate(samples=50, seed=1)
    assert report.located == 1
    assert report.summary().splitlines()[0].startswith("variable")
    loop = distill.LoopDistillation.load(place / "parity").locate(samples=50)
    assert loop.variables[0].kind == "register"


@pytest.mark.parametrize(("more", "reason"), [
    (["--samples", "0"], "at least 1"),
    (["--samples", "2000000"], "from 1 to 1,000,000"),
    (["--seed", "-1"], "at least 0"),
    (["--samples", "many"], "valid integer"),
])  # fmt: skip
def test_bad_numbers_get_one_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], more: list[str], reason: str
) -> None:
    assert answer(["locate", str(place / "net"), *more]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert reason in printed.err


def test_a_folder_that_is_none_gets_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["locate", "no\x1b[31m such"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("distill: ")
    assert printed.err.count("\n") == 1
    assert "\x1b" not in printed.err


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["locate", "--help"]) == 0
    assert "interchange" in capsys.readouterr().out
