"""Running, reading, patching, hashing and cutting a network."""

from __future__ import annotations

import numpy as np
import pytest

from distill.errors import BadInput
from distill.load import load, network_from_normal_form, write_onnx
from distill.load.assemble import assemble
from distill.network import Operation, Wire
from tests.load.models import mlp, save


@pytest.fixture
def network(tmp_path):
    return load(save(mlp(), tmp_path))


@pytest.fixture
def x():
    return np.random.default_rng(1).normal(size=(10, 3)).astype(np.float32)


def test_shapes_and_summary(network):
    assert network.input_shape == (3,)
    assert network.output_shape == (2,)
    assert network.summary()["parameters"] == 3 * 4 + 4 + 4 * 2 + 2
    assert network.summary()["operations"] == {"Gemm": 2, "Relu": 1}
    assert network.last_operation == "affine"


def test_wires_and_patch(network, x):
    wires = network.wires(x)
    np.testing.assert_array_equal(wires["r"], np.maximum(wires["h"], 0))
    np.testing.assert_array_equal(network.run(x, {"h": wires["h"]}), network.run(x))
    silent = network.run(x, {"r": np.zeros((1, 4))})
    np.testing.assert_array_equal(silent, np.broadcast_to(network.constants["b2"], (10, 2)))
    moved = network.run(x, {"r": wires["r"][::-1]})
    np.testing.assert_array_equal(moved, network.run(x)[::-1])


def test_patch_of_an_unknown_wire_is_refused(network, x):
    with pytest.raises(BadInput, match="no wire"):
        network.run(x, {"nothing": np.zeros((10, 4))})


def test_wrong_width_is_refused(network):
    with pytest.raises(BadInput, match="3 numbers per example"):
        network.run(np.zeros((2, 4)))


def test_no_examples(network):
    assert network.run(np.zeros((0, 3))).shape == (0, 2)


def test_hash_ignores_names_and_sees_weights(network, tmp_path):
    renamed = mlp()
    for place, node in enumerate(renamed.graph.node):
        node.name = f"other{place}"
    renamed.graph.node[0].output[0] = renamed.graph.node[1].input[0] = "elsewhere"
    assert load(save(renamed, tmp_path)).sha256() == network.sha256()
    changed = load(save(mlp(b2=np.array([0.5, 0.25])), tmp_path))
    assert changed.sha256() != network.sha256()


def test_normal_form_there_and_back(network, x, tmp_path):
    form = network.normal_form()
    np.testing.assert_allclose(form.run(x), network.run(x), rtol=1e-5, atol=1e-6)
    again = network_from_normal_form(form, "x")
    np.testing.assert_array_equal(again.run(x), network.run(x))
    write_onnx(again, tmp_path / "again.onnx")
    np.testing.assert_array_equal(load(tmp_path / "again.onnx").run(x), network.run(x))


def test_lowered_weights_are_the_float32_values(network):
    (_, first), *_ = network.normal_form().nodes[1].terms
    np.testing.assert_array_equal(first.T, network.constants["w1"].astype(np.float64))


def classifier(last):
    operations = [
        Operation("MatMul", ("x", "w"), ("s",)),
        Operation("Softmax", ("s",), ("p",)),
        *last,
    ]
    weight = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    output = last[-1].outputs[0] if last else "p"
    return assemble(operations, {"w": weight}, Wire("x", (1, 3), "float32"), output)


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        ((), "Softmax"),
        ((Operation("ArgMax", ("p",), ("y",), {"axis": 1}),), "ArgMax"),
        (
            (
                Operation("ArgMax", ("p",), ("i",), {"axis": 1}),
                Operation("Cast", ("i",), ("y",), {"to": "float32"}),
            ),
            "ArgMax",
        ),
    ],
)
def test_the_scores_before_a_decision(last, kind, x):
    network = classifier(last)
    assert network.last_operation == kind
    scores = network.without_decision()
    assert scores.output == "s"
    np.testing.assert_array_equal(scores.run(x), x @ network.constants["w"])


def test_large_batches_run_in_blocks(network, monkeypatch, x):
    whole = network.run(x)
    monkeypatch.setattr("distill.network.BLOCK", 12)
    np.testing.assert_array_equal(network.run(x), whole)
