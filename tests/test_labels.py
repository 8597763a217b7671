"""Names and meanings: kept, used in every export, carried to later runs, never taken for more."""

from __future__ import annotations

import ast
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import distill
from distill.cli import answer
from distill.describe import Service, described
from distill.distillation import Distillation
from distill.errors import BadInput
from distill.export.forms import Target
from distill.labels import LONGEST_MEANING, Label, Labels, carried, labelled
from dsl.text import parse_program

ROOT = Path(__file__).resolve().parent.parent
MAJORITY = str(ROOT / "examples/majority/model.onnx")
TEXT = """def f1(a: bool, b: bool) -> int =
  as_int(a) + as_int(b)
def predict(x: bool[5]) -> bool =
  f1(x[0], x[1]) + f1(x[2], x[3]) + as_int(x[4]) > 2
"""
HOSTILE = (
    "</script><script>alert(1)</script>",
    '""" + __import__("os").system("true") + """',
    "*/ int main(void) { return 1; } /*",
    "evil\u202egnp.exe\u2066",
    "line\nline\r\x00\x1b[31m",
    "\\end{document} % } {",
    "שלום עולם",
)


@pytest.fixture(scope="module")
def majority() -> Distillation:
    found = distill.distill(MAJORITY, "x: bool[5]", "bool")
    assert isinstance(found, Distillation)
    made = found.choose(parse_program(TEXT))
    assert isinstance(made, Distillation)
    return made


