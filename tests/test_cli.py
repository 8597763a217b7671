"""The command line: exit codes, one sentence for bad input, nothing half-written."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from distill.cli import answer, main
from distill.cli_views import safe
from distill.errors import BadInput
from distill.export.place import MARK, default_folder, staged

ROOT = Path(__file__).resolve().parent.parent
MAJORITY = str(ROOT / "examples" / "majority" / "model.onnx")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one sentence with which a command line is refused; nothing may be left behind."""
    before = sorted(p.name for p in Path().iterdir())
    assert answer(list(words)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert [line for line in lines if not line.startswith("distill: ")] == []
    assert "Traceback" not in printed.err
    assert sorted(p.name for p in Path().iterdir()) == before
    return lines[-1]


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["--help"]) == 0
    text = capsys.readouterr().out
    for word in (
        "inspect",
        "modules",
        "run",
        "check",
        "show",
        "locate",
        "compare",
        "primitives",
        "Exit codes",
    ):
        assert word in text


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from distill import __version__

    assert answer(["--version"]) == 0
    assert capsys.readouterr().out == f"distill {__version__}\n"


def test_the_module_runs_as_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "distill", "primitives", "no such thing"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("distill: There is no primitive")


def test_main_ends_the_process_with_the_code() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["primitives", "nix"])
    assert ended.value.code == 2


def test_a_closed_pipe_is_no_fault() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m distill primitives | head -1"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_every_primitive_has_a_line_and_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    import dsl.primitives  # noqa: F401  (fills the registry)
    from dsl.primitive import REGISTRY

    assert answer(["primitives"]) == 0
    listed = capsys.readouterr().out
    for name, primitive in REGISTRY.items():
        assert primitive.doc.split()[0] in listed
        assert answer(["primitives", name]) == 0
        page = capsys.readouterr().out
        assert primitive.doc.rstrip(".").split()[-1] in page
        assert page.count("example") >= len(primitive.examples)


def test_a_primitive_is_found_by_its_symbol(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["primitives", "xor"]) == 0
    assert "x xor y" in capsys.readouterr().out
    assert answer(["primitives", "//"]) == 0
    assert "x // y" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["run"], "Missing argument 'MODEL'"),
        (["run", "m.onnx", "--buget", "3"], "No such option: --buget"),
        (["run", "m.onnx", "--budget", "soon"], "Invalid value for '--budget'"),
        (["run", "m.onnx"], "The domain is missing; add --inputs"),
        (["run", "m.onnx", "--inputs", "real("], "can't read the domain 'real('"),
        (["run", "m.onnx", "--inputs", "bool[2] where x"], "after 'where' must be bool"),
        (["run", "m.onnx", "--inputs", "bool", "--budget", "nan"], "--budget is nan"),
        (["run", "m.onnx", "--inputs", "bool", "--budget", "0"], "--budget is 0.0"),
        (["run", "m.onnx", "--inputs", "bool", "--tolerance", "-1"], "--tolerance is -1.0"),
        (["run", "m.onnx", "--inputs", "bool", "--margin", "inf"], "--margin is inf"),
        (["run", "m.onnx", "--inputs", "bool", "--steps", "0"], "--steps is 0"),
        (["run", "m.onnx", "--inputs", "bool", "--jobs", "0"], "--jobs is 0"),
        (["run", "m.onnx", "--inputs", "bool", "--seed", "-1"], "--seed is -1"),
        (["show", "nowhere", "--as", "music"], "Invalid value for '--as'"),
        (["show", "nowhere", "--expand", "-1"], "--expand is -1"),
        (["compare", "a.onnx", "b.onnx"], "compare needs a domain"),
        (["primitives", "nix"], "There is no primitive 'nix'"),
    ],
)
def test_a_wrong_command_line_gets_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, *words)


def test_a_foreign_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("years of work")
    assert "another folder" in refused(
        capsys, "run", MAJORITY, "--inputs", "bool[5]", "--out", "mine"
    )
    assert Path("mine/thesis.tex").read_text() == "years of work"


