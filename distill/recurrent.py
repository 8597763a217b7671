"""Recurrent networks: a cell that is run once per item.

The cell is an ordinary network from the concatenation (h, x) of state and item to the
concatenation (h', y) of next state and output, so everything that holds for networks
(running, bounds, lowering) holds for one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.network import Network
from distill.normal_form import Builder

Array = NDArray[np.float64]
Layer = tuple[Array, Array]
"""Weights (out, in) and bias (out,)."""


@dataclass(frozen=True, eq=False)
class RecurrentNetwork:
    """A cell and the state before the first item.

    cell: (h, x) -> (h', y) as one input and one output; initial: (H,); at_end: the model that it
    was read from answers after the last item only; length: the one length of sequences that model
    takes, None where it takes any.

    Raises:
        BadInput: the cell is too narrow for its own state.
    """

    cell: Network
    initial: Array
    at_end: bool = False
    length: int | None = None

    def __post_init__(self) -> None:
        if self.cell.input_width <= self.hidden or self.cell.output_width <= self.hidden:
            raise BadInput(
                f"the cell must take (h, x) and return (h', y) with a state of {self.hidden}; it "
                f"takes {self.cell.input_width} numbers and returns {self.cell.output_width}"
            )

    @property
    def hidden(self) -> int:
        """Size of the state."""
        return len(self.initial)

    @property
    def input_width(self) -> int:
        """Numbers of an item."""
        return self.cell.input_width - self.hidden

    @property
    def output_width(self) -> int:
        """Numbers of an output."""
        return self.cell.output_width - self.hidden

    def step(self, states: Array, items: Array) -> tuple[Array, Array]:
        """Next states (n, H) and outputs (n, k) for states (n, H) and items (n, d)."""
        found = np.asarray(self.cell.run(np.concatenate([states, items], 1)), dtype=np.float64)
        return found[:, : self.hidden], found[:, self.hidden :]

    def run(self, items: Array) -> tuple[Array, Array]:
        """States (n, T, H) after each item and outputs (n, T, k) for items (n, T, d)."""
        state = np.broadcast_to(self.initial, (len(items), self.hidden))
        states, outputs = [], []
        for t in range(items.shape[1]):
            state, output = self.step(state, items[:, t])
            states.append(state)
            outputs.append(output)
        return np.stack(states, 1), np.stack(outputs, 1)


@dataclass(frozen=True, eq=False)
class Recurrent:
    """A recurrent network as a user gives it, in two parts.

    step: (h, x) -> h' and readout: h' -> y, each a torch module (the step one of two inputs), a
    `Network` (the step's input is h and x side by side) or a plain function of numpy batches
    (n, H), (n, d). initial_state: (H,), or H for zeros. item_width: d; where it is left out, the
    least that the step takes.
    """

    step: Any
    readout: Any
    initial_state: Any
    item_width: int | None = None


def cell_of_layers(
    step: Sequence[Layer], readout: Sequence[Layer], activation: str = "relu"
) -> Network:
    """The cell h' = step(h, x), y = readout(h'), both chains of affine layers.

    The activation stands between the layers of a chain, not behind its last one.
    """
    from distill.load import network_from_normal_form  # which itself gives recurrent networks

    builder = Builder(step[0][0].shape[1])
    hidden = _chain(builder, 0, step, activation)
    output = _chain(builder, hidden, readout, activation)
    wide, narrow = builder.width(hidden), builder.width(output)
    both = np.eye(wide + narrow)
    joined = builder.affine(
        [(hidden, both[:, :wide]), (output, both[:, wide:])], np.zeros(wide + narrow)
    )
    return network_from_normal_form(builder.build(joined), "cell")


def _chain(builder: Builder, wire: int, layers: Sequence[Layer], activation: str) -> int:
    for place, (weights, bias) in enumerate(layers):
        if place:
            wire = builder.elementwise(activation, wire)
        wire = builder.affine([(wire, np.asarray(weights, float))], np.asarray(bias, float))
    return wire
