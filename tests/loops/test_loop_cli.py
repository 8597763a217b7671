"""Recurrent networks on the command line: run, show, inspect, compare, and what is refused."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import onnx
import pytest

import distill
from distill.cli import answer
from distill.load.write_recurrent import cell_onnx
from tests.loops.networks import LARGEST, PAIR, PARITY, RUNNING_SUM, cell, file_of

EVIL = "x\"]\n\x1b[31m<script>alert(1)</script>\u202e'; import os; def"
MANY = cell([([[0.3, 0.37]], [0.2])], [([[1.0]], [0.3])], 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cells, and one that was distilled."""
    folder = tmp_path_factory.mktemp("cells")
    for name, network in {"parity": PARITY, "pair": PAIR, "largest": LARGEST, "many": MANY}.items():
        file_of(network, folder / f"{name}.onnx")
    line = ["run", str(folder / "parity.onnx"), "--inputs", "seq(bool)", "--length", "8"]
    assert answer([*line, "--out", str(folder / "parity"), "--quiet"], debug=True) == 0
    return folder


@pytest.fixture(autouse=True)
def elsewhere(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder of its own, with the cells in reach."""
    monkeypatch.chdir(tmp_path)
    for path in place.iterdir():
        Path(path.name).symlink_to(path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert answer(list(words), debug=True) == code
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    before = sorted(p.name for p in Path().iterdir())
    assert answer(list(words)) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert sorted(p.name for p in Path().iterdir()) == before
    (line,) = found.err.splitlines()
    assert line.startswith("distill: ") and line.isprintable()
    return line


def test_a_run_prints_program_and_evidence(capsys):
    text = printed(capsys, "run", "parity.onnx", "--recurrent", "--inputs", "seq(bool, 1..6)")
    assert "for x in items:" in text
    assert "seq(x: bool, 1..6)" in text
    assert Path("parity.distilled/program.py").is_file()


def test_json_is_the_evidence_file(capsys):
    line = ("run", "largest.onnx", "--inputs", "seq(int(0,3))", "--outputs", "int", "--length", "6")
    found = json.loads(printed(capsys, *line, "--out", "out", "--json"))
    assert found == json.loads(Path("out/evidence.json").read_text())
    assert (found["output"], found["domain"]) == ("int", "seq(x: int(0,3))")


def test_a_budget_that_ends_the_search_leaves_the_network_and_says_so(capsys):
    read = ("--inputs", "seq(int(0,9))", "--outputs", "seq(bool above 0.7)", "--length", "6")
    line = ("run", "many.onnx", *read, "--out", "out")
    text = printed(capsys, *line, "--budget", "0.001", code=3)
    assert "network's own arithmetic" in text
    assert json.loads(Path("out/front.json").read_text())["found"] is False


def test_an_interrupt_keeps_what_was_found(capsys, monkeypatch):
    from distill.synthesize.loops import search

    def stopped(*given):
        os.kill(os.getpid(), signal.SIGINT)
        return search.search_loops(*given)

    monkeypatch.setattr("distill.loops.search_loops", stopped)
    line = ("run", "parity.onnx", "--inputs", "seq(bool)", "--length", "6", "--out", "out")
    assert "predict" in printed(capsys, *line, code=130)
    assert Path("out/program.py").is_file()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((), "start parity: bool = false"),
        (("--as", "python"), "def predict(items: list[bool])"),
        (("--as", "english"), "Before the first item parity is false."),
        (("--front",), "bits, error 0"),
        (("--expand", "1"), "start h: real"),
        (("--expand", "2", "--as", "english"), "h becomes"),
    ],
)
def test_show_prints_every_form(words, shown, capsys):
    assert shown in printed(capsys, "show", "parity", *words)


def test_a_loop_has_no_formula(capsys):
    assert "text, python or english" in refused(capsys, "show", "parity", "--as", "latex")


def test_inspect_says_what_a_step_takes_and_returns(capsys):
    text = printed(capsys, "inspect", "pair.onnx", "--recurrent")
    assert "after every item" in text
    assert "2 numbers" in text
    assert "of 2 numbers of the state" in text


def write(name: str, body: str) -> str:
    Path(name).write_text(f"def predict(items):\n    {body}\n")
    return name


def test_a_loop_is_compared_with_anything(capsys):
    for other in ("parity.onnx", "parity/program.dsl", "parity/program.py", "parity"):
        line = ("compare", "parity", other, "--inputs", "seq(bool, 1..6)")
        assert "proved (exhaustive): agree on all 126 sequences" in printed(capsys, *line)
    own = write("own.py", "return [sum(items[: i + 1]) % 2 == 1 for i in range(len(items))]")
    assert "tested" in printed(capsys, "compare", own, "parity.onnx", "--inputs", "seq(bool)")


def test_a_difference_is_shown_on_a_short_sequence(capsys):
    late = write("late.py", "return [sum(items[: i + 1]) in (1, 3, 6) for i in range(len(items))]")
    text = printed(capsys, "compare", "parity", late, "--inputs", "seq(bool)", code=4)
    assert "inputs: [True, True, True, True, True]" in text
    last = write("last.py", "return len(items) > 1")
    text = printed(capsys, "compare", "parity.onnx", last, "--inputs", "seq(bool)", code=4)
    assert "first: True" in text


def capped(items):
    return [(min(a - b, 700), a + b) for a, b in np.cumsum(items, 0).tolist()]


def test_items_of_a_counterexample_are_simple():
    claim = distill.equivalent(PAIR, capped, "seq(int(0,999)[2])")
    assert claim.verdict == "refuted"
    assert claim.counterexample is not None
    assert claim.counterexample["inputs"] == [(701, 0)]


PARITY_LINE = ("run", "parity.onnx", "--inputs", "seq(bool)")
BAD = {
    "no domain": (("run", "parity.onnx", "--recurrent"), "The domain is missing"),
    "no sequences": (("run", "parity.onnx", "--recurrent", "--inputs", "bool"), "takes sequences"),
    "no sequences, a state": (
        ("run", "parity.onnx", "--inputs", "bool", "--initial-state", "x.npy"),
        "takes sequences",
    ),
    "width": (("run", "parity.onnx", "--inputs", "seq(bool[3])"), "fills 3 inputs"),
    "no bounds": (("run", "parity.onnx", "--inputs", "seq(int)"), "without bounds"),
    "lengths": (("run", "parity.onnx", "--inputs", "seq(bool, 3..1)"), "the shorter first"),
    "length": ((*PARITY_LINE, "--length", "1"), "at least 2"),
    "length outside": (
        ("run", "parity.onnx", "--inputs", "seq(bool, 1..4)", "--length", "9"),
        "no sequences of length 9",
    ),
    "no whole numbers": (
        ("run", "many.onnx", "--inputs", "seq(int(0,9))", "--outputs", "seq(int)"),
        "aren't near whole numbers",
    ),
    "two outputs": (
        ("run", "pair.onnx", "--inputs", "seq(bool[2])", "--outputs", "int"),
        "has 2 outputs, and int needs 1",
    ),
    "one output": (
        (*PARITY_LINE, "--outputs", "seq(int[2])"),
        "has 1 outputs",
    ),
    "nested": (
        (*PARITY_LINE, "--outputs", "seq(seq(int))"),
        "use",
    ),
    "reals": (
        (*PARITY_LINE, "--outputs", "seq(real)", "--tolerance", "-1"),
        "at least 0",
    ),
    "tolerance": ((*PARITY_LINE, "--tolerance", "1"), "equality"),
    "margin": ((*PARITY_LINE, "--margin", "1"), "close decisions"),
    "data": ((*PARITY_LINE, "--data", "x.npz"), "sequences"),
    "no state": (
        (*PARITY_LINE, "--initial-state", "no.npy"),
        "doesn't exist",
    ),
    "state of pickles": (
        (*PARITY_LINE, "--initial-state", "pickled.npy"),
        "can't be read",
    ),
    "wide state": (
        (*PARITY_LINE, "--initial-state", "wide.npy"),
        "must have the shape [1]",
    ),
    "inspect data": (("inspect", "parity.onnx", "--recurrent", "--data", "x.npz"), "data can't"),
    "folder": (("show", "foreign"), "isn't the folder"),
    "other items": (("compare", "parity", "parity", "--inputs", "seq(int(0,3))"), "other items"),
    "one value": (
        ("compare", "parity", "end.py", "--inputs", "seq(bool)"),
        "for every item, the other one at the end",
    ),
    "fails": (("compare", "parity", "fails.py", "--inputs", "seq(bool)"), "ZeroDivisionError"),
    "no loop": (("compare", "parity", "no.dsl", "--inputs", "seq(bool)"), "can't read a loop"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case, capsys):
    np.save("wide.npy", np.zeros(2))
    np.save("pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    Path("foreign").mkdir()
    write("end.py", "return True")
    write("fails.py", "return [1 // 0]")
    words, sentence = BAD[case]
    assert sentence in refused(capsys, *words)


def test_what_a_search_can_not_be_given_is_named():
    for given in ({"hints": ["x"]}, {"allowed": ["add"]}, {"forbidden": ["add"]}):
        with pytest.raises(distill.errors.BadInput, match=next(iter(given))):
            distill.distill(PARITY, "seq(bool)", **given)


def test_names_of_a_file_stand_nowhere_in_the_result(tmp_path):
    model = onnx.load_model_from_string(cell_onnx(RUNNING_SUM.cell, 1))
    names = {n for node in model.graph.node for n in (*node.input, *node.output)}
    new = {name: f"{EVIL}{i}" for i, name in enumerate(sorted(names))}
    for node in model.graph.node:
        node.input[:] = [new[n] for n in node.input]
        node.output[:] = [new[n] for n in node.output]
    for part in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        part.name = new[part.name]
    onnx.save(model, "evil.onnx")
    found = distill.distill("evil.onnx", "seq(int(0,9))", length=6)
    for path in found.save("out").iterdir():
        assert b"script" not in path.read_bytes()
    assert found([1, 2]) == [1, 3]
