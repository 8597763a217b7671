"""Real data sets that scikit-learn ships, in ten fixed stratified splits each.

Networks take raw units. What is declared about the inputs comes from the training
part of a split alone; the held-out part judges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.task import Architecture

SEEDS = range(10)
TANH_SEEDS = range(3)
HELD_OUT = 0.3


@dataclass(frozen=True)
class DataSet:
    """A data set: its loader in scikit-learn, output type, and whether scaling is its own nodes."""

    name: str
    loader: str
    outputs: str
    own_scaling_nodes: bool


@dataclass(frozen=True, eq=False)
class Split:
    """Training and held-out part: raw inputs (n, width) and labels (n,) as class indices."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    x_held_out: NDArray[np.float64]
    y_held_out: NDArray[np.int64]


DATA_SETS = {
    data.name: data
    for data in (
        DataSet("iris", "load_iris", 'category("setosa","versicolor","virginica")', True),
        DataSet("wine", "load_wine", 'category("class_0","class_1","class_2")', False),
        DataSet("breast_cancer", "load_breast_cancer", "bool", True),
        DataSet("digits", "load_digits", "category(10)", False),
    )
}


def architectures() -> tuple[Architecture, ...]:
    """2 x 50 units: ReLU on every split, tanh on the first ones; the seed is the split's."""
    relu = tuple(Architecture((50, 50), "relu", seed) for seed in SEEDS)
    return relu + tuple(Architecture((50, 50), "tanh", seed) for seed in TANH_SEEDS)


@cache
def _bunch(name: str) -> Any:
    from sklearn import datasets

    loader: Callable[[], Any] = getattr(datasets, DATA_SETS[name].loader)
    return loader()


def split(name: str, seed: int) -> Split:
    """The split of data set `name` with `seed`: 70 % to train, stratified."""
    from sklearn.model_selection import train_test_split

    bunch = _bunch(name)
    parts = train_test_split(
        bunch.data, bunch.target, test_size=HELD_OUT, stratify=bunch.target, random_state=seed
    )
    x, x_held_out, y, y_held_out = parts
    labels, held_out_labels = np.asarray(y, np.int64), np.asarray(y_held_out, np.int64)
    return Split(np.asarray(x), labels, np.asarray(x_held_out), held_out_labels)


def domain(name: str, x: NDArray) -> str:
    """The input domain of training inputs `x`: named reals between their rounded extremes."""
    if name == "digits":
        return "image(8,8,int(0,16))"
    named = zip(_bunch(name).feature_names, x.min(axis=0), x.max(axis=0), strict=True)
    return " * ".join(f"{identifier(n)}: real({_down(lo)},{_up(hi)})" for n, lo, hi in named)


def identifier(text: str) -> str:
    """A field name: 'sepal length (cm)' becomes sepal_length."""
    without_unit = re.sub(r"\(.*?\)", "", text).strip()
    return re.sub(r"\W+", "_", without_unit).lower()


def _down(value: float) -> str:
    return f"{0.0 - _ceil3(-value):g}"


def _up(value: float) -> str:
    return f"{_ceil3(value):g}"


def _ceil3(value: float) -> float:
    """The next number upwards with three significant digits."""
    if value == 0:
        return 0.0
    digits = 2 - math.floor(math.log10(abs(value)))
    return math.ceil(round(value * 10**digits, 6)) / 10**digits