@pytest.fixture
def folder(majority: Distillation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    majority.save("m")
    return "m"


def test_a_name_and_a_meaning_are_kept_and_the_evidence_holds(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["label", folder, "f1=how_many", "how many of two are true"]) == 0
    assert answer(["label", folder, "predict", "the vote of five"]) == 0
    capsys.readouterr()
    assert answer(["label", folder]) == 0
    listed = capsys.readouterr().out
    assert "how_many  how many of two are true" in listed
    assert "predict   the vote of five" in listed
    assert answer(["check", folder]) == 0
    assert answer(["show", folder, "--as", "english"]) == 0
    assert "how_many means: how many of two are true" in capsys.readouterr().out


@pytest.mark.parametrize("form", list(Target))
def test_every_export_has_the_meaning(majority: Distillation, form: str) -> None:
    found = majority.label("f1", "how many of two", "how_many").export(form)
    told = found if isinstance(found, bytes) else found.encode()
    assert b"how many of two" in told
    assert form not in ("python", "latex") or b"how" in told.replace(b"how many of two", b"")


def code_of(form: str, text: str) -> str:
    """All of a text but its comments and its docstring."""
    if form in (Target.python, Target.numpy, Target.torch):
        return ast.dump(ast.Module(ast.parse(text).body[1:], []))
    if form == Target.c:
        return re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    mark = "%" if form == Target.latex else ";"
    return "\n".join(line for line in text.splitlines() if not line.startswith(mark))


@pytest.mark.parametrize("meaning", HOSTILE)
def test_hostile_meanings_are_escaped_everywhere(
    majority: Distillation, meaning: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = majority.label("predict", meaning)
    for form in Target:
        text = found.export(form)
        if isinstance(text, str):
            assert text.isascii()
            assert code_of(form, text) == code_of(form, str(majority.export(form)))
    found.save(tmp_path / "m")
    again = Distillation.load(tmp_path / "m")
    assert [x.meaning for x in again.labels.here] == [meaning]
    assert answer(["label", str(tmp_path / "m")]) == 0
    assert answer(["report", str(tmp_path / "m")]) == 0
    assert all(c.isprintable() or c == "\n" for c in capsys.readouterr().out)
    page = (tmp_path / "m" / "report.html").read_text()
    assert "<script>alert" not in page
    assert not {"\x00", "\x1b", "\u202e", "\u2066"} & set(page)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["f9=x_y", "m"], "no function 'f9'"),
        (["f1=class", "m"], "class"),
        (["f1=predict", "m"], "predict"),
        (["f1=a b", "m"], "can't be a function's name"),
        (["f1=" + "x" * 10_000, "m"], "can't be a function's name"),
        (["f1=max", "m"], "max"),
        (["predict=vote", "m"], "keeps its name"),
        (["f1", "m" * 10_000], "10,000"),
        (["f1"], "Say what it means"),
        (["f1", "m", "--remove"], "--remove takes"),
    ],
)
def test_what_cant_be_used_is_one_sentence(
    folder: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p.name: p.read_bytes() for p in Path(folder).iterdir()}
    assert answer(["label", folder, *words]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert {p.name: p.read_bytes() for p in Path(folder).iterdir()} == before


@pytest.mark.parametrize(
    "content", ["", "[]", '{"schema": 1}', '{"schema": 1, "labels": [{}], "aside": []}', "{" * 9999]
)
def test_a_file_of_labels_that_is_none(
    folder: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(folder, "labels.json").write_text(content)
    assert answer(["show", folder]) == 2
    assert answer(["run", MAJORITY, "--inputs", "bool[5]", "--outputs", "bool", "--out", "m"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all("labels.json" in line for line in lines)
    assert Path(folder, "labels.json").read_text() == content


def test_removing_forgets_the_meaning_only(folder: str) -> None:
    assert answer(["label", folder, "f1=how_many", "words"]) == 0
    assert answer(["label", folder, "how_many", "--remove"]) == 0
    found = Distillation.load(folder)
    assert [(x.name, x.meaning) for x in found.labels.here] == [("how_many", "")]
    assert "how_many" in str(found.program)


def labels_of(text: str, *functions: tuple[str, str, str]) -> Labels:
    program, labels = parse_program(text), Labels()
    for function, name, meaning in functions:
        program, labels = labelled(program, labels, function, name, meaning)
    return labels


def test_labels_go_to_the_function_that_does_the_same() -> None:
    labels = labels_of(TEXT, ("f1", "how_many", "of two"))
    other = """def f1(p: bool) -> int =
  if p then 1 else 0
def f2(q: bool, r: bool) -> int =
  as_int(r) + as_int(q)
def predict(x: bool[5]) -> bool =
  f2(x[0], x[1]) + f2(x[2], x[3]) + f1(x[4]) > 2
"""
    made, found = carried(parse_program(other), labels)
    assert "how_many(x[0], x[1]) + how_many(x[2], x[3]) + f1(x[4])" in str(made)
    assert [(x.name, x.meaning) for x in found.here] == [("how_many", "of two")]
    assert found.aside == ()
    by_values = other.replace("as_int(r) + as_int(q)", "if q then 1 + as_int(r) else as_int(r)")
    made, found = carried(parse_program(by_values), labels)
    assert "how_many(x[0], x[1])" in str(made)


def test_labels_without_a_partner_are_kept_aside() -> None:
    labels = labels_of(TEXT, ("f1", "how_many", "of two"))
    other = TEXT.replace("as_int(a) + as_int(b)", "as_int(a) - as_int(b)")
    made, found = carried(parse_program(other), labels)
    assert str(made) == other
    assert (found.here, [x.name for x in found.aside]) == ((), ["how_many"])
    _, back = carried(parse_program(TEXT), found)
    assert [x.name for x in back.here] == ["how_many"]


def test_a_later_run_to_the_folder_keeps_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ["run", MAJORITY, "--inputs", "bool[5]", "--outputs", "bool", "--out", "m"]
    assert answer(line) == 0
    assert answer(["label", "m", "predict", "the vote of five"]) == 0
    capsys.readouterr()
    assert answer(line) == 0
    assert "meaning   predict: the vote of five" in capsys.readouterr().out
    assert answer(["check", "m"]) == 0


class Stub(BaseHTTPRequestHandler):
    """A service that answers with what its server holds."""

    def do_POST(self) -> None:
        server: Any = self.server
        length = int(self.headers["Content-Length"])
        server.asked.append((self.path, self.headers, json.loads(self.rfile.read(length))))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(server.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def service() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Stub)
    server.asked = []  # type: ignore[attr-defined]
    server.answer = reply("It says whether\nmost are <b>true</b>.")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def reply(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


def test_a_language_models_words_are_marked_as_unverified(
    folder: str,
    service: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WORDS_KEY", "secret")
    url = f"http://127.0.0.1:{service.server_port}/v1"
    line = ["describe", folder, "--endpoint", url, "--model", "small-1", "--key", "WORDS_KEY"]
    assert answer(["label", folder, "predict", "the vote of five"]) == 0
    assert answer(line) == 0
    assert answer(["report", folder]) == 0
    asked = service.asked  # type: ignore[attr-defined]
    assert [(path, body["model"]) for path, _, body in asked] == [
        ("/v1/chat/completions", "small-1")
    ]
    assert asked[0][1]["Authorization"] == "Bearer secret"
    assert "f1" in asked[0][2]["messages"][0]["content"]
    told = "It says whether most are <b>true</b>. (unverified, by small-1)"
    assert told in capsys.readouterr().out
    found = Distillation.load(folder)
    assert told in found.summary()
    assert "unverified" in str(found.export("c"))
    assert "secret" not in "".join(p.read_text(errors="ignore") for p in Path(folder).iterdir())
    page = Path(folder, "report.html").read_text()
    assert "unverified, by small-1" in page
    assert "<b>true" not in page
    assert {x.name: x.by for x in found.labels.here} == {"predict": "", "f1": "small-1"}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"choices": []}', reply(" "), b"\xff", b"[" * 99999]
)
def test_a_bad_answer_loses_nothing(
    majority: Distillation, service: HTTPServer, content: bytes
) -> None:
    service.answer = content  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="holds no sentence"):
        described(majority, Service(f"http://127.0.0.1:{service.server_port}/v1", "m"))


def test_a_long_answer_is_cut(majority: Distillation, service: HTTPServer) -> None:
    service.answer = reply("word " * 9999)  # type: ignore[attr-defined]
    made = described(majority, Service(f"http://127.0.0.1:{service.server_port}/v1", "m"))
    assert all(len(x.meaning) <= LONGEST_MEANING for x in made.labels.here)


def test_a_service_that_cant_be_used_is_one_sentence(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["describe", folder, "--model", "m", "--endpoint"]
    for more in (
        ["file:///etc/passwd"],
        ["http://127.0.0.1:1/v1"],
        ["http://a/v1", "--key", "NOPE"],
    ):
        assert answer([*base, *more]) == 2
        printed = capsys.readouterr()
        assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert not Path(folder, "labels.json").exists()


def test_labels_are_read_as_they_were_written() -> None:
    label = Label("a_b", "words", "def a_b(x: bool) -> bool =\n  x\n", "m")
    labels = Labels((label,), (label,))
    assert Labels.from_json(json.loads(json.dumps(labels.to_json()))) == labels
