"""Sums, means and extremes over all items, as a running number that each item adds to."""

from __future__ import annotations

from math import prod

import numpy as np

from distill.load.sequence.unrolled import Unrolled
from distill.load.sequence.values import Patchwork
from distill.network import Operation
from distill.operations.reduction import axes_of

_MOST = float(np.finfo(np.float32).max)

POOLS = {
    "ReduceSum": ("ReduceSum", "Add", 0.0),
    "ReduceMean": ("ReduceSum", "Add", 0.0),
    "ReduceMax": ("ReduceMax", "Max", -_MOST),
    "ReduceMin": ("ReduceMin", "Min", _MOST),
}
"""For each: the reduction of one item's numbers, how two are joined, and the start."""


def pools_over_items(unrolled: Unrolled, operation: Operation) -> bool:
    """Add a reduction's result where it joins numbers of different items; whether it does."""
    tensor = unrolled.tensors.get(operation.inputs[0])
    if operation.kind not in POOLS or not isinstance(tensor, Patchwork):
        return False
    given = unrolled.with_static(operation)
    axes = axes_of(given.attributes, len(tensor.shape))
    cuts = {axis: unrolled.cuts([tensor], axis) for axis in axes}
    axis = max(cuts, key=lambda a: len(cuts[a]), default=0)
    if not cuts or len(cuts[axis]) < 2:
        return False
    kind, join, start = POOLS[operation.kind]
    total = ""
    for cut in cuts[axis]:
        piece = unrolled.put(tensor[(..., cut, *[slice(None)] * (-axis - 1))])
        part = unrolled.emit(kind, [piece], **given.attributes)
        shape, dtype = unrolled.tensors[part].shape, tensor.dtype
        total = total or unrolled.put(np.full(shape, start, dtype=dtype))
        total = unrolled.emit("Identity", [unrolled.emit(join, [total, part])], state=0)
    if operation.kind == "ReduceMean":
        count = prod(tensor.shape[a] for a in axes)
        share = unrolled.put(np.array(1 / count, dtype=tensor.dtype))
        total = unrolled.emit("Mul", [total, share])
    unrolled.put_as(operation.outputs[0], unrolled.patch(total))
    return True
