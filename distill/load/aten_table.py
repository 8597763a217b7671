"""torch's aten operators as operations: one entry of `TRANSLATIONS` for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.network import Operation
from distill.operations.kind import Tensor

FOLDED = frozenset(
    [
        "aten.sym_size.int",
        "aten.full.default",
        "aten.zeros.default",
        "aten.ones.default",
        "aten.arange.default",
        "aten.arange.start",
        "aten.arange.start_step",
        "aten.scalar_tensor.default",
        "aten.tensor.default",
        "aten.eye.default",
        "aten.linspace.default",
        "aten.full_like.default",
        "aten.zeros_like.default",
        "aten.ones_like.default",
        "aten.triu.default",
        "aten.tril.default",
        "_operator.mul",
        "_operator.add",
        "_operator.sub",
        "_operator.floordiv",
        "_operator.neg",
        "_operator.eq",
        "_operator.ge",
        "_operator.le",
    ]
)
"""Calls that must not depend on the input's numbers: they are computed at load."""


CHECKS = frozenset(
    [
        "aten._assert_tensor_metadata.default",
        "aten._assert_scalar.default",
        "aten._assert_async.msg",
        "aten.sym_constrain_range_for_size.default",
        "aten.sym_constrain_range.default",
    ]
)
"""Calls that compute nothing and are left out."""


@dataclass
class Translation:
    """Collects operations; `abstract` gives each value's shape and type as a meta tensor."""

    abstract: Mapping[str, Any]
    constants: dict[str, Tensor]
    operations: list[Operation] = field(default_factory=list)

    def emit(
        self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any
    ) -> str:
        """Add an operation with one output; without a name it gets a fresh one."""
        name = output or f"{kind}/{len(self.operations)}"
        self.operations.append(Operation(kind, tuple(inputs), (name,), attributes))
        return name

    def constant(self, value: Any, like: str) -> str:
        """A fixed number or array in the type of another wire."""
        name = f"constant/{len(self.constants)}"
        self.constants[name] = np.asarray(value, dtype=self.dtype(like))
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a value, with the batch axis at 1."""
        return tuple(self.abstract[name].shape)

    def dtype(self, name: str) -> str:
        """numpy name of a value's type."""
        return str(self.abstract[name].dtype).removeprefix("torch.")

    def wire(self, value: Any, like: str) -> str:
        """The name of a referenced wire, cast to `like`'s type; a number as a constant."""
        if not hasattr(value, "name"):
            return self.constant(value, like)
        if self.dtype(value.name) == self.dtype(like):
            return value.name
        return self.emit("Cast", [value.name], to=self.dtype(like))

    def number(self, value: Any) -> Any:
        """A number, or what a reference to a known number stands for."""
        return self.abstract[value.name] if hasattr(value, "name") else value


Translate = Callable[[Translation, Any], None]
TRANSLATIONS: dict[str, Translate] = {}


def entry(*targets: str) -> Callable[[Translate], Translate]:
    """Register a translation for aten operators, named without their "aten."."""

    def register(function: Translate) -> Translate:
        for target in targets:
            name = f"aten.{target}" if "." in target else f"aten.{target}.default"
            assert name not in TRANSLATIONS, name
            TRANSLATIONS[name] = function
        return function

    return register


def first(call: Any) -> str:
    """Name of a call's first argument, which is its tensor."""
    return next(iter(call.arguments.values())).name


def _get(t: Translation, call: Any, name: str, default: Any = None) -> Any:
    value = call.arguments.get(name)
    if value is None:
        return default
    if isinstance(value, list | tuple):
        return [t.number(v) for v in value]
    return t.number(value)


def _one(kind: str, **fixed: Any) -> Translate:
    """An operator of one tensor, with fixed attributes."""

    def translate(t: Translation, call: Any) -> None:
        t.emit(kind, [first(call)], call.outputs[0], **fixed)

    return translate


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
    entry(*_names.split())(_one(_kind))
entry("hardsigmoid", "hardsigmoid_")(_one("HardSigmoid", alpha=1 / 6, beta=0.5))
entry("relu6", "relu6_")(_one("Clip", min=0.0, max=6.0))


