"""Networks from the texts of a finished distillation, no .onnx at hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import distill
from benchmarks.structure.networks import glued
from distill.cli import answer, main
from distill.errors import BadInput
from distill.load import load, network_from_normal_form
from distill.normal_form import Affine
from distill.reconstruct import own_form, rebuilt, reconstruct
from distill.standing import own_arithmetic
from distill.target import make_target, parse_output
from dsl.domain_text import parse_domain


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two modules, one after the other, distilled; the .onnx files are gone."""
    place = tmp_path_factory.mktemp("rebuilt") / "chain.distilled"
    network = network_from_normal_form(glued(3)[1])
    found = distill.distill(network, "x: real(-1,1)[4]", steps=1_200_000)
    assert found.pieces
    found.save(place)
    for file in place.glob("*.onnx"):
        file.unlink()
    return place


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (300, 4))


def test_the_last_level_has_the_networks_own_weights(folder: Path, inputs: np.ndarray):
    found, level = reconstruct(folder)
    form, own = found.network.normal_form(), network_from_normal_form(glued(3)[1]).normal_form()
    assert found.own
    assert level >= 3
    for one, other in zip(form.nodes, own.nodes, strict=True):
        assert type(one) is type(other)
        if isinstance(one, Affine) and isinstance(other, Affine):
            assert (one.bias == other.bias).all()
            pairs = zip(one.terms, other.terms, strict=True)
            assert all(s == t and (m == n).all() for (s, m), (t, n) in pairs)
    assert (form.run(inputs) == own.run(inputs)).all()


def test_every_level_keeps_its_claim(folder: Path, inputs: np.ndarray):
    own = glued(3)[1].run(inputs)
    claimed = json.loads((folder / "evidence.json").read_text())["program_vs_deployed"]["achieved"]
    last = reconstruct(folder)[1]
    for level in range(last + 1):
        found, number = reconstruct(folder, level)
        assert number == level
        room = 1e-5 if level >= last - 1 else claimed + 1e-5
        assert np.abs(found.network.run(inputs) - own).max() <= room


@pytest.mark.parametrize(
    ("inputs_text", "output"),
    [
        ("a: bool[2] * n: int(0,3) as onehot", "bool above 0.5"),
        ("x: real(0,4)[2] as affine(0.5,-1) * b: bool as -1/1 * n: int(0,7) as bits(3)", "real"),
        ("x: real(-1,1)[6]", "category(3)"),
        ("n: int(0,7) as bits(3) * m: int(0,7) as bits(3)", "int"),
    ],
)
def test_literal_programs_are_read_back_whatever_the_encoding(inputs_text: str, output: str):
    rng = np.random.default_rng(4)
    from benchmarks.structure.networks import Glue, layers
    from distill.normal_form import Builder

    glue, wide = Glue(Builder(6), rng), 3 if "category" in output else 1
    wire = glue.beside(0, [layers(rng, 6, 5, 4, wide)], [list(range(6))])
    form = glue.builder.build(wire)
    target = make_target(
        network_from_normal_form(form), parse_domain(inputs_text), parse_output(output)
    )
    literal = own_arithmetic(target)
    found = own_form(literal, target.domain, target.output)
    assert found is not None
    x = target.domain.encode(target.domain.sample(rng, 50))
    assert (found.run(x) == target.form.run(x)).all()
    assert rebuilt(literal, target.domain, target.output).own


def test_the_command_writes_a_network(folder: Path, inputs: np.ndarray, tmp_path: Path):
    out = tmp_path / "back.onnx"
    with pytest.raises(SystemExit) as ended:
        main(["reconstruct", str(folder), "--out", str(out)])
    assert ended.value.code == 0
    assert np.allclose(load(out).run(inputs), glued(3)[1].run(inputs), atol=1e-5)


def test_a_folder_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(BadInput):
        reconstruct(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts[0].update(arguments=[]),
        lambda parts: parts[0].update(arguments=["nowhere"] * len(parts[0]["arguments"])),
        lambda parts: parts[0].update(body="def predict(x: bool) -> bool =\n  x\n"),
        lambda parts: [part.update(name="v9") for part in parts],
        lambda parts: parts[0].update(domain="soup"),
    ],
)
def test_parts_that_were_edited_and_make_no_program_are_one_sentence(
    folder: Path, tmp_path: Path, change: Callable[[list[dict]], None], capsys
):
    edited = tmp_path / "edited"
    shutil.copytree(folder, edited)
    parts = json.loads((edited / "parts.json").read_text())
    change(parts)
    (edited / "parts.json").write_text(json.dumps(parts))
    assert answer(["reconstruct", str(edited), "--out", str(tmp_path / "again.onnx")]) == 2
    printed = capsys.readouterr()
    assert "parts.json" in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not (tmp_path / "again.onnx").exists()
