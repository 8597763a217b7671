"""A sequence model run on unknown items: every operation on what depends on items one by one.

Operations that only move numbers move the patchworks' elements. The others are split along an
axis whose parts depend on different items, where they can be computed part by part: that is
tried on random numbers, so that no operation needs a rule of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.load.assemble import quoted, with_static_inputs
from distill.load.sequence.values import Patchwork, Value, Values, joined
from distill.network import Operation
from distill.operations import KINDS
from distill.operations.kind import Attributes, Tensor, refuse_huge

MOVES = frozenset(
    [
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Identity",
        "Dropout",
        "Transpose",
        "Concat",
        "Slice",
        "Split",
        "Gather",
        "Expand",
        "Tile",
    ]
)
"""Operations whose results are elements of their first operand, or of all for Concat."""

Tensors = dict[str, Tensor | Patchwork]


@dataclass
class Unrolled:
    """The tensors of a model by name as they become known, and which of them are fixed."""

    tensors: Tensors
    values: Values = field(default_factory=Values)
    fixed: dict[str, Tensor] = field(default_factory=dict)
    _names: count = field(default_factory=count)

    def emit(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Run a further operation; the name of its result."""
        name = f"{kind}\0{next(self._names)}"
        self.run(Operation(kind, tuple(inputs), (name,), attributes))
        return name

    def put(self, tensor: Tensor | Patchwork) -> str:
        """The name of a further tensor."""
        name = f"\0{next(self._names)}"
        self.put_as(name, tensor)
        return name

    def put_as(self, name: str, tensor: Tensor | Patchwork) -> None:
        """Add a tensor."""
        self.tensors[name] = tensor
        if isinstance(tensor, np.ndarray):
            self.fixed[name] = tensor

    def parts(self, name: str, amount: int) -> list[str]:
        """A tensor (batch, amount * n) cut into tensors (batch, n)."""
        patch = self.patch(name)
        return [self.put(patch[:, cut]) for cut in _equal_cuts(patch.shape[1], amount)]

    def patch(self, name: str) -> Patchwork:
        """A tensor as a patchwork."""
        return self._patch(self.tensors[name])

    def _patch(self, tensor: Tensor | Patchwork) -> Patchwork:
        if isinstance(tensor, Patchwork):
            return tensor
        return self.values.patch(self.values.constant(tensor))

    def run(self, given: Operation) -> None:
        """Add an operation's results. Raises BadInput where it can't be read."""
        operation = self.with_static(given)
        known = all(n in self.fixed for n in operation.inputs if n) or operation.kind == "Shape"
        with self.readable(operation):
            results = self._known(operation) if known else self._unknown(operation)
        for name, tensor in zip(operation.outputs, results, strict=False):
            if name:
                refuse_huge(tensor.shape)
                self.put_as(name, tensor)

    def with_static(self, given: Operation) -> Operation:
        """The operation with the inputs that must be known as attributes. Raises BadInput."""
        return with_static_inputs(given, self.fixed, self.tensors)

    @contextmanager
    def readable(self, operation: Operation) -> Iterator[None]:
        """Say in a sentence which operation can't take its tensors."""
        try:
            yield
        except BadInput:
            raise
        except (ValueError, IndexError, TypeError, KeyError, AttributeError) as error:
            known = [self.tensors[n] for n in operation.inputs if n in self.tensors]
            raise BadInput(
                f"The operation {operation.kind} can't take tensors of shapes "
                f"{[list(v.shape) for v in known[:6]]} with its attributes "
                f"({quoted(str(error))[1:-1]})."
            ) from None

    def _known(self, operation: Operation) -> Sequence[Tensor | Patchwork]:
        """Results that don't depend on items.

        Computed floats stay values, too: the first step is then written as all others are.
        """
        names, kind = [n for n in operation.inputs if n], operation.kind
        arrays = [
            self.fixed[n] if n in self.fixed else np.zeros(self.tensors[n].shape) for n in names
        ]
        results = _run(kind, operation.attributes, arrays)
        if not names or kind in MOVES or results[0].dtype.kind != "f":
            return results
        self.fixed.update(zip(operation.outputs, results, strict=False))
        return [self._computed(kind, operation.attributes, [self.tensors[n] for n in names])]

    def _unknown(self, operation: Operation) -> Sequence[Tensor | Patchwork]:
        """Results that depend on items."""
        kind, attributes = operation.kind, operation.attributes
        inputs = [self.tensors[n] if n else None for n in operation.inputs]
        looked_up = kind == "Gather" and operation.inputs[0] in self.fixed
        if kind in MOVES and "state" not in attributes and not looked_up:
            return self._moved(kind, attributes, inputs)
        return [self._computed(kind, attributes, inputs)]

    def _moved(
        self, kind: str, attributes: Attributes, inputs: Sequence[Tensor | Patchwork | None]
    ) -> list[Patchwork]:
        if kind == "Gather" and isinstance(inputs[1], Patchwork):
            raise BadInput("Gather by a computed index is supported only in a fixed table.")
        moved = range(len(inputs)) if kind == "Concat" else range(1)
        patches = {i: self._patch(v) for i in moved if (v := inputs[i]) is not None}
        sides = []
        for side in ("owner", "place"):
            arrays = [
                getattr(patches[i], side) if i in patches else v for i, v in enumerate(inputs)
            ]
            sides.append(_run(kind, attributes, arrays))
        dtype = next(iter(patches.values())).dtype
        return [Patchwork(o, p, dtype) for o, p in zip(*sides, strict=True)]

    def _computed(
        self, kind: str, attributes: Attributes, inputs: Sequence[Tensor | Patchwork | None]
    ) -> Patchwork:
        """An operation's result, split where its parts depend on different items."""
        moving = [isinstance(v, Patchwork) and self.values.times(v).max() >= 0 for v in inputs]
        probes = [_probe(v) if isinstance(v, Patchwork) else v for v in inputs]
        full = _run(kind, attributes, probes)
        if len(full) != 1:
            raise BadInput(f"The operation {kind} with {len(full)} results can't be read here.")
        for axis in range(1, 1 + max(len(v.shape) for v in inputs if v is not None)):
            cuts = self.cuts([v for v, m in zip(inputs, moving, strict=True) if m], -axis)
            for constants_too in (False, True) if len(cuts) > 1 else ():
                chosen = [m or constants_too for m in moving]
                pieces = [_cut(inputs, chosen, cut, -axis) for cut in cuts]
                tried = [_cut(probes, chosen, cut, -axis) for cut in cuts]
                place = _axis_of(kind, attributes, tried, full[0])
                if place is not None:
                    return joined([self._computed(kind, attributes, p) for p in pieces], place)
        sources = [self._value(v) for v in inputs if v is not None]
        if len(sources) != len(inputs):
            raise BadInput(f"The operation {kind} with inputs left out can't be read here.")
        return self.values.patch(self.values.operation(kind, sources, attributes, full[0]))

    def _value(self, tensor: Tensor | Patchwork) -> Value:
        if isinstance(tensor, Patchwork):
            return self.values.whole(tensor)
        return self.values.constant(tensor)

    def cuts(self, patches: Sequence[Any], axis: int) -> list[slice]:
        """Ranges along an axis, counted from the end, within which the items are the same."""
        starts: set[int] = {0}
        size = 1
        for patch in patches:
            if _size(patch, axis) > 1:
                size = _size(patch, axis)
                rows = np.moveaxis(self.values.times(patch), axis, 0).reshape(size, -1)
                starts |= {int(i) + 1 for i in np.flatnonzero((rows[1:] != rows[:-1]).any(1))}
        ends = [*sorted(starts)[1:], size]
        return [slice(a, b) for a, b in zip(sorted(starts), ends, strict=True)]