def _two(kind: str) -> Translate:
    """An operator of two operands, tensors or numbers, that are brought to one type."""

    def translate(t: Translation, call: Any) -> None:
        like = call.outputs[0]
        if t.dtype(like) == "bool":
            like = _wider(t, call)
        a, b = (call.arguments.get(n) for n in ("self", "other"))
        right = t.wire(b, like)
        alpha = _get(t, call, "alpha", 1)
        if alpha != 1:
            right = t.emit("Mul", [right, t.constant(alpha, like)])
        t.emit(kind, [t.wire(a, like), right], call.outputs[0])

    return translate


def _wider(t: Translation, call: Any) -> str:
    """The tensor argument whose type a comparison is made in."""
    names = [v.name for v in call.arguments.values() if hasattr(v, "name")]
    floats = [n for n in names if t.dtype(n).startswith("float")]
    return (floats or names)[0]


_PAIRS = {
    "Add": "add.Tensor add_.Tensor add.Scalar",
    "Sub": "sub.Tensor sub_.Tensor sub.Scalar",
    "Mul": "mul.Tensor mul_.Tensor mul.Scalar",
    "Div": "div.Tensor div_.Tensor div.Scalar",
    "Max": "maximum",
    "Min": "minimum",
    "Greater": "gt.Tensor gt.Scalar",
    "Less": "lt.Tensor lt.Scalar",
    "GreaterOrEqual": "ge.Tensor ge.Scalar",
    "LessOrEqual": "le.Tensor le.Scalar",
    "Equal": "eq.Tensor eq.Scalar",
    "And": "logical_and bitwise_and.Tensor __and__.Tensor",
    "Or": "logical_or bitwise_or.Tensor __or__.Tensor",
    "Xor": "logical_xor bitwise_xor.Tensor __xor__.Tensor",
}
for _kind, _names in _PAIRS.items():
    entry(*_names.split())(_two(_kind))


@entry("ne.Tensor", "ne.Scalar")
def _not_equal(t: Translation, call: Any) -> None:
    like = _wider(t, call)
    sides = [t.wire(call.arguments[n], like) for n in ("self", "other")]
    t.emit("Not", [t.emit("Equal", sides)], call.outputs[0])


@entry("rsub.Scalar", "rsub.Tensor")
def _reversed_sub(t: Translation, call: Any) -> None:
    if _get(t, call, "alpha", 1) != 1:
        raise BadInput("aten.rsub with a factor is not supported.")
    like = call.outputs[0]
    t.emit("Sub", [t.wire(call.arguments[n], like) for n in ("other", "self")], like)


@entry("pow.Tensor_Scalar", "pow.Tensor_Tensor", "pow.Scalar")
def _pow(t: Translation, call: Any) -> None:
    like = call.outputs[0]
    t.emit("Pow", [t.wire(call.arguments[n], like) for n in ("self", "exponent")], like)


@entry("square")
def _square(t: Translation, call: Any) -> None:
    t.emit("Mul", [first(call)] * 2, call.outputs[0])


@entry("rsqrt")
def _inverse_sqrt(t: Translation, call: Any) -> None:
    t.emit("Reciprocal", [t.emit("Sqrt", [first(call)])], call.outputs[0])


@entry("log1p")
def _log1p(t: Translation, call: Any) -> None:
    x = first(call)
    t.emit("Log", [t.emit("Add", [x, t.constant(1, x)])], call.outputs[0])


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
    slope = float(_get(t, call, "negative_slope", 0.01))
    t.emit("LeakyRelu", [first(call)], call.outputs[0], alpha=slope)


@entry("prelu")
def _prelu(t: Translation, call: Any) -> None:
    slope, rank = call.arguments["weight"].name, len(t.shape(first(call)))
    if rank > 2 and prod(t.shape(slope)) > 1:
        shape = [-1] + [1] * (rank - 2)
        slope = t.emit("Reshape", [slope, _shape(t, shape)])
    t.emit("PRelu", [first(call), slope], call.outputs[0])


