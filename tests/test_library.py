"""A user's library: saved from one run, called by the next, and refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import distill
from benchmarks.structure.networks import Glue
from benchmarks.structure.repeated import table_layers
from distill.cli import answer
from distill.distillation import Distillation
from distill.errors import BadInput
from distill.library import functions_for, load_library, save_functions
from distill.load import network_from_normal_form
from distill.normal_form import Builder, NormalForm
from dsl.library import added, read_library, same_function
from dsl.meanings.array import run
from dsl.program import Call, call, var, walk
from dsl.text import ParseError
from dsl.types import BOOL, Vector

MAJORITY = """def majority(a: bool, b: bool, c: bool) -> bool =
  a and b or a and c or b and c
"""
ODD = """def odd_one(a: real, b: real) -> real =
  square(sin(3 * a) - cos(b)) + a * exp(0 - b)
"""


def smooth(x: np.ndarray) -> np.ndarray:
    a, b = x[:, 0], x[:, 1]
    return (np.sin(3 * a) - np.cos(b)) ** 2 + a * np.exp(-b)


def calls(found: Distillation) -> set[str]:
    bodies = (d.body for d in found.program.definitions)
    return {n.name for b in bodies for n in walk(b) if isinstance(n, Call)}


def distilled(form: NormalForm, inputs: str, outputs: str | None, **more: object) -> Distillation:
    found = distill.distill(network_from_normal_form(form), inputs, outputs, budget=20, **more)  # type: ignore[arg-type]
    assert isinstance(found, Distillation)
    return found


def tables(count: int) -> NormalForm:
    """An odd function of four truths, at several places."""
    table = np.array([int(c) for c in "0110100110110010"], dtype=bool)
    glue = Glue(Builder(4 * count), np.random.default_rng(0))
    places = [list(range(4 * i, 4 * i + 4)) for i in range(count)]
    return glue.builder.build(glue.beside(0, [table_layers(table)] * count, places))


def test_a_function_is_saved_and_called_by_a_later_run(tmp_path: Path) -> None:
    first = distilled(tables(2), "x: bool[8]", "bool[2] above 0.5")
    assert calls(first) == {"f1"}
    first.save(tmp_path / "run")
    library = tmp_path / "own.dsl"
    assert answer(["library", "save", str(tmp_path / "run"), "--to", str(library)]) == 0
    rename = ["--function", "f1=lock"]
    assert answer(["library", "save", str(tmp_path / "run"), "--to", str(library), *rename]) == 0
    assert [d.name for d in load_library(library)] == ["f1"]
    (single,) = load_library(library)
    found = distilled(tables(1), "x: bool[4]", "bool above 0.5", library=library)
    assert calls(found) == {"f1"}
    assert found.program.definitions[0] == single
    assert found.program.main.body is call("f1", (var("x", Vector(BOOL, (4,))),), BOOL)
    assert found.evidence.verdict == "proved"
    found.save(tmp_path / "again")
    assert distill.check(tmp_path / "again").verdict == "holds"
    scope: dict[str, object] = {}
    exec((tmp_path / "again" / "program.py").read_text(), scope)
    example = [True, False, True, True]
    assert scope["predict"](example) == found(example)  # type: ignore[operator]


def test_the_search_calls_what_it_could_not_find(tmp_path: Path) -> None:
    """A user's function of reals inside of what the bank finds: 2 * f(x, y) + 1."""
    import torch

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            a, b = x[:, 0], x[:, 1]
            f = (torch.sin(3 * a) - torch.cos(b)) ** 2 + a * torch.exp(-b)
            return (2 * f * b + 1)[:, None]

    (tmp_path / "own.dsl").write_text(ODD)
    exported = torch.export.export(
        Model(), (torch.zeros(2, 2),), dynamic_shapes={"x": {0: torch.export.Dim("n")}}
    )
    found = distill.distill(exported, "x: real(-1,1) * y: real(-1,1)", library=tmp_path / "own.dsl")
    assert isinstance(found, Distillation)
    assert calls(found) == {"odd_one"}
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    wanted = 2 * smooth(x) * x[:, 1] + 1
    assert np.abs(np.asarray(run(found.program, (x[:, 0], x[:, 1]))) - wanted).max() < 0.1


def test_the_same_function_is_added_once() -> None:
    (known,) = read_library(MAJORITY)
    other = MAJORITY.replace("majority", "most").replace("(a: bool, b: bool", "(b: bool, a: bool")
    assert same_function(known, read_library(other)[0])
    assert added([known], read_library(other)) == (known,)
    (different,) = read_library(MAJORITY.replace("b and c", "b"))
    assert not same_function(known, different)
    with pytest.raises(ValueError, match="another function named 'majority'"):
        added([known], [different])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "def predict(x: real) -> real = x",
        "def max(x: real) -> real = x",
        "def print(x: real) -> real = x",
        "def x(y: real) -> real = y",
        "def good(x: real) -> real = y",
        "def good(x: real) -> bool = x",
        "def good(x: real) -> real = other(x)",
        MAJORITY + MAJORITY,
        "".join(
            f"def grow{i}(x: real) -> real = "
            + (f"grow{i - 1}(grow{i - 1}(x) + x)" if i else "x * x + x")
            + "\n"
            for i in range(60)
        ),
    ],
)
def test_what_is_no_library_gets_one_sentence(text: str, tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        read_library(text)
    assert 0 < len(str(caught.value)) < 600
    place = tmp_path / "bad.dsl"
    place.write_text(text)
    assert answer(["library", "show", str(place)]) == 2


def test_a_file_that_cannot_be_read_gets_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bytes.dsl").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "long.dsl").write_text("# " * (1 << 20))
    for name in ("bytes.dsl", "long.dsl", "missing.dsl", "."):
        with pytest.raises(BadInput):
            load_library(tmp_path / name)
    with pytest.raises(BadInput, match="name of an input"):
        functions_for(read_library(MAJORITY), ["majority"])


def test_a_taken_name_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    distilled(tables(2), "x: bool[8]", "bool[2] above 0.5").save(tmp_path / "run")
    library = tmp_path / "own.dsl"
    library.write_text("def f1(a: bool) -> bool =\n  not a\n")
    before = library.read_bytes()
    with pytest.raises(BadInput, match="another function named 'f1'"):
        save_functions(tmp_path / "run", library)
    for wrong in ("nothing", "f1=", "f1=two words", "f1=max", "predict"):
        assert (
            answer(
                [
                    "library",
                    "save",
                    str(tmp_path / "run"),
                    "--to",
                    str(library),
                    "--function",
                    wrong,
                ]
            )
            == 2
        )
    assert library.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["own.dsl", "run"]
    (added_one,) = save_functions(tmp_path / "run", library, ["f1=lock"])
    assert added_one.name == "lock"
    assert [d.name for d in load_library(library)] == ["f1", "lock"]
