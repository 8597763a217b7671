"""Activations: the functions that networks put between their affine maps, and Softmax."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from scipy import special

from distill.errors import BadInput
from distill.normal_form import Builder
from distill.operations.elementwise import keep_type, named, unary
from distill.operations.kind import Attributes, Operand, Shape, Tensor, declare
from distill.operations.lowering import Array, combine, extreme, same_wire, scale, zeros

Operands = tuple[Operand | None, ...]

SELU_ALPHA = 1.67326319217681884765625
SELU_GAMMA = 1.05070102214813232421875


def _relu(builder: Builder, wire: int) -> int:
    return builder.elementwise("relu", wire)


def _leaky(builder: Builder, wire: int, attributes: Attributes) -> int:
    """`relu(x) - slope * relu(-x)`, true for every slope."""
    below = _relu(builder, scale(builder, wire, -1.0))
    slope = float(attributes.get("alpha", 0.01))
    return combine(builder, [(1.0, _relu(builder, wire)), (-slope, below)])


def _below_zero_exponential(builder: Builder, wire: int) -> int:
    """`exp(min(x, 0))`; subtracting 1 is left to the caller."""
    below = _relu(builder, scale(builder, wire, -1.0))
    return builder.elementwise("exp", scale(builder, below, -1.0))


def _elu(builder: Builder, wire: int, attributes: Attributes) -> int:
    alpha = float(attributes.get("alpha", 1.0))
    gamma = float(attributes.get("gamma", 1.0))
    parts = [
        (gamma, _relu(builder, wire)),
        (gamma * alpha, _below_zero_exponential(builder, wire)),
    ]
    return combine(builder, parts, -gamma * alpha)


def _selu(builder: Builder, wire: int, attributes: Attributes) -> int:
    return _elu(builder, wire, {"alpha": SELU_ALPHA, "gamma": SELU_GAMMA, **attributes})


def _run_elu(x: Tensor, attributes: Attributes) -> Tensor:
    return np.where(x > 0, x, attributes.get("alpha", 1.0) * np.expm1(np.minimum(x, 0)))


def _run_selu(x: Tensor, attributes: Attributes) -> Tensor:
    gamma = attributes.get("gamma", SELU_GAMMA)
    return gamma * _run_elu(x, {"alpha": attributes.get("alpha", SELU_ALPHA)})


def _is_tanh_gelu(attributes: Attributes) -> bool:
    return attributes.get("approximate", "none") == "tanh"


def _gelu(builder: Builder, wire: int, attributes: Attributes) -> int:
    """Hendrycks and Gimpel 2016: `x/2 (1 + erf(x/sqrt 2))`, or its tanh approximation."""
    if _is_tanh_gelu(attributes):
        cube = builder.elementwise("mul", builder.elementwise("square", wire), wire)
        inner = combine(builder, [(sqrt(2 / pi), wire), (sqrt(2 / pi) * 0.044715, cube)])
        curve = builder.elementwise("tanh", inner)
    else:
        curve = builder.elementwise("erf", scale(builder, wire, sqrt(0.5)))
    return builder.elementwise("mul", wire, scale(builder, curve, 0.5, 0.5))


def _run_gelu(x: Tensor, attributes: Attributes) -> Tensor:
    if _is_tanh_gelu(attributes):
        return 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + special.erf(x * x.dtype.type(sqrt(0.5))))


def _softplus(builder: Builder, wire: int, attributes: Attributes) -> int:
    """`relu(x) + log(1 + exp(-|x|))`, which never overflows."""
    decay = builder.elementwise("exp", scale(builder, builder.elementwise("abs", wire), -1.0))
    rest = builder.elementwise("log", scale(builder, decay, 1.0, 1.0))
    return combine(builder, [(1.0, _relu(builder, wire)), (1.0, rest)])


def _softsign(builder: Builder, wire: int, attributes: Attributes) -> int:
    below = scale(builder, builder.elementwise("abs", wire), 1.0, 1.0)
    return builder.elementwise("mul", wire, builder.elementwise("reciprocal", below))


def _hard_sigmoid(builder: Builder, wire: int, attributes: Attributes) -> int:
    alpha, beta = float(attributes.get("alpha", 0.2)), float(attributes.get("beta", 0.5))
    return _between(builder, scale(builder, wire, alpha, beta), 0.0, 1.0)


def _hard_swish(builder: Builder, wire: int, attributes: Attributes) -> int:
    gate = _between(builder, scale(builder, wire, 1 / 6, 0.5), 0.0, 1.0)
    return builder.elementwise("mul", wire, gate)


def _between(builder: Builder, wire: int, low: float | None, high: float | None) -> int:
    for function, bound in (("max", low), ("min", high)):
        if bound is not None and np.isfinite(bound):
            fixed = builder.constant(np.full(builder.width(wire), bound))
            wire = builder.elementwise(function, wire, fixed)
    return wire


def _bound(attributes: Attributes, name: str) -> float | None:
    value = attributes.get(name)
    return None if value is None else float(np.asarray(value).ravel()[0])


def _clip(builder: Builder, wire: int, attributes: Attributes) -> int:
    return _between(builder, wire, _bound(attributes, "min"), _bound(attributes, "max"))


def _run_clip(x: Tensor, attributes: Attributes) -> Tensor:
    low, high = _bound(attributes, "min"), _bound(attributes, "max")
    if low is None and high is None:
        return x
    return np.clip(
        x,
        None if low is None else x.dtype.type(max(low, _smallest(x))),
        None if high is None else x.dtype.type(min(high, -_smallest(x))),
    )


def _smallest(x: Tensor) -> float:
    return float(np.finfo(x.dtype).min) if x.dtype.kind == "f" else float(np.iinfo(x.dtype).min)


def _softmax_axis(attributes: Attributes, rank: int) -> int:
    """The axis counted from the end. Raises BadInput for the old form that joins several axes."""
    axis = int(attributes.get("axis", -1))
    axis = axis - rank if axis >= 0 else axis
    if attributes.get("joins_axes") and axis != -1:
        raise BadInput(
            "Softmax over several axes at once (ONNX opset below 13) is not supported; "
            "export the model with opset 13 or newer."
        )
    return axis


def _run_softmax(attributes: Attributes, x: Tensor) -> Tensor:
    axis = _softmax_axis(attributes, x.ndim - 1)
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return keep_type(powers / powers.sum(axis=axis, keepdims=True), x)


def _run_log_softmax(attributes: Attributes, x: Tensor) -> Tensor:
    axis = _softmax_axis(attributes, x.ndim - 1)
    shifted = x - x.max(axis=axis, keepdims=True)
    return keep_type(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)), x)


def _shifted(builder: Builder, wire: int, shape: Shape, axis: int) -> tuple[int, Array]:
    """`x - max x` along an axis, whose exponentials can't overflow, and who shares a sum."""
    places = np.arange(int(np.prod(shape))).reshape(shape)
    groups = np.moveaxis(places, axis, -1).reshape(-1, shape[axis])
    member = zeros(groups.size, len(groups))
    member[groups.ravel(), np.repeat(np.arange(len(groups)), shape[axis])] = 1.0
    largest = extreme(builder, wire, groups, "max")
    terms = [(wire, np.eye(groups.size)), (largest, -member)]
    return builder.affine(terms, np.zeros(groups.size)), member


