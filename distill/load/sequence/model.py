"""Sequence models to recurrent networks: unrolled, folded, and compared with their own runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.load.agree import agrees, in_double
from distill.load.assemble import quoted
from distill.load.initial import read_initial
from distill.load.sequence.cell import cell_of_step
from distill.load.sequence.repeat import NoRecurrence, Outputs, repeated_step
from distill.load.sequence.unroll import unroll
from distill.load.sequence.values import Patchwork, Values
from distill.network import Operation
from distill.operations.kind import Shape, Tensor
from distill.recurrent import RecurrentNetwork

TRIED = 6
"""Items at which models of any length are unrolled."""

LONGEST = 48
"""Items that an input of open length is tried with where fewer won't do."""

FURTHER = (9, 4)
"""Lengths at which models of any length are run besides."""

EXAMPLES = 48

Sizes = Sequence[int | None]
"""A model's declared input sizes, None where they are open."""


@dataclass(frozen=True)
class Layout:
    """One reading of a model's input: its shape for one sequence, and which axis is time.

    open: sequences of other lengths are taken too.
    """

    shape: Shape
    axis: int
    open: bool

    @property
    def length(self) -> int:
        """Items of a sequence."""
        return self.shape[self.axis]

    def of_length(self, length: int) -> Shape:
        """The input's shape for one sequence of another length."""
        return (*self.shape[: self.axis], length, *self.shape[self.axis + 1 :])


@dataclass(frozen=True, eq=False)
class SequenceModel:
    """A model as operations, in order, with its own framework's run.

    operations: for a layout, since shapes may be part of them; oracle: one sequence, in the
    shape of a layout, to the explained output.
    """

    operations: Callable[[Layout], tuple[Sequence[Operation], Mapping[str, Tensor]]]
    input: str
    output: str
    dtype: str
    oracle: Callable[[Tensor], Tensor]


def layouts(sizes: Sizes) -> list[Layout]:
    """Readings of an input's sizes, the likeliest first: (batch, time, ...), (time, batch, ...).

    Raises:
        BadInput: no axis can be time.
    """
    found: list[Layout] = []
    rank = len(sizes)
    for axis in (1, 0):
        others = [s for i, s in enumerate(sizes[:2]) if i != axis]
        batch = not others or others[0] in (None, 1) or (rank == 2 and axis == 0)
        if axis < rank and batch and all(sizes[2:]):
            shape = [s or 1 for s in sizes]
            shape[axis] = sizes[axis] or TRIED
            found.append(Layout(tuple(shape), axis, sizes[axis] is None))
    if not found:
        text = ", ".join("?" if s is None else str(s) for s in sizes)
        raise BadInput(
            f"The input of shape [{text}] is no batch of sequences; a model of sequences takes "
            "(batch, time, width) or (time, batch, width) with a batch that is open or 1."
        )
    long = [layout for layout in found if layout.length > 1]
    return long or found


def recurrent_of(
    model: SequenceModel, tried: Sequence[Layout], initial_state: Any = None
) -> RecurrentNetwork:
    """The recurrent network of a sequence model, in the first layout that shows one.

    Raises:
        BadInput: none does, or our run differs from the model's own.
    """
    errors: list[BadInput] = []
    longer = [Layout(one.of_length(LONGEST), one.axis, True) for one in tried if one.open]
    for layout in [*tried, *longer]:
        try:
            return _of_layout(model, layout, initial_state)
        except BadInput as error:
            errors.append(error)
    raise next((e for e in errors if not isinstance(e, NoRecurrence)), errors[0])


def _of_layout(model: SequenceModel, layout: Layout, initial_state: Any) -> RecurrentNetwork:
    operations, constants = model.operations(layout)
    unrolled = unroll(operations, constants, model.input, layout.shape, model.dtype, layout.axis)
    result = unrolled.patch(model.output)
    read = int(unrolled.values.times(result).max()) + 1
    if layout.open and 0 < read < layout.length:  # written out for fewer items
        return _of_layout(model, Layout(layout.of_length(read), layout.axis, False), initial_state)
    axis = _time_axis(unrolled.values, result, layout.length)
    outputs = _outputs(unrolled.values, result, layout.length, axis)
    step = repeated_step(outputs, layout.length)
    each = step.item in outputs
    output, state = (
        (outputs[step.item], step.before) if each else (outputs[layout.length - 1], step.after)
    )
    dtype = "float64" if "float64" in {v.dtype for v in step.before} else "float32"
    cell = cell_of_step(step, output, state, dtype)
    width = sum(v.width for v in step.before)
    initial = np.zeros(width) if step.initial is None else step.initial
    length = None if layout.open else layout.length
    found = RecurrentNetwork(cell, initial, not each, length)
    found = _compared(found, model, layout, axis, step.initial is not None)
    return replace(found, initial=read_initial(initial_state, width, found.initial))


