"""What notebooks show: the program and what is known, escaped, without scripts."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

import distill
from distill.distillation import Distillation
from dsl.loop_text import parse_loop
from dsl.text import parse_program

MAJORITY = Path(__file__).resolve().parents[2] / "examples/majority/model.onnx"


class Reader(HTMLParser):
    """The tags and the text of a fragment; every tag has to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick", "onload"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def majority() -> Distillation:
    found = distill.distill(MAJORITY, "x: bool[5]", "bool")
    assert isinstance(found, Distillation)
    return found


def test_a_result_shows_its_program_and_its_evidence(majority: Distillation) -> None:
    read = Reader(majority.label("predict", "<script>alert(1)</script>\u202e")._repr_html_())
    assert read.tags <= {"div", "pre", "table", "tr", "th", "td"}
    assert "def predict(x: list[bool]) -> bool:\n    return sum(x) > 2" in read.text
    assert "equal on all 32 inputs" in read.text
    assert "predict means<script>alert(1)</script>\\u202e" in read.text


def test_evidence_and_claims_are_shown(majority: Distillation) -> None:
    assert "proved (exhaustive)" in Reader(majority.evidence._repr_html_()).text
    wrong = majority.choose(parse_program("def predict(x: bool[5]) -> bool =\n  count(x) < 3\n"))
    shown = Reader(wrong.evidence.program_vs_deployed._repr_html_())
    assert "refuted" in shown.text
    assert "differs at{'x': [" in shown.text


def test_programs_and_loops_are_shown_as_they_are_written() -> None:
    program = parse_program("def predict(x: real) -> bool =\n  x < 2\n")
    assert Reader(program._repr_html_()).text == str(program)
    loop = parse_loop(
        "loop predict(x: bool) -> seq(bool)\n  start s: bool = false\n  out s\n  next s = x\n"
    )
    assert Reader(loop._repr_html_()).text == str(loop)