def _lower_softmax(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    wire, shape = same_wire(builder, attributes, operands, shapes), shapes[0]
    axis = _softmax_axis(attributes, len(shape))
    if shape[axis] == 2:
        return _share_of_two(builder, wire, shape, axis)
    shifted, member = _shifted(builder, wire, shape, axis)
    powers = builder.elementwise("exp", shifted)
    totals = builder.affine([(powers, member @ member.T)], np.zeros(len(member)))
    return builder.elementwise("mul", powers, builder.elementwise("reciprocal", totals))


def _share_of_two(builder: Builder, wire: int, shape: Shape, axis: int) -> int:
    """Softmax of two numbers is the sigmoid of their difference."""
    places = np.arange(int(np.prod(shape))).reshape(shape)
    other = np.flip(places, axis).ravel()
    unit = np.eye(len(other))
    return builder.elementwise(
        "sigmoid", builder.affine([(wire, unit - unit[other])], np.zeros(len(other)))
    )


def _lower_log_softmax(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    wire, shape = same_wire(builder, attributes, operands, shapes), shapes[0]
    shifted, member = _shifted(builder, wire, shape, _softmax_axis(attributes, len(shape)))
    powers = builder.elementwise("exp", shifted)
    totals = builder.affine([(powers, member @ member.T)], np.zeros(len(member)))
    return combine(builder, [(1.0, shifted), (-1.0, builder.elementwise("log", totals))])


def _run_prelu(attributes: Attributes, x: Tensor, slope: Tensor) -> Tensor:
    slope = slope.reshape(slope.shape[:1] + (1,) * (x.ndim - slope.ndim) + slope.shape[1:])
    return np.where(x >= 0, x, slope * x)


def _lower_prelu(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    wire, slope = same_wire(builder, attributes, operands, shapes), operands[1]
    if slope is None or slope.constant is None:
        raise BadInput("PRelu with a slope that depends on the input is not supported.")
    factor = -np.broadcast_to(slope.constant, shapes[0]).ravel()
    below = scale(builder, _relu(builder, scale(builder, wire, -1.0)), factor)
    return combine(builder, [(1.0, _relu(builder, wire)), (1.0, below)])


unary("Relu", lambda x, a: np.maximum(x, 0), named("relu"))
unary("LeakyRelu", lambda x, a: np.where(x >= 0, x, a.get("alpha", 0.01) * x), _leaky)
unary("Elu", _run_elu, _elu)
unary("Selu", _run_selu, _selu)
unary("Gelu", _run_gelu, _gelu)
unary("Erf", lambda x, a: special.erf(x), named("erf"))
unary("Tanh", lambda x, a: np.tanh(x), named("tanh"))
unary("Sigmoid", lambda x, a: special.expit(x), named("sigmoid"))
unary("Softplus", lambda x, a: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), _softplus)
unary("Softsign", lambda x, a: x / (1 + np.abs(x)), _softsign)
unary(
    "HardSigmoid",
    lambda x, a: np.clip(a.get("alpha", 0.2) * x + a.get("beta", 0.5), 0, 1),
    _hard_sigmoid,
)
unary("HardSwish", lambda x, a: x * np.clip(x / 6 + 0.5, 0, 1), _hard_swish)
unary("Clip", _run_clip, _clip, static={1: "min", 2: "max"})
declare("PRelu", _run_prelu, _lower_prelu)
declare("Softmax", _run_softmax, _lower_softmax)
declare("LogSoftmax", _run_log_softmax, _lower_log_softmax)
