"""ONNX files of a cell: inputs (state, item), outputs (next state, output), by position."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from distill.errors import BadInput
from distill.load.agree import EXAMPLES, require_agreement
from distill.load.assemble import RECURRENT, quoted
from distill.load.cells import RESULT, Inner, cell_of
from distill.load.onnx import inputs_of, operations_of, wire_of_input
from distill.load.oracle import onnx_session
from distill.network import Network, Wire
from distill.operations.kind import Shape, Tensor


def cell_of_onnx(model: onnx.ModelProto) -> tuple[Network, int]:
    """The cell of a checked model with two inputs, and how many numbers its state has.

    Raises:
        BadInput: it takes sequences, there aren't two outputs, the first one isn't a state, an
            operation can't be read, or our run differs from the file's own.
    """
    if len(model.graph.output) != 2:
        raise BadInput(
            "A cell has two inputs (state, item) and two outputs (next state, output), in this "
            f"order; this model has 2 and {len(model.graph.output)}."
        )
    layers = sorted(RECURRENT & {node.op_type for node in model.graph.node})
    if layers:
        raise BadInput(
            f"The model has two inputs and the recurrent operation {layers[0]}; a model of "
            "sequences takes one input, and a cell computes its step with ordinary operations."
        )
    (state, batched), (item, _) = (wire_of_input(v) for v in inputs_of(model.graph))
    if not state.dtype.startswith("float"):
        raise BadInput(f"The state {quoted(state.name)} must hold floats, not {state.dtype}.")
    operations, constants = operations_of(model)
    after, answer = (o.name for o in model.graph.output)
    inner = Inner(operations, constants, [state, item], [after], [answer])
    found = cell_of(inner, state.dtype)
    _refuse_other_shape(state, _shape_of(found, inner, after), after)
    require_agreement(found, _oracle(model, inner, batched), _examples(found, item))
    return found, state.width


def _shape_of(cell: Network, inner: Inner, name: str) -> Shape:
    if name in cell.wires_by_name:
        return cell.wires_by_name[name].shape
    return inner.constants[name].shape


def _refuse_other_shape(state: Wire, shape: Shape, name: str) -> None:
    if shape != state.shape:
        raise BadInput(
            f"The first output {quoted(name)} must be the next state, of the state's shape "
            f"{list(state.shape)}; it has the shape {list(shape)}."
        )


def _examples(cell: Network, item: Wire) -> Tensor:
    """States and items (n, H + d): normal numbers, small whole ones where the item holds these."""
    rng = np.random.default_rng(0)
    shape = (EXAMPLES, cell.input_width)
    values = rng.normal(size=shape) * rng.choice([0.3, 1.0, 3.0], size=(EXAMPLES, 1))
    if not item.dtype.startswith("float"):
        values[:, -item.width :] = rng.integers(0, 2, (EXAMPLES, item.width))
    return values.astype(cell.wires_by_name[cell.input].dtype)


def _oracle(model: onnx.ModelProto, inner: Inner, batched: bool):  # noqa: ANN202
    """The file's own run on (h, x), example by example unless its batch axis is open."""
    names = [wire.name for wire in inner.inputs]
    session = onnx_session(model, *names)
    cuts = [inner.inputs[0].width]

    def run(x: Tensor) -> Mapping[str, Tensor]:
        rows = x.reshape(len(x), -1)
        parts = [
            part.astype(wire.dtype).reshape(len(x), *wire.shape)
            for part, wire in zip(np.split(rows, cuts, axis=1), inner.inputs, strict=True)
        ]
        if batched:
            found = session(*(p.reshape(-1, *p.shape[2:]) for p in parts))
            results = [np.asarray(v).reshape(len(x), -1) for v in found]
        else:
            each = [session(*example) for example in zip(*parts, strict=True)]
            results = [np.stack([np.ravel(row[i]) for row in each]) for i in range(2)]
        return {RESULT: np.concatenate(results, axis=1)}

    return run
