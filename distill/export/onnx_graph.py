"""Straight-line code as an ONNX graph over batches: int64, double and bool throughout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from distill.export.identifiers import identifier, identifiers
from distill.load.write import OPSET
from dsl.algebra import Unsupported
from dsl.meanings.straight import BOOLEAN, NUMBER, WHOLE, Scalar, Step, Straight, scalar_kind
from dsl.types import Vector, shape_of

_TENSORS = {BOOLEAN: TensorProto.BOOL, WHOLE: TensorProto.INT64, NUMBER: TensorProto.DOUBLE}
_ARRAYS = {BOOLEAN: np.bool_, WHOLE: np.int64, NUMBER: np.float64}

_PLAIN = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "neg": "Neg", "abs": "Abs",
    "less": "Less", "less_equal": "LessOrEqual", "equal": "Equal", "maximum": "Max",
    "minimum": "Min", "both": "And", "either": "Or", "negate": "Not", "choose": "Where",
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}  # fmt: skip
VALID = "valid"


def onnx_file(code: Straight, doc: str = "") -> bytes:
    """The bytes of an ONNX model with an input per parameter, (n, ...), and two outputs.

    The first output is the program's, the second, `valid`, says for which rows the inputs are of
    the domain and the program is defined. `doc` becomes the model's description.

    Raises:
        Unsupported: it is a loop, or uses a function that ONNX runtimes lack for doubles.
    """
    if code.looped:
        raise Unsupported("a loop isn't written as ONNX")
    graph = _Graph()
    names = identifiers([i.name for i in code.inputs], [VALID])
    for name, item in zip(names, code.inputs, strict=True):
        graph.unpack(name, item.type, item.scalars)
    graph.batch = graph.node("Shape", graph.names[code.inputs[0].scalars[0].number])
    for step in code.steps:
        graph.names[step.result.number] = graph.step(step)
    name = identifier(code.name, [VALID, *names])
    graph.pack(name, code.output.type, code.output.scalars)
    valid = graph.node("And", graph.name(code.inside), graph.name(code.defined))
    graph.node("Expand", valid, graph.batch, result=VALID)
    inputs = [_value(n, i.type) for n, i in zip(names, code.inputs, strict=True)]
    outputs = [
        _value(name, code.output.type),
        helper.make_tensor_value_info(VALID, TensorProto.BOOL, ["n"]),
    ]
    made = helper.make_graph(graph.nodes, "program", inputs, outputs, graph.constants)
    model = helper.make_model(
        made, producer_name="distill", ir_version=9, doc_string=doc,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )  # fmt: skip
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _value(name: str, item: Any) -> onnx.ValueInfoProto:
    shape = ["n", *shape_of(item)]
    return helper.make_tensor_value_info(name, _TENSORS[scalar_kind(item)], shape)


class _Graph:
    """Nodes and constants so far; `names` has the tensor (n,) for every value's number."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.names: dict[int, str] = {}
        self.known: dict[Any, str] = {}
        self.batch = ""

    def node(self, kind: str, *inputs: str, result: str = "", **attributes: Any) -> str:
        """A node's one output."""
        result = result or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [result], **attributes))
        return result

    def constant(self, value: Any, kind: str) -> str:
        """A constant's name."""
        array = np.asarray(value, dtype=_ARRAYS[kind])
        key = (kind, array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = f"c{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(array, self.known[key]))
        return self.known[key]

    def name(self, scalar: Scalar) -> str:
        """The tensor of an operand."""
        if scalar.literal is None:
            return self.names[scalar.number]
        return self.constant(scalar.literal, scalar.kind)

    def unpack(self, name: str, item: Any, scalars: Sequence[Scalar]) -> None:
        """The scalars of an input as tensors (n,)."""
        if not isinstance(item, Vector):
            self.names[scalars[0].number] = name
            return
        flat = self.node("Reshape", name, self.constant([-1, len(scalars)], WHOLE))
        for place, scalar in enumerate(scalars):
            index = self.constant(place, WHOLE)
            self.names[scalar.number] = self.node("Gather", flat, index, axis=1)

    def pack(self, name: str, item: Any, scalars: Sequence[Scalar]) -> None:
        """The output, from tensors (n,) or constants."""
        parts = [self.node("Expand", self.name(s), self.batch) for s in scalars]
        if not isinstance(item, Vector):
            self.node("Identity", parts[0], result=name)
            return
        axis = self.constant([1], WHOLE)
        columns = [self.node("Unsqueeze", part, axis) for part in parts]
        joined = self.node("Concat", *columns, axis=1)
        self.node("Reshape", joined, self.constant([-1, *item.shape], WHOLE), result=name)

    def step(self, step: Step) -> str:
        """The tensor of a step's result."""
        operands = [self.name(o) for o in step.operands]
        if step.operation == "choose" and step.result.kind == BOOLEAN:
            return self._chosen_truth(*operands)
        if step.operation in _PLAIN:
            return self.node(_PLAIN[step.operation], *operands)
        special = getattr(self, "_" + step.operation, None)
        if special is None:
            raise Unsupported(f"ONNX runtimes have no {step.operation} of 64-bit numbers")
        return special(step.operands[0].kind, *operands)

    def _chosen_truth(self, condition: str, a: str, b: str) -> str:
        """Runtimes have no Where of truths."""
        other = self.node("And", self.node("Not", condition), b)
        return self.node("Or", self.node("And", condition, a), other)

    def _cos(self, _: str, a: str) -> str:
        """1 - 2 sin(a / 2)^2: runtimes have cos in 32 bits only."""
        sine = self.node("Sin", self.node("Mul", a, self.constant(0.5, NUMBER)))
        twice = self.node("Mul", self.node("Mul", sine, sine), self.constant(2.0, NUMBER))
        return self.node("Sub", self.constant(1.0, NUMBER), twice)

    def _real(self, _: str, a: str) -> str:
        return self.node("Cast", a, to=TensorProto.DOUBLE)

    def _whole(self, a: str) -> str:
        return self.node("Cast", a, to=TensorProto.INT64)

    def _floor(self, _: str, a: str) -> str:
        return self._whole(self.node("Floor", a))

    def _round(self, _: str, a: str) -> str:
        return self._whole(self.node("Round", a))

    def _divisor(self, b: str) -> str:
        """Ints with 1 for 0 and -1: dividing by 0, or the least int by -1, may end the process."""
        zero = self.node("Equal", b, self.constant(0, WHOLE))
        either = self.node("Or", zero, self.node("Equal", b, self.constant(-1, WHOLE)))
        return self.node("Where", either, self.constant(1, WHOLE), b)

    def _mod(self, kind: str, a: str, b: str) -> str:
        """With the sign of b, as Python's."""
        if kind == WHOLE:
            return self.node("Mod", a, self._divisor(b), fmod=0)
        rest = self.node("Mod", a, b, fmod=1)
        zero = self.constant(0.0, NUMBER)
        against = self.node("Less", self.node("Mul", self.node("Sign", rest), b), zero)
        return self.node("Where", against, self.node("Add", rest, b), rest)

    def _floordiv(self, kind: str, a: str, b: str) -> str:
        whole = self.node("Sub", a, self._mod(kind, a, b))
        if kind != WHOLE:
            return self._round(kind, self.node("Div", whole, b))
        quotient = self.node("Div", whole, self._divisor(b))
        turned = self.node("Equal", b, self.constant(-1, WHOLE))
        return self.node("Where", turned, self.node("Neg", a), quotient)

    def _isqrt(self, _: str, a: str) -> str:
        """The root in doubles, which may be off by one either way."""
        one = self.constant(1, WHOLE)
        at_least = self.node("Max", a, self.constant(0, WHOLE))
        root = self._floor(NUMBER, self.node("Sqrt", self._real(WHOLE, at_least)))
        large = self.node("Less", at_least, self.node("Mul", root, root))
        root = self.node("Where", large, self.node("Sub", root, one), root)
        above = self.node("Add", root, one)
        small = self.node("LessOrEqual", self.node("Mul", above, above), at_least)
        return self.node("Where", small, above, root)
