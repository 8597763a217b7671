"""Training 2 x 50 classifiers on the real data sets: standardise, AdamW, raw units in the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import nn

from benchmarks.realdata import DATA_SETS, Split
from benchmarks.task import Architecture
from benchmarks.train import fit
from benchmarks.train.mlp import Scaling, build, with_raw_inputs
from benchmarks.train.write import onnx_model

STEPS = 400


@dataclass(frozen=True, eq=False)
class Classifier:
    """The ONNX model on raw inputs, its number of weights, and its accuracies."""

    model: ModelProto
    parameters: int
    train_accuracy: float
    accuracy: float


def classify(name: str, part: Split, architecture: Architecture) -> Classifier:
    """Train on the training part of a split and judge on the held-out part."""
    scaling = Scaling.fit(part.x)
    boolean = DATA_SETS[name].outputs == "bool"
    model = _fit(part, scaling, architecture, boolean)
    written = _written(model, scaling, architecture, DATA_SETS[name].own_scaling_nodes)
    return Classifier(
        written,
        sum(p.numel() for p in model.parameters()),
        accuracy(written, part.x, part.y),
        accuracy(written, part.x_held_out, part.y_held_out),
    )


def _fit(part: Split, scaling: Scaling, arch: Architecture, boolean: bool) -> nn.Sequential:
    outputs = 1 if boolean else int(part.y.max()) + 1
    model = build(part.x.shape[1], outputs, arch, arch.seed)
    x = torch.tensor(scaling(part.x))
    y = torch.tensor(part.y[:, None], dtype=torch.float64)
    loss = fit.logistic if boolean else fit.cross_entropy
    fit.adam(model, lambda _: (x, y), loss, STEPS, 0.005, decay=1.0)
    return model


def _written(model: nn.Sequential, scaling: Scaling, arch: Architecture, own: bool) -> ModelProto:
    if own:
        return onnx_model(model.float(), scaling.mean, scaling.scale)
    return onnx_model(with_raw_inputs(model, scaling, arch))


def accuracy(model: ModelProto, x: NDArray, y: NDArray) -> float:
    """Share of right answers, run under onnxruntime: one logit decides at 0, several by argmax."""
    logits = run(model, x)
    answers = logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(axis=1)
    return float((answers == y).mean())


def run(model: ModelProto, x: NDArray) -> NDArray[np.float32]:
    """Outputs (n, k) of an ONNX model on raw inputs (n, width)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return np.asarray(session.run(None, {"input": x.astype(np.float32)})[0])
