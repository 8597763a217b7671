"""One table of network operations: kind, input shape, attributes, other inputs, variant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

RNG = np.random.default_rng(7)


def weights(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def whole(*numbers):
    return np.array(numbers, dtype=np.int64)


def number(value):
    return np.array(value, dtype=np.float32)


@dataclass(frozen=True)
class Case:
    kind: str
    shape: tuple[int, ...] = (1, 6)
    others: tuple[Any, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    positive: bool = False
    before: str = ""
    outputs: int = 1

    def __str__(self):
        return f"{self.kind}-{list(self.attributes)}-{len(self.others)}-{self.shape}"


IMAGE = (1, 2, 6, 5)
UNARY = [
    "Neg",
    "Abs",
    "Exp",
    "Sin",
    "Cos",
    "Relu",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Gelu",
    "Erf",
    "Tanh",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "HardSigmoid",
    "HardSwish",
    "Softmax",
    "LogSoftmax",
    "Identity",
    "Sign",
    "Floor",
    "Ceil",
    "Round",
    "Flatten",
]

CASES = [
    *(Case(kind) for kind in UNARY),
    *(Case(kind, positive=True) for kind in ("Sqrt", "Log", "Reciprocal")),
    Case("Dropout"),
    Case("Gelu", attributes={"approximate": "tanh"}),
    Case("LeakyRelu", attributes={"alpha": 1.5}),
    Case("Elu", attributes={"alpha": 0.3}),
    Case("Softmax", (1, 3, 4), attributes={"axis": 1}),
    Case("LogSoftmax", (1, 3, 4), attributes={"axis": -2}),
    Case("Clip", others=(number(-0.5), number(0.7))),
    Case("Clip", others=(None, number(0.1))),
    Case("PRelu", others=(weights(6),)),
    Case("Add", others=(weights(6),)),
    Case("Add", (1, 2, 1, 3), others=(weights(4, 1),)),
    Case("Sub", others=(weights(1, 6),)),
    Case("Mul", others=(weights(1),)),
    Case("Div", others=(weights(6),)),
    Case("Pow", others=(number(2.0),)),
    Case("Pow", others=(number(3.0),)),
    Case("Pow", others=(number(-1.0),), positive=True),
    Case("Pow", others=(number(0.5),), positive=True),
    Case("Pow", others=(number(1.7),), positive=True),
    Case("Min", others=(weights(6), weights(1, 1))),
    Case("Max", others=(weights(6),)),
    Case("Mean", others=(weights(6),)),
    Case("Sum", others=(weights(6), weights(1))),
    Case("Gemm", others=(weights(6, 3), weights(3))),
    Case("Gemm", others=(weights(3, 6),), attributes={"transB": 1, "alpha": 0.3}),
    Case("Gemm", (6, 2), (weights(6, 3), weights(2, 1)), {"transA": 1, "beta": 0.7}),
    Case("MatMul", others=(weights(6, 3),)),
    Case("MatMul", (1, 2, 4), others=(weights(2, 4, 3),)),
    Case("MatMul", (6,), others=(weights(6),)),
    Case("Conv", IMAGE, (weights(4, 2, 3, 3), weights(4))),
    Case(
        "Conv",
        IMAGE,
        (weights(4, 1, 3, 2),),
        {"group": 2, "strides": [2, 1], "pads": [1, 0, 2, 1], "dilations": [1, 2]},
    ),
    Case("Conv", IMAGE, (weights(3, 2, 2, 3),), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    Case("Conv", (1, 2, 7), (weights(3, 2, 3), weights(3)), {"pads": [1, 1]}),
    Case("MaxPool", IMAGE, attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
    Case("MaxPool", IMAGE, attributes={"kernel_shape": [3, 2], "pads": [1, 1, 1, 0]}),
    Case(
        "MaxPool",
        IMAGE,
        attributes={"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    ),
    Case("AveragePool", IMAGE, attributes={"kernel_shape": [2, 3], "strides": [2, 1]}),
    Case("AveragePool", IMAGE, attributes={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    Case(
        "AveragePool",
        IMAGE,
        attributes={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    Case("GlobalAveragePool", IMAGE),
    Case("GlobalMaxPool", IMAGE),
    Case(
        "BatchNormalization",
        IMAGE,
        (weights(2), weights(2), weights(2), np.abs(weights(2)) + number(0.1)),
        {"epsilon": 1e-3},
    ),
    Case("LayerNormalization", (1, 3, 4), (weights(4), weights(4))),
    Case("Flatten", IMAGE, attributes={"axis": 2}),
    Case("Reshape", IMAGE, (whole(0, -1),)),
    Case("Reshape", IMAGE, (whole(1, 5, 12),)),
    Case("Squeeze", (1, 3, 1, 2), (whole(2),)),
    Case("Unsqueeze", (1, 6), (whole(0, 2),)),
    Case("Transpose", IMAGE, attributes={"perm": [0, 2, 3, 1]}),
    Case("Concat", others=(weights(1, 2),), attributes={"axis": 1}),
    Case("Slice", IMAGE, (whole(1, -1), whole(5, -6), whole(2, 3), whole(2, -2))),
    Case("Split", others=(whole(2, 4),), attributes={"axis": 1}, outputs=2),
    Case("Split", attributes={"axis": 1, "num_outputs": 3}, outputs=3),
    Case("Gather", (1, 4, 3), (np.array([[0, -1], [2, 2]]),), {"axis": 1}),
    Case("Gather", (1, 4, 3), (np.array(1),), {"axis": 2}),
    Case("Expand", (1, 1, 3), (whole(2, 4, 1),)),
    Case("Tile", (1, 3), (whole(1, 2),)),
    Case("Pad", (1, 3), (whole(0, 1, 0, 2), number(1.5))),
    Case("Pad", (1, 4), (whole(0, 1, 0, 2),), {"mode": "reflect"}),
    Case("Cast", attributes={"to": 7}),
    Case("Cast", attributes={"to": 9}),
    *(
        Case(kind, (1, 3, 4), (whole(1),), {"keepdims": keep})
        for kind in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")
        for keep in (0, 1)
    ),
    *(Case(kind, (1, 3, 4)) for kind in ("ReduceSum", "ReduceL1", "ReduceL2", "ReduceSumSquare")),
    Case("ArgMax", attributes={"axis": 1}),
    Case("ArgMax", attributes={"axis": 1, "select_last_index": 1}, before="Round"),
    Case("ArgMax", (1, 3, 4), attributes={"axis": -2, "keepdims": 0}, before="Round"),
    Case("ArgMin", attributes={"axis": -1}, before="Round"),
    *(
        Case(kind, others=(number(0.0),), before="Round")
        for kind in ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
    ),
    Case("Where", others=(weights(6), weights(1, 1)), before="Cast"),
    Case("Not", before="Cast"),
    *(
        Case(kind, others=(np.array([True, False] * 3),), before="Cast")
        for kind in ("And", "Or", "Xor")
    ),
]