def _equal_cuts(size: int, amount: int) -> list[slice]:
    width = size // amount
    return [slice(i * width, (i + 1) * width) for i in range(amount)]


def _run(kind: str, attributes: Attributes, inputs: Sequence[Any]) -> list[Tensor]:
    """One operation on arrays of one example."""
    given = [None if v is None else np.asarray(v)[None] for v in inputs]
    with np.errstate(all="ignore"):
        result = KINDS[kind].run(attributes, *given)
    return [np.asarray(r[0]) for r in (result if isinstance(result, tuple) else (result,))]


def _probe(patch: Patchwork) -> Tensor:
    rng = np.random.default_rng(patch.owner.size)
    if patch.dtype.kind == "f":
        return rng.uniform(0.5, 1.5, patch.shape).astype(patch.dtype)
    return rng.integers(0, 2, patch.shape).astype(patch.dtype)


def _cut(inputs: Sequence[Any], chosen: Sequence[bool], cut: slice, axis: int) -> list[Any]:
    """The part of each chosen input along an axis, counted from the end, that it has."""
    place = (..., cut, *[slice(None)] * (-axis - 1))
    return [
        value[place] if take and value is not None and _size(value, axis) > 1 else value
        for value, take in zip(inputs, chosen, strict=True)
    ]


def _size(tensor: Tensor | Patchwork, axis: int) -> int:
    """Size of an axis counted from the end; 1 where the tensor has none."""
    return tensor.shape[axis] if len(tensor.shape) >= -axis else 1


def _axis_of(
    kind: str, attributes: Attributes, pieces: Sequence[Sequence[Any]], full: Tensor
) -> int | None:
    """The axis along which the results of pieces make up the full result, if there is one."""
    try:
        parts = [_run(kind, attributes, piece)[0] for piece in pieces]
    except (BadInput, ValueError, IndexError, TypeError):
        return None
    for axis in range(full.ndim):
        sizes = {(*p.shape[:axis], *p.shape[axis + 1 :]) for p in parts if p.ndim == full.ndim}
        if sizes != {(*full.shape[:axis], *full.shape[axis + 1 :])}:
            continue
        whole = np.concatenate(parts, axis)
        if whole.shape == full.shape and np.allclose(whole, full, rtol=1e-4, atol=1e-6):
            return axis
    return None
