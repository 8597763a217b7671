import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks import columns, realdata, references, tasks
from benchmarks.boolean_reference import minimise
from benchmarks.task import as_float
from benchmarks.train.__main__ import planned
from benchmarks.train.classify import run
from benchmarks.train.measure import computes, judged_points, score

FOLDER = Path(columns.__file__).parent / "networks"
INDEX = json.loads((FOLDER / "index.json").read_text())
KNOWN = [e for e in INDEX if e["file"] and e["task"] in tasks.BY_NAME]


def some_inputs(task, n=200):
    size = columns.size(task.inputs)
    if size is not None and size <= 1024:
        return columns.enumerate_all(task.inputs)
    return columns.sample(task.inputs, n, np.random.default_rng(0))


@pytest.mark.parametrize("task", tasks.ALL, ids=lambda task: task.name)
def test_the_reference_expression_is_the_truth(task):
    inputs = some_inputs(task)
    found = as_float(references.evaluate(task, inputs))
    np.testing.assert_allclose(found, as_float(task.truth(inputs)), atol=1e-12)


def test_names_are_unique():
    assert len(tasks.BY_NAME) == len(tasks.ALL)
    assert len({e["name"] for e in INDEX}) == len(INDEX)


def test_index_lists_every_training_and_every_file_once():
    assert {e["name"] for e in INDEX} == planned()
    files = {p.name for p in FOLDER.iterdir()} - {"index.json"}
    assert files == {e["file"] for e in INDEX if e["file"]}


def test_networks_are_small_and_carry_no_paths():
    files = [p for p in FOLDER.iterdir() if p.name != "index.json"]
    assert sum(p.stat().st_size for p in files) < 4_000_000
    for path in files:
        content = path.read_bytes()
        assert len(content) < 100_000
        assert b"site-packages" not in content


@pytest.mark.parametrize(
    "entry", [e for e in KNOWN if e["file"].endswith("onnx")], ids=lambda e: e["name"]
)
def test_the_written_file_computes_its_task(entry):
    task = tasks.BY_NAME[entry["task"]]
    model = onnx.load(FOLDER / entry["file"])
    points = tuple(column[:20_000] for column in judged_points(task))
    assert computes(
        task, score(task, lambda x: run(model, x), points, 0.5 if entry["sigmoid_output"] else 0.0)
    )


def test_a_network_that_is_wrong_somewhere_is_not_counted():
    task = tasks.BY_NAME["majority5"]
    points = judged_points(task)
    wrong = score(task, lambda x: x.sum(axis=1, keepdims=True) - 1.5, points)
    right = score(task, lambda x: x.sum(axis=1, keepdims=True) - 2.5, points)
    assert computes(task, right)
    assert not computes(task, wrong)
    assert right.margin == 0.5


def test_encodings():
    assert columns.encode("n: int(0,5) as bits(3)", (np.array([5]),)).tolist() == [[1, 0, 1]]
    assert columns.encode("int(1,3) as onehot", (np.array([2]),)).tolist() == [[0, 1, 0]]
    signed = columns.encode("bool[2] as -1/1", (np.array([[True, False]]),))
    assert signed.tolist() == [[1, -1]]


def test_enumeration_is_complete_and_distinct():
    a, b = columns.enumerate_all("a: int(1,3) * b: bool[2]")
    assert len({(int(x), *y) for x, y in zip(a, b.tolist(), strict=True)}) == len(a) == 12


def test_a_domain_that_no_task_uses_is_refused():
    with pytest.raises(ValueError, match="cannot read"):
        columns.fields("x: complex")


@pytest.mark.parametrize("inputs", range(6))
def test_minimised_form_is_equal_and_no_longer_than_its_own_minterms(inputs):
    rng = np.random.default_rng(inputs)
    x = columns.enumerate_all(f"bool[{inputs}]")[0] if inputs else np.zeros((1, 0), dtype=bool)
    for _ in range(8):
        table = rng.random(1 << inputs) < 0.5
        form = minimise(table)
        assert (form(x) == table).all()
        assert form.literals <= inputs * table.sum()


@pytest.mark.parametrize(("n", "k"), [(3, 2), (5, 3)])
def test_majority_has_its_known_minimum(n, k):
    x = columns.enumerate_all(f"bool[{n}]")[0]
    form = minimise(x.sum(axis=1) >= k)
    assert form.optimal
    assert len(form.cubes) == math.comb(n, k)
    assert form.literals == k * len(form.cubes)


def test_written_form_says_the_same():
    x = columns.enumerate_all("bool[4]")[0]
    form = minimise(x[:, 0] ^ (x[:, 1] & x[:, 3]))
    said = [bool(eval(form.written(), {}, {"x": row})) for row in x.tolist()]
    assert said == form(x).tolist()
    assert minimise(np.array([True, True])).written() == "True"
    assert minimise(np.array([False, False])).written() == "False"


def test_a_table_of_odd_length_is_refused():
    with pytest.raises(ValueError, match="2\\^n"):
        minimise(np.ones(3, dtype=bool))


def test_splits_are_fixed_stratified_and_disjoint():
    part = realdata.split("iris", 3)
    again = realdata.split("iris", 3)
    assert (part.x == again.x).all()
    assert len(part.x) == 105
    assert np.bincount(part.y_held_out).tolist() == [15, 15, 15]


def test_declared_domain_holds_the_training_part():
    part = realdata.split("wine", 0)
    text = realdata.domain("wine", part.x)
    for field, column in zip(columns.fields(text), part.x.T, strict=True):
        assert field.low <= column.min()
        assert column.max() <= field.high
