"""Every bad model file gets one clear sentence, and nothing in it is ever run."""

from __future__ import annotations

import os
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from distill.errors import BadInput
from distill.load import load
from tests.load.models import mlp, model, save

RECTANGLE = numpy_helper.from_array(np.zeros((3, 2), np.float32), "w")


def refusal(path) -> str:
    with pytest.raises(BadInput) as caught:
        load(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.isascii()
    assert len(sentence) < 600
    return sentence


class Bomb:
    """A pickle that would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("suffix", [".onnx", ".pt2", ".pkl", ".pt"])
@pytest.mark.parametrize("protocol", range(6))
def test_pickles_are_refused_and_not_run(tmp_path, suffix, protocol):
    trap = tmp_path / "trap"
    path = tmp_path / f"m{suffix}"
    path.write_bytes(pickle.dumps(Bomb(trap), protocol=protocol))
    assert "pickle" in refusal(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello, I am a text file\n" * 20, "no ONNX model"),
        (b"PK\x03\x04 zip", "zip archive"),
        (bytes(range(256)) * 4, "no ONNX model"),
    ],
)
@pytest.mark.parametrize("suffix", [".onnx"])
def test_other_content_under_our_name(tmp_path, content, words, suffix):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    assert words in refusal(path)


def test_missing_folder_and_foreign_suffix(tmp_path):
    assert "does not exist" in refusal(tmp_path / "none.onnx")
    assert "is a folder" in refusal(tmp_path)
    (tmp_path / "m.txt").write_text("x")
    assert ".onnx or .pt2" in refusal(tmp_path / "m.txt")


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_truncated(tmp_path, share):
    data = mlp().SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(tmp_path, value):
    assert "finite" in refusal(save(mlp(b1=np.array([0, value, 1, 2])), tmp_path))


NODE = helper.make_node
FOUR = (("x", [1, 4]),)

GRAPHS = [
    ("Unsupported operation Mystery", model([NODE("Mystery", ["x"], ["y"])])),
    (
        "present are: Det, Relu".replace("present are", "operations are"),
        model([NODE("Relu", ["x"], ["r"]), NODE("Det", ["r"], ["y"])]),
    ),
    ("recurrent", model([NODE("LSTM", ["x", "w", "w"], ["y"])], [RECTANGLE])),
    ("recurrent", model([NODE("GRU", ["x", "w", "w"], ["y"])], [RECTANGLE])),
    ("recurrent", model([NODE("RNN", ["x", "w", "w"], ["y"])], [RECTANGLE])),
    (
        "cycle",
        model(
            [NODE("Add", ["x", "b"], ["a"]), NODE("Relu", ["a"], ["b"]), NODE("Neg", ["b"], ["y"])]
        ),
    ),
    ("no output", model([NODE("Relu", ["x"], ["y"])], outputs=())),
    ("", model([NODE("Relu", ["x"], ["z"])])),
    (
        "exactly one input",
        model([NODE("Add", ["x", "z"], ["y"])], inputs=(("x", [1, 2]), ("z", [1, 2]))),
    ),
    ("exactly one input", model([NODE("Identity", ["w"], ["y"])], [RECTANGLE], inputs=())),
    (
        "2 outputs",
        model(
            [NODE("Relu", ["x"], ["y"]), NODE("Neg", ["x"], ["z"])],
            outputs=(("y", [1, 3]), ("z", [1, 3])),
        ),
    ),
    (
        "Shapes disagree",
        model([NODE("MatMul", ["x", "w"], ["y"])], [RECTANGLE], inputs=(("x", [1, 4]),)),
    ),
    (
        "Shapes disagree",
        model([NODE("Add", ["x", "w"], ["y"])], [RECTANGLE], inputs=(("x", [1, 4]),)),
    ),
    ("open size", model([NODE("Relu", ["x"], ["y"])], inputs=(("x", ["n", "m"]),))),
    ("at most", model([NODE("Relu", ["x"], ["y"])], inputs=(("x", [1, 2**40]),))),
    ("at most", model([NODE("Relu", ["x"], ["y"])], inputs=(("x", [1, 2**20, 2**20]),))),
    (
        "at most",
        model(
            [NODE("Expand", ["x", "s"], ["y"])],
            [numpy_helper.from_array(np.array([2**21, 2**21, 3]), "s")],
        ),
    ),
    (
        "at most",
        model(
            [NODE("Reshape", ["x", "s"], ["c"]), NODE("Add", ["x", "c"], ["y"])],
            [numpy_helper.from_array(np.array([2**20, 1]), "s")],
            inputs=(("x", [2**20]),),
        ),
    ),
    (
        "at most",
        model(
            [NODE("Pad", ["x", "p"], ["y"])],
            [numpy_helper.from_array(np.array([0, 0, 0, 2**45]), "p")],
        ),
    ),
    (
        "can't be reshaped",
        model(
            [NODE("Reshape", ["x", "s"], ["y"])], [numpy_helper.from_array(np.array([1, 7]), "s")]
        ),
    ),
    ("", model([NODE("Relu", ["x", "x"], ["y"])])),
    ("", model([NODE("Transpose", ["x"], ["y"], perm=[0, 5])])),
    ("", model([NODE("Concat", ["x", "x"], ["y"], axis=9)])),
    ("", model([NODE("Softmax", ["x"], ["y"], axis=7)])),
]


@pytest.mark.parametrize(("words", "proto"), GRAPHS, ids=range(len(GRAPHS)))
def test_graphs_that_are_refused(tmp_path, words, proto):
    assert words in refusal(save(proto, tmp_path))


def external(location: str, **more: str) -> onnx.ModelProto:
    proto = mlp()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return proto


def weight_bytes() -> bytes:
    return mlp().graph.initializer[0].raw_data


def test_external_weights_beside_the_model_are_read(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"1234" + weight_bytes())
    path = save(external("weights.bin", offset="4", length="48"), tmp_path)
    plain = load(save(mlp(), tmp_path, "plain.onnx"))
    assert load(path).sha256() == plain.sha256()


@pytest.mark.parametrize("place", ["../w.bin", "/etc/passwd", "sub/../../w.bin", "", "..", "a\\b"])
def test_external_weights_elsewhere_are_refused(tmp_path, place):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(weight_bytes())
    assert "inside the model's own folder" in refusal(save(external(place), folder))


def test_external_weights_behind_a_link_are_refused(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(weight_bytes())
    (folder / "w.bin").symlink_to(tmp_path / "w.bin")
    assert "inside the model's own folder" in refusal(save(external("w.bin"), folder))


@pytest.mark.parametrize(
    "more", [{"offset": "44"}, {"length": "7"}, {"offset": "-4"}, {"offset": "9" * 30}]
)
def test_external_weights_of_wrong_length_are_refused(tmp_path, more):
    (tmp_path / "w.bin").write_bytes(weight_bytes())
    assert "external data" in refusal(save(external("w.bin", **more), tmp_path))


NAMES = [
    "a'b\"c",
    "line\nbreak",
    "<script>alert(1)</script>",
    "\u202etxt",
    "lambda",
    "é",
    "x" * 9999,
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_do_no_harm(tmp_path, name):
    proto = mlp()
    proto.graph.node[0].output[0] = proto.graph.node[1].input[0] = name
    network = load(save(proto, tmp_path))
    assert network.sha256() == load(save(mlp(), tmp_path)).sha256()
    proto.graph.node[1].op_type = name
    refusal(save(proto, tmp_path))


def test_weights_of_wrong_length_are_refused(tmp_path):
    proto = mlp()
    proto.graph.initializer[0].raw_data = b"1234"
    refusal(save(proto, tmp_path))


def test_huge_declared_weight_is_refused(tmp_path):
    proto = mlp()
    proto.graph.initializer[0].dims[:] = [2**30, 2**30]
    refusal(save(proto, tmp_path))


def test_other_objects_are_refused():
    assert "no model" in refusal(3.5)