@entry("elu", "elu_")
def _elu(t: Translation, call: Any) -> None:
    if _get(t, call, "scale", 1) != 1 or _get(t, call, "input_scale", 1) != 1:
        raise BadInput("aten.elu with other scales than 1 is not supported.")
    t.emit("Elu", [first(call)], call.outputs[0], alpha=float(_get(t, call, "alpha", 1.0)))


@entry("celu")
def _celu(t: Translation, call: Any) -> None:
    x, alpha = first(call), float(_get(t, call, "alpha", 1.0))
    below = t.emit("Div", [t.emit("Clip", [x], max=0.0), t.constant(alpha, x)])
    curve = t.emit("Mul", [t.emit("Elu", [below], alpha=1.0), t.constant(alpha, x)])
    t.emit("Add", [t.emit("Relu", [x]), curve], call.outputs[0])


@entry("selu", "selu_")
def _selu(t: Translation, call: Any) -> None:
    t.emit("Selu", [first(call)], call.outputs[0])


@entry("gelu")
def _gelu(t: Translation, call: Any) -> None:
    mode = _get(t, call, "approximate", "none")
    t.emit("Gelu", [first(call)], call.outputs[0], approximate=mode)


@entry("softplus")
def _softplus(t: Translation, call: Any) -> None:
    x, beta = first(call), float(_get(t, call, "beta", 1))
    if beta == 1:
        t.emit("Softplus", [x], call.outputs[0])
        return
    curve = t.emit("Softplus", [t.emit("Mul", [x, t.constant(beta, x)])])
    t.emit("Div", [curve, t.constant(beta, x)], call.outputs[0])


@entry("softmax.int", "_softmax")
def _softmax(t: Translation, call: Any) -> None:
    t.emit("Softmax", [first(call)], call.outputs[0], axis=_get(t, call, "dim", -1))


@entry("log_softmax.int", "_log_softmax")
def _log_softmax(t: Translation, call: Any) -> None:
    t.emit("LogSoftmax", [first(call)], call.outputs[0], axis=_get(t, call, "dim", -1))


@entry("clamp", "clamp_", "hardtanh", "hardtanh_", "clamp_min", "clamp_max")
def _clamp(t: Translation, call: Any) -> None:
    plain = -1.0 if "hardtanh" in call.target else None
    low = _get(t, call, "min", _get(t, call, "min_val", plain))
    high = _get(t, call, "max", _get(t, call, "max_val", None if plain is None else 1.0))
    bounds = {k: float(v) for k, v in (("min", low), ("max", high)) if v is not None}
    t.emit("Clip", [first(call)], call.outputs[0], **bounds)


@entry("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")
def _where(t: Translation, call: Any) -> None:
    like = call.outputs[0]
    sides = [t.wire(call.arguments[n], like) for n in ("self", "other")]
    t.emit("Where", [call.arguments["condition"].name, *sides], like)


@entry("threshold")
def _threshold(t: Translation, call: Any) -> None:
    x = first(call)
    level, value = (t.constant(_get(t, call, n), x) for n in ("threshold", "value"))
    t.emit("Where", [t.emit("Greater", [x, level]), x, value], call.outputs[0])


@entry("masked_fill.Scalar")
def _masked_fill(t: Translation, call: Any) -> None:
    value = t.constant(_get(t, call, "value"), call.outputs[0])
    t.emit("Where", [call.arguments["mask"].name, value, first(call)], call.outputs[0])


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
    factors = {k: float(_get(t, call, k, 1)) for k in ("alpha", "beta")}
    t.emit("Gemm", inputs, call.outputs[0], **factors)


@entry("mm", "matmul", "bmm", "mv", "dot")
def _matmul(t: Translation, call: Any) -> None:
    t.emit("MatMul", [v.name for v in list(call.arguments.values())[:2]], call.outputs[0])


