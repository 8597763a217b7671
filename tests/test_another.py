"""Another program in the place of a found one: edited by hand, or of the front."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import distill
from distill.cli import answer
from distill.distillation import Alternative, Distillation
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from dsl.loop_text import parse_loop
from dsl.text import parse_program
from tests.loops.networks import PARITY

ROOT = Path(__file__).resolve().parent.parent
MAJORITY = str(ROOT / "examples/majority/model.onnx")
LARGEST = str(ROOT / "examples/largest/model.onnx")

SAME = "def predict(x: bool[5]) -> bool =\n  count(x) >= 3\n"
OTHER = (
    "def predict(x: bool[5]) -> bool =\n  count(x) >= 3 or (x[0] and not x[1] and x[2] and x[4])\n"
)
WRONG = "def predict(x: bool[5]) -> bool =\n  count(x) >= 2\n"


@pytest.fixture(scope="module")
def majority() -> Distillation:
    found = distill.distill(MAJORITY, "x: bool[5]", "bool")
    assert isinstance(found, Distillation)
    return found


@pytest.fixture
def folder(majority: Distillation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    majority.save("m")
    for name, text in {"same": SAME, "other": OTHER, "wrong": WRONG}.items():
        Path(f"{name}.dsl").write_text(text)
    return "m"


def contents(folder: str) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir())}


@pytest.mark.parametrize(("text", "verdict"), [(SAME, "proved"), (WRONG, "refuted")])
def test_an_edited_program_is_proved_or_refuted(
    majority: Distillation, text: str, verdict: str
) -> None:
    claim = majority.choose(parse_program(text)).evidence.program_vs_deployed
    assert claim.verdict == verdict
    if verdict == "refuted":
        shown = claim.counterexamples[0]
        assert sum(shown["inputs"]["x"]) == 2
        assert (shown["network"], shown["program"]) == (False, True)


def test_check_tells_of_an_edited_program_and_leaves_the_folder(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    assert answer(["check", folder, "--program", "same.dsl"]) == 0
    assert "proved (exhaustive)" in capsys.readouterr().out
    assert answer(["check", folder, "--program", "wrong.dsl"]) == 4
    assert "inputs: " in capsys.readouterr().out
    assert contents(folder) == before


def test_a_program_that_holds_takes_the_place_of_the_found_one(folder: str) -> None:
    assert answer(["choose", folder, "other.dsl"]) == 0
    assert "not" in Path(folder, "program.dsl").read_text()
    assert answer(["check", folder]) == 0
    assert answer(["show", folder, "--as", "python"]) == 0


def test_a_refuted_program_is_not_taken(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(folder)
    assert answer(["choose", folder, "wrong.dsl"]) == 4
    assert "refuted" in capsys.readouterr().out
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "m", "--program", "nowhere.dsl"], "can't read 'nowhere.dsl'"),
        (["check", "m", "--program", "text.dsl"], "can't read the program"),
        (["check", "m", "--program", "reals.dsl"], "it has to take (x: bool[5])"),
        (["check", "m", "--program", "number.dsl"], "it has to return bool"),
        (["check", "m", "--program", "bytes.dsl"], "isn't a text"),
        (["check", "m", "--program", "m"], "can't read 'm'"),
        (["check", "m", "--program", "same.dsl", "--budget", "0"], "--budget is 0"),
        (["choose", "m", "0"], "there is no program 0"),
        (["choose", "m", "9999999"], "there is no program 9999999"),
        (["choose", "m", "1", "--tolerance", "-1"], "--tolerance is -1"),
        (["why", "nowhere"], "nowhere"),
    ],
)
def test_what_cant_be_used_is_one_sentence(
    folder: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("text.dsl").write_text("count(x) > 2 of course")
    Path("reals.dsl").write_text("def predict(x: real[5]) -> bool =\n  x[0] > 2\n")
    Path("number.dsl").write_text("def predict(x: bool[5]) -> int =\n  count(x)\n")
    Path("bytes.dsl").write_bytes(b"\xff\xfe\x00")
    before = contents(folder)
    assert answer(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1
    assert contents(folder) == before


def test_the_closest_shorter_program_and_where_it_differs(
    majority: Distillation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far, near = "x[0]", "x[0] and x[1] or x[2]"
    front = tuple(
        Alternative(parse_program(f"def predict(x: bool[5]) -> bool =\n  {body}\n"), bits, error)
        for body, bits, error in ((far, 4.0, 0.4), (near, 8.0, 0.3))
    )
    assert majority.why() is None
    found = replace(majority, front=(*front[::-1], *majority.front))
    shorter = found.why()
    assert shorter is not None
    assert (shorter.number, shorter.claim.verdict) == (2, "refuted")
    assert str(shorter.program.program) == str(front[1].program)
    found.save(tmp_path / "m")
    assert answer(["why", str(tmp_path / "m")]) == 0
    said = capsys.readouterr().out
    assert "number 2 of the front: 8 bits, error 0.3" in said
    assert "refuted" in said
    assert "inputs: {'x': [" in said
    assert answer(["choose", str(tmp_path / "m"), "1"]) == 4


def test_a_less_exact_program_of_the_front_is_taken_with_the_error_it_has() -> None:
    found = distill.distill(LARGEST, "a: real(-1,1) * b: real(-1,1)")
    assert isinstance(found, Distillation)
    plain = parse_program("def predict(a: real, b: real) -> real =\n  0.5 * (a + b)\n")
    also = replace(found, front=(Alternative(plain, 10.0, 1.0),))
    made = also.choose(1)
    assert made.program == plain
    claim = made.evidence.program_vs_deployed
    assert claim.verdict == "proved"
    assert claim.tolerance == 1.25
    assert 0.99 < (claim.achieved or 0) <= 1.25
    tight = also.choose(1, tolerance=0.5)
    assert tight.evidence.program_vs_deployed.verdict == "refuted"


def test_loops_are_chosen_and_refused_as_programs_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = distill.distill(PARITY, "seq(bool, 1..8)", steps=200_000)
    assert isinstance(found, LoopDistillation)
    same, other = str(found.program), str(found.program).replace("false", "true")
    assert found.choose(parse_loop(same)).evidence.verdict == found.evidence.verdict
    assert found.choose(parse_loop(other)).evidence.verdict == "refuted"
    found.save("p")
    Path("other.dsl").write_text(other)
    assert answer(["check", "p", "--program", "other.dsl"]) == 4
    assert "inputs" in capsys.readouterr().out
    Path("program.dsl").write_text(SAME)
    assert answer(["check", "p", "--program", "program.dsl"]) == 2
    with pytest.raises(BadInput):
        found.choose(parse_program(SAME))
    shutil.rmtree("p")
