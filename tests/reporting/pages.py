"""Results to report on, made once per session."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import distill
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.reporting.write import report_text

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
NETWORKS = EXAMPLES.parent / "benchmarks" / "networks"

HOSTILE = (
    "<script>window.hacked=1</script>",
    "\"'><img src=x onerror=window.hacked=1>",
    "</title></style><svg onload=window.hacked=1>",
    "lambda",
    "&lt;&amp;",
    "javascript:window.hacked=1",
    "a" * 10_000,
    "\u202egnp.exe",
    "nul\0inside",
    "]]>--><!--",
)


@cache
def majority() -> Distillation:
    model = EXAMPLES / "majority" / "model.onnx"
    found = distill.distill(model, "bool[5]", "bool", budget=10)
    assert isinstance(found, Distillation)
    return found.with_variables(found.locate(200))


@cache
def largest() -> Distillation:
    model = EXAMPLES / "largest" / "model.onnx"
    found = distill.distill(model, "a: real(-1,1) * b: real(-1,1)", budget=10, steps=2000)
    assert isinstance(found, Distillation)
    return found


@cache
def addition() -> LoopDistillation:
    model = EXAMPLES / "addition" / "model.onnx"
    found = distill.distill(model, "seq(a: bool * b: bool)", budget=5, steps=20_000)
    assert isinstance(found, LoopDistillation)
    return found


@cache
def digits() -> Distillation:
    """The largest network of the suite, as its own arithmetic."""
    model = NETWORKS / "digits_relu50x50_s0.onnx"
    found = distill.distill(model, "x: image(8,8,int(0,16))", "category(10)", steps=1, budget=20)
    assert isinstance(found, Distillation)
    return found


def hostile(text: str) -> Distillation:
    """A result in which all that a file may name is called so."""
    found = majority()
    claim = found.evidence.program_vs_deployed
    counter = {"inputs": [[text]], "network": text, "program": text, "kind": text, text: text}
    bad = replace(claim, verdict="refuted", statement=text, counterexamples=[counter], exempt=text,
                  regions=[{"condition": text, "differing": 0.5}])  # fmt: skip
    names = {"versions": {text: text}, "hashes": {"network": text, "original": "other"}}
    evidence = replace(found.evidence, program_vs_deployed=bad, domain=text, output=text, **names)
    place = {"wire": text, "label": text, "read": [[1.0]], "width": 9, "dimension": 1}
    row = {"variable": text, "verdict": "located", "place": place, "reason": text}
    return replace(found, note=text, evidence=evidence, located={"variables": [row]})


class Reader(HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def page_of(found: Any, data: Any = None, name: str = "a run") -> str:
    return report_text(found, name, data)