@entry("batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(t: Translation, call: Any) -> None:
    if _get(t, call, "training", False):
        raise BadInput("The model normalises in training mode; export it after model.eval().")
    x, mean = first(call), call.arguments["running_mean"]
    if mean is None:
        raise BadInput("A batch normalisation without stored statistics is not supported.")
    channels = t.shape(mean.name)[0]
    plain = {"weight": np.ones(channels), "bias": np.zeros(channels)}
    names = [_or_constant(t, call, n, plain.get(n), x) for n in _BATCH_NORM]
    epsilon = float(_get(t, call, "eps", 1e-5))
    t.emit("BatchNormalization", [x, *names], call.outputs[0], epsilon=epsilon)


_BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


def _or_constant(t: Translation, call: Any, name: str, value: Any, like: str) -> str:
    given = call.arguments.get(name)
    return t.constant(value, like) if given is None else given.name


@entry("layer_norm", "native_layer_norm")
def _layer_norm(t: Translation, call: Any) -> None:
    shape = tuple(_get(t, call, "normalized_shape"))
    x = first(call)
    names = [
        _or_constant(t, call, "weight", np.ones(shape), x),
        _or_constant(t, call, "bias", np.zeros(shape), x),
    ]
    epsilon = float(_get(t, call, "eps", 1e-5))
    t.emit("LayerNormalization", [x, *names], call.outputs[0], axis=-len(shape), epsilon=epsilon)


def _spread(value: Any, rank: int) -> list[int]:
    """A number per spatial axis; torch allows one for all."""
    items = list(value) if isinstance(value, list | tuple) else [value]
    return items * rank if len(items) == 1 else items


@entry("conv1d", "conv2d", "conv3d", "convolution", "conv2d.padding", "conv1d.padding")
def _conv(t: Translation, call: Any) -> None:
    x, weight, bias = first(call), call.arguments["weight"].name, call.arguments.get("bias")
    if _get(t, call, "transposed", False):
        raise BadInput("Transposed convolutions are not supported.")
    rank = len(t.shape(weight)) - 2
    padding = _get(t, call, "padding", 0)
    attributes = {
        "strides": _spread(_get(t, call, "stride", 1), rank),
        "dilations": _spread(_get(t, call, "dilation", 1), rank),
        "group": _get(t, call, "groups", 1),
    }
    attributes["pads"] = _conv_pads(padding, t.shape(weight)[2:], attributes["dilations"])
    inputs = [x, weight] + ([bias.name] if bias is not None else [])
    _with_batch(t, "Conv", inputs, call.outputs[0], rank + 2, attributes)


def _conv_pads(padding: Any, kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    if padding == "valid":
        return [0] * (2 * len(kernel))
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        return [p // 2 for p in totals] + [p - p // 2 for p in totals]
    return _spread(padding, len(kernel)) * 2


def _with_batch(
    t: Translation, kind: str, inputs: list[str], output: str, rank: int, attributes: dict[str, Any]
) -> None:
    """Emit an image operation; torch also takes one image without a batch axis."""
    if len(t.shape(inputs[0])) == rank:
        t.emit(kind, inputs, output, **attributes)
        return
    image = t.emit("Unsqueeze", [inputs[0]], axes=[0])
    result = t.emit(kind, [image, *inputs[1:]], **attributes)
    t.emit("Squeeze", [result], output, axes=[0])


@entry("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices")
def _max_pool(t: Translation, call: Any) -> None:
    _pool(t, call, "MaxPool", {})


@entry("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(t: Translation, call: Any) -> None:
    if call.arguments.get("divisor_override") is not None:
        raise BadInput("An average pool with its own divisor is not supported.")
    counted = int(bool(_get(t, call, "count_include_pad", True)))
    _pool(t, call, "AveragePool", {"count_include_pad": counted})


def _pool(t: Translation, call: Any, kind: str, more: dict[str, Any]) -> None:
    rank = int(call.target.split("pool")[1][0])
    kernel = _spread(_get(t, call, "kernel_size"), rank)
    stride = _get(t, call, "stride") or kernel
    attributes = {
        "kernel_shape": kernel,
        "strides": _spread(stride, rank),
        "dilations": _spread(_get(t, call, "dilation", 1), rank),
        "pads": _spread(_get(t, call, "padding", 0), rank) * 2,
        "ceil_mode": int(bool(_get(t, call, "ceil_mode", False))),
        **more,
    }
    _with_batch(t, kind, [first(call)], call.outputs[0], rank + 2, attributes)


@entry("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
@entry("adaptive_max_pool1d", "adaptive_max_pool2d")
def _adaptive_pool(t: Translation, call: Any) -> None:
    """Windows of one size when the sizes divide; others are not supported."""
    rank = int(call.target.split("pool")[1][0])
    sizes = t.shape(first(call))[-rank:]
    wanted = _spread(_get(t, call, "output_size"), rank)
    if any(s % w for s, w in zip(sizes, wanted, strict=True)):
        raise BadInput(f"Adaptive pooling of {list(sizes)} to {wanted} needs sizes that divide.")
    kernel = [s // w for s, w in zip(sizes, wanted, strict=True)]
    kind = "MaxPool" if "max" in call.target else "AveragePool"
    attributes = {"kernel_shape": kernel, "strides": kernel}
    _with_batch(t, kind, [first(call)], call.outputs[0], rank + 2, attributes)


def _shape(t: Translation, sizes: Sequence[int]) -> str:
    name = f"constant/{len(t.constants)}"
    t.constants[name] = np.array(sizes, dtype=np.int64)
    return name


@entry("view", "reshape", "_unsafe_view", "flatten.using_ints", "unflatten.int", "squeeze")
@entry("squeeze.dim", "squeeze.dims", "unsqueeze", "view_as", "reshape_as")
def _reshape(t: Translation, call: Any) -> None:
    t.emit("Reshape", [first(call), _shape(t, t.shape(call.outputs[0]))], call.outputs[0])


@entry("transpose.int", "t", "permute", "numpy_T", "mT", "swapaxes")
def _transpose(t: Translation, call: Any) -> None:
    rank = len(t.shape(first(call)))
    perm = list(range(rank))
    if "permute" in call.target:
        perm = [d % rank for d in _get(t, call, "dims")]
    elif "numpy_T" in call.target:
        perm = perm[::-1]
    elif rank > 1:
        a, b = (int(_get(t, call, f"dim{i}", d)) % rank for i, d in ((0, -2), (1, -1)))
        perm[a], perm[b] = perm[b], perm[a]
    t.emit("Transpose", [first(call)], call.outputs[0], perm=perm)


@entry("cat", "concat", "concatenate")
def _cat(t: Translation, call: Any) -> None:
    like = call.outputs[0]
    names = [t.wire(v, like) for v in next(iter(call.arguments.values()))]
    full = [n for n in names if prod(_any_shape(t, n)) or len(_any_shape(t, n)) > 1]
    t.emit("Concat", full, like, axis=int(_get(t, call, "dim", 0)))


def _any_shape(t: Translation, name: str) -> tuple[int, ...]:
    return t.shape(name) if name in t.abstract else (1,)


@entry("stack")
def _stack(t: Translation, call: Any) -> None:
    like, axis = call.outputs[0], int(_get(t, call, "dim", 0))
    axis = axis % len(t.shape(like))
    names = [t.wire(v, like) for v in next(iter(call.arguments.values()))]
    parts = [t.emit("Unsqueeze", [n], axes=[axis]) for n in names]
    t.emit("Concat", parts, like, axis=axis)


@entry("slice.Tensor")
def _slice(t: Translation, call: Any) -> None:
    cuts = {
        "starts": [_get(t, call, "start", 0)],
        "ends": [_get(t, call, "end", 2**62)],
        "axes": [_get(t, call, "dim", 0)],
        "steps": [_get(t, call, "step", 1)],
    }
    t.emit("Slice", [first(call)], call.outputs[0], **cuts)


@entry("select.int")
def _select(t: Translation, call: Any) -> None:
    index = _shape(t, _get(t, call, "index"))
    t.emit("Gather", [first(call), index], call.outputs[0], axis=_get(t, call, "dim", 0))


@entry("index_select", "embedding")
def _index_select(t: Translation, call: Any) -> None:
    names = [v.name for v in call.arguments.values() if hasattr(v, "name")]
    indices = call.arguments.get("index") or call.arguments.get("indices")
    table = names[0]
    t.emit("Gather", [table, indices.name], call.outputs[0], axis=_get(t, call, "dim", 0))


@entry("split.Tensor", "split_with_sizes", "chunk", "unsafe_chunk", "tensor_split.sections")
@entry("unsafe_split.Tensor")
def _split(t: Translation, call: Any) -> None:
    axis = int(_get(t, call, "dim", 0))
    named = [o for o in call.outputs if o]
    if len(named) != len(call.outputs):
        raise BadInput("A split whose parts aren't all named can't be read.")
    sizes = [t.shape(name)[axis] for name in named]
    operation = Operation(
        "Split", (first(call),), tuple(call.outputs), {"axis": axis, "split": sizes}
    )
    t.operations.append(operation)


@entry("unbind.int")
def _unbind(t: Translation, call: Any) -> None:
    for i, name in enumerate(call.outputs):
        if name:
            index, axis = _shape(t, i), _get(t, call, "dim", 0)  # type: ignore[arg-type]
            t.emit("Gather", [first(call), index], name, axis=axis)


@entry("expand", "broadcast_to", "expand_as")
def _expand(t: Translation, call: Any) -> None:
    t.emit("Expand", [first(call), _shape(t, t.shape(call.outputs[0]))], call.outputs[0])


@entry("repeat")
def _repeat(t: Translation, call: Any) -> None:
    repeats = _get(t, call, "repeats")
    missing = len(repeats) - len(t.shape(first(call)))
    shape = [1] * missing + list(t.shape(first(call)))
    wide = t.emit("Reshape", [first(call), _shape(t, shape)])
    t.emit("Tile", [wide, _shape(t, repeats)], call.outputs[0])


@entry("constant_pad_nd", "pad")
def _pad(t: Translation, call: Any) -> None:
    """torch lists pads from the last axis to the first."""
    pads, rank = _get(t, call, "pad"), len(t.shape(first(call)))
    before, after = [0] * rank, [0] * rank
    for i in range(len(pads) // 2):
        before[rank - 1 - i], after[rank - 1 - i] = pads[2 * i], pads[2 * i + 1]
    modes = {"constant": "constant", "replicate": "edge", "reflect": "reflect", "circular": "wrap"}
    mode = modes.get(_get(t, call, "mode", "constant"), "constant")
    fill = float(_get(t, call, "value", 0.0))
    t.emit(
        "Pad", [first(call)], call.outputs[0], pads=before + after, mode=mode, constant_value=fill
    )


@entry("to.dtype", "_to_copy", "to.dtype_layout", "type_as", "to.device", "to.other")
def _cast(t: Translation, call: Any) -> None:
    to = t.dtype(call.outputs[0])
    if to == t.dtype(first(call)):
        t.emit("Identity", [first(call)], call.outputs[0])
    else:
        t.emit("Cast", [first(call)], call.outputs[0], to=to)


def _reduction(kind: str) -> Translate:
    def translate(t: Translation, call: Any) -> None:
        axes = _get(t, call, "dim")
        attributes: dict[str, Any] = {"keepdims": int(bool(_get(t, call, "keepdim", False)))}
        if axes is not None and axes != []:
            attributes["axes"] = axes if isinstance(axes, list) else [axes]
        source = t.wire(next(iter(call.arguments.values())), call.outputs[0])
        t.emit(kind, [source], call.outputs[0], **attributes)

    return translate


entry("sum", "sum.dim_IntList")(_reduction("ReduceSum"))
entry("mean", "mean.dim")(_reduction("ReduceMean"))
entry("amax", "max", "max.dim")(_reduction("ReduceMax"))
entry("amin", "min", "min.dim")(_reduction("ReduceMin"))


@entry("argmax", "argmin")
def _argmax(t: Translation, call: Any) -> None:
    axis, x = _get(t, call, "dim"), first(call)
    if axis is None:
        x, axis = t.emit("Reshape", [x, _shape(t, [-1])]), 0
    kept = int(bool(_get(t, call, "keepdim", False)))
    kind = "ArgMax" if "argmax" in call.target else "ArgMin"
    t.emit(kind, [x], call.outputs[0], axis=axis, keepdims=kept)
