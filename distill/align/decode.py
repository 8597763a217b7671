"""How well a variable can be read off a place: linear decoders, tried on rows of their own.

Linear ones only: with maps of any kind every network can be aligned with every program (Sutter et
al., The Non-Linear Representation Dilemma, arXiv 2507.08802).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.align.place import Array
from dsl.types import Bool, Category, Int, Type, element

_STEPS = 12
CLASSES = 16
"""Different values up to which a variable is also decoded value by value."""


@dataclass(frozen=True, eq=False)
class Coded:
    """A variable's values as numbers (n, m), and as classes (n,) where it has few values.

    numbers: None for categories, which have no order; whole: they are whole numbers or truths.
    """

    numbers: Array | None
    classes: NDArray[np.int64] | None
    whole: bool

    @property
    def features(self) -> Array:
        """Columns (n, m) whose span a linear place of the variable reads."""
        if self.classes is None:
            assert self.numbers is not None
            return self.numbers
        return np.eye(int(self.classes.max()) + 1)[self.classes][:, 1:]

    @property
    def curves(self) -> Array:
        """Columns whose combinations are the functions of the variable: steps, slopes between."""
        if self.classes is not None or self.numbers is None:
            return self.features
        found = [self.numbers]
        for numbers in self.numbers.T:
            levels = np.unique(np.quantile(numbers, np.linspace(0, 1, _STEPS + 1)[1:-1]))
            found.append(np.maximum(numbers[:, None] - levels, 0.0))
            found.append((numbers[:, None] > levels).astype(np.float64))
        return np.column_stack(found)

    @property
    def constant(self) -> bool:
        """Whether there is only one value."""
        return not np.ptp(self.features, axis=0).any() if len(self.features) else True


def coded(values: NDArray[Any], item: Type) -> Coded:
    """Values (n, ...) of a type as numbers and classes."""
    flat = np.asarray(values).reshape(len(values), -1)
    scalar = element(item)
    distinct, classes = np.unique(flat, axis=0, return_inverse=True)
    few = len(distinct) <= CLASSES or isinstance(scalar, Category)
    numbers = None if isinstance(scalar, Category) else flat.astype(np.float64)
    whole = isinstance(scalar, Bool | Int)
    return Coded(numbers, classes.reshape(-1).astype(np.int64) if few else None, whole)


def decoded(place: Array, values: Coded, fit: NDArray[Any], test: NDArray[Any]) -> float:
    """How well coordinates (n, k) tell the values: fitted on some rows, measured on others.

    For few values the share that is right, averaged over the values; for whole numbers at least
    the share that is right after rounding; for real ones the explained share of the variance, the
    least over their components.
    """
    if values.constant or place.shape[1] == 0:
        return 0.0
    found = []
    if values.classes is not None:
        found.append(_by_class(place, values.classes, fit, test))
    if values.numbers is not None and (
        values.classes is None or len(np.unique(values.classes)) > 2
    ):
        found.append(_by_number(place, values.numbers, values.whole, fit, test))
    return max(found)


def owned(component: Array, values: Coded) -> float:
    """Share of the variance of activations (n, d) that the variable explains, by any function."""
    centred = component - component.mean(0)
    curves = np.column_stack([np.ones(len(component)), values.curves])
    guess = curves @ np.linalg.lstsq(curves, centred, rcond=1e-9)[0]
    return float(np.clip((guess**2).sum() / max((centred**2).sum(), 1e-300), 0.0, 1.0))


def _by_class(
    place: Array, classes: NDArray[np.int64], fit: NDArray[Any], test: NDArray[Any]
) -> float:
    """Linear discriminants; between two classes the threshold that errs least."""
    kinds = np.unique(classes[fit])
    if len(kinds) < 2:
        return 0.0
    means = np.stack([place[fit][classes[fit] == k].mean(0) for k in kinds])
    within = place[fit] - means[np.searchsorted(kinds, classes[fit])]
    spread = within.T @ within / len(fit)
    total = float(np.trace(np.cov(place[fit].T).reshape(place.shape[1], -1)))
    solved = np.linalg.solve(spread + (1e-9 + 1e-6 * total) * np.eye(len(spread)), means.T)
    scores = place @ solved - 0.5 * (means * solved.T).sum(1)
    if len(kinds) == 2:
        line = scores[:, 1] - scores[:, 0]
        level = _threshold(line[fit], classes[fit] == kinds[1])
        scores = np.column_stack([np.full(len(line), level), line])
    guessed = kinds[scores[test].argmax(1)]
    right = guessed == classes[test]
    return float(np.mean([right[classes[test] == k].mean() for k in np.unique(classes[test])]))


def _threshold(line: Array, truth: NDArray[np.bool_]) -> float:
    """The level that separates truths from the rest with the highest mean of both shares."""
    order = np.argsort(line)
    ordered, true = line[order], truth[order]
    below_false = np.cumsum(~true) / max((~true).sum(), 1)
    above_true = 1 - np.cumsum(true) / max(true.sum(), 1)
    best = int(np.argmax(below_false + above_true))
    return float(ordered[best] + ordered[min(best + 1, len(ordered) - 1)]) / 2


def _by_number(
    place: Array, numbers: Array, whole: bool, fit: NDArray[Any], test: NDArray[Any]
) -> float:
    rows = np.column_stack([place, np.ones(len(place))])
    solved, *_ = np.linalg.lstsq(rows[fit], numbers[fit], rcond=1e-9)
    errors = rows[test] @ solved - numbers[test]
    if whole:
        return float((np.abs(errors) < 0.5).mean(0).min())
    total = ((numbers[test] - numbers[test].mean(0)) ** 2).sum(0)
    explained = 1 - (errors**2).sum(0) / np.maximum(total, 1e-30)
    return float(np.clip(explained, 0.0, 1.0).min())
