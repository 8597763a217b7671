"""`load_recurrent`: one door for recurrent networks of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill.errors import BadInput
from distill.load.assemble import quoted
from distill.load.initial import read_initial
from distill.load.onnx import inputs_of, read_onnx
from distill.recurrent import Recurrent, RecurrentNetwork


def load_recurrent(model: Any, initial_state: Any = None) -> RecurrentNetwork:
    """Read a recurrent network and check that it computes what the model does.

    model: a `Recurrent` of step and readout; the path of an .onnx file of a cell (inputs state and
    item, outputs next state and output). initial_state: an array (H,) or the path of a .npy, .npz
    or .csv file; without it the model's own, or zeros.

    Raises:
        BadInput: in one sentence, everything that can't be read.
    """
    if isinstance(model, RecurrentNetwork):
        return model
    if isinstance(model, Recurrent):
        from distill.load.parts import network_of_parts

        return network_of_parts(model, initial_state)
    if isinstance(model, str | Path):
        return _of_path(Path(model), initial_state)
    raise BadInput(
        f"A {quoted(type(model).__name__)} is no recurrent network that can be read; give a "
        "distill.Recurrent or an .onnx file."
    )


def _of_path(path: Path, initial_state: Any) -> RecurrentNetwork:
    proto = read_onnx(path)
    inputs = inputs_of(proto.graph)
    if len(inputs) == 2:
        from distill.load.cell_onnx import cell_of_onnx

        cell, hidden = cell_of_onnx(proto)
        return RecurrentNetwork(cell, read_initial(initial_state, hidden))
    raise BadInput(
        "A cell has two inputs (state, item) and two outputs (next state, output), in this order; "
        f"{quoted(str(path))} has {len(inputs)} and {len(proto.graph.output)}."
    )
