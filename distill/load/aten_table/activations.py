"""Activations and other curves."""

from __future__ import annotations

from math import prod
from typing import Any

from distill.errors import BadInput
from distill.load.aten_table.translation import (
    Translation,
    argument,
    entry,
    first,
    one_tensor,
    sizes_wire,
)

_SIMPLE = {
    "Relu": "relu relu_",
    "Tanh": "tanh tanh_",
    "Sigmoid": "sigmoid sigmoid_",
    "Erf": "erf",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Abs": "abs",
    "Neg": "neg",
    "Reciprocal": "reciprocal",
    "Sign": "sign sgn",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "round",
    "Sin": "sin",
    "Cos": "cos",
    "HardSwish": "hardswish hardswish_",
    "Not": "logical_not bitwise_not",
    "Identity": "clone detach detach_ lift_fresh_copy alias contiguous dropout feature_dropout "
    "alpha_dropout dropout_ lift_fresh native_dropout",
}
for _kind, _names in _SIMPLE.items():
    entry(*_names.split())(one_tensor(_kind))
entry("hardsigmoid", "hardsigmoid_")(one_tensor("HardSigmoid", alpha=1 / 6, beta=0.5))
entry("relu6", "relu6_")(one_tensor("Clip", min=0.0, max=6.0))


@entry("silu", "silu_")
def _silu(t: Translation, call: Any) -> None:
    t.emit("Mul", [first(call), t.emit("Sigmoid", [first(call)])], call.outputs[0])


@entry("mish")
def _mish(t: Translation, call: Any) -> None:
    curve = t.emit("Tanh", [t.emit("Softplus", [first(call)])])
    t.emit("Mul", [first(call), curve], call.outputs[0])


@entry("log_sigmoid")
def _log_sigmoid(t: Translation, call: Any) -> None:
    below = t.emit("Softplus", [t.emit("Neg", [first(call)])])
    t.emit("Neg", [below], call.outputs[0])


@entry("leaky_relu", "leaky_relu_")
def _leaky_relu(t: Translation, call: Any) -> None:
    slope = float(argument(t, call, "negative_slope", 0.01))
    t.emit("LeakyRelu", [first(call)], call.outputs[0], alpha=slope)


@entry("prelu")
def _prelu(t: Translation, call: Any) -> None:
    slope, rank = call.arguments["weight"].name, len(t.shape(first(call)))
    if rank > 2 and prod(t.shape(slope)) > 1:
        shape = [-1] + [1] * (rank - 2)
        slope = t.emit("Reshape", [slope, sizes_wire(t, shape)])
    t.emit("PRelu", [first(call), slope], call.outputs[0])


@entry("elu", "elu_")
def _elu(t: Translation, call: Any) -> None:
    if argument(t, call, "scale", 1) != 1 or argument(t, call, "input_scale", 1) != 1:
        raise BadInput("aten.elu with other scales than 1 is not supported.")
    t.emit("Elu", [first(call)], call.outputs[0], alpha=float(argument(t, call, "alpha", 1.0)))


@entry("celu")
def _celu(t: Translation, call: Any) -> None:
    x, alpha = first(call), float(argument(t, call, "alpha", 1.0))
    below = t.emit("Div", [t.emit("Clip", [x], max=0.0), t.constant(alpha, x)])
    curve = t.emit("Mul", [t.emit("Elu", [below], alpha=1.0), t.constant(alpha, x)])
    t.emit("Add", [t.emit("Relu", [x]), curve], call.outputs[0])


@entry("selu", "selu_")
def _selu(t: Translation, call: Any) -> None:
    t.emit("Selu", [first(call)], call.outputs[0])


@entry("gelu")
def _gelu(t: Translation, call: Any) -> None:
    mode = argument(t, call, "approximate", "none")
    t.emit("Gelu", [first(call)], call.outputs[0], approximate=mode)


@entry("softplus")
def _softplus(t: Translation, call: Any) -> None:
    x, beta = first(call), float(argument(t, call, "beta", 1))
    if beta == 1:
        t.emit("Softplus", [x], call.outputs[0])
        return
    curve = t.emit("Softplus", [t.emit("Mul", [x, t.constant(beta, x)])])
    t.emit("Div", [curve, t.constant(beta, x)], call.outputs[0])


@entry("softmax.int", "_softmax")
def _softmax(t: Translation, call: Any) -> None:
    t.emit("Softmax", [first(call)], call.outputs[0], axis=argument(t, call, "dim", -1))


@entry("log_softmax.int", "_log_softmax")
def _log_softmax(t: Translation, call: Any) -> None:
    t.emit("LogSoftmax", [first(call)], call.outputs[0], axis=argument(t, call, "dim", -1))
