"""Recurrent networks from a step and a readout: torch modules, networks, plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.load.cells import cell_of_parts
from distill.load.initial import Array, read_initial
from distill.load.model import load
from distill.network import Network, Operation, Wire
from distill.operations.function import PlainFunction
from distill.operations.kind import Tensor
from distill.recurrent import Recurrent, RecurrentNetwork

WIDEST_ITEM = 256
"""Most numbers of an item that are tried where the width isn't given."""


def network_of_parts(model: Recurrent, initial_state: Any = None) -> RecurrentNetwork:
    """One network from a step and a readout. Raises BadInput where they don't fit."""
    own = _initial(model.initial_state)
    hidden = len(own)
    initial = read_initial(initial_state, hidden, own)
    step = _step(model, hidden)
    readout = _readout(model.readout, hidden)
    return RecurrentNetwork(cell_of_parts(step, readout, hidden), initial)


def _initial(given: Any) -> Array:
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        if not 0 < given <= 1 << 20:
            raise BadInput(f"The state must have 1 to {1 << 20} numbers, not {given}.")
        return np.zeros(int(given))
    return read_initial(() if given is None else given, 0)


def _step(model: Recurrent, hidden: int) -> Network:
    step = model.step
    if isinstance(step, Network):
        if step.input_width <= hidden:
            raise BadInput(
                f"The step must take the state's {hidden} numbers and an item's; "
                f"it takes {step.input_width} in all."
            )
        return step
    if _is_module(step):
        from distill.load.torch_parts import load_step

        return load_step(step, hidden, model.item_width)
    if not callable(step):
        raise BadInput("The step must be a torch module, a Network or a function of (h, x).")
    width = model.item_width or _least_width(step, hidden)
    return _plain("step", lambda z: step(z[:, :hidden], z[:, hidden:]), hidden + width)


def _readout(readout: Any, hidden: int) -> Network:
    if _is_module(readout):
        return load(readout, (hidden,))
    if isinstance(readout, Network) or not callable(readout):
        return load(readout)
    return _plain("readout", readout, hidden)


def _is_module(thing: Any) -> bool:
    return "torch.Module" in {
        f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(thing).__mro__
    }


def _plain(name: str, function: Callable[[Tensor], Any], width: int) -> Network:
    """A network of one operation, in double precision, tried on one example."""
    call = PlainFunction(name, function)
    source, result = Wire("input", (1, width), "float64"), call(np.zeros((1, width))).shape
    operation = Operation("Function", ("input",), ("output",), {"function": call})
    wires = {"input": source, "output": Wire("output", result, "float64")}
    return Network((operation,), wires, {}, "input", "output", batched=True)


def _least_width(step: Callable[[Tensor, Tensor], Any], hidden: int) -> int:
    """The least width of items that a function takes. Raises BadInput where none fits."""
    for width in range(1, WIDEST_ITEM + 1):
        try:
            found = np.asarray(step(np.zeros((3, hidden)), np.zeros((3, width))))
        except Exception:  # a function of other items may raise anything
            continue
        if found.shape == (3, hidden):
            return width
    raise BadInput(
        f"The step takes no items of 1 to {WIDEST_ITEM} numbers beside a state of {hidden}, or "
        "gives no state back; give item_width, or a function of arrays (n, h), (n, d) to (n, h)."
    )
