"""A program as an ONNX model in float64: an input per parameter, (N,) or (N, *shape).

Outputs: `result`, and `inside`, the truth that the row lies in the domain and the program is
defined there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from distill.export.identifiers import comment, identifiers
from dsl.algebra import Unsupported
from dsl.meanings.steps import Kind, Step, Steps

_NODES = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "neg": "Neg", "less": "Less",
          "less_equal": "LessOrEqual", "equal": "Equal", "both": "And", "either": "Or",
          "negate": "Not", "choose": "Where", "maximum": "Max", "minimum": "Min"}  # fmt: skip
_FUNCTIONS = {"sqrt": "Sqrt", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos",
              "tanh": "Tanh"}  # fmt: skip
"""Those that onnxruntime computes in float64."""
_OPSET = 17


class _Graph:
    """Nodes and constants under way."""

    def __init__(self) -> None:
        from onnx import TensorProto, helper, numpy_helper

        self.helper, self.from_array = helper, numpy_helper.from_array
        self.types: dict[Kind, int] = {
            "truth": TensorProto.BOOL, "whole": TensorProto.INT64, "real": TensorProto.DOUBLE,
        }  # fmt: skip
        self.nodes: list[Any] = []
        self.constants: dict[tuple[str, bytes], str] = {}
        self.tensors: list[Any] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"s{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        array = np.asarray(value)
        key = str((array.dtype, array.shape)), array.tobytes()
        if key not in self.constants:
            self.constants[key] = f"c{len(self.constants)}"
            self.tensors.append(self.from_array(array, self.constants[key]))
        return self.constants[key]

    def quotient(self, a: str, b: str) -> tuple[str, str, str]:
        """Of whole numbers: the quotient rounded down, the remainder, a divisor that isn't 0."""
        safe = self.node("Where", self.node("Equal", b, self.whole(0)), self.whole(1), b)
        rest = self.node("Mod", a, safe)
        return self.node("Div", self.node("Sub", a, rest), safe), rest, safe

    def whole(self, value: int) -> str:
        return self.constant(np.int64(value))


def onnx_model(steps: Steps, told: Iterable[str]) -> bytes:
    """The serialised model.

    Raises:
        Unsupported: a function that ONNX lacks.
    """
    graph = _Graph()
    names = identifiers((p.name for p in steps.parameters), _reserved)
    inputs, known = [], dict[Step, str]()
    for parameter in steps.parameters:
        shape = ["N", *parameter.shape]
        kind = graph.types[parameter.kind]
        inputs.append(graph.helper.make_tensor_value_info(names[parameter.name], kind, shape))
    flat: dict[int, str] = {}
    for step in steps.needed([*steps.results, steps.inside, steps.defined]):
        if step.op == "input":
            known[step] = _picked(graph, steps, step, names, flat)
        elif step.op == "const":
            known[step] = graph.constant(_TYPES[step.kind](step.detail))
        else:
            known[step] = _node(graph, step, [known[o] for o in step.operands])
    rows = graph.node("Shape", names[steps.parameters[0].name], start=0, end=1)
    parts = [_column(graph, known[step], rows) for step in steps.results]
    width = graph.constant(np.array([0, *steps.shape], dtype=np.int64))
    whole = graph.node("Concat", *parts, axis=1) if steps.shape else known[steps.results[0]]
    result = (
        graph.node("Reshape", whole, width) if steps.shape else graph.node("Expand", whole, rows)
    )
    both = graph.node("And", known[steps.inside], known[steps.defined])
    inside = graph.node("Expand", both, rows)
    graph.nodes += [
        graph.helper.make_node("Identity", [result], ["result"]),
        graph.helper.make_node("Identity", [inside], ["inside"]),
    ]
    outputs = [
        graph.helper.make_tensor_value_info(
            "result", graph.types[steps.results[0].kind], ["N", *steps.shape]
        ),
        graph.helper.make_tensor_value_info("inside", graph.types["truth"], ["N"]),
    ]
    made = graph.helper.make_graph(graph.nodes, "program", inputs, outputs, graph.tensors)
    opsets = [graph.helper.make_opsetid("", _OPSET)]
    model = graph.helper.make_model(made, opset_imports=opsets, producer_name="distill")
    model.ir_version = 8
    model.doc_string = "\n".join(map(comment, told))
    return model.SerializeToString()


_TYPES: dict[Kind, Any] = {"truth": np.bool_, "whole": np.int64, "real": np.float64}


def _reserved(name: str) -> bool:
    return name in ("result", "inside") or re.fullmatch(r"[sc]\d+", name) is not None


def _column(graph: _Graph, name: str, rows: str) -> str:
    """A scalar step, a constant too, as (N, 1)."""
    wide = graph.node("Expand", name, rows)
    return graph.node("Unsqueeze", wide, graph.constant(np.array([1], dtype=np.int64)))


def _picked(
    graph: _Graph, steps: Steps, step: Step, names: dict[str, str], flat: dict[int, str]
) -> str:
    place, index = step.detail
    parameter = steps.parameters[place]
    name = names[parameter.name]
    if not parameter.shape:
        return name
    if place not in flat:
        flat[place] = graph.node("Flatten", name, axis=1)
    number = int(np.ravel_multi_index(index, parameter.shape))
    return graph.node("Gather", flat[place], graph.whole(number), axis=1)


def _node(graph: _Graph, step: Step, given: list[str]) -> str:
    op = step.op
    if op == "equal" and step.operands[0].kind == "truth":
        return graph.node("Equal", *given)
    if op in _NODES:
        return graph.node(_NODES[op], *given)
    if op == "as":
        return graph.node("Cast", given[0], to=graph.types[step.kind])
    if op == "floor":
        return graph.node("Cast", graph.node("Floor", given[0]), to=graph.types["whole"])
    if op in ("floordiv", "mod"):
        return graph.quotient(*given)[op == "mod"]
    if step.detail == "sigmoid":
        return _sigmoid(graph, given[0])
    if op == "function" and step.detail in _FUNCTIONS:
        return graph.node(_FUNCTIONS[step.detail], given[0])
    if step.detail == "isqrt":
        return _root(graph, given[0])
    raise Unsupported(f"ONNX has no {step.detail} in 64 bits")


def _sigmoid(graph: _Graph, x: str) -> str:
    """Of exponentials, which keeps the digits of small values as ONNX's own doesn't."""
    one = graph.constant(np.float64(1))
    small = graph.node("Exp", graph.node("Neg", graph.node("Abs", x)))
    positive = graph.node("LessOrEqual", graph.constant(np.float64(0)), x)
    top = graph.node("Where", positive, one, small)
    return graph.node("Div", top, graph.node("Add", one, small))


def _root(graph: _Graph, a: str) -> str:
    """The whole square root: that of floats, made right by one."""
    real = graph.node("Cast", graph.node("Max", a, graph.whole(0)), to=graph.types["real"])
    root = graph.node("Cast", graph.node("Sqrt", real), to=graph.types["whole"])
    high = graph.node("Less", a, graph.node("Mul", root, root))
    root = graph.node("Where", high, graph.node("Sub", root, graph.whole(1)), root)
    more = graph.node("Add", root, graph.whole(1))
    low = graph.node("LessOrEqual", graph.node("Mul", more, more), a)
    return graph.node("Where", low, more, root)
