"""Estimators whose answers are programs' own."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import (
    check_estimators_unfitted,
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from distill import DistilledClassifier, DistilledRegressor
from distill.errors import BadInput
from dsl.meanings.array import run

FEW: dict[str, Any] = {"steps": 20_000, "budget": 20.0}


def data(kinds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [4, 0], [0, 4]])[:kinds]
    y = np.arange(90) % kinds
    return centres[y] + rng.normal(size=(90, 2)) * 0.5, y


def fitted(made, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made.fit(X, y)


@pytest.mark.parametrize("kinds", [2, 3])
def test_a_classifier_answers_with_its_labels(kinds: int) -> None:
    X, y = data(kinds)
    names = np.array(["low", "right", "high"])[y]
    made = fitted(DistilledClassifier(**FEW), X, names)
    assert set(made.predict(X)) <= set(names)
    assert made.score(X, names) > 0.95
    found = made.distillation_
    own = run(found.program, found.domain.decode(X))
    assert made.predict(X).tolist() == made.classes_[own.astype(int)].tolist()


def test_labels_only_train_the_network() -> None:
    X, y = data()
    one = fitted(DistilledClassifier(MLPClassifier((3,), random_state=0), **FEW), X, y)
    same = DistilledClassifier(**FEW)
    same.estimator = Trained(one.estimator_)
    assert str(same.fit(X, y[::-1]).distillation_.program) == str(one.distillation_.program)


class Trained:
    """A network that is trained already, whatever it is given."""

    def __init__(self, model):
        self.model = model

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y):
        return self.model


def test_a_regression_answers_with_the_programs_values() -> None:
    X = np.random.default_rng(1).uniform(-1, 1, (200, 2))
    made = fitted(DistilledRegressor(**FEW), X, X[:, 0] - 2 * X[:, 1])
    assert made.score(X, X[:, 0] - 2 * X[:, 1]) > 0.9
    assert made.predict(X[:5]).shape == (5,)


@pytest.mark.parametrize("kind", [DistilledClassifier, DistilledRegressor])
@pytest.mark.parametrize(
    "check",
    [
        check_estimators_unfitted,
        check_get_params_invariance,
        check_no_attributes_set_in_init,
        check_set_params,
    ],
)
def test_scikit_learns_own_checks(kind, check) -> None:
    check(kind.__name__, kind(**FEW))


@pytest.mark.parametrize("kind", [DistilledClassifier, DistilledRegressor])
def test_it_is_made_without_arguments(kind) -> None:
    check_parameters_default_constructible(kind.__name__, kind())


def test_it_is_cloned_and_validated_by_scikit_learn() -> None:
    X, y = data(2)
    made = DistilledClassifier(**FEW)
    copy: Any = clone(made)
    assert copy.get_params()["steps"] == 20_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert cross_val_score(made, X, y, cv=2).min() > 0.8


def test_what_it_cant_use_is_said() -> None:
    X, y = data()
    with pytest.raises(NotFittedError):
        DistilledClassifier().predict(X)
    with pytest.raises(BadInput, match="LogisticRegression"):
        DistilledClassifier(LogisticRegression(), **FEW).fit(X, y)
    made = fitted(DistilledClassifier(MLPClassifier((2,), random_state=0), **FEW), X, y)
    with pytest.raises(ValueError, match="3 features"):
        made.predict(np.zeros((2, 3)))


def test_importing_distill_imports_no_scikit_learn() -> None:
    code = "import distill, sys; dir(distill); assert not any('sklearn' in m for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
