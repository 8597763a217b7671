"""Matrix products and normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.load.aten_table.translation import Translation, argument, entry, first


@entry("linear")
def _linear(t: Translation, call: Any) -> None:
    x, weight, bias = first(call), call.arguments["weight"].name, call.arguments.get("bias")
    if len(t.shape(x)) == 2:
        inputs = [x, weight] + ([bias.name] if bias is not None else [])
        t.emit("Gemm", inputs, call.outputs[0], transB=1)
        return
    turned = t.emit("Transpose", [weight], perm=[1, 0])
    if bias is None:
        t.emit("MatMul", [x, turned], call.outputs[0])
        return
    t.emit("Add", [t.emit("MatMul", [x, turned]), bias.name], call.outputs[0])


@entry("addmm")
def _addmm(t: Translation, call: Any) -> None:
    inputs = [call.arguments[n].name for n in ("mat1", "mat2", "self")]
    factors = {k: float(argument(t, call, k, 1)) for k in ("alpha", "beta")}
    t.emit("Gemm", inputs, call.outputs[0], **factors)


@entry("mm", "matmul", "bmm", "mv", "dot")
def _matmul(t: Translation, call: Any) -> None:
    t.emit("MatMul", [v.name for v in list(call.arguments.values())[:2]], call.outputs[0])


@entry("batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(t: Translation, call: Any) -> None:
    if argument(t, call, "training", False):
        raise BadInput("The model normalises in training mode; export it after model.eval().")
    x, mean = first(call), call.arguments["running_mean"]
    if mean is None:
        raise BadInput("A batch normalisation without stored statistics is not supported.")
    channels = t.shape(mean.name)[0]
    plain = {"weight": np.ones(channels), "bias": np.zeros(channels)}
    names = [_or_constant(t, call, n, plain.get(n), x) for n in _BATCH_NORM]
    epsilon = float(argument(t, call, "eps", 1e-5))
    t.emit("BatchNormalization", [x, *names], call.outputs[0], epsilon=epsilon)


_BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


def _or_constant(t: Translation, call: Any, name: str, value: Any, like: str) -> str:
    given = call.arguments.get(name)
    return t.constant(value, like) if given is None else given.name


@entry("layer_norm", "native_layer_norm")
def _layer_norm(t: Translation, call: Any) -> None:
    shape = tuple(argument(t, call, "normalized_shape"))
    x = first(call)
    names = [
        _or_constant(t, call, "weight", np.ones(shape), x),
        _or_constant(t, call, "bias", np.zeros(shape), x),
    ]
    epsilon = float(argument(t, call, "eps", 1e-5))
    t.emit("LayerNormalization", [x, *names], call.outputs[0], axis=-len(shape), epsilon=epsilon)
