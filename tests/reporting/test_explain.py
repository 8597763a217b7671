"""One example walked through, and which data drives which line, on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import distill
from distill.cli import answer
from distill.data_rows import read_data
from distill.errors import BadInput
from distill.walkthrough import explain
from dsl.text import parse_program
from tests.reporting.pages import addition, largest, majority


def test_every_variable_stands_beside_the_networks_activation():
    found = majority()
    example = [True, False, True, True, False]
    told = explain(found, inputs=[example])
    (step,) = told.steps
    assert [(v.name, v.value) for v in step.inputs] == [("x", example)]
    (count,) = step.variables
    place = (found.located or {})["variables"][0]["place"]
    wires = found.network.wires(np.array([example], dtype=float))
    wanted = wires[place["wire"]].reshape(-1) @ np.array(place["read"]).T
    assert (count.name, count.value) == ("count(x)", 3)
    assert np.allclose(count.activation, wanted)
    assert "hidden layer 1" in count.place
    assert step.program is True and step.network is True and told.agree
    assert told.turns[0].sides == ("true",) and told.turns[0].margin == 1.0


def test_without_locate_only_the_programs_values_are_told():
    (step,) = explain(
        replace(majority(), located=None), inputs="[true,true,false,false,false]"
    ).steps
    assert step.variables[0].value == 2
    assert step.variables[0].activation == () and step.variables[0].place == ""


def test_places_that_the_network_does_not_have_are_left_out():
    place = {"wire": "nowhere", "label": "x", "read": [[1.0]]}
    row = {"variable": "count(x)", "verdict": "located", "place": place}
    for rows in (
        [row],
        [{**row, "place": {**place, "wire": majority().network.input}}],
        "odd",
        [3],
    ):
        found = replace(majority(), located={"variables": rows})
        (step,) = explain(found, inputs=[[True] * 5]).steps
        assert step.variables[0].value == 5
        assert step.variables[0].activation == ()


def test_a_sequence_is_walked_item_by_item():
    told = explain(addition(), inputs="[1,1],[0,1],[0,0]")
    assert [s.item for s in told.steps] == [0, 1, 2]
    assert [s.variables[0].value for s in told.steps] == [False, True, True]
    assert [s.program for s in told.steps] == [False, False, True]
    assert [s.network for s in told.steps] == [False, False, True]
    assert told.agree


def test_an_example_of_the_data_is_a_row_of_the_file(tmp_path: Path, capsys):
    folder = largest().save(tmp_path / "run")
    np.savez(tmp_path / "rows.npz", x=np.array([[0.5, -0.5], [3.0, 0.0], [-0.25, 0.75]]))
    data = str(tmp_path / "rows.npz")
    assert answer(["explain", str(folder), "--data", data, "--example", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["example"] == 2
    assert [v["value"] for v in told["steps"][0]["inputs"]] == [-0.25, 0.75]
    assert answer(["explain", str(folder), "--data", data, "--example", "1"]) == 2
    assert "outside the domain" in capsys.readouterr().err


def test_rows_outside_the_domain_keep_the_numbers_of_the_others():
    rows = read_data(largest(), np.array([[9.0, 0.0], [0.5, 0.0], [9.0, 9.0], [0.0, 0.25]]))
    assert rows.numbers.tolist() == [1, 3]
    assert (rows.total, rows.place(3)) == (4, 1)
    with pytest.raises(BadInput, match="outside the domain"):
        rows.place(0)


def test_lines_are_printed_with_how_many_examples_come_to_each(tmp_path: Path, capsys):
    text = (
        "def predict(x: bool[5]) -> bool =\n"
        "  if count(x) > 2 then (if count(x) == 4 then x[0] else true) else count(x) > 9\n"
    )
    folder = replace(majority(), program=parse_program(text), located=None).save(tmp_path / "run")
    x = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]])
    np.savez(tmp_path / "rows.npz", x=x)
    assert answer(["explain", str(folder), "--data", str(tmp_path / "rows.npz")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "3    if count(x) > 2" in printed
    assert "2      then if count(x) == 4 then x[0] else true" in printed
    assert "1      else count(x) > 9" in printed
    assert any(line.startswith("  0  then    <- no example comes here") for line in printed)
    assert any("nearest to another side: example 2 (0)" in line for line in printed)


def test_from_python():
    assert distill.explain(largest(), inputs=[0.5, -1.0]).agree
    with pytest.raises(BadInput, match="give either"):
        distill.explain(largest())
    with pytest.raises(BadInput, match="say which example"):
        distill.explain(largest(), np.zeros((2, 2)))