def _time_axis(values: Values, result: Patchwork, length: int) -> int | None:
    """The axis of the result with an output per item; None for an output at the end."""
    times = values.times(result)
    for axis, size in enumerate(result.shape):
        latest = np.moveaxis(times, axis, 0).reshape(size, -1).max(1)
        if size == length and latest[0] < latest[-1] and (latest <= np.arange(length)).all():
            return axis
    return None


def _outputs(values: Values, result: Patchwork, length: int, axis: int | None) -> Outputs:
    if axis is None:
        return {length - 1: values.whole(result)}
    cuts = [(slice(None),) * axis + (slice(t, t + 1),) for t in range(length)]
    return {t: values.whole(result[cut]) for t, cut in enumerate(cuts)}


def _compared(
    network: RecurrentNetwork,
    model: SequenceModel,
    layout: Layout,
    axis: int | None,
    first: bool,
) -> RecurrentNetwork:
    """The network, with the one length at which it agrees where that is so.

    first: whether the state before the first item was found in the model.
    """
    gap = _gap(network, model, layout, layout.length, axis)
    if gap is not None and not first:
        raise BadInput(
            "The model computes its first item otherwise than the others, and no state of zeros "
            "before it explains how; export it with the state before the first item as a constant."
        )
    if gap is not None:
        raise BadInput(
            f"Our run of the network item by item and the model's own differ by {gap:.2g} on "
            f"sequences of {layout.length} items; the model can't be explained safely."
        )
    if not layout.open:
        return network
    others = all(_agrees_at(network, model, layout, length, axis) for length in FURTHER)
    return network if others else replace(network, length=layout.length)


def _agrees_at(
    network: RecurrentNetwork, model: SequenceModel, layout: Layout, length: int, axis: int | None
) -> bool:
    """Whether the model takes sequences of another length, too, and answers as the network."""
    try:
        return _gap(network, model, layout, length, axis) is None
    except BadInput:
        return False


def _gap(
    network: RecurrentNetwork, model: SequenceModel, layout: Layout, length: int, axis: int | None
) -> float | None:
    """How far outputs are apart on random sequences; None where they agree."""
    items = _random_items(network, model, length)
    ours, exact = (
        _answers(n, items) for n in (network, replace(network, cell=in_double(network.cell)))
    )
    shape = layout.of_length(length)
    rows = []
    for sequence in items:
        found = _own_run(model, sequence.reshape(shape), length)
        rows.append(found if axis is None else np.moveaxis(found, axis, 0))
    theirs = np.stack([np.ravel(row) for row in rows])
    ours, exact = ours.reshape(len(items), -1), exact.reshape(len(items), -1)
    if agrees(ours, theirs, exact, network.cell.jumps):
        return None
    return float(np.nanmax(np.abs(ours - theirs))) if ours.shape == theirs.shape else float("nan")


def _own_run(model: SequenceModel, sequence: Tensor, length: int) -> Tensor:
    try:
        return np.asarray(model.oracle(sequence))
    except Exception as error:  # frameworks refuse a length in many ways
        text = quoted((str(error) or type(error).__name__).splitlines()[0])[1:-1]
        raise BadInput(f"The model itself fails on a sequence of {length} items: {text}.") from None


def _random_items(network: RecurrentNetwork, model: SequenceModel, length: int) -> NDArray[Any]:
    rng = np.random.default_rng(length)
    shape = (EXAMPLES, length, network.input_width)
    if not model.dtype.startswith("float"):
        return rng.integers(0, 2, shape).astype(model.dtype)
    values = rng.normal(size=shape) * rng.choice([0.3, 1.0, 3.0], size=(EXAMPLES, 1, 1))
    return values.astype(model.dtype)


def _answers(network: RecurrentNetwork, items: NDArray[Any]) -> NDArray[np.float64]:
    outputs = network.run(items)[1]
    return outputs[:, -1] if network.at_end else outputs
