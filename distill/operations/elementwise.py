"""Ways to declare operations that work number by number with numpy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distill.normal_form import Builder
from distill.operations.kind import (
    Attributes,
    Operand,
    OperationKind,
    Shape,
    Tensor,
    aligned,
    declare,
)
from distill.operations.lowering import same_wire, wire_of

UnaryRun = Callable[[Tensor, Attributes], Tensor]
UnaryLower = Callable[[Builder, int, Attributes], int]


def unary(name: str, run: UnaryRun, lower: UnaryLower, **more: Any) -> OperationKind:
    """Declare a function of one number; `lower(builder, wire, attributes)` gives the new wire."""

    def on_arrays(attributes: Attributes, x: Tensor) -> Tensor:
        return keep_type(run(x, attributes), x)

    def on_wires(
        builder: Builder,
        attributes: Attributes,
        operands: tuple[Operand | None, ...],
        shapes: tuple[Shape, ...],
    ) -> int:
        wire = same_wire(builder, attributes, operands, shapes)
        return lower(builder, wire, attributes)

    return declare(name, on_arrays, on_wires, **more)


def named(function: str) -> UnaryLower:
    """Lowering to one elementwise function of the normal form."""
    return lambda builder, wire, attributes: builder.elementwise(function, wire)


def many(
    name: str,
    run: Callable[..., Tensor],
    lower: Callable[..., int],
    **more: Any,
) -> OperationKind:
    """Declare a function of several broadcast numbers; `lower(builder, *wires)` of one width."""

    def on_arrays(attributes: Attributes, *arrays: Tensor) -> Tensor:
        return run(*aligned(*arrays))

    def on_wires(
        builder: Builder,
        attributes: Attributes,
        operands: tuple[Operand | None, ...],
        shapes: tuple[Shape, ...],
    ) -> int:
        return lower(builder, *(wire_of(builder, o, shapes[0]) for o in operands if o is not None))

    return declare(name, on_arrays, on_wires, **more)


def keep_type(result: Tensor, like: Tensor) -> Tensor:
    """The result in the type of the argument where that is a float type, else unchanged."""
    if like.dtype.kind == "f" and result.dtype != like.dtype:
        return result.astype(like.dtype)
    return result
