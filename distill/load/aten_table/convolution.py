"""Convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distill.errors import BadInput
from distill.load.aten_table.translation import Translation, argument, entry, first


def _spread(value: Any, rank: int) -> list[int]:
    """A number per spatial axis; torch allows one for all."""
    items = list(value) if isinstance(value, list | tuple) else [value]
    return items * rank if len(items) == 1 else items


@entry("conv1d", "conv2d", "conv3d", "convolution", "conv2d.padding", "conv1d.padding")
def _conv(t: Translation, call: Any) -> None:
    x, weight, bias = first(call), call.arguments["weight"].name, call.arguments.get("bias")
    if argument(t, call, "transposed", False):
        raise BadInput("Transposed convolutions are not supported.")
    rank = len(t.shape(weight)) - 2
    padding = argument(t, call, "padding", 0)
    attributes = {
        "strides": _spread(argument(t, call, "stride", 1), rank),
        "dilations": _spread(argument(t, call, "dilation", 1), rank),
        "group": argument(t, call, "groups", 1),
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
    counted = int(bool(argument(t, call, "count_include_pad", True)))
    _pool(t, call, "AveragePool", {"count_include_pad": counted})


def _pool(t: Translation, call: Any, kind: str, more: dict[str, Any]) -> None:
    rank = int(call.target.split("pool")[1][0])
    kernel = _spread(argument(t, call, "kernel_size"), rank)
    stride = argument(t, call, "stride") or kernel
    attributes = {
        "kernel_shape": kernel,
        "strides": _spread(stride, rank),
        "dilations": _spread(argument(t, call, "dilation", 1), rank),
        "pads": _spread(argument(t, call, "padding", 0), rank) * 2,
        "ceil_mode": int(bool(argument(t, call, "ceil_mode", False))),
        **more,
    }
    _with_batch(t, kind, [first(call)], call.outputs[0], rank + 2, attributes)


@entry("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
@entry("adaptive_max_pool1d", "adaptive_max_pool2d")
def _adaptive_pool(t: Translation, call: Any) -> None:
    """Windows of one size when the sizes divide; others are not supported."""
    rank = int(call.target.split("pool")[1][0])
    sizes = t.shape(first(call))[-rank:]
    wanted = _spread(argument(t, call, "output_size"), rank)
    if any(s % w for s, w in zip(sizes, wanted, strict=True)):
        raise BadInput(f"Adaptive pooling of {list(sizes)} to {wanted} needs sizes that divide.")
    kernel = [s // w for s, w in zip(sizes, wanted, strict=True)]
    kind = "MaxPool" if "max" in call.target else "AveragePool"
    attributes = {"kernel_shape": kernel, "strides": kernel}
    _with_batch(t, kind, [first(call)], call.outputs[0], rank + 2, attributes)
