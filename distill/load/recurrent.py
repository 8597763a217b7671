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
    item, outputs next state and output); a torch module, an exported program or the path of an
    .onnx or .pt2 file that takes whole sequences and answers after each item or at the end.
    initial_state: an array (H,) or the path of a .npy, .npz or .csv file; without it the model's
    own, or zeros. The state of a GRU or RNN is h, of an LSTM (h, c), of several layers one layer's
    after the other's.

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
    bases = {f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(model).__mro__}
    if bases & {"torch.Module", "torch.ExportedProgram"}:
        from distill.load.sequence.torch import recurrent_of_torch

        return recurrent_of_torch(model, initial_state)
    raise BadInput(
        f"A {quoted(type(model).__name__)} is no recurrent network that can be read; give a "
        "distill.Recurrent, a torch module or an .onnx or .pt2 file."
    )


def _of_path(path: Path, initial_state: Any) -> RecurrentNetwork:
    if path.suffix.lower() == ".pt2":
        from distill.load.sequence.torch import recurrent_of_pt2

        return recurrent_of_pt2(path, initial_state)
    proto = read_onnx(path)
    inputs = inputs_of(proto.graph)
    if len(inputs) == 2:
        from distill.load.cell_onnx import cell_of_onnx

        cell, hidden = cell_of_onnx(proto)
        return RecurrentNetwork(cell, read_initial(initial_state, hidden))
    if len(inputs) == 1:
        from distill.load.sequence.onnx import recurrent_of_onnx

        return recurrent_of_onnx(proto, initial_state)
    raise BadInput(
        "A cell has two inputs (state, item) and two outputs (next state, output), in this order; "
        f"{quoted(str(path))} has {len(inputs)} and {len(proto.graph.output)}."
    )
