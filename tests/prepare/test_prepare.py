"""Networks made easier to read: what is kept, what is won, what is refused, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import distill
from distill import cli_views
from distill.cli import answer
from distill.cli_inputs import share
from distill.errors import BadInput
from distill.load import load, write_onnx
from distill.normal_form import Affine, Builder, NormalForm
from distill.preparation.frame import Frame, dyadic_step
from distill.preparation.module import FormModule
from distill.preparation.prepare import make_task, plain, prepared
from distill.preparation.report import Preparation, structure_of
from distill.preparation.training import Strengths, balanced
from distill.run.budget import silent
from distill.simplify.size import estimated_bits

EPOCHS = 4
IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)) * np.array([1.0, 30.0, 1.0, 0.02])


def network(*sizes: int, seed: int = 0, bend: type[torch.nn.Module] = torch.nn.ReLU):
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for below, above in pairwise(sizes):
        layers += [torch.nn.Linear(below, above), bend()]
    return torch.nn.Sequential(*layers[:-1])


@pytest.fixture(scope="module")
def classifier() -> torch.nn.Module:
    """Three classes by two of four inputs of very different sizes."""
    model = network(4, 12, 3)
    with torch.no_grad():
        model[0].weight /= torch.tensor([1.0, 30.0, 1.0, 0.02])
        model[0].weight[:, 2:] *= 0.05
        model[2].weight *= 3
    return model


@pytest.fixture(scope="module")
def found(classifier: torch.nn.Module) -> Preparation:
    return distill.prepare(classifier, X, outputs="category(3)", loss_allowed=0.02, epochs=EPOCHS)


def decisions(model: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.as_tensor(x, dtype=torch.float32)).argmax(1).numpy()


def test_decisions_are_kept_within_the_loss(classifier, found: Preparation) -> None:
    assert found.changed
    agree = np.mean(found.network.run(X).argmax(1) == decisions(classifier, X))
    assert agree >= 1 - 0.02
    assert found.after.agreement >= 1 - 0.02
    assert found.after.accuracy is None


def test_it_is_sparser_and_shorter_than_before_and_than_plain(classifier, found) -> None:
    assert found.after.weights < 0.7 * found.before.weights
    assert found.after.sparsity > 0.3
    assert found.after.bits < 0.7 * found.before.bits
    task = make_task(classifier, X, None, "category(3)", 0.02, 0)
    trained = plain(task, EPOCHS)
    assert task.agreement(trained, task.parts[1]) > 0.9
    assert structure_of(trained, X, 0)[0] > found.after.weights


def test_the_same_seed_gives_the_same_network(classifier, found) -> None:
    again = distill.prepare(classifier, X, outputs="category(3)", loss_allowed=0.02, epochs=EPOCHS)
    assert again.network.sha256() == found.network.sha256()
    assert again.to_json() == found.to_json()


def test_module_and_network_are_one_function(found: Preparation) -> None:
    module = found.to_torch()
    with torch.no_grad():
        ours = module(torch.as_tensor(X, dtype=torch.float32)).numpy()
    assert ours == pytest.approx(found.network.run(X), rel=1e-3, abs=1e-3)
    assert list(module.parameters())


def test_weights_are_short_numbers(found: Preparation) -> None:
    affine = [n for n in found.form.nodes if isinstance(n, Affine)]
    steps = [dyadic_step(m) for n in affine for s, m in n.terms if s]
    assert all(step is not None for step in steps)


def test_a_softmax_stays_at_the_end(classifier) -> None:
    model = torch.nn.Sequential(*classifier, torch.nn.Softmax(1))
    one = distill.prepare(model, X, loss_allowed=0.02, epochs=2)
    assert one.network.last_operation == "Softmax"
    assert one.network.run(X).sum(1) == pytest.approx(np.ones(len(X)), abs=1e-5)
    assert np.mean(one.network.run(X).argmax(1) == decisions(model, X)) >= 0.98


@pytest.mark.parametrize("bend", [torch.nn.Tanh, torch.nn.Sigmoid])
def test_real_outputs_keep_their_variance(bend: type[torch.nn.Module]) -> None:
    model = network(2, 8, 1, bend=bend)
    x = RNG.normal(size=(60, 2))
    one = distill.prepare(model, x, loss_allowed=0.05, epochs=2)
    with torch.no_grad():
        wanted = model(torch.as_tensor(x, dtype=torch.float32)).numpy()
    assert ((one.network.run(x) - wanted) ** 2).mean() <= 0.06 * wanted.var()


def test_labels_judge_and_are_reported(classifier) -> None:
    labels = decisions(classifier, X)
    labels[::9] = (labels[::9] + 1) % 3
    one = distill.prepare(
        classifier, (X, labels), outputs="category(3)", loss_allowed=0.05, epochs=2
    )
    assert one.before.accuracy is not None
    assert one.after.accuracy is not None
    assert one.after.accuracy >= one.before.accuracy - 0.05
    assert "accuracy" in one.summary()


def test_where_nothing_is_within_the_loss_the_network_stays() -> None:
    task = make_task(network(2, 4, 1), X[:, :2], None, None, 0.0, 0)
    one = prepared(task, 1, Strengths(), silent)
    assert not one.changed
    assert one.network is task.network
    assert one.after == one.before
    assert "as it was" in one.summary()


def test_an_interrupt_keeps_what_was_found(classifier) -> None:
    seen = []

    def progress(stage: str, done: float | None) -> None:
        seen.append(done)
        if done is not None and done > 0.5 and len(seen) < 10**6:
            seen.extend([None] * 10**6)
            os.kill(os.getpid(), signal.SIGINT)

    one = distill.prepare(
        classifier, X, outputs="category(3)", loss_allowed=0.02, epochs=EPOCHS, progress=progress
    )
    assert one.interrupted
    assert one.changed
    assert one.after.weights < one.before.weights


def test_where_few_rows_are_held_back_points_near_them_count_too(classifier) -> None:
    few = make_task(classifier, X[:12], None, "category(3)", 0.02, 0)
    held_back = few.parts[1]
    assert len(held_back) * few.loss < 1
    near_rows, _ = few._near
    assert near_rows.shape[1] == 4
    form = few.form
    last = form.nodes[form.output]
    assert isinstance(last, Affine)
    moved = Affine(last.terms, last.bias + np.array([0.0, 0.3, 0.0]))
    other = NormalForm((*form.nodes[:-1], moved), form.output)
    assert few.good(form)
    near_lost = np.mean(other.run(near_rows).argmax(1) != form.run(near_rows).argmax(1))
    rows_lost = max(few.lost(other, rows) for rows in few.parts)
    assert few.good(other) == (rows_lost <= 0.02 and near_lost <= 0.08)


def test_a_frame_changes_no_function() -> None:
    form = balanced(load(network(4, 6, 5, 2)).normal_form())
    used = np.ones(4, dtype=bool)
    frame = Frame(np.array([1.0, 0.5, 2.0, 50.0]), X.mean(0), 4.0, used)
    inside = frame.inside(form)
    assert inside.run(frame.rows(X)) == pytest.approx(form.run(X))
    assert frame.exactly(inside).run(X) == pytest.approx(form.run(X))
    assert frame.outside(inside, X, estimated_bits).run(X) == pytest.approx(form.run(X), abs=0.2)
    bent = Builder(2)
    squares = bent.build(bent.affine([(bent.elementwise("square", 0), np.ones((1, 2)))], [1.0]))
    frame = Frame(np.ones(2), np.array([0.5, 1.0]), 2.0, np.ones(2, dtype=bool))
    assert frame.inside(squares).run(frame.rows(X[:, :2])) == pytest.approx(squares.run(X[:, :2]))
    module = FormModule(squares, torch.float64)
    assert module(torch.as_tensor(X[:, :2])).detach().numpy() == pytest.approx(
        squares.run(X[:, :2])
    )


@pytest.mark.parametrize(
    ("x", "options", "sentence"),
    [
        (X[:, :3], {}, "3 columns, and the network takes 4"),
        (X[:5], {}, "needs at least 12"),
        (X, {"loss_allowed": 1.5}, "must be a share"),
        (X, {"epochs": 0}, "1 or more"),
        (X, {"outputs": "category(4)"}, "needs 4"),
        (X, {"outputs": "int[3]"}, "whole numbers"),
        ((X, np.ones(90)), {}, "for class labels give outputs"),
        ((X, np.ones(7)), {}, "90 inputs and 7 labels"),
        (np.full((20, 4), np.nan), {}, "only finite numbers"),
    ],
)
def test_bad_input_gets_a_sentence(classifier, x, options, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        distill.prepare(classifier, x, **options)


def test_shares_are_read_in_percent_too() -> None:
    assert share("--loss", "0.5%") == pytest.approx(0.005)
    assert share("--loss", " 0.01 ") == 0.01
    for text in ("5x", "100%", "-1%", "nan", ""):
        with pytest.raises(BadInput, match="must be a share"):
            share("--loss", text)


@pytest.fixture
def files(classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    write_onnx(load(classifier), "three.onnx")
    np.savez("data.npz", x=X, y=decisions(classifier, X))
    return ["prepare", "three.onnx", "--data", "data.npz", "--outputs", "category(3)"]


def test_the_command_writes_a_network(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    line = [*files, "--epochs", str(EPOCHS), "--loss", "2%"]
    assert answer(line, debug=True) == 0
    assert "written to" in capsys.readouterr().out
    written = load("three.prepared.onnx")
    assert np.mean(written.run(X).argmax(1) == load("three.onnx").run(X).argmax(1)) >= 0.98
    assert answer([*line, "--json", "--out", "other.onnx"], debug=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["after"]["weights"] < told["before"]["weights"]
    assert load("other.onnx").sha256() == written.sha256()
    assert sorted(p.name for p in Path().iterdir()) == [
        "data.npz", "other.onnx", "three.onnx", "three.prepared.onnx",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["--loss", "much"], ["--epochs", "0"], ["--seed", "-1"], ["--out", "three.txt"],
        ["--out", "three.onnx"], ["--out", "."], ["--out", "nowhere/at/all.onnx"],
        ["--data", "none.npz"], ["--data", "three.onnx"], ["--outputs", "category(5)"],
    ],
)  # fmt: skip
def test_bad_words_get_one_sentence_and_2(
    files: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(p.name for p in Path().iterdir())
    assert answer([*files, *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert sorted(p.name for p in Path().iterdir()) == before


def test_an_interrupted_command_writes_what_was_found(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager

    @contextmanager
    def interrupting(*, show: bool):
        def report(stage: str, done: float | None) -> None:
            if not fired and done is not None and done > 0.5:
                fired.append(stage)
                os.kill(os.getpid(), signal.SIGINT)

        yield report

    fired: list[str] = []
    monkeypatch.setattr(cli_views, "progress", interrupting)
    assert answer([*files, "--epochs", str(EPOCHS), "--loss", "2%"]) == 130
    assert Path("three.prepared.onnx").exists()
