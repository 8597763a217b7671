"""Every bad input that the command line can be given: one sentence, exit 2, nothing written."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from distill.cli import answer
from tests.load.models import mlp, model, save

ROOT = Path(__file__).resolve().parent.parent
MAJORITY = str(ROOT / "examples" / "majority" / "model.onnx")
EVIL = "x\"]\n\x1b[31m<script>alert(1)</script>\u202e'; import os; def"


class Bomb:
    """A pickle that would leave a file behind."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, ("exploded", "w")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    before = sorted(p.name for p in Path().iterdir())
    code = answer(list(words))
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, ""), printed
    lines = printed.err.splitlines()
    assert len(lines) == 1, printed.err
    assert lines[0].startswith("distill: ")
    assert lines[0].isprintable()
    assert sorted(p.name for p in Path().iterdir()) == before
    return lines[0]


def write(name: str, content: bytes) -> str:
    Path(name).write_bytes(content)
    return name


def keep(proto: onnx.ModelProto, name: str = "m.onnx") -> str:
    return str(save(proto, Path(), name))


def archive_with_pickle() -> str:
    with zipfile.ZipFile("m.pt2", "w") as archive:
        archive.writestr("m/data/sample_inputs/model.pt", pickle.dumps(Bomb()))
        archive.writestr("m/archive_format", "pt2")
    return "m.pt2"


def external_weights() -> str:
    proto = mlp()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secrets.bin"
    return keep(proto)


def node(kind: str, *names: str) -> onnx.NodeProto:
    return helper.make_node(kind, names[:-1], names[-1:])


RECTANGLE = numpy_helper.from_array(np.zeros((3, 2), np.float32), "w")

