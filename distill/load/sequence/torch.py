"""torch modules and exported programs of whole sequences, through torch.export's aten graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from distill.errors import BadInput
from distill.load.assemble import needed_in_order
from distill.load.aten import AtenGraph, interpret, translated
from distill.load.pt2 import read_graph
from distill.load.sequence.model import TRIED, Layout, SequenceModel, layouts, recurrent_of
from distill.load.sequence.repeat import SHORTEST, NoRecurrence
from distill.load.torch import exported, graph_of_program
from distill.network import Operation
from distill.operations.kind import Tensor
from distill.recurrent import RecurrentNetwork

LONGEST = 48
"""Items up to which lengths are tried on a module that doesn't take any."""


def recurrent_of_pt2(path: Path, initial_state: Any = None) -> RecurrentNetwork:
    """The recurrent network of a file that torch.export.save wrote. Raises BadInput."""
    return _of_program(read_graph(path), initial_state)


def recurrent_of_torch(model: Any, initial_state: Any = None) -> RecurrentNetwork:
    """The recurrent network of a module (in eval mode) or an exported program.

    Raises:
        BadInput: no sequences can be found that it takes, or it can't be exported or read.
    """
    if isinstance(model, torch.export.ExportedProgram):
        return _of_program(graph_of_program(model), initial_state)
    training = [m for m in model.modules() if m.training]
    try:
        model.eval()
        return _of_module(model, initial_state)
    finally:
        for module in training:
            module.training = True


def _of_program(graph: AtenGraph, initial_state: Any) -> RecurrentNetwork:
    """Compared call by call with torch's own functions, which take lengths that guards refuse."""
    output = _first_output(graph)
    described = _described(graph, lambda x: interpret(graph, x[None])[output][0])
    return recurrent_of(described, layouts(graph.sizes), initial_state)


def _of_module(model: torch.nn.Module, initial_state: Any) -> RecurrentNetwork:
    if isinstance(model, torch.nn.RNNCellBase):
        raise BadInput(
            f"A {type(model).__name__} is one step without a readout; give "
            "distill.Recurrent(step, readout, initial_state)."
        )
    errors: list[BadInput] = []
    for layout, dtype in _accepted(model):
        try:
            graph = graph_of_program(exported(model, torch.zeros(layout.shape, dtype=dtype)))
            described = _described(graph, _oracle(model, dtype))
            return recurrent_of(described, [layout], initial_state)
        except BadInput as error:
            errors.append(error)
    if errors:
        raise next((e for e in errors if not isinstance(e, NoRecurrence)), errors[0])
    raise BadInput(
        "The module takes no sequences (1, time, width) or (time, 1, width) that could be found; "
        "give it as distill.Recurrent(step, readout, initial_state) or as an ONNX file."
    )


def _described(graph: AtenGraph, oracle: Callable[[Tensor], Tensor]) -> SequenceModel:
    output = _first_output(graph)

    def operations(layout: Layout) -> tuple[Sequence[Operation], Mapping[str, Tensor]]:
        found = translated(graph, layout.shape)
        known = {*found.constants, graph.input}
        return needed_in_order(tuple(found.operations), known, output), found.constants

    dtype = str(graph.dtype).removeprefix("torch.")
    return SequenceModel(operations, graph.input, output, dtype, oracle)


def _first_output(graph: AtenGraph) -> str:
    if not graph.outputs:
        raise BadInput("The model has no output; a network needs one.")
    return graph.outputs[0]


def _oracle(model: Any, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    def run(x: Tensor) -> Tensor:
        with torch.no_grad():
            return tree_leaves(model(torch.from_numpy(x).to(dtype)))[0].numpy()

    return run


def _accepted(model: torch.nn.Module) -> Iterator[tuple[Layout, torch.dtype]]:
    """Layouts of one sequence that the module runs on, the likeliest first."""
    widths, dtype = _widths(model)
    for length in [TRIED, *(n for n in range(SHORTEST, LONGEST + 1) if n != TRIED)]:
        shapes = [
            (axis, (*outer, *inner))
            for inner in widths
            for axis, outer in ((1, (1, length)), (0, (length, 1)))
        ]
        found = [
            Layout(shape, axis, True)
            for axis, shape in shapes
            if _runs(model, torch.zeros(shape, dtype=dtype))
        ]
        yield from ((layout, dtype) for layout in found)
        if found:
            return


def _runs(model: torch.nn.Module, x: torch.Tensor) -> bool:
    try:
        with torch.no_grad():
            model(x)
    except Exception:  # a module on inputs that it wasn't made for may raise anything
        return False
    return True


def _widths(model: torch.nn.Module) -> tuple[list[tuple[int, ...]], torch.dtype]:
    """Shapes that an item may have, as the first layer tells, and the type of its numbers."""
    dtypes = [p.dtype for p in model.parameters() if p.is_floating_point()]
    dtype = dtypes[0] if dtypes else torch.float32
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            return [()], torch.int64
        if isinstance(module, torch.nn.RNNBase | torch.nn.RNNCellBase):
            bare: list[tuple[int, ...]] = [()] if module.input_size == 1 else []
            return [(module.input_size,), *bare], dtype
        if isinstance(module, torch.nn.Linear):  # perhaps of item and state side by side
            return [(width,) for width in range(module.in_features, 0, -1)], dtype
    return [], dtype
