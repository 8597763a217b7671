"""The families of trained recurrent networks: their indexes, tasks and weights agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.rnn.further import FURTHER
from benchmarks.rnn.networks import families, network, torch_module, trained
from benchmarks.rnn.train import keep
from benchmarks.rnn.train.cells import GATES, Shape, run, started, unpacked
from benchmarks.rnn.train.fit import Recipe, train
from benchmarks.rnn.train.known import TASKS
from benchmarks.rnn.train.plans import PLANS
from benchmarks.rnn.train.scale import folded, scale_of
from dsl.sequences import parse_sequences

each_family = pytest.mark.parametrize("family", families())


def test_every_family_has_a_plan():
    assert set(families()) <= set(PLANS)


@each_family
def test_an_index_says_what_a_user_needs(family):
    networks = trained(family)
    assert networks
    for one in networks:
        task = TASKS[one.entry["task"]]
        assert parse_sequences(one.inputs).item.width == len(task.fields)
        assert one.outputs in ("int", "int[2]", "bool", "real")
        assert one.entry["learned"] == (one.entry["share"] >= 0.999)
        assert one.entry["cell"] == "relu-mlp" or one.entry["cell"] in GATES


@each_family
def test_a_small_network_is_as_right_as_its_index_says(family):
    learned = [one for one in trained(family) if one.entry["learned"]]
    one = min(learned, key=lambda found: found.entry["parameters"])
    task, rng = TASKS[one.entry["task"]], np.random.default_rng(5)
    items = task.draw(rng, 256, one.length)
    if one.entry["cell"] == "relu-mlp":
        found = network(one.name).run(items.astype(float))[1]
    else:
        found = torch_module(one.name)(torch.tensor(items, dtype=torch.float32)).detach().numpy()
    right = (np.abs(found - task.truth(items)) < task.tolerance).all((1, 2))
    assert right.mean() >= one.entry["share"] - 0.01


@pytest.mark.parametrize("task", FURTHER.values(), ids=FURTHER)
def test_a_task_is_causal(task):
    items = task.draw(np.random.default_rng(1), 64, task.length)
    whole, part = task.truth(items), task.truth(items[:, :4])
    assert whole.shape[:2] == items.shape[:2]
    np.testing.assert_array_equal(whole[:, :4], part)


@pytest.mark.parametrize(
    ("name", "items", "outputs"),
    [
        ("max_subarray", [1, -2, 3, -1, 3], [1, 1, 3, 3, 5]),
        ("robber", [2, 4, 3, 1, 4], [2, 4, 5, 5, 9]),
        ("polish", [1, 1, 2, 1, 2], [1, 1, 2, 1, 3]),
        ("crc_3", [1, 0, 0, 0, 0], [1, 2, 4, 3, 6]),
        ("vending", [2, 0, 1, 1, 1], [0, 1, 0, 0, 1]),
        ("place_of_largest", [1, 0, 2, 2, 3], [0, 0, 2, 2, 4]),
        ("local_maxima", [3, 1, 2, 1, 3], [0, 0, 0, 1, 1]),
        ("transpositions", [0, 1, 0, 0, 2], [1, 1, 2, 1, 1]),
        ("lag_2", [5, 6, 7, 8, 9], [5, 5, 5, 6, 7]),
    ],
)
def test_a_task_computes_what_it_says(name, items, outputs):
    found = TASKS[name].truth(np.array(items)[None, :, None])
    assert found[0, :, 0].tolist() == outputs


@pytest.mark.parametrize(
    "shape", [Shape("relu-mlp", 3, (6,), (5,)), *(Shape(kind, 5) for kind in GATES)], ids=str
)
def test_what_is_kept_answers_as_in_training(shape):
    task, rng = TASKS["rnn_base_3_addition"], np.random.default_rng(2)
    scale, slots = scale_of(task, shape), shape.slots(2, 1)
    items = task.draw(rng, 16, 6)
    scaled = torch.tensor((items - scale.centre) / scale.spread, dtype=torch.float64)
    rows = started(shape, slots, scaled[:, 0], 2, rng)
    trained_out = run(shape, unpacked(rows, slots), scaled.transpose(0, 1))[1].transpose(0, 1)
    one = {key: value[1] for key, value in unpacked(rows, slots).items()}
    kept = keep.outputs_of(folded(shape, one, scale), items)
    np.testing.assert_allclose(kept, trained_out.numpy() * scale.size, atol=1e-4)


def test_training_learns_a_delayed_or(tmp_path, monkeypatch):
    task, shape = TASKS["or_last2"], Shape("relu-mlp", 2, (), (4,))
    recipe = Recipe(seeds=4, batch=32, steps=800, seconds=20)
    found = train(task, shape, recipe, 1)[0]
    line = keep.entry(task, shape, found, 1, 1.0)
    assert line["learned"]
    monkeypatch.setattr("benchmarks.rnn.networks.FOLDER", tmp_path)
    monkeypatch.setattr(keep, "FOLDER", tmp_path)
    assert keep.write("cells", "one", line, found.arrays)
    assert not keep.write("cells", "one", line, found.arrays)
    assert [one.name for one in trained("cells")] == ["cells/one"]
    assert len(keep.family_index("cells")["discarded"]) == 1
