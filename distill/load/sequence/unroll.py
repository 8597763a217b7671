"""A sequence model written out: all its operations run on a few unknown items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from distill.load.assemble import refuse_unsupported
from distill.load.sequence.layers import LAYERS, run_layer
from distill.load.sequence.pools import pools_over_items
from distill.load.sequence.unrolled import Unrolled
from distill.load.sequence.values import joined
from distill.network import Operation
from distill.operations.kind import Shape, Tensor, refuse_huge


def unroll(
    operations: Sequence[Operation],
    constants: Mapping[str, Tensor],
    source: str,
    shape: Shape,
    dtype: str,
    axis: int,
) -> Unrolled:
    """Run a model's operations, in order, on items along an axis of its input.

    source, shape, dtype: the input's name, sizes and type.

    Raises:
        BadInput: an operation can't be read.
    """
    refuse_unsupported([op.kind for op in operations if op.kind not in LAYERS])
    refuse_huge(shape)
    unrolled = Unrolled(dict(constants), fixed=dict(constants))
    inner = (*shape[:axis], 1, *shape[axis + 1 :])
    items = [unrolled.values.item(t, inner, dtype) for t in range(shape[axis])]
    unrolled.put_as(source, joined([unrolled.values.patch(i) for i in items], axis))
    for operation in operations:
        with unrolled.readable(operation):
            if operation.kind in LAYERS:
                run_layer(unrolled, operation)
            elif not pools_over_items(unrolled, operation):
                unrolled.run(operation)
    return unrolled
