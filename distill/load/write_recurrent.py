"""Cells of recurrent networks to ONNX: inputs h and x, outputs h' and y."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import helper, numpy_helper

from distill.load.write import OPSET, onnx_model
from distill.network import Network

BOTH, RESULT = "h_and_x", "h_and_y"


def cell_onnx(cell: Network, hidden: int) -> bytes:
    """The file of a cell from (h, x) to (h', y); the same cell gives the same bytes.

    Tensors are numbered: no name of the model's own file stands in it.

    Raises:
        BadInput: the cell can't be written.
    """
    inner = onnx_model(_numbered(cell)).graph
    batch = inner.input[0].type.tensor_type.shape.dim[0]
    rows = batch.dim_param or batch.dim_value
    code = inner.input[0].type.tensor_type.elem_type
    widths = {
        "h": hidden, "x": cell.input_width - hidden,
        "h'": hidden, "y": cell.output_width - hidden,
    }  # fmt: skip
    ends = {
        name: helper.make_tensor_value_info(name, code, [rows, width])
        for name, width in widths.items()
    }
    sizes = numpy_helper.from_array(np.array([widths["h'"], widths["y"]]), "sizes")
    nodes = [
        helper.make_node("Concat", ["h", "x"], [BOTH], axis=1),
        *inner.node,
        helper.make_node("Split", [RESULT, sizes.name], ["h'", "y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "cell", [ends["h"], ends["x"]], [ends["h'"], ends["y"]], [*inner.initializer, sizes]
    )
    model = helper.make_model(
        graph,
        producer_name="distill",
        ir_version=9,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _numbered(cell: Network) -> Network:
    """The cell with its tensors named by number, input and output aside."""
    names = {"": "", cell.input: BOTH, cell.output: RESULT}
    for operation in cell.operations:
        for name in (*operation.inputs, *operation.outputs):
            names.setdefault(name, f"t{len(names)}")
    operations = tuple(
        replace(
            op,
            inputs=tuple(names[n] for n in op.inputs),
            outputs=tuple(names[n] for n in op.outputs),
        )
        for op in cell.operations
    )
    used = [n for n in cell.wires_by_name if n in names]
    wires = {names[n]: replace(cell.wires_by_name[n], name=names[n]) for n in used}
    constants = {names[n]: v for n, v in cell.constants.items() if n in names}
    return Network(operations, wires, constants, BOTH, RESULT, cell.batched)
