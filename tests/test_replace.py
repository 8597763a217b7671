"""The program in the network's place, on labelled data."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import distill
from distill.cli import answer
from distill.distillation import Distillation
from distill.errors import BadInput
from distill.replace import mcnemar, replacement
from dsl.text import parse_program
from tests.loops.networks import PARITY

MODEL = Path(__file__).resolve().parent.parent / "examples" / "majority" / "model.onnx"
ROWS = np.array(list(product([0, 1], repeat=5)), float)
MAJORITY = ROWS.sum(1) >= 3


@pytest.fixture(scope="module")
def majority() -> Distillation:
    found = distill.distill(MODEL, inputs="x: bool[5]", outputs="bool")
    assert isinstance(found, Distillation)
    return found


def test_both_are_as_right_where_the_program_is_the_network(majority: Distillation) -> None:
    labels = MAJORITY.copy()
    labels[:3] = ~labels[:3]
    found = replacement(majority, (ROWS, labels))
    assert {s.name: s.right for s in found.sides} == {"original": 29, "program": 29}
    assert found.pairs[0].p == 1.0
    assert found.examples == ()


def test_rows_on_which_a_wrong_program_differs_are_listed(majority: Distillation) -> None:
    wrong = parse_program("def predict(x: bool[5]) -> bool = sum(as_int(x)) >= 4")
    found = replacement(replace(majority, program=wrong), (ROWS, MAJORITY))
    threes = np.flatnonzero(ROWS.sum(1) == 3)
    assert [e.row for e in found.examples] == threes.tolist()
    pair = found.pairs[0]
    assert (pair.gained, pair.lost, pair.differing) == (0, 10, 10)
    assert pair.p == pytest.approx(2 / 2**10)
    assert "row 7: label True; original True, program False" in found.summary()


def test_rows_outside_the_domain_are_counted_apart(majority: Distillation) -> None:
    found = replacement(majority, (np.concatenate([ROWS, [[2.0] * 5]]), np.append(MAJORITY, 1)))
    assert (found.rows, found.outside) == (32, 1)


def test_sequences_are_right_where_every_output_is() -> None:
    loop = distill.distill(PARITY, inputs="seq(bool)")
    x = np.array([[0, 1, 1], [1, 1, 1]], float)
    y = np.array([[0, 1, 0], [1, 0, 0]])
    found = replacement(loop, (x, y))
    assert {s.right for s in found.sides} == {1}
    assert (found.rows, found.pairs[0].differing) == (2, 0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemars_p_is_a_symmetric_probability(gained: int, lost: int) -> None:
    p = mcnemar(gained, lost)
    assert 0 < p <= 1
    assert p == mcnemar(lost, gained)
    assert (gained != lost) or p == 1.0


def test_the_command_prints_text_and_json(
    majority: Distillation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(majority.save(tmp_path / "out"))
    np.savez(tmp_path / "data.npz", x=ROWS, y=MAJORITY)
    line = ["replace", folder, "--data", str(tmp_path / "data.npz")]
    assert answer(line, debug=True) == 0
    assert "right on 32 of 32 (100.00 %)" in capsys.readouterr().out
    assert answer([*line, "--json"], debug=True) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 32


def test_a_table_with_a_label_column_is_read(majority: Distillation, tmp_path: Path) -> None:
    lines = [
        "a,b,c,d,e,y",
        *(",".join(map(str, [*r, int(m)])) for r, m in zip(ROWS, MAJORITY, strict=True)),
    ]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    assert replacement(majority, tmp_path / "data.csv").sides[1].right == 32


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (ROWS, MAJORITY[:5], "32 inputs and 5 labels"),
        (ROWS[:, :4], MAJORITY, "the network takes 5"),
        (ROWS, ROWS.sum(1), "must be 0 and 1"),
        (ROWS + 5, MAJORITY, "no row of the data lies in the domain"),
        (ROWS, np.array(["a"] * 32), "must be numbers"),
    ],
)
def test_data_that_dont_fit_get_a_sentence(
    majority: Distillation, x: np.ndarray, y: np.ndarray, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        replacement(majority, (x, y))


def test_unlabelled_data_get_a_sentence(majority: Distillation, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=ROWS)
    with pytest.raises(BadInput, match="no array named y"):
        replacement(majority, tmp_path / "data.npz")
