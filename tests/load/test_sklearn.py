"""scikit-learn MLPs, directly and through skl2onnx."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import onnx
import pytest

import distill
from distill.errors import BadInput
from distill.load import load, write_onnx
from distill.load.sklearn import words_of
from distill.propose import propose_domain
from distill.target import parse_output
from dsl.domain_text import parse_domain, show_domain

sklearn = pytest.importorskip("sklearn")

from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, StandardScaler  # noqa: E402


def data(classes):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4)) * [1, 10, 100, 0.01] + [5, -100, 1000, 0]
    return x, (np.arange(80) % classes if classes else x[:, 0] + rng.normal(size=80))


def trained(classes, activation, scaled=True):
    kind = MLPClassifier if classes else MLPRegressor
    model = kind(hidden_layer_sizes=(6, 5), activation=activation, max_iter=5, random_state=0)
    model = make_pipeline(StandardScaler(), model) if scaled else model
    x, y = data(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(x, y), x


def outputs(model, x, classes):
    if not classes:
        return model.predict(x).reshape(len(x), -1)
    shares = model.predict_proba(x)
    return shares[:, 1:] if classes == 2 else shares


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_pipelines(classes, activation, tmp_path):
    model, x = trained(classes, activation)
    network = load(model)
    theirs = outputs(model, x, classes)
    np.testing.assert_allclose(network.run(x), theirs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(network.normal_form().run(x), theirs, rtol=1e-5, atol=1e-5)
    assert network.last_operation == {0: "affine", 2: "Sigmoid", 3: "Softmax"}[classes]
    write_onnx(network, tmp_path / "m.onnx")
    assert load(tmp_path / "m.onnx").sha256() == network.sha256()


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("zipmap", [True, False])
def test_files_of_skl2onnx(classes, zipmap, tmp_path):
    skl2onnx = pytest.importorskip("skl2onnx")
    model, x = trained(classes, "relu")
    kind = skl2onnx.common.data_types.FloatTensorType([None, 4])
    options = {id(model): {"zipmap": zipmap}} if classes else None
    proto = skl2onnx.convert_sklearn(model, initial_types=[("x", kind)], options=options)
    onnx.save(proto, tmp_path / "m.onnx")
    network = load(tmp_path / "m.onnx")
    theirs = model.predict_proba(x) if classes else model.predict(x).reshape(-1, 1)
    np.testing.assert_allclose(network.run(x), theirs, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(network.normal_form().run(x), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", range(3))
def test_other_estimators_are_refused(place):
    x, y = data(2)
    models = [
        LogisticRegression().fit(x, y),
        make_pipeline(MinMaxScaler(), MLPClassifier(max_iter=1)),
        MLPClassifier(),
    ]
    with pytest.raises(BadInput, match=r"MLPClassifier|StandardScaler"):
        load(models[place])


def test_weights_that_are_not_finite():
    model, _ = trained(2, "relu", scaled=False)
    model.coefs_[0][0, 0] = np.nan
    with pytest.raises(BadInput, match="finite"):
        load(model)


def test_reading_a_model_does_not_import_scikit_learn():
    script = "import sys, distill.load, distill.load.sklearn; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_columns_and_classes_keep_their_names():
    x, _ = data(3)
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=5, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, np.array(["cat", 'a "b"', "</x>"])[np.arange(80) % 3])
    model[0].feature_names_in_ = np.array(
        ["petal length (cm)", "in", "in", "7 \u202e"], dtype=object
    )
    names, classes = words_of(model)
    found = propose_domain(x, names)
    assert [f.name for f in found.fields] == ["petal_length_cm", "in_", "in__2", "x_7"]
    assert parse_domain(show_domain(found)) == found
    assert classes is not None
    assert parse_output(classes).type.labels == ("</x>", 'a "b"', "cat")


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_numbered_classes_need_no_names(classes):
    model, x = trained(classes, "relu")
    assert words_of(model) == ((), None)
    assert words_of("model.onnx") == ((), None)
    assert [f.name for f in propose_domain(x).fields] == ["x0", "x1", "x2", "x3"]


def test_columns_of_a_distilled_estimator_are_fields():
    model, x = trained(3, "relu")
    model[0].feature_names_in_ = np.array(list("abcd"), dtype=object)
    found = distill.distill(model, data=x, budget=5, steps=2000)
    assert [n for n, _ in found.program.main.parameters] == list("abcd")
