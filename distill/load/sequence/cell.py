"""One step of an unrolled model as a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill.load.cells import Inner, cell_of
from distill.load.sequence.repeat import Step
from distill.load.sequence.values import CONSTANT, ITEM, TAKE, Value, spelled
from distill.network import Network, Operation, Wire
from distill.operations.kind import Tensor


def cell_of_step(step: Step, output: Value, state: tuple[Value, ...], dtype: str) -> Network:
    """The cell of a step; `output` is computed from an item and from `state`, as it is then."""
    writer = _Writer()
    item = _item_of([*step.after, output])
    inputs = [Wire(f"state{i}", v.shape, v.dtype) for i, v in enumerate(step.before)]
    names = [wire.name for wire in inputs]
    inputs.append(Wire("item", item.shape, item.dtype))
    after = writer.written(step.after, dict(zip(step.before, names, strict=True)))
    (answer,) = writer.written((output,), dict(zip(state, names, strict=True)))
    inner = Inner(writer.operations, writer.constants, inputs, after, [answer])
    return cell_of(inner, dtype)


def _item_of(values: list[Value]) -> Value:
    """Any item among what values depend on: all have one shape."""
    waiting, seen = list(values), set()
    while waiting:
        value = waiting.pop()
        if value.kind == ITEM:
            return value
        if value.number not in seen:
            seen.add(value.number)
            waiting.extend(value.sources)
    raise AssertionError("a step that reads no item")


@dataclass
class _Writer:
    """Operations for values; equal ones on the same wires are written once."""

    operations: list[Operation] = field(default_factory=list)
    constants: dict[str, Tensor] = field(default_factory=dict)
    _known: dict[Any, str] = field(default_factory=dict)

    def written(self, values: tuple[Value, ...], given: Mapping[Value, str]) -> list[str]:
        """Names of values, computed from what has a name and from the item."""
        names = {v.number: name for v, name in given.items()}
        for value in _needed(values, set(names)):
            names[value.number] = self._write(value, [names[s.number] for s in value.sources])
        return [names[v.number] for v in values]

    def _write(self, value: Value, sources: list[str]) -> str:
        if value.kind == ITEM:
            return "item"
        if value.kind == CONSTANT:
            name = f"constant{value.number}"
            assert value.array is not None
            self.constants[name] = value.array.reshape(value.shape)
            return name
        if value.kind == TAKE:
            return self._take(value, sources)
        return self._emit(value.kind, sources, value.attributes)

    def _take(self, value: Value, sources: list[str]) -> str:
        """Numbers of several tensors, in another order and shape."""
        assert value.array is not None
        rows = [self._emit("Reshape", [s, self._whole([1, -1])]) for s in sources]
        row = self._emit("Concat", rows, {"axis": 1}) if len(rows) > 1 else rows[0]
        total = sum(s.width for s in value.sources)
        if not np.array_equal(value.array, np.arange(total)):
            row = self._emit("Gather", [row, self._whole(value.array)], {"axis": 1})
        return self._emit("Reshape", [row, self._whole(value.shape)])

    def _whole(self, numbers: Any) -> str:
        array = np.asarray(numbers, dtype=np.int64)
        name = f"whole{array.tolist()}"
        self.constants[name] = array
        return name

    def _emit(
        self, kind: str, inputs: list[str], attributes: Mapping[str, Any] | None = None
    ) -> str:
        key = kind, tuple(inputs), spelled(attributes or {})
        if key not in self._known:
            self._known[key] = f"{kind}{len(self.operations)}"
            outputs = (self._known[key],)
            self.operations.append(Operation(kind, tuple(inputs), outputs, attributes or {}))
        return self._known[key]


def _needed(values: tuple[Value, ...], given: set[int]) -> list[Value]:
    """What values are computed with from those that are given, sources first."""
    found: dict[int, Value] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if value.number not in found and value.number not in given:
            found[value.number] = value
            waiting.extend(value.sources)
    return [found[n] for n in sorted(found)]
