"""Numbers and truth values, element by element: sums, comparisons, choices, casts."""

from __future__ import annotations

from typing import Any

from distill.errors import BadInput
from distill.load.aten_table.translation import Translate, Translation, argument, entry, first


def _two(kind: str) -> Translate:
    """An operator of two operands, tensors or numbers, that are brought to one type."""

    def translate(t: Translation, call: Any) -> None:
        like = call.outputs[0]
        if t.dtype(like) == "bool":
            like = _wider(t, call)
        a, b = (call.arguments.get(n) for n in ("self", "other"))
        right = t.wire(b, like)
        alpha = argument(t, call, "alpha", 1)
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
    if argument(t, call, "alpha", 1) != 1:
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


@entry("clamp", "clamp_", "hardtanh", "hardtanh_", "clamp_min", "clamp_max")
def _clamp(t: Translation, call: Any) -> None:
    plain = -1.0 if "hardtanh" in call.target else None
    low = argument(t, call, "min", argument(t, call, "min_val", plain))
    high = argument(t, call, "max", argument(t, call, "max_val", None if plain is None else 1.0))
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
    level, value = (t.constant(argument(t, call, n), x) for n in ("threshold", "value"))
    t.emit("Where", [t.emit("Greater", [x, level]), x, value], call.outputs[0])


@entry("masked_fill.Scalar")
def _masked_fill(t: Translation, call: Any) -> None:
    value = t.constant(argument(t, call, "value"), call.outputs[0])
    t.emit("Where", [call.arguments["mask"].name, value, first(call)], call.outputs[0])


@entry("to.dtype", "_to_copy", "to.dtype_layout", "type_as", "to.device", "to.other")
def _cast(t: Translation, call: Any) -> None:
    to = t.dtype(call.outputs[0])
    if to == t.dtype(first(call)):
        t.emit("Identity", [first(call)], call.outputs[0])
    else:
        t.emit("Cast", [first(call)], call.outputs[0], to=to)
