"""What a translation collects, and the table that the families fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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

SHAPED = frozenset(["aten.full_like.default", "aten.zeros_like.default", "aten.ones_like.default"])
"""Those among them that read only a tensor's shape, so that it may depend on the input."""

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


def argument(t: Translation, call: Any, name: str, default: Any = None) -> Any:
    """An argument by its name in the schema, numbers resolved; `default` where it is left out."""
    value = call.arguments.get(name)
    if value is None:
        return default
    if isinstance(value, list | tuple):
        return [t.number(v) for v in value]
    return t.number(value)


def one_tensor(kind: str, **fixed: Any) -> Translate:
    """An operator of one tensor, with fixed attributes."""

    def translate(t: Translation, call: Any) -> None:
        t.emit(kind, [first(call)], call.outputs[0], **fixed)

    return translate


def sizes_wire(t: Translation, sizes: int | Sequence[int]) -> str:
    """The name of a constant wire of ints: a shape, repeats, an index."""
    name = f"constant/{len(t.constants)}"
    t.constants[name] = np.array(sizes, dtype=np.int64)
    return name
