"""scikit-learn MLPs to networks, read from their attributes; scikit-learn is not imported."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.load.agree import random_inputs, require_agreement
from distill.load.assemble import assemble, quoted
from distill.load.framework import remembered
from distill.network import Network, Operation, Wire
from distill.operations.kind import Tensor
from dsl.types import Category

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "softmax": "Softmax"}


def load_sklearn(model: Any) -> Network:
    """Read an MLPClassifier, an MLPRegressor, or a Pipeline of StandardScaler and one of them.

    The network takes raw units. A classifier's output is its probabilities: one number
    for two classes, else one per class. Raises BadInput for other estimators.
    """
    scalers, last = _steps(model)
    if not hasattr(last, "coefs_"):
        raise BadInput(
            f"The scikit-learn {quoted(type(last).__name__)} can't be read: give a trained "
            "MLPClassifier or MLPRegressor, alone or after a StandardScaler in a Pipeline."
        )
    constants: dict[str, Tensor] = {}
    operations, wire = _scaling(scalers, constants)
    operations += _layers(last, wire, constants)
    source = Wire("input", (1, _width(scalers, last)), "float32")
    network = assemble(operations, constants, source, "output", batched=True)
    examples = _raw_units(scalers, random_inputs(network))

    def oracle(x: Tensor) -> dict[str, Tensor]:
        return {network.output: _predict(model, x[:, 0])}

    require_agreement(network, oracle, examples)
    return remembered(network, "scikit-learn", oracle)


def words_of(model: Any) -> tuple[tuple[str, ...], str | None]:
    """What an estimator calls its columns, and the output type that its classes' names make.

    () where it was trained on unnamed columns; None for numbered classes, for two classes (a truth
    value then), and for what isn't such an estimator.
    """
    features = getattr(model, "feature_names_in_", ())
    names = tuple(map(str, features)) if len(features) else ()
    classes = [str(c) for c in getattr(model, "classes_", ())]
    numbered = classes == [str(i) for i in range(len(classes))]
    if len(classes) < 3 or numbered or len(set(classes)) < len(classes):
        return names, None
    return names, str(Category(len(classes), tuple(classes)))


def _raw_units(scalers: list[Any], x: Tensor) -> Tensor:
    """Standard examples in the units that the first scaler was trained on."""
    if not scalers:
        return x
    mean, spread = scalers[0].mean_, scalers[0].scale_
    scaled = x if spread is None else x * spread
    return (scaled if mean is None else scaled + mean).astype(np.float32)


def _steps(model: Any) -> tuple[list[Any], Any]:
    """The scalers in front and the network at the end. Raises BadInput for anything else."""
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    *front, last = [s for s in steps if s is not None and not isinstance(s, str)]
    for step in front:
        if type(step).__name__ != "StandardScaler" or not hasattr(step, "n_features_in_"):
            raise BadInput(
                f"The Pipeline step {quoted(type(step).__name__)} can't be read; "
                "only a trained StandardScaler may stand before the network."
            )
    return front, last


def _width(scalers: list[Any], last: Any) -> int:
    return int(scalers[0].n_features_in_ if scalers else last.coefs_[0].shape[0])


def _scaling(scalers: list[Any], constants: dict[str, Tensor]) -> tuple[list[Operation], str]:
    """`(x - mean) / scale` for each scaler, where it has them."""
    operations: list[Operation] = []
    wire = "input"
    for i, scaler in enumerate(scalers):
        for kind, name in (("Sub", "mean_"), ("Div", "scale_")):
            values = getattr(scaler, name, None)
            if values is None or (name == "mean_" and not scaler.with_mean):
                continue
            constants[f"scaler{i}/{name}"] = np.asarray(values, dtype=np.float32)
            result = f"scaler{i}/{kind}"
            operations.append(Operation(kind, (wire, f"scaler{i}/{name}"), (result,)))
            wire = result
    return operations, wire


def _layers(last: Any, wire: str, constants: dict[str, Tensor]) -> list[Operation]:
    operations: list[Operation] = []
    count = len(last.coefs_)
    for i, (weight, bias) in enumerate(zip(last.coefs_, last.intercepts_, strict=True)):
        constants[f"layer{i}/weight"] = np.asarray(weight, dtype=np.float32)
        constants[f"layer{i}/bias"] = np.asarray(bias, dtype=np.float32)
        final = i == count - 1
        name = last.out_activation_ if final else last.activation
        sums = "output" if final and name == "identity" else f"layer{i}/sums"
        inputs = (wire, f"layer{i}/weight", f"layer{i}/bias")
        operations.append(Operation("Gemm", inputs, (sums,)))
        wire = sums
        if name != "identity":
            wire = "output" if final else f"layer{i}/activation"
            operations.append(Operation(_activation(name), (sums,), (wire,)))
    return operations


def _activation(name: str) -> str:
    if name not in ACTIVATIONS:
        raise BadInput(
            f"The activation {quoted(str(name))} of a scikit-learn MLP is not supported."
        )
    return ACTIVATIONS[name]


def _predict(model: Any, x: Tensor) -> Tensor:
    """The model's own outputs, in double precision."""
    x = x.astype(np.float64)
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(x)).reshape(len(x), -1)
    shares = np.asarray(model.predict_proba(x))
    return shares[:, 1:] if _steps(model)[1].n_outputs_ == 1 else shares
