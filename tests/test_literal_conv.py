"""Layers that are convolutions, written as filters: the same function, and only where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import distill
from benchmarks.structure.networks import unrolled
from distill.checker.same import same_function
from distill.literal import literal_program
from distill.literal_conv import convolved, exact_convolution, picked
from distill.load import load, network_from_normal_form
from distill.normal_form import Builder
from distill.reconstruct import rebuilt, reconstruct
from distill.target import Target, make_target, resolve_output
from dsl.cost import bits, program_bits
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.program import var
from dsl.text import parse_program, show_program
from dsl.types import REAL, Vector


def target_of(matrix: np.ndarray, bias: np.ndarray, domain: str) -> Target:
    """A layer, relus and a sum of them."""
    builder = Builder(matrix.shape[1])
    hidden = builder.elementwise("relu", builder.affine([(0, matrix)], bias))
    last = np.resize([1.0, 2.0, 3.0], len(matrix))
    network = network_from_normal_form(
        builder.build(builder.affine([(hidden, last[None])], np.zeros(1)))
    )
    return make_target(network, parse_domain(domain), resolve_output(network, "real"))


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([((12,), (3,)), ((15,), (4,)), ((6, 6), (3, 3)), ((7, 5), (3, 2))]),
    st.integers(1, 3),
    st.sampled_from([(1, 0), (1, 1), (2, 0), (2, 1)]),
    st.sampled_from(["", "rows", "both"]),
)
def test_convolutions_are_written_as_filters_to_the_last_bit(seed, shapes, kinds, steps, order):
    rng = np.random.default_rng(seed)
    grid, window = shapes
    filters = rng.integers(1, 64, (kinds, *window)) * rng.choice([-1, 1], (kinds, *window)) / 16
    matrix, which = unrolled(filters, grid, *steps)
    bias = rng.integers(-8, 9, kinds)[which] / 8
    rows = rng.permutation(len(matrix)) if order else np.arange(len(matrix))
    columns = rng.permutation(matrix.shape[1])
    columns = columns if order == "both" else np.arange(matrix.shape[1])
    matrix, bias = matrix[rows][:, columns], bias[rows]
    wire = var("x", Vector(REAL, (matrix.shape[1],)))
    found = convolved(matrix, bias, wire)
    if found is None:  # shuffled inputs may not say where they lie; in order they always do
        assert order == "both" or len(matrix) < 3 * kinds
        return
    target = target_of(matrix, bias, f"x: real(-1,1)[{matrix.shape[1]}]")
    made = literal_program(target.form, target.domain, target.output)
    assert same_function(target, made)
    assert parse_program(show_program(made)) == made
    columns = (rng.integers(-8, 9, (20, matrix.shape[1])) / 8,)
    assert (run(made, columns) == target.form.run(columns[0])[:, 0]).all()
    back = rebuilt(made, target.domain, target.output).network
    assert (back.run(columns[0]) == target.form.run(columns[0])).all()


@pytest.mark.parametrize("place", [0, 7, 40])
def test_a_weight_or_bias_that_differs_in_its_last_bit_makes_it_a_matrix_again(place: int):
    matrix, _ = unrolled(np.random.default_rng(1).standard_normal((2, 3, 3)), (7, 7))
    bias = np.repeat([0.25, 0.5], 25)
    assert exact_convolution(matrix, bias) is not None
    row, column = np.argwhere(matrix)[place]
    other, moved = matrix.copy(), bias.copy()
    other[row, column] = np.nextafter(other[row, column], np.inf)
    moved[place] = np.nextafter(moved[place], np.inf)
    assert exact_convolution(other, bias) is None
    assert exact_convolution(matrix, moved) is None


@pytest.mark.parametrize("order", ["", "shuffled"])
def test_filters_take_few_bits(order: str):
    rng = np.random.default_rng(2)
    matrix, which = unrolled(rng.standard_normal((2, 3, 3)), (8, 8), 1, 1)
    if order:
        rows, columns = rng.permutation(len(matrix)), rng.permutation(64)
        matrix, which = matrix[rows][:, columns], which[rows]
    target = target_of(matrix, 0.1 * which, "x: real(0,1)[64]")
    made = literal_program(target.form, target.domain, target.output)
    text = show_program(made)
    assert text.count("conv2d") == text.count("pad") == text.count("add_bias") == 1
    assert text.count("gather") == 2 * bool(order)
    plain = literal_program(target.form, target.domain, target.output, plain_matrices=True)
    assert "conv2d" not in show_program(plain)
    assert program_bits(made) < program_bits(plain) / 10


def test_layers_over_several_channels_are_filters_too():
    rng = np.random.default_rng(5)
    filters = rng.integers(1, 64, (2, 3, 3, 3)) / 16
    parts = [unrolled(filters[:, c], (6, 6), 1, 1) for c in range(3)]
    matrix = np.hstack([part for part, _ in parts])
    target = target_of(matrix, np.array([0.5, -1.0])[parts[0][1]], "x: real(-1,1)[108]")
    made = literal_program(target.form, target.domain, target.output)
    text = show_program(made)
    assert "pad(as_image(x, 6, 6), 1, 1)" in text
    assert "gather" not in text
    assert same_function(target, made)
    x = rng.integers(-8, 9, (20, 108)) / 8
    assert (run(made, (x,)) == target.form.run(x)[:, 0]).all()


def test_a_small_layer_stays_a_sum():
    matrix, _ = unrolled(np.array([[1.0, -1.0]]), (4,))
    target = target_of(matrix, np.zeros(3), "x: real(0,1)[4]")
    assert "conv" not in show_program(literal_program(target.form, target.domain, target.output))


def test_numbers_that_are_only_moved_are_picked():
    order = np.random.default_rng(0).permutation(40)
    wire = var("x", Vector(REAL, (40,)))
    found = picked(np.eye(40)[order], np.zeros(40), wire)
    assert found is not None
    columns = (np.random.default_rng(1).standard_normal((3, 40)),)
    assert (run(_program(found), columns) == columns[0][:, order]).all()
    assert bits(found) < 40 * np.log2(40) + 30
    assert picked(2 * np.eye(4), np.zeros(4), wire) is None
    assert picked(np.eye(4), np.ones(4), wire) is None
    assert picked(np.ones((4, 4)), np.zeros(4), wire) is None


def _program(body):
    from dsl.program import program

    return program((("x", Vector(REAL, (40,))),), body)


def test_an_image_networks_own_arithmetic_is_proved_checked_and_rebuilt(tmp_path: Path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 2),
    )  # fmt: skip
    torch.onnx.export(model, (torch.zeros(1, 1, 6, 6),), tmp_path / "m.onnx", dynamo=False)
    found = distill.distill(
        tmp_path / "m.onnx", "x: image(6,6,real(0,1))", "real[2]", exact=True, steps=1
    )
    assert str(found.program).count("conv2d(") == 1
    found.save(tmp_path / "out")
    assert found.evidence.program_vs_deployed.verdict == "proved"
    network = load(tmp_path / "m.onnx")
    inputs = np.random.default_rng(0).uniform(0, 1, (30, 36))
    own = network.run(inputs)
    form = network.normal_form()
    last, number = reconstruct(tmp_path / "out")
    for level in range(number + 1):
        again = reconstruct(tmp_path / "out", level)[0].network
        assert np.abs(again.run(inputs) - own).max() < 1e-5
    assert (last.network.normal_form().run(inputs) == form.run(inputs)).all()
