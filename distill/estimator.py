"""scikit-learn estimators that train a small network and answer with the program found for it.

They need scikit-learn (`pip install distill[ml]`). The labels train the network only; the search
for the program sees the network and the columns of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_array, check_is_fitted

from distill.api import distill
from distill.distillation import Distillation

_HIDDEN = (8,)


class _Distilled(BaseEstimator):
    """What both share.

    estimator: an MLP of scikit-learn, alone or in a pipeline behind a StandardScaler, that `fit`
    trains; a small one if left out. The rest is as of `distill.distill`.

    After `fit`: `estimator_` is the trained network, `distillation_` what was found for it.
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        inputs: str | None = None,
        tolerance: float | None = None,
        margin: float = 0.0,
        exact: bool = False,
        budget: float = 60.0,
        steps: int | None = None,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.inputs = inputs
        self.tolerance = tolerance
        self.margin = margin
        self.exact = exact
        self.budget = budget
        self.steps = steps
        self.seed = seed

    def _usual(self) -> Any:
        raise NotImplementedError

    def fit(self, X: Any, y: Any) -> Any:
        """Train the network on X (n, columns) and y (n,), and find its program.

        Raises:
            BadInput: the estimator isn't a network that can be read.
        """
        made: Any = self._usual() if self.estimator is None else clone(self.estimator)
        self.estimator_ = made.fit(X, y)
        names = getattr(self.estimator_, "feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names
        rows = check_array(X, dtype="float64")
        self.n_features_in_ = rows.shape[1]
        found = distill(
            self.estimator_, self.inputs, data=rows, tolerance=self.tolerance, margin=self.margin,
            exact=self.exact, budget=self.budget, steps=self.steps, seed=self.seed,
        )  # fmt: skip
        assert isinstance(found, Distillation)  # a network of scikit-learn has no state
        self.distillation_ = found
        return self

    def _values(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "distillation_")
        rows = check_array(X, dtype="float64")
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return self.distillation_.batch(rows)


class DistilledClassifier(ClassifierMixin, _Distilled):
    """A classifier that is a program: see `_Distilled` for what it takes.

    `classes_` are the labels that `predict` answers with.
    """

    def _usual(self) -> Any:
        network = MLPClassifier(
            hidden_layer_sizes=_HIDDEN, alpha=0.01, max_iter=2000, random_state=self.seed
        )
        return make_pipeline(StandardScaler(), network)

    @property
    def classes_(self) -> np.ndarray:
        """The labels in order."""
        check_is_fitted(self, "distillation_")
        return np.asarray(self.estimator_.classes_)

    def predict(self, X: Any) -> np.ndarray:
        """The program's decisions (n,) for rows (n, columns)."""
        return self.classes_[self._values(X).astype(np.int64)]


class DistilledRegressor(RegressorMixin, _Distilled):
    """A regression that is a program: see `_Distilled` for what it takes."""

    def _usual(self) -> Any:
        network = MLPRegressor(
            hidden_layer_sizes=_HIDDEN, alpha=0.01, max_iter=2000, random_state=self.seed
        )
        return make_pipeline(StandardScaler(), network)

    def predict(self, X: Any) -> np.ndarray:
        """The program's values (n,), or (n, k) for k outputs, for rows (n, columns)."""
        return np.asarray(self._values(X), dtype=np.float64)
