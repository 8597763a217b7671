"""A plain Python function as an operation: it can be run, and nothing else is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.normal_form import Builder
from distill.operations.kind import Attributes, Operand, Shape, Tensor, declare


@dataclass(frozen=True)
class PlainFunction:
    """A function of a batch (n, width) to a batch of numbers (n, ...)."""

    name: str
    call: Callable[[Tensor], Any]

    def __call__(self, x: Tensor) -> Tensor:
        """Its values (n, k). Raises BadInput where it fails or gives no such batch."""
        try:
            values = np.asarray(self.call(x), dtype=np.float64)
        except Exception as error:  # a user's function may raise anything
            raise BadInput(
                f"The function {self.name!a} fails on a batch of {len(x)}: "
                f"{str(error) or type(error).__name__!s:.200}."
            ) from None
        if values.shape[:1] != (len(x),):
            raise BadInput(
                f"The function {self.name!a} must return one row per example ({len(x)}); "
                f"it returns an array of shape {list(values.shape)}."
            )
        return values.reshape(len(x), -1)


def _run(attributes: Attributes, x: Tensor) -> Tensor:
    return attributes["function"](x.reshape(len(x), -1))[:, None]


def _lower(
    builder: Builder,
    attributes: Attributes,
    operands: tuple[Operand | None, ...],
    shapes: tuple[Shape, ...],
) -> int:
    raise BadInput(
        f"The Python function {attributes['function'].name!a} can be run but not looked into; "
        "bounds and proofs need a torch module or a model file."
    )


declare("Function", _run, _lower, jumps=True)