MODELS: dict[str, tuple[Callable[[], str], str]] = {
    "missing file": (lambda: "nowhere.onnx", "does not exist"),
    "folder": (lambda: "..", "is a folder"),
    "empty file": (lambda: write("m.onnx", b""), "is empty"),
    "empty pt2": (lambda: write("m.pt2", b""), "is empty"),
    "truncated": (lambda: write("m.onnx", mlp().SerializeToString()[:150]), "cut short"),
    "text renamed": (lambda: write("m.onnx", b"hello there\n" * 40), "no ONNX model"),
    "text renamed pt2": (lambda: write("m.pt2", b"hello there\n" * 40), "m.pt2"),
    "other suffix": (lambda: write("m.txt", b"hello"), ".onnx or .pt2"),
    "pickle": (lambda: write("m.onnx", pickle.dumps(Bomb())), "pickle"),
    "pickle as pt2": (lambda: write("m.pt2", pickle.dumps(Bomb())), "pickle"),
    "pickle as pt": (lambda: write("m.pt", pickle.dumps(Bomb())), "pickle"),
    "pt2 with a pickle": (archive_with_pickle, "pickle"),
    "external file": (external_weights, "inside the model's own folder"),
    "NaN weight": (lambda: keep(mlp(b1=np.array([0, np.nan, 1, 2]))), "finite"),
    "infinite weight": (lambda: keep(mlp(b1=np.array([0, np.inf, 1, 2]))), "finite"),
    "unsupported": (lambda: keep(model([node("Mystery", "x", "y")])), "operation Mystery"),
    "cycle": (
        lambda: keep(
            model([node("Add", "x", "b", "a"), node("Relu", "a", "b"), node("Neg", "b", "y")])
        ),
        "cycle",
    ),
    "no output": (lambda: keep(model([node("Relu", "x", "y")], outputs=())), "no output"),
    "shapes": (
        lambda: keep(model([node("MatMul", "x", "w", "y")], [RECTANGLE], inputs=(("x", [1, 4]),))),
        "Shapes disagree",
    ),
    "terabytes": (
        lambda: keep(model([node("Relu", "x", "y")], inputs=(("x", [1, 2**40]),))),
        "at most",
    ),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_bad_model_is_refused(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = MODELS[case]
    path = make()
    assert words in refused(capsys, "inspect", path)
    assert words in refused(capsys, "run", path, "--inputs", "real(-1,1)[3]", "--budget", "5")
    assert not Path("exploded").exists()


def save_data(**arrays: np.ndarray) -> str:
    np.savez("d.npz", **arrays)  # pyright: ignore[reportArgumentType]
    return "d.npz"


def plain_array() -> str:
    np.save("d.npy", np.zeros((3, 5)))
    return str(Path("d.npy").rename("d.npz"))


DATA: dict[str, tuple[Callable[[], str], str]] = {
    "missing": (lambda: "nowhere.npz", "nowhere"),
    "empty": (lambda: write("d.npz", b""), "d.npz"),
    "text": (lambda: write("d.npz", b"hello there"), "d.npz"),
    "other suffix": (lambda: write("d.txt", b"1,2"), ".npz"),
    "pickle": (lambda: write("d.npz", pickle.dumps(Bomb())), "d.npz"),
    "plain array": (plain_array, "d.npz"),
    "no x": (lambda: save_data(y=np.zeros(3)), "x"),
    "objects": (lambda: save_data(x=np.array([[Bomb()] * 5], dtype=object)), "d.npz"),
    "words": (lambda: save_data(x=np.array([["a"] * 5])), "number"),
    "wrong columns": (lambda: save_data(x=np.zeros((7, 4))), "5"),
    "no rows": (lambda: save_data(x=np.zeros((0, 5))), "row"),
    "NaN": (lambda: save_data(x=np.full((3, 5), np.nan)), "finite"),
    "csv without header": (lambda: write("d.csv", b""), "d.csv"),
    "csv of words": (lambda: write("d.csv", b"a,b,c,d,e\n1,2,3,4,no\n"), "number"),
    "csv with wrong columns": (lambda: write("d.csv", b"a,b\n1,0\n"), "5"),
    "ragged csv": (lambda: write("d.csv", b"a,b,c,d,e\n1,0\n"), "d.csv"),
}


@pytest.mark.parametrize("case", DATA)
def test_bad_data_are_refused(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = DATA[case]
    path = make()
    assert words in refused(capsys, "inspect", MAJORITY, "--data", path)
    line = ("run", MAJORITY, "--inputs", "bool[5]", "--data", path, "--budget", "5")
    assert words in refused(capsys, *line)
    assert not Path("exploded").exists()


def test_a_domain_that_does_not_fit_is_refused_with_both_sizes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sentence = refused(capsys, "run", MAJORITY, "--inputs", "real(-1,1)[4]")
    assert "real(-1,1)[4]" in sentence
    assert "5" in sentence


DOMAINS = {
    "empty by its condition": ("x: bool[5] where count(x) > 9", "meets its condition"),
    "overflow": ("real(0,1e308)[5]", "finite numbers"),
    "overflow by its encoding": ("real(0,1)[5] as affine(1e300,0)", "finite numbers"),
    "ints that floats can't hold": ("int(0,9223372036854775807)[5]", "too large"),
    "division by zero": ("real(0,1/0)[5]", "divides by zero"),
    "nested": ("x: bool[5] where " + "(" * 3000, "expected a name"),
    "no text": ("\x00\u202e", "unexpected"),
}


@pytest.mark.parametrize("case", DOMAINS)
def test_a_domain_that_can_not_be_used(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, words = DOMAINS[case]
    line = ("run", MAJORITY, "--outputs", "bool", "--budget", "5", "--inputs", text)
    assert words in refused(capsys, *line)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--seed", "9" * 400), "--seed is too large"),
        (("--budget", "nan"), "--budget is nan"),
        (("--outputs", "bool above 1e999"), "'above' needs"),
        (("--outputs", "real" * 3000), "there is no type"),
        (("--out", "a\x00b"), "Can't write"),
        (("--out", "x" * 3000), "name too long"),
        (("--data", "x" * 3000), "name too long"),
    ],
)
def test_options_that_make_no_sense(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = refused(capsys, "run", MAJORITY, "--inputs", "bool[5]", "--budget", "5", *words)
    assert said in sentence.replace("File name", "name").replace("file name", "name")
    assert len(sentence) < 1100


def test_a_file_name_that_no_disk_takes(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("inspect", "check", "show"):
        assert "too long" in refused(capsys, command, "x" * 5000)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"", b"def f(x: bool[5]) -> bool = " + b"(" * 9000]
)
def test_a_program_file_that_is_none(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("p.dsl", content)
    assert "p.dsl" in refused(capsys, "compare", path, MAJORITY, "--inputs", "bool[5]")


def test_an_output_type_that_does_not_fit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    line = ("run", MAJORITY, "--inputs", "bool[5]", "--outputs")
    assert "category(7)" in refused(capsys, *line, "category(7)")
    assert "can't read the output type" in refused(capsys, *line, "poem")


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_folder_that_no_run_wrote_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nowhere" in refused(capsys, command, "nowhere")
    Path("empty").mkdir()
    assert "empty" in refused(capsys, command, "empty")
    Path("broken").mkdir()
    for content in (b"{", b"[" * 100_000, b'{"schema": 1e999}', b"\xff"):
        write("broken/evidence.json", content)
        assert "broken" in refused(capsys, command, "broken")


def test_two_networks_of_other_sizes_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    other = keep(mlp())
    assert "5" in refused(capsys, "compare", MAJORITY, other, "--inputs", "bool[5]")


SCRIPTS = {
    "syntax": b"def predict(:",
    "fails": b"import no_such_module",
    "exits": b"raise SystemExit(0)",
    "no predict": b"x = 1",
    "no function": b"predict = 3",
    "other arguments": b"def predict(): return 1",
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_a_python_file_that_can_not_be_compared(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("p.py", SCRIPTS[case])
    sentence = refused(capsys, "compare", MAJORITY, path, "--inputs", "x: bool[5]")
    assert "p.py" in sentence or "function" in sentence


def renamed(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model with its input, output, a node and its graph named otherwise."""
    graph = proto.graph
    graph.name = graph.input[0].name = graph.node[0].input[0] = name
    graph.node[-1].output[0] = graph.output[0].name = name + "!"
    graph.node[1].name = graph.doc_string = name
    return proto


def test_evil_names_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    path = keep(renamed(mlp(), EVIL), "evil.onnx")
    assert answer(["inspect", path]) == 0
    assert "\x1b[31m" not in capsys.readouterr().out
    line = ["run", path, "--inputs", "real(-1,1)[3]", "--budget", "5", "--out", "out"]
    assert answer(line) in (0, 3)
    source = Path("out/program.py").read_text()
    compile(source, "program.py", "exec")
    for bad in ("\x1b", "\u202e", "<script>", "import os"):
        assert bad not in source
    assert answer(["check", "out"]) == 0
