"""Sums, means, extremes and their places along axes."""

from __future__ import annotations

from typing import Any

from distill.load.aten_table.translation import (
    Translate,
    Translation,
    argument,
    entry,
    first,
    sizes_wire,
)


def _reduction(kind: str) -> Translate:
    def translate(t: Translation, call: Any) -> None:
        axes = argument(t, call, "dim")
        attributes: dict[str, Any] = {"keepdims": int(bool(argument(t, call, "keepdim", False)))}
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
    axis, x = argument(t, call, "dim"), first(call)
    if axis is None:
        x, axis = t.emit("Reshape", [x, sizes_wire(t, [-1])]), 0
    kept = int(bool(argument(t, call, "keepdim", False)))
    kind = "ArgMax" if "argmax" in call.target else "ArgMin"
    t.emit(kind, [x], call.outputs[0], axis=axis, keepdims=kept)
