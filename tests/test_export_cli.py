"""`distill export` on finished folders, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import distill
from distill.cli import answer
from distill.errors import BadInput
from distill.export.folder import read_folder
from distill.export.forms import ENDINGS, Target
from tests.loops.networks import PARITY, file_of

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two finished runs, a function's and a loop's."""
    folder = tmp_path_factory.mktemp("export")
    file_of(PARITY, folder / "parity.onnx")
    lines = {
        "majority": [str(EXAMPLES / "majority" / "model.onnx"), "--inputs", "bool[5]"],
        "parity": [str(folder / "parity.onnx"), "--inputs", "seq(bool)", "--length", "8"],
    }
    lines["majority"] += ["--outputs", "bool"]
    for name, line in lines.items():
        out = str(folder / f"{name}.distilled")
        assert answer(["run", *line, "--quiet", "--out", out], debug=True) == 0
    return folder


@pytest.mark.parametrize("form", list(Target))
def test_every_form_of_a_function_is_written(
    form: Target, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(["export", str(place / "majority.distilled"), "--to", form], debug=True) == 0
    (written,) = tmp_path.iterdir()
    assert written.name == "majority" + ENDINGS[form]
    found = read_folder(place / "majority.distilled").export(form)
    assert written.read_bytes() == (found if isinstance(found, bytes) else found.encode())
    if form == Target.onnx:
        onnx.checker.check_model(onnx.load(written))


def test_the_numpy_file_runs_without_distill(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.py"
    line = ["export", str(place / "parity.distilled"), "--to", "numpy", "--out", str(out)]
    assert answer(line, debug=True) == 0
    code = (
        "import sys, p;"
        "print(p.predict([[1, 0, 1, 1]]).astype(int).tolist(), 'distill' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        capture_output=True, text=True, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[[1, 1, 0, 1]] False"


def test_the_python_door_gives_the_same_as_the_program(place: Path) -> None:
    found = distill.Distillation.load(place / "majority.distilled")
    scope: dict = {}
    exec(found.export("numpy"), scope)
    rows = np.random.default_rng(0).integers(0, 2, (40, 5)) == 1
    name = found.program.main.name
    assert scope[name](rows).tolist() == found.batch(rows.astype(float)).tolist()


@pytest.mark.parametrize("form", ["onnx", "smt2", "latex", "cobol", "", "C"])
def test_what_a_form_cannot_carry_is_refused(
    form: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(["export", str(place / "parity.distilled"), "--to", form]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("distill: ") and line.isprintable()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput):
        read_folder(place / "parity.distilled").export(form)


def test_an_export_never_takes_the_place_of_a_folder_or_another_kind_of_file(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d.c").mkdir()
    for out in (tmp_path / "d.c", tmp_path / "p.txt", tmp_path / "no" / "p.c"):
        line = ["export", str(place / "majority.distilled"), "--to", "c", "--out", str(out)]
        assert answer(line) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.c"]
    assert capsys.readouterr().out == ""
