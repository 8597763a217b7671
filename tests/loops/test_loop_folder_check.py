"""The check of a recurrent network's folder: confirmed as it was written, never after a change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import distill
from distill.checker.folder import check_folder
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.recurrent import RecurrentNetwork, cell_of_layers

WRONG = st.one_of(
    st.sampled_from(
        [None, True, -1, 0, 10**400, 1e308, float("nan"), float("inf"), "", "proved", [], {}, [1],
         "seq(int(0,999999999999))", "seq(x: int(0,1)[99999999])", "seq(int)", "int", "9" * 5000,
         "loop predict(x: int) -> seq(int)\n  out x\n", "A" * 400, 10**18]
    ),
    st.integers(), st.floats(), st.text(max_size=8),
)  # fmt: skip
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    step = [(np.array([[0.0, 0, 1], [1, 0, 0]]), np.zeros(2))]
    readout = [(np.array([[1.0, -1]]), np.zeros(1))]
    network = RecurrentNetwork(cell_of_layers(step, readout), np.zeros(2))
    found = distill.distill(network, inputs="seq(x: int(0,3))", length=8)
    assert isinstance(found, LoopDistillation)
    return found.save(tmp_path_factory.mktemp("loops") / "delay")


def test_a_folder_as_it_was_written_holds(made: Path):
    found = check_folder(made)
    assert found.verdict == "holds", found.lines
    assert any("first state" in line or "initial_state" in line for line in found.lines)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("program.dsl", "= 0", "= 1"),
        ("program.py", "return", "return "),
        ("evidence.json", '"verdict": "proved', '"verdict": "tested'),
        ("evidence.json", "int(0,3)", "int(0,4)"),
        ("evidence.json", "seq(int)", "int"),
        ("summary.txt", "proved", "shown"),
    ],
)
def test_no_file_can_be_changed(made: Path, tmp_path: Path, name: str, before: str, after: str):
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after, 1))
    assert sentence_or_verdict(folder) != "holds"


def test_no_other_first_state_is_taken(made: Path, tmp_path: Path):
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    np.save(folder / "initial_state.npy", np.array([0.0, 1.0]))
    assert sentence_or_verdict(folder) == "refuted"


@pytest.fixture(scope="module")
def literal(tmp_path_factory) -> Path:
    """A run without any search: the program is the network's arithmetic."""
    rng = np.random.default_rng(0)

    def layer(rows: int, columns: int):
        parts = rng.normal(0, 0.5, (rows, columns)), rng.normal(0, 0.5, rows)
        weights, bias = (part.astype(np.float32).astype(np.float64) for part in parts)
        return weights, bias

    network = RecurrentNetwork(
        cell_of_layers([layer(6, 4), layer(3, 6)], [layer(1, 3)]), np.zeros(3)
    )
    found = distill.distill(network, "seq(x: int(0,3))", "seq(bool above 0)", length=6, budget=1)
    return found.save(tmp_path_factory.mktemp("literal") / "own")


def test_a_literal_loop_holds_with_its_own_margin_only(literal: Path, tmp_path: Path):
    evidence = json.loads((literal / "evidence.json").read_text())
    claim = evidence["program_vs_deployed"]
    assert claim["method"] == "relational"
    assert claim["margin"] > 0
    assert sentence_or_verdict(literal) == "holds"
    for name, value in (("margin", claim["margin"] / 3), ("length_bound", 40), ("margin", 0.0)):
        folder = Path(shutil.copytree(literal, tmp_path / f"{name}{value}"))
        changed = {**claim, name: value}
        changed["except"] = f"network's decision margin <= {changed['margin']:.4g}"
        evidence["program_vs_deployed"] = changed
        (folder / "evidence.json").write_text(json.dumps(evidence))
        assert sentence_or_verdict(folder) != "holds"
        lines = "\n".join(check_folder(folder).lines)
        assert ("unknown: " in lines) or "margin is left out" in lines


def test_no_pickle_is_read(made: Path, tmp_path: Path):
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    np.save(folder / "initial_state.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert sentence_or_verdict(folder) == "bad input"


@FUZZ
@given(data=st.data())
def test_no_value_in_the_files_ends_in_a_traceback(made: Path, tmp_path: Path, data):
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made, folder)
    file = folder / data.draw(st.sampled_from(["evidence.json"] * 4 + ["front.json"]))
    content = json.loads(file.read_text())
    place = data.draw(st.sampled_from(sorted(places(content), key=str)))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = data.draw(WRONG)
    file.write_text(json.dumps(content))
    sentence_or_verdict(folder)


def places(data, above=()):
    """Paths to all that a JSON value holds."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from places(value, (*above, key))


def sentence_or_verdict(folder: Path) -> str:
    """The check must not end in any other way."""
    try:
        return check_folder(folder).verdict
    except BadInput as error:
        told = str(error)
    assert len(told) < 1000
    assert "\n" not in told
    return "bad input"
