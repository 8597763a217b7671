"""What a network operation is: one declaration with its meaning on arrays and its lowering.

Every array that an operation's `run` sees has a leading *example* axis, of length n or,
for what does not depend on the example, 1. The remaining axes are the wire's shape, the
one that the model file speaks about (a batch axis of the file is there as an axis of
length 1). Attributes therefore mean exactly what the ONNX standard says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.normal_form import Builder

Tensor = NDArray[Any]
Shape = tuple[int, ...]
Attributes = Mapping[str, Any]

LARGEST_WIRE = 2**26
"""Most numbers that one wire may hold for one example; more is refused before allocating."""


@dataclass(frozen=True, eq=False)
class Operand:
    """An argument of `lower`: a wire of the normal form or, when it is fixed, its value."""

    shape: Shape
    wire: int | None
    constant: NDArray[np.float64] | None = None

    @property
    def width(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


Run = Callable[..., Tensor | tuple[Tensor, ...]]
Lower = Callable[
    [Builder, Attributes, tuple[Operand | None, ...], tuple[Shape, ...]], int | tuple[int, ...]
]


@dataclass(frozen=True)
class OperationKind:
    """An operation: `run(attributes, *arrays)`, `lower(builder, attributes, operands, shapes)`.

    `static` maps input positions of the ONNX operator that must be known without running
    the network (shapes, axes, pads) to the attribute that they become at load.
    `shape_only` kinds keep every number where it is; `jumps` marks discontinuous ones.
    """

    name: str
    run: Run
    lower: Lower
    static: Mapping[int, str] = field(default_factory=dict)
    shape_only: bool = False
    jumps: bool = False


KINDS: dict[str, OperationKind] = {}
"""All operations by name; filled by `declare`."""


def declare(name: str, run: Run, lower: Lower, **more: Any) -> OperationKind:
    """Create and register an operation; a name can be taken only once."""
    assert name not in KINDS, name
    KINDS[name] = OperationKind(name, run, lower, **more)
    return KINDS[name]


def refuse_huge(shape: Shape) -> Shape:
    """Return a wire's shape, or raise BadInput when one example of it is too large to hold."""
    if prod(shape) > LARGEST_WIRE:
        raise BadInput(
            f"The model declares a tensor of shape {list(shape)[:8]} ({prod(shape):.3g} numbers); "
            f"at most {LARGEST_WIRE} numbers per tensor are supported."
        )
    return shape


def aligned(*arrays: Tensor) -> tuple[Tensor, ...]:
    """Give arrays one rank by axes of length 1 behind the example axis, so numpy broadcasts them.

    Raises BadInput when their shapes disagree or their broadcast is too large.
    """
    rank = max(a.ndim for a in arrays)
    padded = [a.reshape(a.shape[:1] + (1,) * (rank - a.ndim) + a.shape[1:]) for a in arrays]
    refuse_huge(broadcast_shape(*(a.shape[1:] for a in padded)))
    return tuple(padded)


def broadcast_shape(*shapes: Shape) -> Shape:
    """The shape that numpy's rule gives. Raises BadInput when the shapes disagree."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        text = " and ".join(str(list(s)) for s in shapes)
        raise BadInput(
            f"Shapes disagree: {text} can't be combined; one must fit the other."
        ) from None