def test_a_file_in_the_place_of_the_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("")
    line = ("run", MAJORITY, "--inputs", "bool[5]", "--out")
    assert "'" + str(Path("taken").resolve()) + "' is a file" in refused(capsys, *line, "taken")
    assert "is a file" in refused(capsys, *line, "taken/below/it")


def test_no_permission_is_found_out_before_the_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: Any, **__: Any) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", forbid)
    sentence = refused(capsys, "run", "missing.onnx", "--inputs", "bool[5]", "--out", "d")
    assert "Can't write to" in sentence
    assert "permission denied" in sentence


def test_the_default_folder_is_named_after_the_model() -> None:
    assert default_folder("models/iris.onnx") == Path("iris.distilled")
    assert default_folder("model.onnx") == Path("model.distilled")
    assert default_folder("../model.onnx") == Path("model.distilled")
    assert default_folder("models/iris/model.onnx") == Path("iris.distilled")


def test_publishing_moves_the_whole_draft(elsewhere: Path) -> None:
    with staged(Path("a/b/out")) as place:
        (place.draft / MARK).write_text("{}")
        assert not Path("a").exists()
        place.publish()
    assert [p.name for p in Path("a/b/out").iterdir()] == [MARK]
    assert [p.name for p in elsewhere.iterdir()] == ["a"]


def test_publishing_replaces_a_run_and_keeps_what_is_not_of_one(elsewhere: Path) -> None:
    Path("out").mkdir()
    for name in (MARK, "original.onnx", "notes.txt"):
        Path("out", name).write_text("old")
    with staged(Path("out")) as place:
        (place.draft / MARK).write_text("new")
        place.publish()
    assert {p.name: p.read_text() for p in Path("out").iterdir()} == {
        MARK: "new",
        "notes.txt": "old",
    }
    assert [p.name for p in elsewhere.iterdir()] == ["out"]


def test_a_failed_run_leaves_nothing(elsewhere: Path) -> None:
    def fail() -> None:
        with staged(Path("out")) as place:
            (place.draft / "program.py").write_text("half")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_became_foreign_meanwhile_is_refused() -> None:
    def publish_late() -> None:
        with staged(Path("out")) as place:
            Path("out").mkdir()
            Path("out/other").write_text("somebody's")
            place.publish()

    with pytest.raises(BadInput, match="another folder"):
        publish_late()
    assert [p.name for p in Path("out").iterdir()] == ["other"]


def test_text_from_models_can_not_steer_the_terminal() -> None:
    assert safe("a\x1b[31m\u202eb\tc\n") == "a\\x1b[31m\\u202eb\tc\n"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Python door, for tests that put another function in it."""
    return importlib.import_module("distill.api")


def raiser(error: BaseException) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def test_a_fault_of_ours_gets_a_sentence_and_a_hint(
    api: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api, "distill", raiser(ZeroDivisionError("one\nover none")))
    line = ["run", MAJORITY, "--inputs", "bool[5]"]
    assert answer(line) == 1
    printed = capsys.readouterr().err
    assert "ZeroDivisionError: one over none" in printed
    assert "--debug" in printed
    assert printed.count("\n") == 1
    with pytest.raises(ZeroDivisionError):
        answer(line, debug=True)
    assert list(Path().iterdir()) == []


def test_an_interrupt_before_anything_was_found_writes_nothing(
    api: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api, "distill", raiser(KeyboardInterrupt()))
    assert answer(["run", MAJORITY, "--inputs", "bool[5]"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("verdict", "code"), [("holds", 0), ("refuted", 4), ("unknown", 5)])
def test_check_ends_with_the_verdict_as_its_code(
    verdict: str, code: int, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = SimpleNamespace(verdict=verdict, lines=["one claim"])
    monkeypatch.setattr(api, "check", lambda _: result)
    assert answer(["check", "out"]) == code


def test_modules_are_listed_in_words_and_as_json(capsys):
    assert answer(["modules", MAJORITY]) == 0
    text = capsys.readouterr().out
    assert "part 1" in text and "z = " in text
    assert answer(["modules", MAJORITY, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parts"][0]["inputs"] == [0, 1, 2, 3, 4]
    assert answer(["modules", "nowhere.onnx"]) == 2
