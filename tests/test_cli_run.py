"""The command line end to end, on the example networks."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from distill import cli_views
from distill.cli import answer

ROOT = Path(__file__).resolve().parent.parent
MAJORITY = str(ROOT / "examples" / "majority" / "model.onnx")
LARGEST = str(ROOT / "examples" / "largest" / "model.onnx")
PLANE = "a: real(-1,1) * b: real(-1,1)"
MAJORITY_LINE = ["run", MAJORITY, "--inputs", "x: bool[5]", "--outputs", "bool", "--out"]


@pytest.fixture(scope="module")
def majority(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of one run."""
    folder = str(tmp_path_factory.mktemp("runs") / "majority")
    assert answer([*MAJORITY_LINE, folder, "--quiet"], debug=True) == 0
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_leaves_the_promised_files(majority: str) -> None:
    names = {p.name for p in Path(majority).iterdir()}
    promised = {"program.py", "program.dsl", "test_program.py", "evidence.json"}
    assert promised | {"network.onnx", "summary.txt"} <= names
    assert [p.name for p in Path(majority).parent.iterdir()] == ["majority"]


def test_the_program_is_right_on_every_input(majority: str) -> None:
    scope: dict = {"__name__": "program"}
    exec(Path(majority, "program.py").read_text(), scope)
    for bits in product([False, True], repeat=5):
        assert scope["predict"](list(bits)) == (sum(bits) >= 3)


def test_a_run_prints_the_result_and_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer([*MAJORITY_LINE, "out"]) == 0
    printed = capsys.readouterr().out
    assert "proved" in printed
    assert str(Path("out").resolve()) in printed


def test_json_is_the_evidence_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer([*MAJORITY_LINE, "out", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(Path("out/evidence.json").read_text())
    assert printed["verdict"] == "proved"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer([*MAJORITY_LINE, "out", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_a_second_run_replaces_the_first(majority: str) -> None:
    assert answer([*MAJORITY_LINE, "out", "--quiet"]) == 0
    Path("out/notes.txt").write_text("mine")
    Path("out/program.py").write_text("spoiled")
    assert answer([*MAJORITY_LINE, "out", "--quiet"]) == 0
    assert Path("out/program.py").read_text() != "spoiled"
    assert Path("out/notes.txt").read_text() == "mine"
    assert sorted(p.name for p in Path().iterdir()) == ["out"]


def test_the_default_folder_is_beside_the_user(elsewhere: Path) -> None:
    assert answer(["run", MAJORITY, "--inputs", "x: bool[5]", "--outputs", "bool", "--quiet"]) == 0
    assert [p.name for p in elsewhere.iterdir()] == ["majority.distilled"]


def test_check_holds(majority: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["check", majority]) == 0
    assert "holds" in capsys.readouterr().out


def test_check_notices_another_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer([*MAJORITY_LINE, "out", "--quiet"]) == 0
    Path("out/program.dsl").write_text("program(x: bool[5]) -> bool = all(x)\n")
    assert answer(["check", "out"]) in (2, 4)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("form", list(cli_views.Form))
def test_show_prints_every_form(
    form: cli_views.Form, majority: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["show", majority, "--as", form.value], debug=True) == 0
    assert len(capsys.readouterr().out.strip()) > 4


def test_show_lists_the_verifiers_that_were_asked(
    majority: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["show", majority, "--evidence"]) == 0
    printed = capsys.readouterr().out
    assert "proved (exhaustive): equal on all 32 inputs" in printed
    assert "asked exhaustive: proved, within 0, 32 looked at" in printed


def test_show_python_prints_the_file(majority: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["show", majority, "--as", "python"]) == 0
    assert capsys.readouterr().out.strip() == Path(majority, "program.py").read_text().strip()


def test_show_expands_to_the_network(majority: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["show", majority]) == 0
    short = capsys.readouterr().out
    assert answer(["show", majority, "--expand", "1"], debug=True) == 0
    assert len(capsys.readouterr().out) > len(short)


@pytest.mark.parametrize("form", list(cli_views.Form))
def test_show_expands_in_every_form(
    form: cli_views.Form, majority: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = ["show", majority, "--as", form.value]
    assert answer(shown, debug=True) == 0
    short = capsys.readouterr().out
    assert answer([*shown, "--expand", "9"], debug=True) == 0
    assert capsys.readouterr().out not in ("", short)


def test_show_lists_the_front(majority: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["show", majority, "--front"], debug=True) == 0
    assert "bits" in capsys.readouterr().out


def test_inspect_names_sizes_and_operations(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["inspect", MAJORITY]) == 0
    printed = capsys.readouterr().out
    assert "113" in printed
    assert "Relu" in printed
    labels = [line.split()[0] for line in printed.splitlines()]
    assert sorted(labels) == sorted(set(labels))


def test_compare_agrees_and_refutes(majority: str, capsys: pytest.CaptureFixture[str]) -> None:
    on = ["--inputs", "x: bool[5]"]
    assert answer(["compare", majority, MAJORITY, *on], debug=True) == 0
    assert answer(["compare", f"{majority}/program.py", MAJORITY, *on], debug=True) == 0
    Path("other.py").write_text("def predict(x):\n    return sum(x) >= 4\n")
    capsys.readouterr()
    assert answer(["compare", "other.py", majority, *on], debug=True) == 4
    assert "differ" in capsys.readouterr().out


def all_bits() -> str:
    np.savez("bits.npz", x=np.array(list(product([0.0, 1.0], repeat=5))))
    return "bits.npz"


def test_a_proposed_domain_is_not_used_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["run", MAJORITY, "--data", all_bits(), "--outputs", "bool", "--out", "out"]
    assert answer(line) == 2
    printed = capsys.readouterr().err
    assert "bool[5]" in printed
    assert "add --yes or --inputs" in printed
    assert not Path("out").exists()
    assert answer([*line, "--yes"]) == 0
    assert json.loads(Path("out/evidence.json").read_text())["domain"] == "x: bool[5]"


def test_the_same_seed_gives_the_same_program() -> None:
    line = ["run", LARGEST, "--inputs", PLANE, "--steps", "20000", "--quiet", "--out"]
    codes = [answer([*line, out]) for out in ("one", "two")]
    assert codes[0] == codes[1]
    assert Path("one/program.dsl").read_text() == Path("two/program.dsl").read_text()


def test_a_search_without_steps_ends_with_the_literal_program() -> None:
    line = ["run", LARGEST, "--inputs", PLANE, "--steps", "1", "--exact", "--quiet"]
    assert answer([*line, "--out", "out"]) == 3
    assert Path("out/program.py").exists()


def test_an_interrupt_keeps_what_was_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def interrupting(*, show: bool) -> Iterator[cli_views.Report]:
        def report(stage: str, done: float | None) -> None:
            if stage == "searching":
                os.kill(os.getpid(), signal.SIGINT)

        yield report

    monkeypatch.setattr(cli_views, "progress", interrupting)
    assert answer(["run", LARGEST, "--inputs", PLANE, "--out", "out"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert answer(["check", "out"]) in (0, 5)
