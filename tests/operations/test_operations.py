"""Every operation equals onnxruntime's, its lowering equals its run, and writing keeps it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from distill.load import load, write_onnx
from distill.operations import KINDS
from tests.operations.cases import CASES, Case

TYPES = {"Cast": {"to": TensorProto.BOOL}, "Round": {}}


def model_of(case: Case) -> onnx.ModelProto:
    nodes, source = [], "x"
    if case.before:
        nodes.append(helper.make_node(case.before, ["x"], ["ready"], **TYPES[case.before]))
        source = "ready"
    names = [f"c{i}" if value is not None else "" for i, value in enumerate(case.others)]
    fixed = [
        numpy_helper.from_array(np.asarray(v), n)
        for v, n in zip(case.others, names, strict=True)
        if n
    ]
    outputs = [f"y{i}" for i in range(case.outputs)]
    nodes.append(helper.make_node(case.kind, [source, *names], outputs, **case.attributes))
    last = outputs[0]
    if case.outputs > 1:
        nodes.append(helper.make_node("Concat", outputs[::-1], ["all"], axis=1))
        last = "all"
    nodes.append(helper.make_node("Cast", [last], ["numbers"], to=TensorProto.FLOAT))
    nodes.append(helper.make_node("Reshape", ["numbers", "flat"], ["y"]))
    fixed.append(numpy_helper.from_array(np.array([1, -1]), "flat"))
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, case.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "w"])],
        fixed,
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 20)])


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return request.param


def test_run_lowering_and_writing_agree(case, tmp_path):
    path = tmp_path / "case.onnx"
    onnx.save(model_of(case), path)
    network = load(path)  # refuses unless it equals onnxruntime
    x = np.random.default_rng(1).normal(size=(64, network.input_width)).astype(np.float32)
    x = np.abs(x) + np.float32(0.1) if case.positive else x
    ours = network.run(x)
    lowered = network.normal_form().run(x)
    np.testing.assert_allclose(lowered, ours, rtol=1e-5, atol=1e-5 * max(1, np.abs(ours).max()))
    write_onnx(network, tmp_path / "again.onnx")
    again = load(tmp_path / "again.onnx")
    np.testing.assert_array_equal(again.run(x), ours)
    assert again.sha256() == network.sha256()


def test_the_table_covers_every_operation():
    folded = {"Shape", "ConstantOfShape", "Range", "Function"}
    assert set(KINDS) - folded == {c.kind for c in CASES} | {c.before for c in CASES} - {""}


def two_inputs(kind: str) -> onnx.ModelProto:
    """An operation of two halves of the input, neither of them fixed."""
    nodes = [
        helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
        helper.make_node("Exp", ["b"], ["e"]),
        helper.make_node(kind, ["a", "e"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 20)])


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"])
def test_two_computed_operands(kind, tmp_path):
    onnx.save(two_inputs(kind), tmp_path / "two.onnx")
    network = load(tmp_path / "two.onnx")
    x = np.random.default_rng(2).normal(size=(32, 6)).astype(np.float32)
    np.testing.assert_allclose(network.normal_form().run(x), network.run(x), rtol=1e-4, atol=1e-6)


def test_product_of_two_computed_matrices(tmp_path):
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "attention",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 3])],
    )
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 20)])
    onnx.save(model, tmp_path / "m.onnx")
    network = load(tmp_path / "m.onnx")
    x = np.random.default_rng(3).normal(size=(16, 12)).astype(np.float32)
    np.testing.assert_allclose(network.normal_form().run(x), network.run(x), rtol=1e-4, atol=1e-5)


def test_lookup_by_computed_index(tmp_path):
    table = np.random.default_rng(4).normal(size=(5, 2)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["g"]),
        helper.make_node("ReduceSum", ["g", "axes"], ["y"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "embedding",
        [helper.make_tensor_value_info("x", TensorProto.INT64, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "axes")],
    )
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 20)])
    onnx.save(model, tmp_path / "m.onnx")
    network = load(tmp_path / "m.onnx")
    x = np.random.default_rng(5).integers(0, 5, (20, 3))
    np.testing.assert_allclose(network.run(x), table[x].sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(network.normal_form().run(x), network.run(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax", "Sigmoid", "Softplus", "Elu"])
def test_lowering_survives_large_numbers(kind, tmp_path):
    onnx.save(model_of(Case(kind)), tmp_path / "m.onnx")
    network = load(tmp_path / "m.onnx")
    x = np.array([[900.0, -900, 0, 5, 800, -5]], dtype=np.float32)
    with np.errstate(over="ignore", divide="ignore"):
        lowered = network.normal_form().run(x)
    assert not np.isnan(lowered).any()
    finite = np.isfinite(lowered)
    np.testing.assert_allclose(lowered[finite], network.run(x)[finite], rtol=1e-5, atol=1e-6)
